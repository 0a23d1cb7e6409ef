"""Answers and scores as arrays over the report's items, so that a hundred systems with ten thousand items each stay quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import StoreError
from harness.report.collect import Row, Runs
from harness.results.records import RunRecord, SystemUse, answers_path, scores_path
from harness.results.store import PredictionStore
from harness.results.stored_columns import part_schema, run_columns
from harness.types import STANCES

if TYPE_CHECKING:
    import pyarrow as pa

ITEM = ["article_id", "speaker_id", "target_id"]
UNPARSED, FAILED, GONE, UNASKED = 6, 7, 8, 9
"""Codes after the six labels: an answer that could not be parsed, none because of an error, no longer stored, never asked."""


@dataclass(frozen=True)
class Answers:
    """The stored answers of one system to one kind of question, beside the items they answer.

    `item` (n,) indexes the items (the articles for a summariser); `row` (n,) the rows of `table`, -1 where the
    prediction is gone.
    """

    item: NDArray[np.intp]
    row: NDArray[np.intp]
    table: pa.Table

    def lists(self, *names: str) -> list[list[Any]]:
        """Columns as lists in the order of `item`, None where the prediction is gone."""
        import pyarrow as pa

        rows = pa.array(self.row, mask=self.row < 0)
        return [self.table[name].combine_chunks().take(rows).to_pylist() for name in names]


@dataclass(frozen=True, eq=False)
class _Stored:
    """The stored answers of one system, one row a key; equal to itself alone, so that it can be the key of what is made of it."""

    table: pa.Table


def answers(runs: Runs, row: Row, role: str, columns: Sequence[str], reading: str | None = None) -> Answers:
    """The predictions that the row's run used in a role, with these columns and `error`; problems are noted in `runs`.

    `reading` keeps only a judge's answers to that reading ("article" or "summary").
    """
    import pyarrow.compute as pc

    use = row.use if role == row.kind else row.run.system(role)
    nothing = np.empty(0, dtype=np.intp)
    if use is None:
        return Answers(nothing, nothing, _empty(columns))
    named = ["role", "reading", *ITEM]
    try:
        refs = run_columns(answers_path(runs.results, row.run.run_id), [*named, "key"], dictionaries=named)
    except StoreError as error:
        runs.note_unreadable(error)
        return Answers(nothing, nothing, _empty(columns))
    chosen = pc.equal(refs["role"], role)
    if reading is not None:
        chosen = pc.and_(chosen, pc.equal(refs["reading"], reading))
    refs = refs if pc.all(chosen).as_py() else refs.filter(chosen)
    # summarisers share a judge, so the tables used last are needed again
    stored = runs.cache.once(
        "stored answers", lambda: _read_stored(runs, use, columns), key=(use.fingerprint, tuple(columns)), keep=2
    )
    rows = _rows(runs, refs["key"].combine_chunks(), stored)
    items = _places(runs, refs.select(ITEM), by_article=role == "summariser")
    in_report = items >= 0
    if lost := int(np.count_nonzero(rows[in_report] < 0)):
        runs.note(f"{use.name}: {lost} predictions of {row.run.run_id} are no longer stored")
    return Answers(items[in_report], rows[in_report], stored.table)


def _empty(columns: Sequence[str]) -> pa.Table:
    return part_schema(dict.fromkeys(["error", *columns])).empty_table()


def _read_stored(runs: Runs, use: SystemUse, columns: Sequence[str]) -> _Stored:
    store = PredictionStore(runs.results / "predictions")
    table = store.columns(use.name, use.fingerprint, columns)
    runs.note_torn(store.torn)
    return _Stored(table)


def _rows(runs: Runs, keys: pa.Array, stored: _Stored) -> NDArray[np.intp]:
    """The row of each key in the stored answers, -1 where it is gone."""
    import pyarrow.compute as pc

    if len(stored.table) < 2 * len(keys):
        rows = pc.index_in(keys, value_set=stored.table["key"].combine_chunks()).fill_null(-1)
        return np.asarray(rows.to_numpy(zero_copy_only=False), dtype=np.intp)
    # a judge's answers are many, and every summariser's run looks some of them up: one index serves all
    row_of_key = runs.cache.once(
        "rows by key", lambda: {key: row for row, key in enumerate(stored.table["key"].to_pylist())}, key=stored, keep=1
    )
    return np.array([row_of_key.get(key, -1) for key in keys.to_pylist()], dtype=np.intp)


def _places(runs: Runs, refs: pa.Table, *, by_article: bool) -> NDArray[np.intp]:
    """The number of each item (or article) in the report, -1 if it is none of the report's.

    Most runs ask the same items in the same order, so the places of the last four different lists of items are kept.
    """
    kept: list[tuple[pa.Table, NDArray[np.intp]]] = runs.cache.once("places", lambda: [], key=by_article)
    for known_refs, places in kept:
        if known_refs.equals(refs):
            return places
    ids = [refs[name].to_pylist() for name in ITEM]
    if by_article:
        number_of = {article.id: number for number, article in enumerate(runs.articles)}
        numbers = [number_of.get(article_id, -1) for article_id in ids[0]]
    else:
        index = runs.items.index
        numbers = [index.get(item, -1) for item in zip(*ids, strict=True)]
    kept.insert(0, (refs, np.array(numbers, dtype=np.intp)))
    del kept[4:]
    return kept[0][1]


def codes(runs: Runs, row: Row, role: str = "stance", reading: str | None = None) -> NDArray[np.int8]:
    """What a stance classifier (or a judge) answered to each item, as codes of shape (items,): 0..5 in the order of the
    labels, or UNPARSED, FAILED, GONE, UNASKED."""
    return runs.cache.once("codes", lambda: _codes(runs, row, role, reading), key=(row.fingerprint, role, reading))


def _codes(runs: Runs, row: Row, role: str, reading: str | None) -> NDArray[np.int8]:
    import pyarrow as pa
    import pyarrow.compute as pc

    stances = answers(runs, row, role, ("label",), reading)
    by_item = np.full(len(runs.items), UNASKED, dtype=np.int8)
    if len(stances.item):
        labels = pc.index_in(stances.table["label"], value_set=pa.array([str(stance) for stance in STANCES]))
        by_row = pc.if_else(pc.is_valid(stances.table["error"]), FAILED, pc.fill_null(labels, UNPARSED))
        by_item[stances.item] = np.append(by_row.to_numpy(), GONE)[stances.row]
    return by_item


@dataclass(frozen=True)
class Scores:
    """Item scores of one metric that have a value: numbers that stand for the items' names, their articles' indices, values.

    Two systems' scores of one item have the same number.
    """

    item: NDArray[np.intp]
    article: NDArray[np.intp]
    value: NDArray[np.float64]


NO_SCORES = Scores(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))
TOGETHER = ("summary.rouge_lsum", "summary.words", "preservation.harm")
"""Metrics that every report reads of a summariser: one reading of the file serves them all."""


def item_scores(runs: Runs, row: Row, metric: str) -> Scores:
    """The row's item scores of a metric; empty, and a problem noted, if the file is torn."""
    metrics = TOGETHER if metric in TOGETHER else (metric,)
    run = runs.scored_run(row, metric)
    if run is None:
        return NO_SCORES
    key = (run.run_id, metrics)
    return runs.cache.once("item scores", lambda: _read_scores(runs, run, metrics), key=key)[metric]


