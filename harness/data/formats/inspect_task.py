"""A task of Inspect (inspect-ai 0.3.285): `NAME.py` and `NAME.jsonl` in a folder; export only.

Mapping: `task_questions`; the wording that begins a reply is not carried. A sample is a labelled pair: its id is
`article/speaker/target`, its metadata has the three ids, its choices are the labels' wordings. Inspect shows them as letters.
The log that `inspect eval` writes (.eval or .json) comes back by `stance=from_file`.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.answers.shape import text_hash
from harness.data.formats.ledger import Loss
from harness.data.formats.task_questions import Question, Wording, filled, questions, wording_of
from harness.data.plain_texts import slug
from harness.runtime.files import write_text
from harness.types import STANCES, Dataset

_TASK = '''"""The stances of {name} {version}: `inspect eval {stem}.py --model MODEL`."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import choice
from inspect_ai.solver import multiple_choice{more}


@task
def {stem}():
    samples = json_dataset(str(Path(__file__).with_suffix(".jsonl")))
    return Task(dataset=samples, solver=[{steps}multiple_choice()], scorer=choice())
'''


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Writes the folder."""
    losses: list[Loss] = []
    wording = wording_of(mapping)
    if wording.answer_prefix:
        losses.append(Loss("answer_prefix", "a chat's reply cannot be begun for the model: not carried"))
    stem = slug(dataset.name).replace("-", "_") + "_stances"
    samples = [_sample(question, wording) for question in questions(dataset, mapping, losses)]
    task = _TASK.format(
        name=dataset.name,
        version=dataset.version,
        stem=stem,
        more=", system_message" if wording.system else "",
        steps=f"system_message({wording.system!r}), " if wording.system else "",
    )
    write_text(path / f"{stem}.jsonl", "".join(json.dumps(s, ensure_ascii=False) + "\n" for s in samples))
    write_text(path / f"{stem}.py", task)
    return losses


def _sample(question: Question, wording: Wording) -> dict[str, Any]:
    ids = {"article": question.article.id, "speaker": question.speaker.id, "target": question.target.id}
    about = {
        "split": question.article.split,
        "text_sha256": text_hash(question.text),
        "labels": list(map(str, STANCES)),
    }
    return {
        "id": "/".join(ids.values()),
        "input": filled(wording.prompt, question.fields.get),
        "choices": wording.choices(question),
        "target": string.ascii_uppercase[STANCES.index(question.gold)],
        "metadata": {**ids, **about},
    }
