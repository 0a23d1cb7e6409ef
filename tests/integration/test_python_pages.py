"""What docs/python.md shows runs as it stands, and docs/python.ipynb gives the output that is stored in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from harness import compare, load_dataset, load_runs, run
from harness.errors import ConfigError
from harness.runs.sweep import _override
from tests.conftest import ROOT
from tests.integration.test_typed_pages import BLOCK


def test_the_page_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    [(_, code)] = BLOCK.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    dataset = load_dataset("escalation")
    assert done.stdout.splitlines()[0] == repr(dataset)
    assert f"print(dataset)  # {dataset!r}" in code


def test_the_notebook_gives_what_is_stored_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = ROOT / "docs" / "python.ipynb"
    stored, notebook = (nbformat.read(path, as_version=4) for _ in range(2))
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    for cell, again in zip(stored.cells, notebook.cells, strict=True):
        if cell.cell_type == "code":
            assert shown(cell) == shown(again)
    assert shown(stored.cells[-1])


def shown(cell: nbformat.NotebookNode) -> list[str]:
    return [output.data["text/plain"] for output in cell.outputs if "data" in output]


@pytest.mark.parametrize(
    "text",
    ["it's (final).txt", "a,b", "x=1", "~/x", "true", "tail\\", "q\\'", "${oc.env:X}", "[x]", "null", "1e5", "", "é ü"],
)
def test_a_value_reaches_hydra_as_it_is(text: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    [parsed] = OverridesParser.create().parse_overrides([_override("dataset.path", text)])
    value = parsed.value()
    assert getattr(value, "text", value) == text


def test_runs_by_keyword_have_names_indices_and_frames(tmp_path: Path) -> None:
    records = run(
        summariser="none", stance=["majority", "name_only"], split="dev", limit=3, results=tmp_path / "my results"
    )
    assert [r.systems[0].name for r in records] == ["majority", "name_only"]
    runs = load_runs(tmp_path / "my results")
    assert len(runs) == 2
    assert runs[records[0].run_id[:12]].run_id == records[0].run_id
    assert repr(runs).startswith("<2 runs on escalation")
    frame = runs.to_pandas()
    assert set(frame["system"]) == {"majority", "name_only"}
    folders = [tmp_path / "my results" / "runs" / r.run_id for r in records]
    [by_record], [by_path] = compare(*records, tmp_path / "my results"), compare(*folders)
    assert list(by_record) == list(by_path)
    metric = "stance.macro_f1.three_way"
    assert by_record[metric].difference == pytest.approx(
        records[0].metrics[metric].value - records[1].metrics[metric].value
    )
    assert by_record[metric].metric in by_record._repr_html_()
    assert len(by_record.to_pandas()) == len(by_record)


def test_a_dataset_is_found_by_name_or_refused_with_the_names() -> None:
    dataset = load_dataset("escalation")
    assert dataset[0] is dataset[dataset[0].id]
    assert len(dataset.to_pandas()) == sum(1 for a in dataset for _ in a.pairs())
    with pytest.raises(ConfigError, match="no dataset at 'escalatoin'") as raised:
        load_dataset("escalatoin")
    assert "escalation" in (raised.value.hint or "")
