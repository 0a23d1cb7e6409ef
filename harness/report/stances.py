"""Who wants what: every (speaker, target) of the scored articles with each classifier's label, their agreement, and the
passage to check it by; and every summary. Gold stands beside them where there is any."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.report.collect import Runs
from harness.report.columns import UNPARSED, codes
from harness.report.table import labels
from harness.text.body import body_sentences, sentences_about
from harness.types import ESCALATION, STANCES, Article, Evidence, ThreeWay

if TYPE_CHECKING:
    import pyarrow as pa

NO_LABEL = {6: "unparsed", 7: "failed", 8: "no longer stored"}
"""What stands in place of a label, by code of `columns.codes`; nothing where a classifier was not asked."""
DISPUTED = "disputed"
"""The side of a pair on which no more than half of the classifiers agree."""
SIDES = ("favor", DISPUTED, "against", "none", "")
"""What a pair's side may be, in the order in which an article lists its pairs; empty without any label."""
FIELDS = (
    *("article", "title", "speaker", "speaker_id", "target", "proposition", "gold", "side", "n_agree", "n_labels"),
    *("quote", "start", "end"),
)
BY = "by "
"""Before a classifier's name in the heading of its column, so that none is taken for a column of ours."""
MOST_PASSAGES = 2


class Passage(NamedTuple):
    """A piece of the article, `text[start:end]` in code points."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class StanceRow:
    """One pair. `by` has each classifier's label, or why there is none; `side` is what most of them say, of three ways.

    `n_agree` of the `n_labels` classifiers that gave a label (ceilings apart) are on that side.
    """

    article: Article
    speaker_id: str
    speaker: str
    target: str
    proposition: str
    gold: str
    by: Mapping[str, str]
    side: str
    n_agree: int
    n_labels: int
    passages: tuple[Passage, ...]

    @property
    def agreement(self) -> str:
        """`2 of 3 agree`, or `no majority of 2`; that one alone answered, or none, is said so."""
        if self.n_labels < 2:
            return "one classifier" if self.n_labels else "no label"
        if self.side == DISPUTED:
            return f"no majority of {self.n_labels}"
        return f"{self.n_agree} of {self.n_labels} agree"

    @property
    def wish(self) -> str:
        """The side in words: `wants escalation`, `against escalation`; of another target `for it`, `against it`."""
        if self.side == DISPUTED:
            return "classifiers disagree"
        if not self.side:
            return "no label"
        if self.target == ESCALATION:
            return {"favor": "wants escalation", "against": "against escalation", "none": "takes no side"}[self.side]
        return {"favor": "for it", "against": "against it", "none": "takes no side"}[self.side]


@dataclass(frozen=True)
class SummaryRow:
    """One summary, or in `error` why there is none."""

    article: Article
    system: str
    summary: str
    error: str


def classifiers(runs: Runs) -> list[str]:
    """The names of the stance classifiers that answered, ceilings last."""
    rows = sorted(runs.rows("stance"), key=lambda row: row.use.ceiling)
    names = labels(rows)
    return [names[row.fingerprint] for row in rows if row.use.status == "ok"]


def stance_rows(runs: Runs) -> list[StanceRow]:
    """All pairs that a classifier was asked about, or that have gold, by article in the articles' order and, in one, by side."""
    return runs.cache.once("stance rows", lambda: list(_stance_rows(runs)))


def _stance_rows(runs: Runs) -> Iterator[StanceRow]:
    asked = [row for row in sorted(runs.rows("stance"), key=lambda row: row.use.ceiling) if row.use.status == "ok"]
    if not asked:
        return
    names = labels(asked)
    answers = [(names[row.fingerprint], row.use.ceiling, codes(runs, row).tolist()) for row in asked]
    passages = _finder_passages(runs)
    index = runs.items.index
    for article in runs.articles:
        gold = article.gold_stances()
        rows = []
        for speaker, target in article.pairs():
            number = index[article.id, speaker.id, target.id]
            label = gold.get((speaker.id, target.id))
            by, sides = {}, []
            for name, ceiling, system_codes in answers:
                code = system_codes[number]
                by[name] = str(STANCES[code]) if code < UNPARSED else NO_LABEL.get(code, "")
                if code < UNPARSED and not ceiling:
                    sides.append(STANCES[code].three_way)
            side, n_agree = _majority(sides)
            spans = label.evidence if label is not None and label.evidence else passages.get((article.id, speaker.id))
            rows.append(
                StanceRow(
                    article,
                    speaker.id,
                    speaker.name,
                    target.id,
                    target.proposition,
                    str(label.stance) if label else "",
                    by,
                    side,
                    n_agree,
                    len(sides),
                    _passages(article, spans) or tuple(Passage(*s) for s in sentences_about(article, speaker)[:1]),
                )
            )
        yield from sorted(rows, key=lambda row: SIDES.index(row.side))


def _majority(sides: Sequence[ThreeWay]) -> tuple[str, int]:
    """The side of more than half, or `disputed`; and how many are on the side that most are on."""
    if not sides:
        return "", 0
    side, n = Counter(sides).most_common(1)[0]
    return (str(side) if 2 * n > len(sides) else DISPUTED), n


