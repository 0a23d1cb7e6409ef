"""Gets every answer of a system: from the store where it is there, from the system where it is not; one unit, one part."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from harness.errors import Unfitted
from harness.results.leases import Claimed, Leases, rounds, unit_name
from harness.results.store import Arrivals, PredictionStore, part_name, prediction_key
from harness.runs.fleet import Fleet
from harness.runtime.progress import Advance, UnitProgress
from harness.systems.base import Context, System, timed
from harness.types import Answer, Answered, Dataset, Item, Prediction


@dataclass
class Plan:
    """What a system is asked, what of it is in the store, and what is left to do, in units of what the system is handed.

    `keys` are those under which the answers are, or will be; `earlier_keys` those of requests that were answered in part
    and left an item without an answer, in their order. `reread` are stored answers whose raw reply is read otherwise today;
    in `stored` they stand as they are read now.
    """

    items: list[Item]
    keys: list[str]
    stored: dict[str, Prediction]
    reread: list[tuple[str, Item, Answer]] = field(default_factory=list)
    units: list[list[tuple[str, Item]]] = field(default_factory=list)
    unfitted: str | None = None
    earlier_keys: dict[int, list[str]] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    """Names of the parts that were in the store before it was read."""

    @property
    def n_missing(self) -> int:
        """Items that have to be computed."""
        return sum(len(u) for u in self.units)

    def as_stored(self) -> Plan:
        """The plan of a run that computes nothing: an item without an answer has the last error that is stored for it."""
        keys = list(self.keys)
        for n, earlier in self.earlier_keys.items():
            if keys[n] not in self.stored:
                keys[n] = next((key for key in reversed(earlier) if key in self.stored), keys[n])
        return replace(self, keys=keys, units=[])


def plan(
    system: System, items: Sequence[Item], dataset: Dataset, store: PredictionStore, *, in_block: bool = False
) -> Plan:
    """Cuts the full list into units first and looks into the store second, so that what is done moves no unit's border.

    This is the border at which every system is asked: a stance classifier that judges summaries gets each as the text of
    an article (`Item.as_article`), so that it need not know of summaries. Items that are one block of many look for
    their own answers alone in the store.
    """
    items = list(items)
    questions = [item.as_article() for item in items] if system.kind == "stance" else items
    parts = store.part_names(system.name, system.fingerprint)
    stored = {} if in_block else store.read(system.name, system.fingerprint)
    look_up = partial(store.read_keys, system.name, system.fingerprint) if in_block else None
    reread: list[tuple[str, Item, Answer]] = []
    try:
        keys, earlier_keys = _keys(system, questions, dataset, stored, reread, look_up)
    except Unfitted as error:
        return Plan(items, [], {}, unfitted=error.message)
    done = _answered(stored)
    key_of = dict(zip(map(id, questions), keys, strict=True))
    units = []
    for unit in system.plan(questions):
        # two articles with one text ask the same question: it is answered once
        missing = {key_of[id(question)]: question for question in unit if key_of[id(question)] not in done}
        done |= missing.keys()
        if missing:
            units.append(list(missing.items()))
    return Plan(items, keys, stored, reread, units, earlier_keys=earlier_keys, parts=parts)


def _answered(stored: Mapping[str, Prediction]) -> set[str]:
    """The keys of stored answers that are no errors."""
    return {key for key, p in stored.items() if p.answer.error is None}


def answered_readings(
    system: System, readings: Mapping[str, Sequence[Item]], dataset: Dataset, store: PredictionStore
) -> dict[str, list[Item]]:
    """The readings every item of which has a stored answer."""
    work = plan(system, [item for items in readings.values() for item in items], dataset, store)
    begin, answered = 0, {}
    for reading, items in readings.items():
        keys = work.keys[begin : begin + len(items)]
        begin += len(items)
        if keys and all(key in work.stored for key in keys):
            answered[reading] = list(items)
    return answered


def _keys(
    system: System,
    questions: Sequence[Item],
    dataset: Dataset,
    stored: dict[str, Prediction],
    reread: list[tuple[str, Item, Answer]],
    look_up: Callable[[list[str]], dict[str, Prediction]] | None = None,
) -> tuple[list[str], dict[int, list[str]]]:
    """Every question's key, and the earlier keys of those that a request about several left without an answer.

    What such a request left is asked about again by a request about the rest alone, which has keys of its own, and so on.
    Where nothing of a request is answered, the rest is the whole, and its keys stay. Stored replies of an older reading are
    read again on the way, among the questions of their own request.
    """

    def keys_of(asked: Sequence[Item]) -> list[str]:
        keys = [prediction_key(system.fingerprint, reads) for reads in system.reads_of(asked, dataset)]
        if look_up is not None:
            stored.update(look_up(keys))
        reread.extend(_read_again(system, asked, keys, stored))
        return keys

    keys = keys_of(questions)
    earlier: dict[int, list[str]] = {}
    n_asked = len(questions)
    while True:
        done = _answered(stored)
        left = [n for n, key in enumerate(keys) if key not in done]
        if not 0 < len(left) < n_asked:
            return keys, earlier
        n_asked = len(left)
        for n, key in zip(left, keys_of([questions[n] for n in left]), strict=True):
            if key != keys[n]:
                earlier.setdefault(n, []).append(keys[n])
                keys[n] = key


def _read_again(
    system: System, questions: Sequence[Item], keys: Sequence[str], stored: dict[str, Prediction]
) -> list[tuple[str, Item, Answer]]:
    """Puts into `stored` what an older version read otherwise from the same replies, and returns it; nothing is asked."""
    older = {key for key in keys if key in stored and stored[key].answer.reading < system.reading}
    if not older:
        return []
    reread = []
    key_of = dict(zip(map(id, questions), keys, strict=True))
    for asked in system.together(questions):
        for question in asked:
            if (key := key_of[id(question)]) not in older:
                continue
            older.remove(key)
            before = stored[key].answer
            after = system.reread(question, before, asked)
            stored[key] = replace(stored[key], answer=after)
            if (before.output, before.label, before.error) != (after.output, after.label, after.error):
                reread.append((key, question, after))
    return reread


def answer_all(
    system: System,
    work: Plan,
    context: Context,
    store: PredictionStore,
    kind: str,
    progress: Advance = lambda n: None,
    fleet: Fleet | None = None,
) -> Answered:
    """Computes and stores what is missing, unit by unit, here or by the workers of a fleet; returns every prediction in the
    order of `work.items`.

    A unit that another process is computing in the same folder is waited for, and computed here if that process ends
    without it.
    """
    from harness.models.device import pick_device

    if work.unfitted is not None:
        return Answered([], unfitted=work.unfitted)
    by_key = dict(work.stored)
    progress(len(work.items) - work.n_missing)
    # reports read the store: what counts there is what is scored here
    store.write(system.name, system.fingerprint, kind, work.reread)
    folder = store.folder(system.name, system.fingerprint)
    if fleet is not None and not fleet.takes(system):
        fleet = None
    if work.units:
        store.describe(system.name, system.fingerprint, system.identity())
    if work.units and fleet is None:
        context.pool.watch(pick_device(context.device))
        context = replace(context, folder=folder)
    arrivals = Arrivals(folder, work.parts)
    waiting = set(range(len(work.units)))
    n_computed = 0
    begun, loaded = time.perf_counter(), context.pool.load_seconds

    def name_of(number: int) -> str:
        return unit_name(key for key, _ in work.units[number])

    def is_done(number: int) -> bool:
        unit = work.units[number]
        done = not leases.alone and arrivals.new_keys().issuperset(key for key, _ in unit)
        progress(len(unit) if done else 0)
        return done

    def size_of(claimed: Claimed[list[Item]], i: int) -> int:
        return len(work.units[claimed.numbers[i]])

    items = [[item for _, item in unit] for unit in work.units]
    with Leases(folder) as leases:
        for claimed in rounds(items, leases, name_of, is_done, context.tell):
            # every system that tells how far it is answers unit after unit
            steps = UnitProgress(progress, partial(size_of, claimed))
            source = (
                _answers(system, claimed, replace(context, step=steps.step))
                if fleet is None
                else fleet.answers(system, claimed, work.units, context, store, kind)
            )
            with closing(source) as finished_units:
                for number, answers, part in finished_units:
                    n = len(unit := work.units[number])
                    # without answers: the worker that gave them has stored them
                    if answers is not None:
                        rows = [(*row, answer) for row, answer in zip(unit, answers, strict=True) if answer is not None]
                        n = len(rows)
                        arrivals.leave_out(part)
                        for prediction in store.write(system.name, system.fingerprint, kind, rows, part):
                            by_key[prediction.key] = prediction
                        waiting.remove(number)
                    leases.release(name_of(number))
                    n_computed += n
                    steps.end(n)
    if waiting:
        # other processes have stored these, or workers
        stored = store.read(system.name, system.fingerprint)
        by_key |= {key: stored[key] for number in waiting for key, _ in work.units[number]}
    wall_seconds = time.perf_counter() - begun
    peak = None if not work.units else context.pool.peak() if fleet is None else fleet.peak
    predictions = [_for_item(by_key[key], item) for key, item in zip(work.keys, work.items, strict=True)]
    if not n_computed:
        return Answered(predictions, peak_memory_bytes=peak)
    # the models of a fleet are loaded elsewhere
    load_seconds = context.pool.load_seconds - loaded if fleet is None else None
    return Answered(
        predictions,
        n_computed,
        peak_memory_bytes=peak,
        load_seconds=load_seconds,
        wall_seconds=wall_seconds - (load_seconds or 0),
    )


def _answers(
    system: System, claimed: Claimed[list[Item]], context: Context
) -> Generator[tuple[int, Sequence[Answer | None], str]]:
    """Each unit's number in the plan, its answers, of which each has its seconds, and the name of the part they go to."""

    def clock() -> float:
        return time.perf_counter() - context.pool.load_seconds

    started = clock()
    with closing(system.answer_units(claimed, context)) as finished_units:
        for number, answers in finished_units:
            yield claimed.numbers[number], timed(answers, clock() - started), part_name()
            started = clock()


def _for_item(prediction: Prediction, item: Item) -> Prediction:
    """The stored answer under this item's own ids: another article with the same text may have asked first."""
    ids = (item.article.id, item.speaker.id if item.speaker else None, item.target.id if item.target else None)
    if (prediction.article_id, prediction.speaker_id, prediction.target_id) == ids:
        return prediction
    article_id, speaker_id, target_id = ids
    return replace(prediction, article_id=article_id, speaker_id=speaker_id, target_id=target_id)
