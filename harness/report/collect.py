"""Reads a results folder: which runs belong together, which failed, are stale or broken, and one row for each system."""

from __future__ import annotations

import gc
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, HarnessError, StoreError, nearest_hint
from harness.metrics.catalogue import board_of, judge_of, measures
from harness.report.cache import Cache
from harness.report.comparable import completed_later, dataset_name, mixes, state_of, unchanged
from harness.results.records import (
    AnswerRef,
    DatasetUse,
    RunRecord,
    SystemUse,
    Value,
    answers_path,
    complete_runs,
    newest_run,
    read_answers,
    read_records,
    scores_path,
)
from harness.results.states import SNAPSHOT_HINT, snapshot_path
from harness.results.store import PredictionStore
from harness.results.stored_columns import TornPart
from harness.results.trust import check_of, doubted, n_checked
from harness.runtime.frames import Tabular
from harness.types import Article, Dataset, Prediction, Speaker

if TYPE_CHECKING:
    from harness.report.items import Items

BARE = (
    "the records are all that is here: without the dataset as it was scored, item scores, answers and predictions there are no "
    "tests, pictures or articles; the commands under Reproduce make them"
)


@dataclass(frozen=True)
class Row:
    """One system with its scores; the same system in several runs is one row."""

    kind: str
    name: str
    fingerprint: str
    use: SystemUse
    metrics: dict[str, Value]
    tables: dict[str, object]
    runs: tuple[RunRecord, ...]
    judge: SystemUse | None = None

    @property
    def run(self) -> RunRecord:
        """The run whose answers and item scores stand for the row."""
        return self.runs[0]


