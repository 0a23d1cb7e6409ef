"""Sets as tasks of other harnesses: every labelled pair is there, asked as the config asks, with gold at its place."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from harness.config import SystemConfig
from harness.data.convert import export_dataset
from harness.data.load import load_dataset
from harness.errors import ConfigError, DataError
from harness.systems.base import pair_item
from harness.systems.causal import CausalChoice
from harness.systems.prompts import fields_of, fill
from harness.systems.registry import build
from harness.types import STANCES

ROOT = Path(__file__).parents[2]
SMOLLM2 = yaml.safe_load((ROOT / "configs" / "stance" / "smollm2.yaml").read_text(encoding="utf-8"))


class _Tasks(yaml.SafeLoader):
    """Reads a task's file as lm-eval does, the function by its name."""


_Tasks.add_constructor("!function", lambda loader, node: str(node.value))


def exported(
    name: str, out: Path, mapping: dict[str, Any], dataset: Path
) -> tuple[list[dict[str, Any]], str, list[str]]:
    losses = export_dataset(name, dataset, out, mapping)
    [documents], [task] = out.glob("*.jsonl"), out.glob("*.yaml" if name == "lm_eval" else "*.py")
    lines = documents.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines], task.read_text(encoding="utf-8"), [str(loss) for loss in losses]


def test_lm_eval_asks_what_causal_choice_asks(tmp_path: Path) -> None:
    folder = ROOT / "datasets" / "escalation"
    documents, text, _ = exported("lm_eval", tmp_path / "task", SMOLLM2, folder)
    task = yaml.load(text, _Tasks)
    system = build("stance", SystemConfig.model_validate(SMOLLM2), device="cpu")
    assert isinstance(system, CausalChoice)
    items = {i.id: (i, a) for a in load_dataset(folder) for i in (pair_item(a, s, t) for s, t in a.pairs())}
    assert len(documents) == len(items)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True).from_string(
        task["doc_to_text"]
    )
    for document in documents:
        item, article = items["/".join(document[name] for name in ("article", "speaker", "target"))]
        assert template.render(**document) == fill(SMOLLM2["prompt"], **fields_of(item))
        assert document["choices"] == system.options.wordings(item)
        gold = article.gold_stances()[document["speaker"], document["target"]].stance
        assert STANCES[document["gold"]] is gold
        assert document["labels"] == list(STANCES)
    # the reply begins alike: "Stance:" and " " before each wording
    assert task["gen_prefix"] + task["target_delimiter"] == SMOLLM2["answer_prefix"]
    assert (task["doc_to_choice"], task["doc_to_target"]) == ("choices", "gold")


def test_what_another_harness_decides_is_listed_as_lost(tmp_path: Path) -> None:
    _, _, losses = exported("lm_eval", tmp_path / "task", SMOLLM2, ROOT / "tests" / "answered" / "harbour")
    decided = [loss for loss in losses if "is decided in the other harness" in loss]
    assert [loss.partition(":")[2].split(":")[0].strip() for loss in decided] == [
        "adapter",
        "long_input",
        "model",
        "normalise",
    ]


def test_braces_of_a_prompt_stay_braces(tmp_path: Path) -> None:
    mapping = {"prompt": "{article}\n{{ x }} {% y %} {z 1} {speaker}\n", "answer_prefix": ""}
    documents, text, _ = exported("lm_eval", tmp_path / "task", mapping, ROOT / "tests" / "answered" / "harbour")
    task = yaml.load(text, _Tasks)
    rendered = jinja2.Environment(keep_trailing_newline=True).from_string(task["doc_to_text"]).render(**documents[0])
    assert rendered == f"{documents[0]['text']}\n{{{{ x }}}} {{% y %}} {{z 1}} {documents[0]['speaker_name']}\n"
    assert "gen_prefix" not in task
    assert task["target_delimiter"] == ""


def test_inspect_samples(tmp_path: Path) -> None:
    mapping = {"system": 'Say "yes".\n'}
    samples, text, losses = exported("inspect", tmp_path / "task", mapping, ROOT / "tests" / "answered" / "harbour")
    assert [s["id"] for s in samples] == [
        f"harbour/{s}/{t}" for s in ("venn", "reed") for t in ("escalation", "strike", "sanctions")
    ]
    gold = ["support", "support", "neutral", "oppose", "oppose", "lean_support"]
    assert [STANCES[string.ascii_uppercase.index(s["target"])] for s in samples] == gold
    assert "Statement: The fleet may strike the harbour." in samples[1]["input"]
    assert samples[1]["metadata"]["speaker"] == "venn"
    compile(text, "task.py", "exec")
    assert "system_message('Say \"yes\".\\n'), multiple_choice()" in text
    assert any("a chat's reply cannot be begun" in loss for loss in losses)


def test_a_split_alone_and_pairs_without_gold(tmp_path: Path) -> None:
    documents, _, _ = exported("lm_eval", tmp_path / "dev", {"split": "dev"}, ROOT / "datasets" / "escalation")
    assert {d["split"] for d in documents} == {"dev"}
    dev = {a.id for a in load_dataset(ROOT / "datasets" / "escalation") if a.split == "dev"}
    assert {d["article"] for d in documents} == dev


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"prompt": "{article} {who}"}, "nothing fills {who}"),
        ({"prompt": "{speaker}"}, "does not show the {article}"),
        ({"answers": {"support": "yes"}}, "needs a wording for each"),
        ({"answers": dict.fromkeys(map(str, STANCES), "yes")}, "two labels share a wording"),
        ({"split": "train"}, "'train': dev, test or all"),
        ({"promt": "x"}, "promt: unknown for lm_eval"),
    ],
)
def test_mappings_that_are_refused(tmp_path: Path, mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        export_dataset("lm_eval", ROOT / "tests" / "answered" / "harbour", tmp_path / "task", mapping)


def test_an_unknown_format_names_the_tasks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lm_eval"):
        export_dataset("lm_evl", ROOT / "tests" / "answered" / "harbour", tmp_path / "task", {})
