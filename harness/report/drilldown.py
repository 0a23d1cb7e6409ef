"""What the drill-down of a report shows, as compact data: texts once, one character an answer, prompts by reference."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.collect import Row, Runs
from harness.report.columns import answers, codes
from harness.report.judge import doubt_words
from harness.report.marks import HARMED, MARKS, SCALE, mark_table
from harness.report.table import labels
from harness.types import PHENOMENA, STANCES, Article, Speaker

MOST_ANSWERS = 100_000
"""A page with more answers than this leaves out prompts and raw answers: `harness show --prompt` has them."""
MOST_BYTES = 4_400_000
"""Room for data, texts, raw answers and prompts: with its tables and pictures a page of twenty systems stays under 5 MB."""
LONGEST = (16_000, 8_000, 4_000, 2_000, 1_000, 500, 200)
"""Characters to which raw answers are cut, step by step, until they find room."""
SHORTEST_PIECE = 200
"""Characters of an article that are worth cutting out of a prompt."""

OUTCOMES = (
    "kept",
    "weakened",
    "intensified",
    "neutralised",
    "polarised",
    "flipped",
    "invented",
    "misattributed",
    "dropped_speaker",
    "dropped_stance",
)
_OUTCOME_CODES = {name: chr(ord("a") + i) for i, name in enumerate(OUTCOMES)}
SUMMARY_SCORES = ("summary.rouge_lsum", "summary.words")


@dataclass(frozen=True)
class Drilldown:
    """What the page's script reads: `data` at once, `prose` (all texts) soon after, `blocks` by name when asked for.

    `left_out` says in words what found no room.
    """

    data: dict[str, Any]
    prose: dict[str, Any]
    blocks: dict[str, str]
    left_out: list[str]


def drilldown(runs: Runs, order: Sequence[str] = ()) -> Drilldown:
    """Everything that the page's script reads; systems by `order` of fingerprints, ceilings last."""
    place = {fingerprint: i for i, fingerprint in enumerate(order)}
    classifiers, summarisers = (
        sorted(runs.rows(kind), key=lambda r: (r.use.ceiling, place.get(r.fingerprint, len(place))))
        for kind in ("stance", "summariser")
    )
    written = [_summariser(runs, row, name) for row, name in _named(summarisers)]
    items, evidence, notes = _items(runs)
    data: dict[str, Any] = {
        "labels": [str(s) for s in STANCES],
        "outcomes": list(OUTCOMES),
        "phenomena": list(PHENOMENA),
        "scale": SCALE,
        "harmed": HARMED,
        "marks": mark_table(),
        "mark_words": {name: list(words) for name, words in MARKS.items()},
        "labelled": bool(runs.use and runs.use.labelled),
        "articles": [_article(a) for a in runs.articles],
        "items": items,
        "first": _first_items(runs),
        "classifiers": [
            {"name": name, "fingerprint": row.fingerprint[:12], "codes": "".join(map(str, codes(runs, row).tolist()))}
            for row, name in _named(classifiers)
        ],
        "summarisers": [facts for facts, _ in written],
    }
    prose: dict[str, Any] = {
        "texts": [a.text for a in runs.articles],
        "mentions": [_mentions(a) for a in runs.articles],
        "references": [[[r.annotator, r.text] for r in a.summaries] for a in runs.articles],
        "summaries": {facts["fingerprint"]: texts for facts, texts in written},
        "evidence": evidence,
        "notes": notes,
    }
    if len(items) * len(classifiers) + len(runs.articles) * len(summarisers) > MOST_ANSWERS:
        return Drilldown(data, prose, {}, [f"all prompts and raw answers{ELSEWHERE}"])
    room = MOST_BYTES - len(packed(data)) - len(packed(prose))
    return Drilldown(data, prose, *_blocks(runs, [*classifiers, *summarisers], room))


ELSEWHERE = " are left out of this page for its size: harness show RUN --article ID --prompt prints them"


