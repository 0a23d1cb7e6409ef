"""Answers and scores as arrays over the report's items, so that a hundred systems with ten thousand items each stay quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.records import SystemUse, record_path
from harness.store import FORMAT, PredictionStore
from harness.types import ESCALATION, STANCES, Article

if TYPE_CHECKING:
    import pyarrow as pa

    from harness.report.collect import Row, Runs

ITEM = ["article_id", "speaker_id", "target_id"]
UNPARSED, FAILED, GONE, UNASKED = 6, 7, 8, 9
"""Codes after the six labels: an answer that could not be read, none because of an error, no longer stored, never asked."""

_CODES = {str(stance): i for i, stance in enumerate(STANCES)}


@dataclass(frozen=True)
class Items:
    """Every (speaker, target) of the scored articles, in the articles' order, as parallel arrays of length n.

    `article` indexes `articles`; `gold` is 0..5 in the order of the labels, -1 where nobody labelled.
    """

    articles: tuple[Article, ...]
    ids: tuple[tuple[str, str, str], ...]
    index: dict[tuple[str, str, str], int]
    article: NDArray[np.intp]
    gold: NDArray[np.int8]
    escalation: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def in_scope(self, scope: str) -> NDArray[np.bool_]:
        """Which items belong to a scope: '' (concrete targets), 'escalation' or 'all'."""
        if scope == "all":
            return np.ones(len(self), dtype=bool)
        return self.escalation if scope == "escalation" else ~self.escalation


def items_of(articles: Sequence[Article]) -> Items:
    """The items of articles: their declared pairs."""
    ids, home, gold = [], [], []
    for i, article in enumerate(articles):
        labels = article.gold_stances()
        for speaker, target in article.pairs():
            label = labels.get((speaker.id, target.id))
            ids.append((article.id, speaker.id, target.id))
            home.append(i)
            gold.append(-1 if label is None else _CODES[label.stance])
    return Items(
        tuple(articles),
        tuple(ids),
        {item: i for i, item in enumerate(ids)},
        np.array(home, dtype=np.intp),
        np.array(gold, dtype=np.int8),
        np.array([item[2] == ESCALATION for item in ids], dtype=bool),
    )


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

        where = pa.array(self.row, mask=self.row < 0)
        return [self.table[name].combine_chunks().take(where).to_pylist() for name in names]


def answers(runs: Runs, row: Row, role: str, columns: Sequence[str], reading: str | None = None) -> Answers:
    """The columns of the predictions that the row's run used in a role; problems are noted in `runs`."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = list(dict.fromkeys(["key", "error", *columns]))
    nothing = pa.table({name: pa.array([], pa.string()) for name in wanted})
    none = np.empty(0, dtype=np.intp)
    use = row.use if role == row.kind else row.run.system(role)
    if use is None:
        return Answers(none, none, nothing)
    path = record_path(runs.results, row.run.run_id).with_name("answers.parquet")
    try:
        named = ["role", "reading", *ITEM]
        refs = pq.ParquetFile(path, read_dictionary=named).read(columns=[*named, "key"], use_threads=False)
        chosen = pc.equal(refs["role"], role)
        if reading is not None:
            chosen = pc.and_(chosen, pc.equal(refs["reading"], reading))
        refs = refs if pc.all(chosen).as_py() else refs.filter(chosen)
        keys = refs["key"].combine_chunks()
    except (pa.ArrowException, OSError, KeyError) as error:
        runs.note(
            f"{row.run.run_id}/answers.parquet: not readable ({_first_line(error)}); harness rescore writes it anew"
        )
        return Answers(none, none, nothing)
    stored = _stored(runs, use, wanted)
    if stored is None:
        stored = nothing
    rows = _rows(runs, use, keys, stored)
    items = _places(runs, refs.select(ITEM), by_article=role == "summariser")
    known = items >= 0
    if lost := int(np.count_nonzero(rows[known] < 0)):
        runs.note(f"{use.name}: {lost} predictions of {row.run.run_id} are no longer stored")
    return Answers(items[known], rows[known].astype(np.intp), stored)


def _rows(runs: Runs, use: SystemUse, keys: pa.Array, stored: pa.Table) -> NDArray[np.intp]:
    """The row of each key in the stored predictions, -1 where it is gone."""
    import pyarrow.compute as pc

    if len(stored) < 2 * len(keys):
        found = pc.index_in(keys, value_set=stored["key"].combine_chunks()).fill_null(-1)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.intp)
    # a judge's predictions are many, and every summariser's run looks some of them up: one index serves all
    kept: dict[str, tuple[pa.Table, dict[str, int]]] = runs.__dict__.setdefault("_kept_rows", {})
    if use.fingerprint not in kept or kept[use.fingerprint][0] is not stored:
        kept.clear()
        kept[use.fingerprint] = (stored, {key: i for i, key in enumerate(stored["key"].to_pylist())})
    index = kept[use.fingerprint][1]
    return np.array([index.get(key, -1) for key in keys.to_pylist()], dtype=np.intp)


def _places(runs: Runs, refs: pa.Table, *, by_article: bool) -> NDArray[np.intp]:
    """Where the items (or articles) stand in the report, -1 if nowhere; runs ask the same ones in the same order."""
    kept: list[tuple[bool, pa.Table, NDArray[np.intp]]] = runs.__dict__.setdefault("_kept_places", [])
    for of_articles, known, places in kept:
        if of_articles == by_article and known.equals(refs):
            return places
    ids = [refs[name].to_pylist() for name in ITEM]
    if by_article:
        at = {a.id: i for i, a in enumerate(runs.articles)}
        found = [at.get(a, -1) for a in ids[0]]
    else:
        index = runs.items.index
        found = [index.get(item, -1) for item in zip(*ids, strict=True)]
    kept.insert(0, (by_article, refs, np.array(found, dtype=np.intp)))
    del kept[4:]
    return kept[0][2]


