"""Who wants escalation, as Markdown, in the terminal and on the page: what the classifiers say of each speaker, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote as quote_address

from harness.data.found_speakers import found_line
from harness.data.speaker_corrections import FILE
from harness.report.collect import Runs
from harness.report.drilldown import utf16
from harness.report.stances import Passage, StanceRow, by_article, classifiers, stance_rows, wishes
from harness.types import Article

TITLE = "Who wants what"
MOST_ON_PAGE = 200
"""Pairs on the page; stances.csv has all."""
MOST_OPEN = 8
"""Pairs of one article that the page shows at once; the others are a click away."""
MOST_COLUMNS = 4
"""Classifiers that stand by name beside each pair; of more, how many gave each label."""
MOST_OF_A_PASSAGE = 420
"""Characters of a passage that are shown."""
UNCHECKED = "No person has checked this: read the sentence before you rely on a label."


def note(runs: Runs) -> str:
    """Who reads the stances, and what stands beside them."""
    names = classifiers(runs)
    readers = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    readers = readers if len(names) <= MOST_COLUMNS else f"{len(names)} stance classifiers"
    gold = bool(runs.use and runs.use.labelled)
    return f"As {readers} read{'s' if len(names) == 1 else ''} the articles" + (
        "; gold stands first." if gold else f". {UNCHECKED}"
    )


def said_by(row: StanceRow) -> list[tuple[str, str]]:
    """Each classifier with its label; of more than MOST_COLUMNS, each label with the number of those that gave it."""
    given = [(name, label) for name, label in row.by.items() if label]
    if len(row.by) <= MOST_COLUMNS:
        return given
    counts: dict[str, int] = {}
    for _, label in given:
        counts[label] = counts.get(label, 0) + 1
    return [(f"{n} of {len(given)}", label) for label, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]


def shown(passage: Passage) -> str:
    """The passage on one line, cut at a word where it is long."""
    text = " ".join(passage.text.split())
    if len(text) <= MOST_OF_A_PASSAGE:
        return text
    return text[:MOST_OF_A_PASSAGE].rsplit(" ", 1)[0] + " …"


def text_lines(runs: Runs, most: int, elsewhere: str) -> Iterator[str]:
    """The answer in lines of plain text, by article; nothing where no classifier answered. `elsewhere` has what is left out."""
    rows = stance_rows(runs)
    if not rows and not _silent(runs):
        return
    yield f"{TITLE}. {note(runs)}"
    left = most
    for article, pairs in by_article(rows):
        if left <= 0:
            break
        yield f"\n{article.title} ({article.id})"
        if line := finder_line(runs, article):
            yield f"  {line}"
        if wished := wishes(pairs):
            yield "  " + "; ".join(f"{wish}: {', '.join(names)}" for wish, names in wished)
        for row in pairs[:left]:
            labels = ", ".join(f"{name} {label}" for name, label in said_by(row))
            gold = f"gold {row.gold}; " if row.gold else ""
            yield f"  {row.speaker} on {row.target}: {gold}{labels or 'no label'} ({row.agreement})"
            yield from (f"      > {shown(passage)}" for passage in row.passages[:1])
        left -= len(pairs)
    if len(rows) > most:
        yield f"  … and {len(rows) - most} more in {elsewhere}"
    for article, why in _silent(runs):
        yield f"\n{article.title} ({article.id})\n  {why}"


def finder_line(runs: Runs, article: Article) -> str:
    """How many speakers were found in an article and which quotations have no owner; empty where speakers are declared."""
    return "" if runs.has_declared_speakers else found_line(article)


def page_view(runs: Runs) -> dict[str, Any] | None:
    """What the page shows; None where no classifier answered. Addresses lead to the passage in the article below."""
    rows = stance_rows(runs)
    silent = _silent(runs)
    if not rows and not silent:
        return None
    articles = [
        {
            "id": article.id,
            "title": article.title,
            "wishes": wishes(pairs),
            "finder": finder_line(runs, article),
            "rows": [_row_view(row) for row in pairs[:MOST_OPEN]],
            "more": [_row_view(row) for row in pairs[MOST_OPEN:]],
        }
        for article, pairs in by_article(rows[:MOST_ON_PAGE])
    ]
    return {
        "title": TITLE,
        "note": note(runs),
        "articles": articles,
        "silent": [(article.id, article.title, why) for article, why in silent],
        "n_rows": len(rows),
        "n_shown": min(len(rows), MOST_ON_PAGE),
        "labelled": bool(runs.use and runs.use.labelled),
    }


def _silent(runs: Runs) -> list[tuple[Article, str]]:
    """Articles in which no finder found a speaker, with the reason; none where speakers are declared."""
    if runs.has_declared_speakers or not any(record.system("speakers") for record in runs.records):
        return []
    errors = {
        ref.article_id: prediction.answer.error
        for row in runs.rows("speakers")
        for ref, prediction in runs.answers(row)
        if prediction is not None and prediction.answer.error is not None
    }
    return [
        (
            article,
            f"nothing was asked: {errors.get(article.id) or f'no speaker was found; {FILE} beside the texts adds some'}",
        )
        for article in runs.articles
        if not article.speakers
    ]


def _row_view(row: StanceRow) -> dict[str, Any]:
    at = utf16(row.article.text)
    passages = []
    for p in row.passages:
        start, end = (p.start, p.end) if at is None else (at[p.start], at[p.end])
        fields = {"a": row.article.id, "s": row.speaker_id, "at": f"{start}-{end}"}
        address = "&".join(f"{name}={quote_address(value, safe='')}" for name, value in fields.items())
        passages.append((f"#{address}", shown(p)))
    return {
        "speaker": row.speaker,
        "target": row.target,
        "proposition": row.proposition,
        "wish": row.wish,
        "side": row.side or "unknown",
        "gold": row.gold,
        "by": said_by(row),
        "agreement": row.agreement,
        "passages": passages,
    }


def markdown_table(
    rows: Sequence[StanceRow], names: Sequence[str], labelled: bool
) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table as Markdown has it, a classifier a column as long as they are few."""
    few = len(names) <= MOST_COLUMNS
    head = ["article", "speaker", "target", *(["gold"] if labelled else []), *(names if few else ["labels"])]
    cells = []
    for row in rows:
        answers = [row.by[name] for name in names] if few else [", ".join(f"{label} {n}" for n, label in said_by(row))]
        gold = [row.gold] if labelled else []
        passage = shown(row.passages[0]) if row.passages else ""
        cells.append([row.article.id, row.speaker, row.target, *gold, *answers, row.wish, row.agreement, passage])
    return [*head, "most say", "agreement", "sentence"], cells
