"""Tables in narrow terminals: no number is cut, and what is left out is named."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.errors import ConfigError
from harness.records import Value
from harness.report.collect import load_runs
from harness.report.compare import Comparison, compare
from harness.report.text import comparison_terminal, difference_row
from tests.make_believe import dataset, run, stance


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    results = tmp_path_factory.mktemp("pair")
    data = dataset(12)
    ids = [
        run(results, data, stance=stance(name, e), resamples=100).run_id for name, e in (("good", 0.1), ("bad", 0.6))
    ]
    return results, ids[0], ids[1]


def printed(comparison: Comparison, width: int) -> str:
    out = io.StringIO()
    comparison_terminal(Console(file=out, width=width, highlight=False), comparison)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 250])
def test_compare_cuts_no_number_and_names_the_columns_left_out(pair: tuple[Path, str, str], width: int) -> None:
    [comparison] = compare(pair[1], pair[2], pair[0])
    text = printed(comparison, width)
    assert all(len(line) <= width for line in text.splitlines())
    table = text.partition("Articles where")[0]
    caption = " ".join(table.partition("not shown for want of width:")[2].split())
    left_out = [h for h in ("difference [95 %]", "p (Holm)", "detectable", "items") if h in caption]
    assert ("--html" in caption) == bool(left_out)
    row = difference_row(comparison.differences[0])
    for heading, cell in zip(("difference [95 %]", "detectable"), (row[3], row[6]), strict=True):
        if heading not in left_out:
            for number in re.findall(r"[+-]?\d\.\d{3}", cell):
                assert number in table, (width, heading)
    if width == 250:
        assert not left_out
    if width == 40:
        assert "items" in left_out


def test_compare_without_scores_says_so(pair: tuple[Path, str, str], tmp_path: Path) -> None:
    data = dataset(3)
    ids = []
    for name, error in (("one", 0.4), ("two", 0.5)):
        record = run(tmp_path, data, stance=stance(name, error), resamples=100)
        ids.append(record.run_id)
        assert record.dataset is not None
        use = record.dataset.model_copy(update={"labelled": False})
        bare = record.model_copy(update={"metrics": dict[str, Value](), "dataset": use})
        path = tmp_path / "runs" / record.run_id / "record.json"
        path.write_text(bare.model_dump_json(), encoding="utf-8")
    assert load_runs(tmp_path).rows("stance")
    with pytest.raises(ConfigError, match="nothing was scored") as raised:
        compare(*ids, tmp_path)
    assert "harness report" in (raised.value.hint or "")