def _passages(article: Article, spans: Sequence[Evidence | Passage] | None) -> tuple[Passage, ...]:
    return tuple(Passage(s.start, s.end, article.text[s.start : s.end]) for s in (spans or ())[:MOST_PASSAGES])


def _finder_passages(runs: Runs) -> dict[tuple[str, str], list[Passage]]:
    """By article and speaker, the sentences around what a finder quoted, in the order in which it gives them."""
    from harness.data.found_speakers import found_speakers, quoted_spans

    articles = {a.id: a for a in runs.articles}
    passages: defaultdict[tuple[str, str], list[Passage]] = defaultdict(list)
    for row in runs.rows("speakers"):
        for ref, prediction in runs.answers(row):
            article = articles.get(ref.article_id)
            if prediction is None or article is None:
                continue
            try:
                spans = quoted_spans(prediction, article)
                speakers = found_speakers(prediction, article)
            except (ValueError, KeyError, TypeError):
                # the report says so where it reads the speakers themselves
                continue
            for speaker in speakers:
                pieces = [_whole_sentences(article, *span) for span in spans.get(speaker.name, ())]
                known = passages[article.id, speaker.id]
                known += [
                    p for p in dict.fromkeys(pieces) if not any(p.start < k.end and k.start < p.end for k in known)
                ]
    return dict(passages)


def _whole_sentences(article: Article, start: int, end: int) -> Passage:
    """The sentences that a span touches, as one passage."""
    touched = [s for s in body_sentences(article) if s.start < end and start < s.end]
    first = min((s.start for s in touched), default=start)
    last = max((s.end for s in touched), default=end)
    return Passage(first, last, article.text[first:last])


def by_article(rows: Sequence[StanceRow]) -> list[tuple[Article, list[StanceRow]]]:
    """The rows of each article, in their order."""
    grouped: dict[str, tuple[Article, list[StanceRow]]] = {}
    for row in rows:
        grouped.setdefault(row.article.id, (row.article, []))[1].append(row)
    return list(grouped.values())


def wishes(rows: Sequence[StanceRow], target: str = ESCALATION) -> list[tuple[str, list[str]]]:
    """Of one article's rows on a target, the speakers by `wish`, such as `("wants escalation", ["Ann Oak"])`."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.target == target:
            names.setdefault(row.wish, []).append(row.speaker)
    return list(names.items())


def summary_rows(runs: Runs) -> list[SummaryRow]:
    """Every summary of the scored articles, by article and system."""
    rows = []
    summarisers = runs.rows("summariser")
    names = labels(summarisers)
    articles = {a.id: a for a in runs.articles}
    for row in summarisers:
        for ref, prediction in runs.answers(row):
            if ref.article_id not in articles:
                continue
            answer = prediction.answer if prediction else None
            error = "no longer stored" if answer is None else answer.error or ""
            text = answer.output.strip() if answer is not None and not error else ""
            rows.append(SummaryRow(articles[ref.article_id], names[row.fingerprint], text, error))
    place = {article_id: n for n, article_id in enumerate(articles)}
    return sorted(rows, key=lambda r: (place[r.article.id], r.system))


def stances_csv(runs: Runs) -> str:
    """stances.csv: one row a pair, a column for each classifier."""
    return _csv([*FIELDS[:7], *(BY + name for name in classifiers(runs)), *FIELDS[7:]], map(_fields, stance_rows(runs)))


def stances_table(runs: Runs) -> pa.Table:
    """The same for stances.parquet; offsets and counts are numbers, and what is missing is null."""
    import pyarrow as pa

    numbers = {"n_agree", "n_labels", "start", "end"}
    names = [*FIELDS[:7], *(BY + name for name in classifiers(runs)), *FIELDS[7:]]
    schema = pa.schema([(name, pa.int64() if name in numbers else pa.string()) for name in names])
    rows = [{k: None if v == "" else v for k, v in _fields(row).items()} for row in stance_rows(runs)]
    return pa.Table.from_pylist(rows, schema=schema)


def summaries_csv(runs: Runs) -> str:
    """summaries.csv: one row a summary."""
    return _csv(
        ["article", "title", "system", "words", "summary", "error"],
        (
            {
                "article": row.article.id,
                "title": row.article.title,
                "system": row.system,
                "words": len(row.summary.split()),
                "summary": row.summary,
                "error": row.error,
            }
            for row in summary_rows(runs)
        ),
    )


def _fields(row: StanceRow) -> dict[str, Any]:
    first = row.passages[0] if row.passages else None
    return {
        "article": row.article.id,
        "title": row.article.title,
        "speaker": row.speaker,
        "speaker_id": row.speaker_id,
        "target": row.target,
        "proposition": row.proposition,
        "gold": row.gold,
        **{BY + name: label for name, label in row.by.items()},
        "side": row.side,
        "n_agree": row.n_agree,
        "n_labels": row.n_labels,
        "quote": first.text if first else "",
        "start": first.start if first else "",
        "end": first.end if first else "",
    }


def _csv(names: Sequence[str], rows: Iterator[dict[str, Any]] | map[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