def _read_scores(runs: Runs, run: RunRecord, metrics: Sequence[str]) -> dict[str, Scores]:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        table = run_columns(
            scores_path(runs.results, run.run_id),
            ["item", "article_id", "metric", "value"],
            dictionaries=["article_id", "metric"],
        )
    except StoreError as error:
        runs.note_unreadable(error)
        return dict.fromkeys(metrics, NO_SCORES)
    article_ids = pa.array([a.id for a in runs.articles] or sorted(set(table["article_id"].to_pylist())), pa.string())
    scored = pc.is_valid(table["value"])
    scores = {}
    for name in metrics:
        part = table.filter(pc.and_(pc.equal(table["metric"], name), scored))
        places = pc.index_in(part["article_id"].cast(pa.string()), value_set=article_ids)
        article = pc.fill_null(places, -1).to_numpy().astype(np.intp)
        items = item_numbers(runs, part["item"].to_pylist())
        in_report = article >= 0
        scores[name] = Scores(items[in_report], article[in_report], part["value"].to_numpy()[in_report])
    return scores


def shared_scores(runs: Runs, a: Row, b: Row, metric: str) -> list[tuple[str, float, float]]:
    """Both rows' scores of each item that both have, by the item's name."""
    first, second = (item_scores(runs, row, metric) for row in (a, b))
    shared, in_first, in_second = np.intersect1d(first.item, second.item, return_indices=True)
    names = list(_numbers_by_name(runs))
    values = (first.value[in_first].tolist(), second.value[in_second].tolist())
    return sorted(zip((names[number] for number in shared), *values, strict=True))


def item_numbers(runs: Runs, items: Sequence[str]) -> NDArray[np.intp]:
    """The numbers that stand for items' names in `Scores`."""
    numbers = _numbers_by_name(runs)
    return np.array([numbers.setdefault(item, len(numbers)) for item in items], dtype=np.intp)


def _numbers_by_name(runs: Runs) -> dict[str, int]:
    """The number that stands for each item that was met, in the order of the numbers."""
    numbers: dict[str, int] = runs.cache.once("item numbers", lambda: {})
    return numbers
