"""Whether a system keeps the contract of `System`: loaded, built, asked about gold articles and about edits of them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from harness.config import explain
from harness.errors import HarnessError
from harness.results.store import PredictionStore, prediction_key
from harness.systems.base import Context, Kind, Options, System, pair_item
from harness.systems.class_place import class_at
from harness.systems.contract import (
    Broken,
    as_json,
    calling,
    check_answer,
    check_some_answer,
    difference,
    same,
    words_of_answer,
)
from harness.systems.edits import EDITS, HIDDEN, Edit, unusual_articles
from harness.types import Answer, Dataset, Item

PAIRS = 2
"""Speakers and targets of each article that a stance classifier is asked about."""


@dataclass(frozen=True)
class Finding:
    """What one check says: `problem` is None where the system passes, `hint` is what to change."""

    check: str
    problem: str | None = None
    hint: str = ""


def check_system(place: str, options: Mapping[str, Any], dataset: Dataset, n_articles: int = 2) -> Iterator[Finding]:
    """Every check in turn, as soon as it is done; the last finding is a problem where the others hang on it.

    `place` is `file.py:Class` or `package.module:Class`. Asked are two speakers on two targets of the first `n_articles`
    articles with gold, and edits of these.
    """
    check = "the class loads"
    try:
        cls = _loaded(place)
        yield Finding(check)
        check = "it is built from its options"
        system, twin = _built(cls, options), _built(cls, options)
        yield Finding(check)
        check = "its identity says all that it is"
        _check_identity(system, twin)
        yield Finding(check)
        items = sample(cls.kind, dataset, n_articles)
        context = Context(dataset)
        check = "`reads` is the same every time"
        _check_reads(system, twin, items, dataset)
        _check_other_process(place, options, system, items, dataset)
        yield Finding(check)
        check = "`plan` hands on every item once"
        _check_plan(system, items)
        yield Finding(check)
        check = "`answer` answers every item"
        answers = _asked(system, items, context)
        for item, answer in zip(items, answers, strict=True):
            check_answer(cls.kind, item, answer)
        check_some_answer(cls.kind, answers)
        _check_storable(system, items, answers)
        yield Finding(check)
    except Broken as broken:
        yield Finding(check, broken.problem, broken.hint)
        return
    checks: dict[str, Callable[[], None]] = {
        "the same question gets the same answer": lambda: _check_repeated(system, items, answers, context),
        "an answer does not hang on the other items": lambda: _check_alone(system, items, answers, context),
        "`reads` has all that answers depend on": lambda: _check_complete(system, items, answers, context),
        "gold, annotations and references stay unseen": lambda: _check_unseen(system, items, answers, context),
        "unusual texts are answered": lambda: _check_unusual(system, items, context),
    }
    for name, run in checks.items():
        try:
            run()
        except Broken as broken:
            yield Finding(name, broken.problem, broken.hint)
        else:
            yield Finding(name)


def sample(kind: Kind, dataset: Dataset, n_articles: int) -> list[Item]:
    """A few questions of the kind, about the first articles that have gold."""
    articles = [a for a in dataset if a.gold is not None][:n_articles]
    if kind == "stance":
        pairs = [
            (a, s, x)
            for a in articles
            for s in [s for s in a.speakers if s.kind != "vague"][:PAIRS]
            for x in a.targets[:PAIRS]
        ]
        return [pair_item(article, speaker, target) for article, speaker, target in pairs]
    return [Item(a, summary=next(iter(a.references), a.title) if kind == "judge" else None) for a in articles]


def _loaded(place: str) -> type[System]:
    try:
        cls = class_at(place)
    except HarnessError as error:
        raise Broken(error.message, error.hint or "") from None
    if not (isinstance(cls, type) and issubclass(cls, System)):
        raise Broken(f"{place} is no subclass of System", "class Mine(System), from harness.systems.base")
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise Broken(
            f"it has no {' and no '.join(f'`{m}`' for m in missing)}", "docs/writing-a-system.md has an example"
        )
    kind = getattr(cls, "kind", None)
    if kind not in get_args(Kind):
        raise Broken(f"`kind` is {kind!r}", f"kind = one of {', '.join(map(repr, get_args(Kind)))}")
    if not isinstance(cls.version, str):
        raise Broken(f"`version` is {cls.version!r}, no text", 'version = "1"')
    return cls


def _built(cls: type[System], options: Mapping[str, Any]) -> System:
    if not (isinstance(cls.Options, type) and issubclass(cls.Options, Options)):
        raise Broken(
            "`Options` is no subclass of harness.systems.base.Options", "class MyOptions(Options), Options = MyOptions"
        )
    if cls.Options.model_config.get("extra") != "forbid":
        raise Broken(
            "`Options` takes fields that it does not know", "leave `extra` as it is: a misspelt option must be refused"
        )
    try:
        chosen = cls.Options.model_validate(dict(options))
    except ValidationError as error:
        raise Broken(explain(error, cls.Options, "options"), "-o NAME=VALUE sets an option") from None
    return calling("the constructor", lambda: cls("checked", chosen, "", "auto"))


def _check_identity(system: System, twin: System) -> None:
    identity = calling("`identity`", system.identity)
    if not isinstance(identity, dict) or not {"adapter", "version", "options"} <= identity.keys():
        raise Broken("`identity` leaves out adapter, version or options", "return super().identity() | {...}")
    as_json(identity, "`identity`")
    if system.fingerprint != twin.fingerprint:
        raise Broken(
            f"built twice from the same options it has two fingerprints: {difference(identity, twin.identity())}",
            "an identity has no times, random numbers or addresses of objects",
        )


def _check_reads(system: System, twin: System, items: Sequence[Item], dataset: Dataset) -> None:
    if not items:
        raise Broken("the dataset has no article with gold", "--dataset names another one")
    for item in items:
        first, second = _reads(system, item, dataset), _reads(twin, item, dataset)
        if as_json(first, "`reads`") != as_json(second, "`reads`"):
            raise Broken(
                f"of {item.id} it reads now this, now that: {difference(first, second)}",
                "no times, random numbers or sets in what `reads` returns",
            )


def _reads(system: System, item: Item, dataset: Dataset) -> dict[str, Any]:
    reads = calling("`reads`", lambda: system.reads(item, dataset))
    if not isinstance(reads, dict):
        raise Broken(f"`reads` returns {type(reads).__name__}, no dict", 'such as {"text": item.article.text}')
    return reads


def _check_other_process(
    place: str, options: Mapping[str, Any], system: System, items: Sequence[Item], dataset: Dataset
) -> None:
    """The same keys in a process that orders sets otherwise: stored answers must be found by whoever looks next."""
    process = subprocess.run(
        [sys.executable, "-m", "harness.systems.conformance"],
        input=pickle.dumps((place, dict(options), list(items), dataset)),
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "271828"},
        check=False,
    )
    if process.returncode:
        last = process.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Broken(f"another process cannot build it: {' '.join(last)}", "import what it needs in its own module")
    if json.loads(process.stdout) != keys_of(system, items, dataset):
        raise Broken(
            "another process gives it another fingerprint or other reads, so no stored answer would be found again",
            "sort what comes out of a set; no hash() and no id()",
        )


def keys_of(system: System, items: Sequence[Item], dataset: Dataset) -> list[str]:
    """The system's fingerprint, then the key of every item's answer."""
    return [system.fingerprint, *(prediction_key(system.fingerprint, system.reads(i, dataset)) for i in items)]


def _check_plan(system: System, items: Sequence[Item]) -> None:
    units = calling("`plan`", lambda: system.plan(items))
    handed = sorted(id(item) for unit in units for item in unit)
    if handed != sorted(map(id, items)):
        raise Broken(
            f"of {len(items)} items it hands on {len(handed)}, of which {len(set(handed) & set(map(id, items)))} are those asked",
            "put every item that it was handed, the object itself, into one unit",
        )


def _asked(system: System, items: Sequence[Item], context: Context) -> list[Answer]:
    """The answers in the order of the items, by the way a run takes: units, then each unit's answers."""
    units = system.plan(items)
    by_item: dict[int, Answer] = {}

    def ask() -> None:
        with closing(system.answer_units(units, context)) as answered:
            for number, answers in answered:
                if not isinstance(answers, Sequence) or len(answers) != len(units[number]):
                    n = len(answers) if isinstance(answers, Sequence) else type(answers).__name__
                    raise Broken(
                        f"`answer` was asked about {len(units[number])} items and returned {n} answers",
                        "return a list with one Answer for each item, in their order",
                    )
                by_item.update((id(i), a) for i, a in zip(units[number], answers, strict=True) if a is not None)

    calling("`answer`", ask)
    if missing := [i.id for i in items if id(i) not in by_item]:
        raise Broken(f"no answer for {missing[0]}", "where there is none, return Answer(error='the reason')")
    return [by_item[id(i)] for i in items]


