"""The tables of docs/servers.md: what an endpoint's ways of asking take, and how well the same model answers them.

    python docs/ask_modes.py tokens=/tmp/counts accuracy=/tmp/modes

Each argument names a table and a results folder in which one set was asked with `stance.ask=pair`, `speaker` and `article`;
of several runs those count that have the most articles in all three modes. A table is written where the page has its marks,
else printed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from generate import filled

from harness.results.records import RunRecord, read_record
from harness.results.store import PredictionStore
from harness.systems.pair_lists import ASKS

PAGE = Path(__file__).with_name("servers.md")
METRICS = {
    "stance.macro_f1.three_way": "macro-F1 3-way",
    "stance.accuracy.three_way": "accuracy 3-way",
    "stance.accuracy.six_label": "accuracy 6-label",
}


def by_mode(folder: Path) -> dict[str, RunRecord]:
    """A complete run of each mode, all of the same articles, of as many as there are."""
    runs: dict[tuple[str, ...], dict[str, RunRecord]] = defaultdict(dict)
    for path in sorted(folder.glob("runs/*/record.json")):
        record = read_record(path)
        if record.status == "complete" and record.dataset is not None:
            runs[tuple(sorted(record.dataset.articles))][record.config["stance"]["ask"]] = record
    whole = [records for records in runs.values() if set(records) == set(ASKS)]
    if not whole:
        raise SystemExit(f"{folder}: no set of articles was asked in all modes ({', '.join(ASKS)})")
    return max(whole, key=lambda records: records["pair"].systems[0].n_items)


def tokens(folder: Path) -> Iterator[str]:
    """Requests and prompt tokens by mode, as the server counted them."""
    records = by_mode(folder)
    store = PredictionStore(folder / "predictions")
    yield "| `ask` | requests | prompt tokens | a pair | of `pair` |"
    yield "|---|--:|--:|--:|--:|"
    paid = {ask: record.systems[0].tokens_in for ask, record in records.items()}
    for ask in ASKS:
        [use] = records[ask].systems
        requests = len({p.answer.prompt for p in store.read(use.name, use.fingerprint).values()})
        share = f"1/{paid['pair'] / paid[ask]:.1f}" if ask != "pair" else "1"
        yield f"| `{ask}` | {requests:,} | {paid[ask]:,} | {paid[ask] / use.n_items:,.0f} | {share} |"
    yield ""
    yield _counted(records)


def accuracy(folder: Path) -> Iterator[str]:
    """Scores by mode with their 95 % intervals, and how many pairs had no readable answer."""
    records = by_mode(folder)
    yield f"| `ask` | {' | '.join(METRICS.values())} | unparsed | failed | prompt tokens |"
    yield "|---|" + "--:|" * (len(METRICS) + 3)
    for ask in ASKS:
        [use] = records[ask].systems
        cells = [_interval(records[ask], key) for key in METRICS]
        yield f"| `{ask}` | {' | '.join(cells)} | {use.n_unparsed} | {use.n_failed} | {use.tokens_in:,} |"
    yield ""
    yield _counted(records)


def _counted(records: Mapping[str, RunRecord]) -> str:
    dataset, use = records["pair"].dataset, records["pair"].systems[0]
    assert dataset is not None
    articles = f"{len(dataset.articles)} articles ({dataset.split}) of `{dataset.name}` {dataset.version}"
    return f"n = {use.n_items:,} pairs of {articles}."


def _interval(record: RunRecord, key: str) -> str:
    value = record.metrics[key]
    if value.value is None:
        return "–"
    interval = "" if value.ci_low is None else f" [{value.ci_low:.3f}, {value.ci_high:.3f}]"
    return f"{value.value:.3f}{interval}"


def main(arguments: list[str]) -> int:
    """Writes the named tables, into the page where it has a place for them."""
    tables = {"tokens": tokens, "accuracy": accuracy}
    text = PAGE.read_text(encoding="utf-8")
    for name, folder in (argument.split("=", 1) for argument in arguments):
        lines = list(tables[name](Path(folder)))
        if f"<!-- {name}: generated -->" in text:
            text = filled(text, name, lines)
        else:
            print("\n".join(lines))
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
