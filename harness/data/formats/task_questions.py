"""What a set asks, for harnesses of other people: one question a labelled pair, in the wording of a stance classifier's config.

Mapping: `prompt` (it may show {article}, {title}, {speaker}, {role}, {target}), `answers` (a wording a label, which may name
{speaker}), `answer_prefix` and `system`, as in `configs/stance/smollm2.yaml`, whose values stand where the mapping has none;
`split: dev` or `test` takes these articles alone. A whole config of an adapter `causal_choice` may be the mapping: what the
other harness decides (the model, how scores are normalised, what becomes of long texts) is listed as not carried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.data.formats import MODEL_KEYS, WORDING_KEYS
from harness.data.formats.ledger import Loss
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, Place
from harness.runtime.paths import config_dir
from harness.text.speeches import words_of
from harness.types import STANCES, Article, Dataset, Speaker, Stance, Target

FIELDS = ("article", "title", "speaker", "role", "target")

_DEFAULTS = "smollm2.yaml"
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Wording:
    """How a set asks: the prompt, each label's wording in the order of the scale, what begins the reply, the system message."""

    prompt: str
    answers: tuple[str, ...]
    answer_prefix: str
    system: str | None

    def choices(self, question: Question) -> list[str]:
        """The labels' wordings for one question."""
        return [filled(answer, {"speaker": question.speaker.name}.get) for answer in self.answers]


@dataclass(frozen=True)
class Question:
    """A labelled pair: the text as a stance classifier reads it, and gold."""

    article: Article
    speaker: Speaker
    target: Target
    text: str
    gold: Stance

    @property
    def fields(self) -> dict[str, str]:
        """The text of each of `FIELDS`."""
        texts = (self.text, self.article.title, self.speaker.name, self.speaker.role or "", self.target.proposition)
        return dict(zip(FIELDS, texts, strict=True))


def filled(template: str, value: Callable[[str], str | None]) -> str:
    """The template with every `{name}` replaced by its value; those without one stay."""
    return _PLACE.sub(lambda m: m.group() if (text := value(m.group(1))) is None else text, template)


def wording_of(mapping: Mapping[str, Any]) -> Wording:
    """The wording that a mapping describes; DataError for a prompt or answers that cannot be asked."""
    config = read_yaml(config_dir() / "stance" / _DEFAULTS, 1_000_000).data
    chosen = {name: mapping.get(name, config.get(name)) for name in WORDING_KEYS}
    prompt, answers = str(chosen["prompt"]), chosen["answers"]
    for name in sorted(set(_PLACE.findall(prompt)) - set(FIELDS)):
        raise DataError(_place("prompt"), f"nothing fills {{{name}}}", hint=f"known: {', '.join(FIELDS)}")
    if "{article}" not in prompt:
        raise DataError(_place("prompt"), "does not show the {article}")
    if not isinstance(answers, Mapping) or set(answers) != set(map(str, STANCES)):
        raise DataError(_place("answers"), f"needs a wording for each of {', '.join(STANCES)}, and for nothing else")
    wordings = tuple(str(answers[str(label)]) for label in STANCES)
    if len(set(wordings)) < len(wordings):
        raise DataError(_place("answers"), "two labels share a wording")
    system = chosen["system"]
    return Wording(prompt, wordings, str(chosen["answer_prefix"] or ""), None if system is None else str(system))


def _place(field: str) -> Place:
    return Place("mapping", field=field)


def questions(dataset: Dataset, mapping: Mapping[str, Any], losses: list[Loss]) -> Iterator[Question]:
    """Every pair with gold in the order of a run; pairs without gold and what the mapping cannot carry are added to `losses`."""
    split = mapping.get("split", "all")
    if split not in ("dev", "test", "all"):
        raise DataError(_place("split"), f"{split!r}: dev, test or all")
    losses += [Loss(f"mapping: {name}", "is decided in the other harness") for name in MODEL_KEYS if name in mapping]
    losses.append(
        Loss("every article", "evidence, attributes of labels, annotations, summaries and facts are not carried")
    )
    for article in dataset:
        gold = article.gold_stances()
        if split in ("all", article.split):
            for speaker, target in article.pairs():
                label = gold.get((speaker.id, target.id))
                if label is None:
                    losses.append(Loss(f"{article.id}/{speaker.id}/{target.id}", "has no gold: left out"))
                else:
                    text = words_of(article, speaker).text.strip()
                    yield Question(article, speaker, target, text, label.stance)