def codes(runs: Runs, row: Row, role: str = "stance", reading: str | None = None) -> NDArray[np.int8]:
    """What a stance classifier (or a judge) answered to each item, as codes of shape (items,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cache: dict[Any, NDArray[np.int8]] = runs.__dict__.setdefault("_codes", {})
    key = (row.fingerprint, role, reading)
    if key not in cache:
        found = answers(runs, row, role, ("label",), reading)
        told = np.full(len(runs.items), UNASKED, dtype=np.int8)
        if len(found.item):
            labels = pc.index_in(found.table["label"], value_set=pa.array([str(stance) for stance in STANCES]))
            by_row = pc.if_else(pc.is_valid(found.table["error"]), FAILED, pc.fill_null(labels, UNPARSED))
            told[found.item] = np.append(by_row.to_numpy(), GONE)[found.row]
        cache[key] = told
    return cache[key]


def _stored(runs: Runs, use: SystemUse, columns: Sequence[str]) -> pa.Table | None:
    """The system's predictions, one row a key; None without any. The two used last are kept: summarisers share a judge."""
    kept: dict[Any, pa.Table | None] = runs.__dict__.setdefault("_kept_stored", {})
    key = (use.fingerprint, tuple(columns))
    found = kept.pop(key) if key in kept else _read_stored(runs, use, columns)
    kept[key] = found
    if len(kept) > 2:
        del kept[next(iter(kept))]
    return found


def _read_stored(runs: Runs, use: SystemUse, columns: Sequence[str]) -> pa.Table | None:
    """Of two rows for a key an answer beats an error, and the later one beats the earlier."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = list(columns)
    folder = PredictionStore(runs.results / "predictions").folder(use.name, use.fingerprint)
    tables = []
    for path in sorted(folder.glob("part-*.parquet")):
        try:
            table = pq.ParquetFile(path).read(columns=wanted, use_threads=False)
            version = (table.schema.metadata or {}).get(b"harness.predictions", b"").decode()
            if version != FORMAT:
                raise ValueError(f"predictions of format {version!r}; this version reads {FORMAT!r}")
            tables.append(table.select(wanted))
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            runs.note(f"torn part {path.parent.name}/{path.name}: {_first_line(error)}")
    if not tables:
        return None
    whole = pa.concat_tables(tables)
    if len(pc.unique(whole["key"])) == len(whole):
        return whole
    if "created_at" not in columns:
        return _read_stored(runs, use, [*columns, "created_at"])
    keys, errors, times = (whole[name].to_pylist() for name in ("key", "error", "created_at"))
    best = {keys[i]: i for i in sorted(range(len(keys)), key=lambda i: (errors[i] is None, times[i]))}
    return whole.take(pa.array(sorted(best.values())))


@dataclass(frozen=True)
class Scores:
    """Item scores of one metric that have a value: numbers that stand for the items' names, their articles' indices, values.

    Two systems' scores of one item have the same number.
    """

    item: NDArray[np.intp]
    article: NDArray[np.intp]
    value: NDArray[np.float64]


TOGETHER = ("summary.rouge_lsum", "summary.words", "preservation.harm")
"""Metrics that every report reads of a summariser: one reading of the file serves them all."""


def item_scores(runs: Runs, row: Row, metric: str) -> Scores:
    """The row's item scores of a metric; empty, and a problem noted, if the file is torn."""
    cache: dict[Any, Scores] = runs.__dict__.setdefault("_item_scores", {})
    if (row.run.run_id, metric) not in cache:
        for name, found in _read_scores(runs, row, TOGETHER if metric in TOGETHER else (metric,)).items():
            cache[row.run.run_id, name] = found
    return cache[row.run.run_id, metric]


def _read_scores(runs: Runs, row: Row, metrics: Sequence[str]) -> dict[str, Scores]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = record_path(runs.results, row.run.run_id).with_name("scores.parquet")
    try:
        file = pq.ParquetFile(path, read_dictionary=["article_id", "metric"])
        table = file.read(columns=["item", "article_id", "metric", "value"], use_threads=False)
        scored = pc.is_valid(table["value"])
        parts = {name: table.filter(pc.and_(pc.equal(table["metric"], name), scored)) for name in metrics}
    except (pa.ArrowException, OSError, KeyError) as error:
        runs.note(
            f"{path.parent.name}/{path.name}: not readable ({_first_line(error)}); harness rescore writes it anew"
        )
        none = np.empty(0, dtype=np.intp)
        return {name: Scores(none, none, np.empty(0)) for name in metrics}
    ids = [a.id for a in runs.articles] or sorted(set(table["article_id"].to_pylist()))
    found = {}
    for name, part in parts.items():
        places = pc.index_in(part["article_id"].cast(pa.string()), value_set=pa.array(ids, pa.string()))
        home = pc.fill_null(places, -1).to_numpy().astype(np.intp)
        items = item_numbers(runs, part["item"].to_pylist())
        known = home >= 0
        found[name] = Scores(items[known], home[known], part["value"].to_numpy()[known])
    return found


def item_numbers(runs: Runs, items: Sequence[str]) -> NDArray[np.intp]:
    """The numbers that stand for items' names in `Scores`."""
    numbers: dict[str, int] = runs.__dict__.setdefault("_item_numbers", {})
    return np.array([numbers.setdefault(item, len(numbers)) for item in items], dtype=np.intp)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
