"""A task of EleutherAI's lm-evaluation-harness (0.4.13): `NAME.yaml`, `NAME.jsonl` and `NAME.py` in a folder; export only.

Mapping: `task_questions`. A document is a labelled pair with the ids of its article, speaker and target, the text, the labels'
wordings (`choices`) in the order of `labels`, and gold's place among them. The task asks by log-probability (`multiple_choice`);
with `--apply_chat_template` the requests are those of `adapter: causal_choice` with the same prompt. Its answers come back
from the file that `--log_samples` writes: `stance=from_file`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.data.formats.ledger import Loss
from harness.data.formats.task_questions import Question, Wording, filled, questions, wording_of
from harness.data.plain_texts import slug
from harness.runtime.files import write_text
from harness.types import STANCES, Dataset

_COLUMNS = {"article": "text", "title": "title", "speaker": "speaker_name", "role": "role", "target": "proposition"}
"""What a prompt may show, by the field of a document that holds it: the other names are those of ids."""


class _Block(str):
    """A text that YAML writes line by line."""


class _Function(str):
    """A function of a module beside the task, as lm-eval names it."""


class _Dumper(yaml.SafeDumper):
    """Writes blocks and names of functions."""


_Dumper.add_representer(_Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))
_Dumper.add_representer(_Function, lambda dumper, name: dumper.represent_scalar("!function", name))

_LOADER = '''"""Loads the documents that lie beside the task: lm-eval takes a relative path from the folder that it runs in."""

from pathlib import Path

from datasets import load_dataset


def documents(**_):
    return load_dataset("json", data_files={"test": str(Path(__file__).with_suffix(".jsonl"))})
'''


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Writes the folder."""
    losses: list[Loss] = []
    wording = wording_of(mapping)
    name = slug(dataset.name).replace("-", "_") + "_stances"
    documents = [_document(question, wording) for question in questions(dataset, mapping, losses)]
    write_text(path / f"{name}.jsonl", "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents))
    write_text(path / f"{name}.py", _LOADER)
    write_text(path / f"{name}.yaml", _task(name, dataset, wording))
    return losses


def _document(question: Question, wording: Wording) -> dict[str, Any]:
    fields = question.fields
    return {
        "article": question.article.id,
        "speaker": question.speaker.id,
        "target": question.target.id,
        "split": question.article.split,
        **{column: fields[field] for field, column in _COLUMNS.items()},
        "choices": wording.choices(question),
        "labels": list(map(str, STANCES)),
        "gold": STANCES.index(question.gold),
    }


def _task(name: str, dataset: Dataset, wording: Wording) -> str:
    prefix = wording.answer_prefix.rstrip()
    task = {
        "task": name,
        "custom_dataset": _Function(f"{name}.documents"),
        "test_split": "test",
        "output_type": "multiple_choice",
        **({"description": _Block(_literal(wording.system))} if wording.system else {}),
        "doc_to_text": _Block(_jinja(wording.prompt)),
        **({"gen_prefix": _literal(prefix)} if prefix else {}),
        "target_delimiter": wording.answer_prefix[len(prefix) :],
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")
        ],
        "metadata": {"version": dataset.version},
    }
    return yaml.dump(task, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _jinja(prompt: str) -> str:
    """The prompt in the language of the task file."""
    parts = filled(prompt, lambda field: f"\0{field}\0").split("\0")
    return "".join(f"{{{{{_COLUMNS[part]}}}}}" if n % 2 else _literal(part) for n, part in enumerate(parts))


def _literal(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}" if "{" in text else text