def _check_storable(system: System, items: Sequence[Item], answers: Sequence[Answer]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = PredictionStore(Path(folder))
        rows = [(str(n), item, answer) for n, (item, answer) in enumerate(zip(items, answers, strict=True))]
        calling("storing the answers", lambda: store.write(system.name, system.fingerprint, system.kind, rows))
        stored = store.read(system.name, system.fingerprint)
    for n, answer in enumerate(answers):
        if not same(stored[str(n)].answer, answer):
            raise Broken(
                f"the answer for {items[n].id} is another one once it is stored", "plain text, numbers, Stance"
            )


def _check_repeated(system: System, items: Sequence[Item], answers: Sequence[Answer], context: Context) -> None:
    for item, before, after in zip(items, answers, _asked(system, items, context), strict=True):
        if not same(before, after):
            raise Broken(
                f"asked twice about {item.id} it says {words_of_answer(before)}, then {words_of_answer(after)}",
                "draw random numbers from a seed among the options; nothing may be left over from an earlier call",
            )


def _check_alone(system: System, items: Sequence[Item], answers: Sequence[Answer], context: Context) -> None:
    if type(system).reads_of is not System.reads_of:
        # it says itself that the items of a request hang together
        return
    backwards = _asked(system, items[::-1], context)[::-1]
    # the first of each article: to fit a system anew for every pair takes long
    firsts = {item.article.id: item for item in reversed(items)}
    alone = [
        _asked(system, [i], context)[0] if firsts[i.article.id] is i else a for i, a in zip(items, answers, strict=True)
    ]
    for way, others in (("in the other order", backwards), ("alone", alone)):
        for item, before, after in zip(items, answers, others, strict=True):
            if not same(before, after):
                raise Broken(
                    f"asked {way} about {item.id} it says {words_of_answer(after)}, not {words_of_answer(before)}",
                    "answer each item by itself and in its place, or say in `reads_of` what else the answer depends on",
                )


def _check_complete(system: System, items: Sequence[Item], answers: Sequence[Answer], context: Context) -> None:
    edits = [edit for edit in EDITS if not (edit.renames and type(system).ceiling)]
    hint = "put it into what `reads` returns, or do not look at it: else a stored answer stands for another question"
    _check_edits(system, edits, items, answers, context, context, hint)


def _check_unseen(system: System, items: Sequence[Item], answers: Sequence[Answer], context: Context) -> None:
    if type(system).ceiling:
        return
    for event in dict.fromkeys(item.article.event for item in items):
        # a fitted system may learn from the gold of all other events
        asked = [(item, answer) for item, answer in zip(items, answers, strict=True) if item.article.event == event]
        edited = context.dataset
        for edit in HIDDEN:
            edited = edit.of_dataset(edited, event)
            for item, _ in asked:
                reads = as_json(_reads(system, edit.apply(item), edited), "`reads`")
                if reads != as_json(_reads(system, item, context.dataset), "`reads`"):
                    raise Broken(
                        f"`reads` changes with {edit.words}, by which the system is scored",
                        "do not look at it; a system that is meant to sets ceiling = True and is never ranked",
                    )
        hint = "do not look at that by which the system is scored"
        event_items, before = [i for i, _ in asked], [a for _, a in asked]
        _check_edits(system, HIDDEN, event_items, before, context, Context(edited), hint)


def _check_edits(
    system: System,
    edits: Sequence[Edit],
    items: Sequence[Item],
    answers: Sequence[Answer],
    context: Context,
    edited_context: Context,
    hint: str,
) -> None:
    """No answer may change by an edit that leaves untouched what the system says that it reads."""
    unread = [
        (new, edit, item, before)
        for edit in edits
        for item, before in zip(items, answers, strict=True)
        if (new := edit.apply(item)) != item
        and as_json(_reads(system, new, edited_context.dataset), "`reads`")
        == as_json(_reads(system, item, context.dataset), "`reads`")
    ]
    after = _asked(system, [new for new, _, _, _ in unread], edited_context) if unread else []
    for (_, edit, item, before), now in zip(unread, after, strict=True):
        if not same(before, now):
            raise Broken(
                f"with {edit.words} its answer about {item.id} is {words_of_answer(now)}, not {words_of_answer(before)}, "
                "though `reads` is the same",
                hint,
            )


def _check_unusual(system: System, items: Sequence[Item], context: Context) -> None:
    for words, article in unusual_articles(items[0].article, empty=system.kind == "stance"):
        item = Item(article, items[0].speaker, items[0].target, summary=items[0].summary and article.text)
        try:
            _reads(system, item, context.dataset)
            [answer] = _asked(system, [item], context)
            if not (system.kind == "summariser" and isinstance(answer, Answer) and not answer.output.strip()):
                check_answer(system.kind, item, answer)
        except Broken as broken:
            hint = "say Answer(error='the reason') where there is nothing to answer: an exception ends the whole run"
            raise Broken(f"{words}: {broken.problem}", hint) from None


def _keys_for_another_process() -> None:
    place, options, items, dataset = pickle.load(sys.stdin.buffer)
    print(json.dumps(keys_of(_built(_loaded(place), options), items, dataset)))


if __name__ == "__main__":
    _keys_for_another_process()