def _named(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    names = labels(rows)
    return [(row, names[row.fingerprint]) for row in rows]


def utf16(text: str) -> list[int] | None:
    """Where each code point starts in UTF-16, the unit of a browser's strings; None where nothing moves."""
    if text.isascii() or max(text) <= "\uffff":
        return None
    starts, n = [], 0
    for char in text:
        starts.append(n)
        n += 1 + (char > "\uffff")
    return [*starts, n]


def _article(article: Article) -> dict[str, Any]:
    source = article.source
    return {
        "id": article.id,
        "title": article.title,
        "event": article.event,
        "kind": source.kind,
        "split": article.split,
        "source": [str(x) for x in (source.publisher, source.date, source.licence) if x],
        "speakers": [[s.id, s.name, s.side or "", s.role or "", s.kind, int(s.main)] for s in article.speakers],
        "targets": [[t.id, t.proposition, t.direction, -1 if t.rung is None else t.rung] for t in article.targets],
    }


def _mentions(article: Article) -> list[list[int]]:
    at = utf16(article.text)
    return [[_moved(at, a), _moved(at, b), s] for a, b, s in mentions(article.text, article.speakers)]


def _moved(at: list[int] | None, i: int) -> int:
    return i if at is None else at[i]


def mentions(text: str, speakers: Sequence[Speaker]) -> list[tuple[int, int, int]]:
    """Where the text has a speaker's name or alias, as (start, end, speaker); of overlapping
    names the longest counts, and a name that several speakers have counts for none."""
    owner: dict[str, int | None] = {}
    for i, speaker in enumerate(speakers):
        for name in speaker.names:
            # an alias such as `The president` also stands in the middle of a sentence
            for form in {name, name[:1].swapcase() + name[1:]} if name[:4].lower() == "the " else {name}:
                if form.strip():
                    owner[form] = i if owner.get(form, i) == i else None
    candidates = [(start, -len(form), whose) for form, whose in owner.items() for start in _whole_words(text, form)]
    spans, end = [], 0
    for start, minus, whose in sorted(candidates, key=lambda f: f[:2]):
        if start >= end:
            end = start - minus
            spans += [] if whose is None else [(start, end, whose)]
    return spans


def _whole_words(text: str, form: str) -> Iterator[int]:
    """Where the text has the form and no word goes on before or after it."""
    start = text.find(form)
    while start >= 0:
        around = (text[start - 1 : start], text[start + len(form) : start + len(form) + 1])
        if not any(c.isalnum() or c == "_" for c in around):
            yield start
        start = text.find(form, start + 1)


def _first_items(runs: Runs) -> list[int]:
    """The first item of each article, and the number of all."""
    first, home = [], runs.items.article.tolist()
    n = 0
    for i in range(len(runs.articles)):
        first.append(n)
        while n < len(home) and home[n] == i:
            n += 1
    return [*first, n]


def _items(runs: Runs) -> tuple[list[list[Any]], list[list[list[int]]], list[str]]:
    """[speaker, target, gold, phenomena] of each item; its evidence spans; what else gold says. Parallel lists."""
    rows: list[list[Any]] = []
    evidence: list[list[list[int]]] = []
    notes: list[str] = []
    for article in runs.articles:
        at = utf16(article.text)
        gold = article.gold_stances()
        speakers = {s.id: i for i, s in enumerate(article.speakers)}
        targets = {t.id: i for i, t in enumerate(article.targets)}
        for speaker, target in article.pairs():
            label = gold.get((speaker.id, target.id))
            place: list[Any] = [speakers[speaker.id], targets[target.id]]
            if label is None:
                rows.append([*place, -1])
                evidence.append([])
                notes.append("")
                continue
            phenomena = [PHENOMENA.index(p) for p in label.phenomena if p in PHENOMENA]
            rows.append([*place, STANCES.index(label.stance), phenomena])
            evidence.append([[_moved(at, e.start), _moved(at, e.end)] for e in label.evidence])
            remarks = [label.act, None if label.modality == "actual" else label.modality, label.condition, label.basis]
            notes.append("; ".join(x for x in (*remarks, label.note, label.reason) if x))
    return rows, evidence, notes


def _summariser(runs: Runs, row: Row, name: str) -> tuple[dict[str, Any], list[str | None]]:
    """What the page knows of a summariser, and its summaries by article."""
    stored_answers = answers(runs, row, "summariser", ("output",))
    texts: list[str | None] = [None] * len(runs.articles)
    problems: dict[int, str] = {}
    for article, stored, output, error in zip(
        stored_answers.item.tolist(), stored_answers.row.tolist(), *stored_answers.lists("output", "error"), strict=True
    ):
        if stored < 0:
            problems[article] = "the stored prediction is gone"
        elif error is not None:
            problems[article] = f"no answer: {error}"
        else:
            texts[article] = output or ""
    return {
        "name": name,
        "fingerprint": row.fingerprint[:12],
        "problems": {str(k): v for k, v in problems.items()},
        "judge": f"{row.judge.name} reads it{doubt_words(runs)}" if row.judge else "",
        "judged": "".join(map(str, codes(runs, row, "judge", "summary").tolist())) if row.judge else "",
        "outcomes": outcome_codes(runs, row),
        "scores": _summary_scores(runs, row),
    }, texts


def outcome_codes(runs: Runs, row: Row) -> str:
    """What became of each item in the summaries: one letter an item, `-` where there is no outcome.

    Without gold, what the judge suspects. Rows that a record tells in another way are passed over, and noted.
    """
    table = row.tables.get("preservation")
    rows = table.get("rows") if isinstance(table, dict) else row.tables.get("suspected")
    if row.judge is None or not isinstance(rows, list):
        return ""
    letters = ["-"] * len(runs.items)
    index = runs.items.index
    try:
        for one in rows:
            i = index.get((one["article"], one["speaker"], one["target"]))
            if i is not None and one["outcome"] in _OUTCOME_CODES:
                letters[i] = _OUTCOME_CODES[one["outcome"]]
    except (KeyError, TypeError) as error:
        runs.note(
            f"{row.run.run_id}: its table of stance preservation is not readable ({type(error).__name__}: {error})"
        )
    return "".join(letters)


def _summary_scores(runs: Runs, row: Row) -> list[list[float | None]]:
    from harness.report.columns import item_scores

    columns: list[list[float | None]] = []
    for metric in SUMMARY_SCORES:
        scores = item_scores(runs, row, metric)
        values: list[float | None] = [None] * len(runs.articles)
        for i, value in zip(scores.article.tolist(), scores.value.tolist(), strict=True):
            if i < len(values):
                values[i] = round(value, 3)
        columns.append(values)
    return columns


def _blocks(runs: Runs, rows: Iterable[Row], room: int) -> tuple[dict[str, str], list[str]]:
    """Raw answers and prompts of each system, packed, by name; and in words what found no room in so many bytes: the longest
    raw answers are cut, and the longest prompts left out."""
    texts_by_system = {row.fingerprint[:12]: (row.name, _raw_and_prompt(runs, row)) for row in rows}
    left_out: list[str] = []
    blocks: dict[str, str] = {}
    longest = max((len(raw or "") for _, columns in texts_by_system.values() for raw in columns["raw"]), default=0)
    for most in (None, *(n for n in LONGEST if n < longest)):
        blocks = {
            f"raw:{key}": _pack([_cut_raw(raw, most) for raw in columns["raw"]])
            for key, (_, columns) in texts_by_system.items()
        }
        if sum(map(len, blocks.values())) <= room:
            break
    if most is not None:
        n = sum(
            isinstance(_cut_raw(raw, most), list) for _, columns in texts_by_system.values() for raw in columns["raw"]
        )
        left_out.append(f"the ends of {n} raw answers, after {most:,} characters,{ELSEWHERE}")
    room -= sum(map(len, blocks.values()))
    prompts = {f"prompt:{key}": (name, _pack(columns["prompt"])) for key, (name, columns) in texts_by_system.items()}
    silent = []
    for key, (name, block) in sorted(prompts.items(), key=lambda pair: (len(pair[1][1]), pair[0])):
        if len(block) <= room:
            room -= len(block)
            blocks[key] = block
        else:
            silent.append(name)
    if silent:
        left_out.append(f"the prompts of {', '.join(sorted(silent))}{ELSEWHERE}")
    return blocks, left_out


def _cut_raw(raw: str | None, most: int | None) -> str | list[Any] | None:
    """A raw answer, or [its beginning, how many characters follow] where it is longer."""
    if raw is None or most is None or len(raw) <= most:
        return raw
    return [raw[:most], len(raw) - most]


def _raw_and_prompt(runs: Runs, row: Row) -> dict[str, list[Any]]:
    """Raw answer and prompt of each item (or article), None where there is none; an error counts as a raw answer."""
    stored_answers = answers(runs, row, row.kind, ("raw", "output", "prompt"))
    articles = runs.articles
    n = len(articles) if row.kind == "summariser" else len(runs.items)
    raw: list[Any] = [None] * n
    prompt: list[Any] = [None] * n
    home = range(n) if row.kind == "summariser" else runs.items.article.tolist()
    columns = stored_answers.lists("raw", "output", "prompt", "error")
    for i, raw_text, output, whole, error in zip(stored_answers.item.tolist(), *columns, strict=True):
        raw[i] = f"error: {error}" if error is not None else raw_text if raw_text is not None else output
        if row.kind == "summariser" and raw[i] == output:
            # the summary itself, which the page has already
            raw[i] = None
        prompt[i] = None if whole is None else without_article(whole, articles[home[i]].text)
    return {"raw": raw, "prompt": prompt}


def without_article(prompt: str, text: str) -> list[Any]:
    """[before, start, end, after] with the article's text cut out (offsets in UTF-16), or [prompt] if it is not in there."""
    for start, piece in ((0, text), (len(text) - len(text.lstrip()), text.strip())):
        at = prompt.find(piece) if piece else -1
        if at >= 0:
            return _cut(prompt, text, at, start, len(piece))
    start = len(text) - len(text.lstrip())
    at = prompt.find(text[start : start + SHORTEST_PIECE])
    if at >= 0:
        return _cut(prompt, text, at, start, _shared(prompt[at:], text[start:]))
    return [prompt]


def _cut(prompt: str, text: str, at: int, start: int, length: int) -> list[Any]:
    moved = utf16(text)
    return [prompt[:at], _moved(moved, start), _moved(moved, start + length), prompt[at + length :]]


def _shared(a: str, b: str) -> int:
    """Length of the beginning that two strings share."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low


def packed(value: Any) -> str:
    """Deflated JSON in base64, which nothing in an article or an answer can break out of; the same value, the same bytes."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), 6)).decode()


def _pack(values: list[Any]) -> str:
    """The same for a column; empty where every value is None."""
    return "" if all(v is None for v in values) else packed(values)