@dataclass(frozen=True, repr=False)
class Runs(Tabular):
    """The runs of a results folder that can be compared with each other, and those that cannot, with the reason.

    `runs[0]` and `runs["majority-escalation"]` (the beginning of an id) are records; as a table it has a row a metric.

    `stale`: of the same dataset, but not comparable; `others`: of another dataset; `probes`: of this
    dataset's articles as probes change them. `systems`, where it names any, are the only
    ones that are shown and tested, by name or `name (first six digits of the fingerprint)`. `cache` holds what was read of
    the folder or computed from it; a changed copy (`dataclasses.replace`) begins with an empty one.
    """

    results: Path
    records: tuple[RunRecord, ...]
    failed: tuple[RunRecord, ...] = ()
    stale: tuple[tuple[RunRecord, str], ...] = ()
    broken: tuple[StoreError, ...] = ()
    others: tuple[tuple[RunRecord, str], ...] = ()
    probes: tuple[RunRecord, ...] = ()
    problems: list[str] = field(default_factory=list, compare=False)
    systems: frozenset[str] = frozenset()
    cache: Cache = field(default_factory=Cache, init=False, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: int | str) -> RunRecord:
        return self.records[key] if isinstance(key, int) else _find(list(self.records), key)

    def __repr__(self) -> str:
        data = f" on {self.use.name} {self.use.version} ({len(self.use.articles)} articles)" if self.use else ""
        return f"<{len(self)} runs{data} in {self.results}>"

    def table_rows(self) -> list[dict[str, Any]]:
        """A row a system and metric: kind, system, fingerprint, metric, value, 95 % interval, counts, and why there is none."""
        rows = []
        for row in (*self.rows("summariser"), *self.rows("stance")):
            system = {"kind": row.kind, "system": row.name, "fingerprint": row.fingerprint[:12]}
            rows += [{**system, "metric": metric, **row.metrics[metric].model_dump()} for metric in sorted(row.metrics)]
        return rows

    @property
    def use(self) -> DatasetUse | None:
        """The dataset and articles that all records share; None without any."""
        return self.records[0].dataset if self.records else None

    @property
    def dataset(self) -> Dataset | None:
        """The dataset as it was scored; None, and a problem noted, if its snapshot is missing or torn."""
        return self.cache.once("dataset", self._read_dataset)

    def _read_dataset(self) -> Dataset | None:
        from harness.data.load import load_dataset

        if self.use is None:
            return None
        path = snapshot_path(self.results, self.use.fingerprint)
        try:
            with uncollected():
                dataset = load_dataset(path)
        except HarnessError as error:
            self.note(f"dataset snapshot {path.name}: {error.message.splitlines()[0]}")
            return None
        if dataset.fingerprint == path.stem:
            return dataset
        self.note(f"dataset snapshot {path.name} was changed after it was written; {SNAPSHOT_HINT}")
        return None

    @property
    def articles(self) -> tuple[Article, ...]:
        """The scored articles, by id; those without declared speakers have the ones that the runs found in them."""
        return self.cache.once("articles", self._scored_articles)

    def _scored_articles(self) -> tuple[Article, ...]:
        scored_ids = set(self.use.articles) if self.use else set()
        scored = tuple(a for a in self.dataset or () if a.id in scored_ids)
        return scored if self.has_declared_speakers else self._with_found_speakers(scored)

    @property
    def has_declared_speakers(self) -> bool:
        """Whether the dataset declares speakers; if not, those of the articles are what the runs found."""
        return any(a.speakers for a in self.dataset or ())

    def _with_found_speakers(self, articles: tuple[Article, ...]) -> tuple[Article, ...]:
        from harness.data.found_speakers import found_speakers

        finders = {u.fingerprint: (r, u) for r in reversed(self.records) if (u := r.system("speakers")) is not None}
        by_article: dict[str, dict[str, Speaker]] = {}
        scored = {a.id: a for a in articles}
        for _, (record, use) in sorted(finders.items()):
            for ref, prediction in self._answers(record, use, "speakers"):
                article = scored.get(ref.article_id)
                try:
                    speakers = found_speakers(prediction, article) if prediction and article else ()
                except (ValueError, KeyError, TypeError) as error:
                    self.note(f"{use.name}: the speakers found in {ref.article_id} are not readable ({error})")
                    continue
                for speaker in speakers:
                    by_article.setdefault(ref.article_id, {}).setdefault(speaker.id, speaker)
        return tuple(replace(a, speakers=tuple(by_article.get(a.id, {}).values()), complete=True) for a in articles)

    def rows(self, kind: str) -> list[Row]:
        """One row for each system of a kind, by name; a summariser's is from a run with the report's judge if there is one."""
        by_system: dict[str, list[RunRecord]] = {}
        for record in self.records:
            use = record.system(kind)
            if use is not None:
                by_system.setdefault(use.fingerprint, []).append(record)
        rows = [self._row(kind, records) for records in by_system.values()]
        shown = [r for r in rows if not self.systems or self.systems & {r.name, f"{r.name} ({r.fingerprint[:6]})"}]
        return sorted(shown, key=lambda r: (r.name, r.fingerprint))

    @property
    def judge(self) -> SystemUse | None:
        """The judge that most summariser runs share: preservation is compared under one judge only."""
        return self.judges.get("judge")

    @property
    def judge_check(self) -> dict[str, Any]:
        """The check of the report's judge against people; empty without one."""
        return self.cache.once("check", lambda: check_of(self.judge, self.records))

    @property
    def judges(self) -> dict[str, SystemUse]:
        """The system that most summariser runs share, for each role that a judge has."""
        return self.cache.once("judges", self._most_used_judges)

    def _most_used_judges(self) -> dict[str, SystemUse]:
        judges: dict[str, SystemUse] = {}
        for role in ("judge", *measures()):
            uses = [u for r in self.records if r.system("summariser") and (u := r.system(role)) is not None]
            counts = Counter(u.fingerprint for u in uses)
            if counts:
                best = max(counts, key=lambda f: (counts[f], f))
                judges[role] = next(u for u in uses if u.fingerprint == best)
        return judges

    def _row(self, kind: str, runs: list[RunRecord]) -> Row:
        judge = None
        if kind == "summariser" and self.judge is not None:
            # a run scored after the judge's hand labels came holds the validation that one scored before lacks
            with_judge = sorted((r for r in runs if _has(r, "judge", self.judge)), key=n_checked, reverse=True)
            judge = self.judge if with_judge else None
            runs = [*with_judge, *(r for r in runs if r not in with_judge)]
        # end to end, the answers are about found speakers, not about the declared ones that other systems share
        runs = sorted(runs, key=lambda r: r.system("speakers") is not None) if judge is None else runs
        first = runs[0]
        use = first.system(kind)
        assert use is not None
        # every run has the same answers, but only the run that computed them measured the memory that this took
        peaks = [u.peak_memory_bytes for r in runs if (u := r.system(kind)) and u.peak_memory_bytes is not None]
        use = use.model_copy(update={"peak_memory_bytes": max(peaks, default=None)})
        metrics = {
            k: v
            for k, v in first.metrics.items()
            if board_of(k) == kind
            and judge_of(k) not in measures()
            and (judge is not None or not k.startswith("preservation."))
        }
        for role in measures():
            if (judged := self._under_judge(runs, role)) is not None:
                metrics |= {k: v for k, v in judged.metrics.items() if judge_of(k) == role}
        metrics = doubted(metrics, self.judge_check)
        return Row(kind, use.name, use.fingerprint, use, metrics, dict(first.tables), tuple(runs), judge)

    def _under_judge(self, runs: Sequence[RunRecord], role: str) -> RunRecord | None:
        """The first of the runs that has the report's judge of that role."""
        return next((r for r in runs if role in self.judges and _has(r, role, self.judges[role])), None)

    def scored_run(self, row: Row, metric: str) -> RunRecord | None:
        """The run whose item scores of a metric are the row's: of a judge's metric one under the report's judge, if any."""
        role = judge_of(metric)
        return self._under_judge(row.runs, role) if role is not None and role in measures() else row.run

    def answers(self, row: Row, role: str | None = None) -> list[tuple[AnswerRef, Prediction | None]]:
        """Every answer of the row's system (or of its judge, by `role`) with the item it is for; None where the
        prediction is gone, and a problem noted."""
        role = role or row.kind
        use = row.run.system(role)
        return [] if use is None else self._answers(row.run, use, role)

    def _answers(self, run: RunRecord, use: SystemUse, role: str) -> list[tuple[AnswerRef, Prediction | None]]:
        try:
            refs = read_answers(answers_path(self.results, run.run_id))
        except StoreError as error:
            self.note_unreadable(error)
            return []
        stored = self.cache.once("predictions", lambda: self._read_predictions(use), key=use.fingerprint)
        answers = [(ref, stored.get(ref.key)) for ref in refs if ref.role == role]
        if lost := sum(prediction is None for _, prediction in answers):
            self.note(f"{use.name}: {lost} predictions of {run.run_id} are no longer stored")
        return answers

    def _read_predictions(self, use: SystemUse) -> dict[str, Prediction]:
        store = PredictionStore(self.results / "predictions")
        predictions = store.read(use.name, use.fingerprint)
        self.note_torn(store.torn)
        return predictions

    @property
    def signatures(self) -> dict[str, str]:
        """The signature of each summary metric, which tells two ways of computing it apart; of a judge's metric the signature
        under the report's judge."""
        return self.cache.once("signatures", self._first_signatures)

    def _first_signatures(self) -> dict[str, str]:
        signatures: dict[str, str] = {}
        for record in self.records:
            for metric, signature in record.signatures.items():
                role = judge_of(metric)
                if role not in measures() or _has(record, role, self.judges[role]):
                    signatures.setdefault(metric, signature)
        return signatures

    @property
    def items(self) -> Items:
        """Every (speaker, target) pair of the scored articles, as arrays."""
        from harness.report.items import items_of

        return self.cache.once("items", lambda: items_of(self.articles))

    @property
    def bare(self) -> bool:
        """Whether the records are all that is left of the runs, as in a clone of committed ones: no item scores of any."""
        paths = (scores_path(self.results, r.run_id) for r in self.records)
        return self.cache.once("bare", lambda: bool(self.records) and not any(path.exists() for path in paths))

    def relative(self, message: str) -> str:
        """A message whose paths start at the results folder: a report does not hang on where that lies."""
        return message.replace(f"{self.results}{os.sep}", "")

    def note(self, problem: str) -> None:
        """Remembers what could not be read, once, to be named in the report."""
        problem = self.relative(problem)
        if problem not in self.problems:
            self.problems.append(problem)

    def note_unreadable(self, error: StoreError) -> None:
        """Remembers that a run's scores or answers cannot be read; where no run has any, that is one problem."""
        self.note(BARE if self.bare else f"{error.message}; {error.hint}")

    def note_torn(self, parts: Iterable[TornPart]) -> None:
        """Remembers parts of the store that cannot be read."""
        for part in parts:
            self.note(f"torn part {part.path.parent.name}/{part.path.name}: {part.reason}")


