"""Several classifiers of one model, the same with other prompts, asked over one trie."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from harness.errors import WindowExceeded
from harness.systems.base import Context
from harness.systems.causal import CausalChoice
from harness.systems.one_by_one import all_or_each
from harness.systems.prompted import Prompted
from harness.types import Answer, Item


def answer_all_together(parts: Sequence[tuple[CausalChoice, Sequence[Item]]], context: Context) -> list[list[Answer]]:
    """What each system would answer to its items alone, in order; all of them must have the same weights and dtype.

    One trie holds every system's prompts, so that the article that they share is computed once for all. The time is
    shared out evenly.
    """
    from harness.models.prefix_trie import score

    started = time.perf_counter() - context.pool.load_seconds
    answers: dict[tuple[int, int], Answer] = {}
    questions: dict[tuple[int, int], Prompted] = {}
    for p, (system, items) in enumerate(parts):
        model = system.load_model(context)
        for n, item in enumerate(items):
            try:
                questions[p, n] = system.ask(model, item)
            except WindowExceeded as error:
                answers[p, n] = Answer(error=str(error))
    groups = [parts[p][0].choices(parts[p][1][n], question) for (p, n), question in questions.items()]
    scored = (
        all_or_each(lambda some: score(model, some, budget=context.token_budget, step=context.step), groups)
        if groups
        else []
    )
    for ((p, n), question), its_scores in zip(questions.items(), scored, strict=True):
        answers[p, n] = parts[p][0].answer_by(question, its_scores)
    each = (time.perf_counter() - context.pool.load_seconds - started) / max(1, len(answers))
    return [[replace(answers[p, n], seconds=each) for n in range(len(items))] for p, (_, items) in enumerate(parts)]
