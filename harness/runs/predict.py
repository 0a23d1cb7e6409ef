"""Gets every answer of a system: from the store where it is there, from the system where it is not; one unit, one part."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from harness.errors import Unfitted
from harness.results.store import PredictionStore, prediction_key
from harness.systems.base import Context, System
from harness.types import Answer, Answered, Dataset, Item, Prediction

Progress = Callable[[int], None]
"""Called with the number of items that were done since the last call."""


@dataclass
class Plan:
    """What a system is asked, what of it is in the store, and what is left to do, in units of what the system is handed.

    `reread` are stored answers whose raw reply is read otherwise today; in `stored` they stand as they are read now.
    """

    items: list[Item]
    keys: list[str]
    stored: dict[str, Prediction]
    reread: list[tuple[str, Item, Answer]] = field(default_factory=list)
    units: list[list[tuple[str, Item]]] = field(default_factory=list)
    unfitted: str | None = None

    @property
    def n_missing(self) -> int:
        """Items that have to be computed."""
        return sum(len(u) for u in self.units)


def plan(system: System, items: Sequence[Item], dataset: Dataset, store: PredictionStore) -> Plan:
    """Cuts the full list into units first and looks into the store second, so that what is done moves no unit's border.

    This is the border at which every system is asked: a stance classifier that judges summaries gets each as the text of
    an article (`Item.as_article`), so that it need not know of summaries.
    """
    items = list(items)
    questions = [item.as_article() for item in items] if system.kind == "stance" else items
    try:
        keys = [prediction_key(system.fingerprint, system.reads(question, dataset)) for question in questions]
    except Unfitted as error:
        return Plan(items, [], {}, unfitted=error.message)
    stored = store.read(system.name, system.fingerprint)
    reread = _read_again(system, dict(zip(keys, questions, strict=True)), stored)
    key_of = dict(zip(map(id, questions), keys, strict=True))
    done = {key for key, p in stored.items() if p.answer.error is None}
    units = []
    for unit in system.plan(questions):
        # two articles with one text ask the same question: it is answered once
        missing = {key_of[id(question)]: question for question in unit if key_of[id(question)] not in done}
        done |= missing.keys()
        if missing:
            units.append(list(missing.items()))
    return Plan(items, keys, stored, reread, units)


def _read_again(
    system: System, questions: Mapping[str, Item], stored: dict[str, Prediction]
) -> list[tuple[str, Item, Answer]]:
    """Puts into `stored` what an older version read otherwise from the same replies, and returns it; nothing is asked."""
    reread = []
    for key, question in questions.items():
        prediction = stored.get(key)
        if prediction is None or prediction.answer.reading >= system.reading:
            continue
        before, after = prediction.answer, system.reread(question, prediction.answer)
        stored[key] = replace(prediction, answer=after)
        if (before.output, before.label, before.error) != (after.output, after.label, after.error):
            reread.append((key, question, after))
    return reread


def answer_all(
    system: System, work: Plan, context: Context, store: PredictionStore, kind: str, progress: Progress = lambda n: None
) -> Answered:
    """Computes and stores what is missing, unit by unit; returns every prediction in the order of `work.items`."""
    from harness.models.device import pick_device

    if work.unfitted is not None:
        return Answered([], unfitted=work.unfitted)
    by_key = dict(work.stored)
    progress(len(work.items) - work.n_missing)
    # reports read the store: what counts there is what is scored here
    store.write(system.name, system.fingerprint, kind, work.reread)
    if work.units:
        store.describe(system.name, system.fingerprint, system.identity())
        context.pool.watch(pick_device(context.device))
    started = time.perf_counter()
    with closing(system.answer_units([[item for _, item in unit] for unit in work.units], context)) as finished_units:
        for number, answers in finished_units:
            answered_items = zip(work.units[number], answers, strict=True)
            rows = [(key, item, answer) for (key, item), answer in answered_items if answer is not None]
            elapsed = time.perf_counter() - started
            if not any(a.seconds for _, _, a in rows):
                rows = [(key, item, replace(a, seconds=elapsed / len(rows))) for key, item, a in rows]
            for prediction in store.write(system.name, system.fingerprint, kind, rows):
                by_key[prediction.key] = prediction
            progress(len(rows))
            started = time.perf_counter()
    peak = context.pool.peak() if work.units else None
    predictions = [_for_item(by_key[key], item) for key, item in zip(work.keys, work.items, strict=True)]
    return Answered(predictions, n_computed=work.n_missing, peak_memory_bytes=peak)


def _for_item(prediction: Prediction, item: Item) -> Prediction:
    """The stored answer under this item's own ids: another article with the same text may have asked first."""
    return replace(
        prediction,
        article_id=item.article.id,
        speaker_id=item.speaker.id if item.speaker else None,
        target_id=item.target.id if item.target else None,
    )
