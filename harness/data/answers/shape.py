"""One answer as a file gives it, the words that a file may use for labels, and the checks that all readers share."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.data.formats.labels import STANCES
from harness.errors import DataError, Place, nearest_hint
from harness.types import Stance

Normalise = Literal["sum", "characters", "bytes"]
"""How an lm-evaluation-harness log's log-probabilities are compared: its `acc`, `acc_norm` and `acc_bytes`."""

SUM_TOLERANCE = 0.01
"""By how much rounded probabilities may miss 1."""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """An answer and where it stands.

    `ids` are what the file calls the article, or article, speaker and target. `label` is what the file says is the label;
    `reply` is a text: of a model, from which a label is still to be read if `label` is None and `parse` is True, or a summary.
    `letters` are the labels that the reply could name by a letter, `A` the first. `scores` are probabilities by label, or
    natural log-probabilities where `log` is True. `text_hash` is of the text that was answered about, where the file knows it.
    """

    place: Place
    ids: tuple[str, ...]
    label: Stance | None = None
    reply: str | None = None
    parse: bool = False
    letters: tuple[Stance, ...] = ()
    scores: Mapping[Stance, float] = field(default_factory=dict)
    log: bool = False
    text_hash: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    error: str | None = None

    def content(self) -> list[Any]:
        """All that decides what is scored, JSON-able: nothing of where it stands."""
        reply = self.reply if self.parse or len(self.ids) == 1 else None
        scores = {str(label): value for label, value in self.scores.items()}
        letters = list(map(str, self.letters))
        return [list(self.ids), self.label, reply, self.parse, letters, scores, self.log, self.text_hash, self.error]


@dataclass(frozen=True, slots=True)
class FileAnswers:
    """What a file says, in its order, and what in it was passed over."""

    answers: tuple[FileAnswer, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What the words of a file mean: `labels` beside those that need no explanation, `columns` by our names."""

    labels: Mapping[str, Stance] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    normalise: Normalise = "sum"
    filter: str | None = None

    def meaning(self, word: str) -> Stance | None:
        """The stance that a word means, in any case, with spaces, dashes or underscores; None for a word without a meaning."""
        return self._known.get(_folded(word))

    def stance(self, word: str, place: Place) -> Stance:
        """As `meaning`; DataError for a word without one."""
        stance = self.meaning(word)
        if stance is None:
            raise DataError(
                place,
                f"{word!r} is no stance",
                hint=nearest_hint(_folded(word), list(self._known))
                + f"say what it means: labels={{{word.strip() or 'word'}: support}}; known: {', '.join(self._known)}",
            )
        return stance

    @property
    def _known(self) -> dict[str, Stance]:
        return {_folded(word): stance for word, stance in {**STANCES, **self.labels}.items()}


def text_hash(text: str) -> str:
    """SHA-256 (64 hex digits) of a text, white space around it apart."""
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()


def _folded(word: str) -> str:
    return re.sub(r"[\s_-]+", "_", word.strip()).casefold()


def scores_of(values: Mapping[Stance, float], place: Place) -> tuple[dict[Stance, float], bool]:
    """(scores, whether they are log-probabilities); DataError for what is neither.

    Probabilities lie in [0, 1] and sum to 1 within 0.01, log-probabilities are at most 0; a label without a score has
    probability 0. Of none there is nothing to say.
    """
    if not values:
        return {}, False
    total = math.fsum(values.values())
    if all(0 <= v <= 1 for v in values.values()) and abs(total - 1) <= SUM_TOLERANCE:
        return {label: values.get(label, 0.0) / total for label in Stance}, False
    if all(v <= 0 for v in values.values()) and any(math.isfinite(v) and v < 0 for v in values.values()):
        return {label: values.get(label, -math.inf) for label in Stance}, True
    shown = ", ".join(f"{label} {value:g}" for label, value in values.items())
    raise DataError(
        place,
        f"scores are neither probabilities (0 to 1, together 1) nor log-probabilities (at most 0): {shown}",
        hint="leave the scores out where the system has none",
    )


def number(value: Any, place: Place) -> float:
    """A number that is none of NaN and +inf; DataError otherwise."""
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        parsed = math.nan
    if math.isnan(parsed) or parsed == math.inf:
        raise DataError(place, f"{value!r} is no score", hint="a number is wanted")
    return parsed


def ids_of(row: Mapping[str, Any], place: Place) -> tuple[str, ...] | None:
    """`(article,)` or `(article, speaker, target)` of a record of another harness that was made by our export, or in its way;
    None where it names no article. DataError for a pair of which half is missing."""
    names = [row.get(name) for name in ("article", "speaker", "target")]
    if not isinstance(names[0], str):
        return None
    article, speaker, target = (name if isinstance(name, str) and name else None for name in names)
    if article is None or (speaker is None) != (target is None):
        raise DataError(place, "needs an article, or an article, a speaker and a target, by id or name")
    return (article,) if speaker is None or target is None else (article, speaker, target)


def once(answers: Iterable[FileAnswer], hint: str) -> Iterator[FileAnswer]:
    """The answers; DataError where two are about one item."""
    places: dict[tuple[str, ...], Place] = {}
    for answer in answers:
        if answer.ids in places:
            raise DataError(
                answer.place, f"{'/'.join(answer.ids)} was answered before, at {places[answer.ids]}", hint=hint
            )
        places[answer.ids] = answer.place
        yield answer


def offered(labels: Any, choices: Sequence[str], words: Words, place: Place) -> tuple[Stance, ...]:
    """The labels that a question offers in order: as `labels` names them (our exports do), else by what the choices mean."""
    named = labels if isinstance(labels, Sequence) and len(labels) == len(choices) else choices
    meanings = tuple(words.stance(str(label), place) for label in named)
    if len(set(meanings)) < len(meanings):
        raise DataError(place, f"two of the choices mean one stance: {', '.join(map(str, named))}")
    return meanings
