"""Answers in a log of Inspect (inspect-ai 0.3.285): an `.eval` (a zip packed with Zstandard) or the same as `.json`.

A sample names its article, speaker and target in its metadata, or is called `article/speaker/target` (as `harness data export
--format inspect` writes them); of a summary the article alone. Its label is what the scorer read as the answer (the letter of a
choice, or a word); an answer that the scorer could not read is unparsed here, too. Where no scorer says what the answer was, the
reply is parsed. A sample that ended with an error has no answer.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.answers.shape import FileAnswer, FileAnswers, Words, ids_of, offered, once
from harness.data.formats.archive import members
from harness.data.formats.base import parse_json, read_guarded
from harness.errors import DataError, Place
from harness.types import Stance

MAX_LOG = 4_000_000_000
"""Bytes of an unpacked log: every sample holds its transcript."""

EPOCHS = "one answer an item counts: run with --epochs 1"


def read_inspect(path: Path, words: Words) -> FileAnswers:
    """The answers of a log."""
    answers = [_answer(sample, place, words) for sample, place in _samples(path)]
    return FileAnswers(tuple(once(answers, EPOCHS)))


def _samples(path: Path) -> Iterator[tuple[Mapping[str, Any], Place]]:
    if path.suffix.casefold() == ".eval":
        with members(path, MAX_LOG) as archive:
            for name in archive.names():
                if name.startswith("samples/") and name.endswith(".json"):
                    yield _sample(parse_json(archive.read(name), place := Place(str(path), field=name)), place)
        return
    log = parse_json(read_guarded(path), Place(str(path)))
    samples = log.get("samples") if isinstance(log, Mapping) else None
    if not isinstance(samples, list):
        hint = "of another table make .jsonl or .csv; of Inspect, run without --no-log-samples"
        raise DataError(Place(str(path)), "is no log of Inspect: it has no samples", hint=hint)
    for n, sample in enumerate(samples, start=1):
        yield _sample(sample, Place(str(path), field=f"sample {n}"))


def _sample(raw: Any, place: Place) -> tuple[Mapping[str, Any], Place]:
    if not isinstance(raw, Mapping) or not {"id", "epoch", "output"} <= raw.keys():
        raise DataError(place, "is no sample of Inspect", hint="it has id, epoch and output")
    return raw, place


def _answer(sample: Mapping[str, Any], place: Place, words: Words) -> FileAnswer:
    metadata = sample.get("metadata") or {}
    ids = ids_of(metadata, place) or _named(sample["id"], place)
    text_hash = metadata.get("text_sha256")
    common: dict[str, Any] = {"text_hash": text_hash if isinstance(text_hash, str) else None}
    usage = [u for u in (sample.get("model_usage") or {}).values() if isinstance(u, Mapping)]
    for ours, theirs in (("tokens_in", "input_tokens"), ("tokens_out", "output_tokens")):
        common[ours] = sum(int(u.get(theirs) or 0) for u in usage)
    if error := sample.get("error"):
        message = error.get("message") if isinstance(error, Mapping) else error
        return FileAnswer(place, ids, error=f"Inspect: {message}", **common)
    reply = str((sample.get("output") or {}).get("completion") or "")
    if len(ids) == 1:
        return FileAnswer(place, ids, reply=reply, **common)
    choices = [str(choice) for choice in sample.get("choices") or ()]
    letters = offered(metadata.get("labels"), choices, words, place) if choices else ()
    answer = _read_by_scorer(sample, place)
    label = None if answer is None else _label(answer, letters, words)
    return FileAnswer(place, ids, label, reply, answer is None, letters, **common)


def _named(identifier: Any, place: Place) -> tuple[str, ...]:
    """The ids in a sample's own."""
    parts = tuple(identifier.split("/")) if isinstance(identifier, str) else ()
    if len(parts) not in (1, 3) or not all(parts):
        hint = "metadata with article, speaker and target, or an id such as article/speaker/target"
        raise DataError(place, f"the sample {identifier!r} names no article, speaker and target", hint=hint)
    return parts


def _read_by_scorer(sample: Mapping[str, Any], place: Place) -> str | None:
    """What the scorers read as the answer, empty if nothing; None where none of them says."""
    scores = {name: s for name, s in (sample.get("scores") or {}).items() if isinstance(s, Mapping)}
    answers = {name: str(s["answer"]).strip() for name, s in scores.items() if s.get("answer") is not None}
    if len(set(answers.values())) > 1:
        said = ", ".join(f"{name} {answer!r}" for name, answer in answers.items())
        hint = "score with one scorer: inspect score"
        raise DataError(place, f"its scorers read different answers: {said}", hint=hint)
    return next(iter(answers.values()), None)


def _label(answer: str, letters: Sequence[Stance], words: Words) -> Stance | None:
    """The label of an answer: a letter among those offered, or a word; None for what is neither."""
    if len(answer) == 1 and answer.upper() in string.ascii_uppercase[: len(letters)]:
        return letters[string.ascii_uppercase.index(answer.upper())]
    return words.meaning(answer)