@contextmanager
def uncollected() -> Iterator[None]:
    """Stops the garbage collector while millions of small objects are read, none of them in a cycle: it saves a fifth of the
    time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_runs(
    results: str | Path = "results", run_ids: Iterable[str] | None = None, systems: Iterable[str] = ()
) -> Runs:
    """The runs to compare: those named, or all that share dataset, articles and scoring version with the newest one.

    `systems` are the only ones to show and test; all where it is empty. Raises ConfigError if there is no such run or
    system, or if the runs that are named cannot be compared.
    """
    folder = Path(results)
    with uncollected():
        records, broken = read_records(folder)
    wanted = list(run_ids or ())
    if wanted:
        records = [_find(records, name) for name in wanted]
    # of a run that stands for an earlier one, the earlier one counts, unless it is named
    complete = complete_runs(records, with_shared=bool(wanted))
    probes = [r for r in complete if r.dataset is not None and r.dataset.unchanged is not None]
    complete = [r for r in complete if r not in probes]
    if probes and wanted and not complete:
        raise ConfigError(
            f"{probes[0].run_id} is a probe's run", hint="name the run of the unchanged articles too; harness list runs"
        )
    failed = [r for r in records if r.status == "failed" and (wanted or not completed_later(r, complete))]
    if not complete and not failed:
        raise ConfigError(f"no runs in {folder / 'runs'}", hint="harness run makes one; --results names another folder")
    if not complete:
        return Runs(folder, (), tuple(failed), (), tuple(broken))
    newest = newest_run(complete)
    reasons = [(r, mixes(r, newest, folder)) for r in complete]
    current = [r for r, why in reasons if why is None]
    # the dataset and articles of a report are the first record's: those of the newest state
    current.sort(key=lambda r: state_of(r) != state_of(newest))
    apart = [(r, why) for r, why in reasons if why is not None]
    if wanted and apart:
        record, why = apart[0]
        raise ConfigError(f"{record.run_id} and {newest.run_id} cannot be compared: {why}", hint="run both again")
    others = tuple((r, why) for r, why in apart if dataset_name(r) != dataset_name(newest))
    stale = tuple((r, why) for r, why in apart if dataset_name(r) == dataset_name(newest))
    fingerprint = newest.dataset.fingerprint if newest.dataset else None
    of_it = [r for r in probes if r.scoring_version == newest.scoring_version and unchanged(r) == fingerprint]
    apart = [(r, "a probe of another state of the dataset") for r in probes if r not in of_it]
    stale += tuple((r, why) for r, why in apart if dataset_name(r) == dataset_name(newest))
    others += tuple((r, why) for r, why in apart if dataset_name(r) != dataset_name(newest))
    chosen = frozenset(systems)
    runs = Runs(folder, tuple(current), tuple(failed), stale, tuple(broken), others, tuple(of_it), systems=chosen)
    names = {name for r in current for u in r.systems for name in (u.name, f"{u.name} ({u.fingerprint[:6]})")}
    for name in sorted(chosen - names):
        elsewhere = next((r for r, _ in (*stale, *others) if any(u.name == name for u in r.systems)), None)
        hint = nearest_hint(name, sorted(names)) + ", ".join(sorted(names))
        if elsewhere is not None:
            hint = f"the newest runs are on {dataset_name(newest)}; harness report {elsewhere.run_id} … names runs of before"
        raise ConfigError(f"no run has a system called {name!r}", hint=hint)
    return runs


def _has(record: RunRecord, role: str, use: SystemUse) -> bool:
    """Whether the run has this very system in that role."""
    return (system := record.system(role)) is not None and system.fingerprint == use.fingerprint


def _find(records: Sequence[RunRecord], name: str) -> RunRecord:
    """The run of that id, or the one whose id begins like it."""
    matches = [r for r in records if r.run_id == name] or [r for r in records if r.run_id.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ConfigError(f"{name!r} fits {len(matches)} runs", hint=", ".join(r.run_id for r in matches[:5]))
    hint = nearest_hint(name, [r.run_id for r in records]) + "harness list runs shows them"
    raise ConfigError(f"there is no run {name!r}", hint=hint)


def canonical(value: object) -> str:
    """JSON with sorted keys: the same records give the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1)
