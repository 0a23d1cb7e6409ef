"""The decision route of `transformers serve` (`/v1/systemone`, 5.23): a probability for every option, and no text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

MOST_QUESTIONS = 64
"""Questions that one request may hold."""


def questions(instructions: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """The `questions` of a request: a choice among the options for each of the instructions, named 1, 2, ..."""
    criteria = dict.fromkeys(options)
    return {
        str(number): {"type": "choice", "instructions": text, "criteria": criteria}
        for number, text in enumerate(instructions, 1)
    }


def as_completion(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A response in the shape of a text completion, whose text is JSON: the options' probabilities by question.

    Without the `answers` of the route it has no `choices`, as a completion that makes no sense.
    """
    answers = answer.get("answers")
    if not isinstance(answers, Mapping):
        return {}
    probabilities = {str(name): a.get("probabilities") for name, a in answers.items() if isinstance(a, Mapping)}
    usage = answer.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    return {
        "choices": [{"text": json.dumps(probabilities, ensure_ascii=False), "finish_reason": "stop"}],
        "usage": {"prompt_tokens": counts.get("input_tokens"), "completion_tokens": counts.get("output_tokens")},
    }


def probabilities(text: str, number: int, options: Sequence[str]) -> dict[str, float] | None:
    """The options' probabilities for a question from such a text; None unless there is one in [0, 1] for each, 1 together."""
    try:
        of_question = json.loads(text)[str(number)]
        values = {option: float(of_question[option]) for option in options}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    sound = all(0 <= value <= 1.001 for value in values.values())
    return values if sound and math.isclose(math.fsum(values.values()), 1.0, abs_tol=0.01) else None


def bytes_read(body: Mapping[str, Any]) -> int:
    """Bytes of text that a model reads for a request: the state again for each of its questions."""
    texts = [json.dumps(question, ensure_ascii=False) for question in body["questions"].values()]
    sizes = [len(text.encode("utf-8", "surrogatepass")) for text in (str(body["state"]), *texts)]
    return sizes[0] * len(texts) + sum(sizes[1:])
