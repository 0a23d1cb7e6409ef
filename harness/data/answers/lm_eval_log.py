"""Answers in the sample log of EleutherAI's lm-evaluation-harness (`--log_samples`; 0.4.13): a line a document and filter.

A document names its `article`, `speaker` and `target` (as `harness data export --format lm_eval` writes them). Of a question
with choices (`multiple_choice`) the label is the choice with the greatest log-probability: the sum over its tokens, or per
character or byte (`normalise`), so that accuracy is lm-eval's `acc`, `acc_norm` or `acc_bytes`. Of a generated reply
(`generate_until`) the filtered text is parsed. A log with the lines of several filters needs `filter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.answers.shape import (
    FileAnswer,
    FileAnswers,
    Words,
    ids_of,
    number,
    offered,
    once,
    scores_of,
    text_hash,
)
from harness.data.formats.base import json_lines
from harness.errors import DataError, Place
from harness.types import Stance

KEYS = frozenset({"doc", "doc_id", "resps", "filtered_resps", "arguments"})
"""What every line of such a log has."""


def read_lm_eval(path: Path, words: Words) -> FileAnswers:
    """The answers of a log."""
    lines = list(json_lines(path))
    filters = list(dict.fromkeys(str(line.get("filter")) for _, line in lines))
    if words.filter is not None and words.filter not in filters:
        raise DataError(
            Place(str(path), field="filter"), f"no line is of the filter {words.filter!r}", hint=_known(filters)
        )
    if words.filter is None and len(filters) > 1:
        raise DataError(Place(str(path), field="filter"), f"holds {len(filters)} filters", hint=_known(filters))
    wanted = words.filter or filters[0]
    chosen = [(number, line) for number, line in lines if str(line.get("filter")) == wanted]
    answers = (_answer(line, Place(str(path), number), words) for number, line in chosen)
    passed_over = len(lines) - len(chosen)
    remarks = [f"{passed_over:,} lines of other filters than {wanted!r} are not read"] if passed_over else []
    return FileAnswers(tuple(once(answers, "keep one run in the file: lm-eval appends")), tuple(remarks))


def _known(filters: Iterable[str]) -> str:
    return f"say filter=NAME; the log has {', '.join(filters)}"


def _answer(line: Mapping[str, Any], place: Place, words: Words) -> FileAnswer:
    doc = line.get("doc")
    if not isinstance(doc, Mapping) or not line.keys() >= KEYS:
        raise DataError(place, "is no line of a sample log", hint=f"each has {', '.join(sorted(KEYS))}")
    ids = ids_of(doc, Place(place.file, place.line, "doc"))
    if ids is None:
        hint = "the documents of `harness data export --format lm_eval` name them"
        raise DataError(Place(place.file, place.line, "doc"), "names no article", hint=hint)
    text = doc.get("text")
    about = text_hash(text) if isinstance(text, str) else None
    responses, where = line["filtered_resps"], Place(place.file, place.line, "filtered_resps")
    if not isinstance(responses, list) or not responses:
        raise DataError(where, "is no list of responses")
    if len(responses) == 1 and isinstance(responses[0], str):
        choices = doc.get("choices")
        letters = offered(doc.get("labels"), choices, words, place) if isinstance(choices, list) else ()
        return FileAnswer(place, ids, reply=responses[0], parse=len(ids) == 3, letters=letters, text_hash=about)
    if len(ids) == 1:
        raise DataError(
            where, "log-probabilities are no summary", hint="a summary comes from a task of `generate_until`"
        )
    scores, log = scores_of(_log_probabilities(line, doc, words, place), where)
    return FileAnswer(place, ids, scores=scores, log=log, text_hash=about)


def _log_probabilities(
    line: Mapping[str, Any], doc: Mapping[str, Any], words: Words, place: Place
) -> dict[Stance, float]:
    """By label; the second half of a log with `acc_mutual_info`, whose contexts are empty, is left out."""
    where = Place(place.file, place.line, "filtered_resps")
    requests = [(str(request["arg_0"]), str(request["arg_1"])) for request in _requests(line, place)]
    pairs = [(text, response) for (_, text), response in zip(requests, line["filtered_resps"], strict=False)]
    if len(requests) != len(line["filtered_resps"]):
        raise DataError(where, f"{len(line['filtered_resps'])} responses to {len(requests)} requests")
    half = len(requests) // 2
    if half and all(context == "" for context, _ in requests[half:]) and any(context for context, _ in requests[:half]):
        pairs = pairs[:half]
    choices = doc.get("choices")
    if not (isinstance(choices, list) and len(choices) == len(pairs)):
        choices = [text.strip() for text, _ in pairs]
    labels = offered(doc.get("labels"), choices, words, Place(place.file, place.line, "arguments"))
    values = {}
    for label, choice, (_, response) in zip(labels, choices, pairs, strict=True):
        if not isinstance(response, Sequence) or isinstance(response, str) or len(response) != 2:
            raise DataError(where, f"{response!r} is no (log-probability, is greedy)")
        length = {"sum": 1, "characters": len(choice), "bytes": len(choice.encode())}[words.normalise]
        values[label] = number(response[0], where) / length
    return values


def _requests(line: Mapping[str, Any], place: Place) -> list[Mapping[str, Any]]:
    """The requests in order: the log calls them gen_args_0, gen_args_1 and so on."""
    arguments = line["arguments"]
    try:
        return [arguments[f"gen_args_{n}"] for n in range(len(arguments))]
    except (KeyError, TypeError):
        raise DataError(Place(place.file, place.line, "arguments"), "are not gen_args_0 and so on") from None
