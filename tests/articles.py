"""Hypothesis strategies for articles with everything that texts and labels may hold."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from harness import types as t
from harness.data import formats
from harness.data.check import check_article
from harness.data.schema import ArticleRow, occurrences, to_article, to_row
from harness.errors import Place

FRAGMENTS = (
    "war ",
    "war ",
    "No more talks. ",
    "👨‍👩‍👧 ",
    "🇺🇦",
    "𝔘nion",
    "e\u0301te\u0301 ",
    "a\u0308",
    "שלום עולם ",
    "مرحبا\u200f ",
    "中文。",
    "\r\n",
    "\n\n",
    "\t",
    "  \n",
    "\u2028",
    "\u0085",
    "'=1+1",
    "- x: #y",
    '"quoted" ',
    "\\n",
    "\ufeff",
    "\x00",
    "\x07",
)
texts = (
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), min_size=1, max_size=14)
    .map("".join)
    .filter(lambda s: bool(s.strip()))
)


def words_of_the_formats() -> list[str]:
    """The short words that the modules of the formats write or look for: whoever is called by one must come back too.

    Hypothesis draws such constants as well, but of whichever modules are imported, which depends on what ran before.
    """
    nodes = [n for file in Path(formats.__path__[0]).glob("*.py") for n in ast.walk(ast.parse(file.read_text("utf-8")))]
    constants = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return sorted(c for c in constants if c.strip() and len(c) <= 20)


words = st.text(min_size=1, max_size=12).filter(lambda s: bool(s.strip())) | st.sampled_from(
    ["=cmd()", "+1", "yes", "null", *words_of_the_formats()]
)
ids = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)


@st.composite
def articles(draw: st.DrawFn, complete: bool | None = None, max_speakers: int = 4) -> t.Article:
    """A valid article: several annotators, gold or none, overlapping and repeated evidence, all attributes."""
    text = draw(texts)
    complete = draw(st.booleans()) if complete is None else complete
    targets = draw(st.lists(ids, min_size=1, max_size=3, unique=True))
    if complete and t.ESCALATION not in targets:
        targets = [t.ESCALATION, *targets]
    speakers = draw(st.lists(ids, min_size=0, max_size=max_speakers, unique=True))
    annotators = draw(st.lists(words | st.just("machine:tiny"), max_size=2, unique=True))
    pairs = [(s, x) for s in speakers for x in targets]

    def labels() -> list[dict[str, Any]]:
        chosen = pairs if complete else draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
        return [draw(stances(text, *pair)) for pair in chosen]

    row = {
        "id": draw(ids),
        "title": draw(words),
        "text": text,
        "event": draw(ids),
        "split": draw(st.sampled_from(["dev", "test"])),
        "complete": complete,
        "source": {
            "kind": "news",
            "publisher": draw(st.none() | words),
            "date": draw(st.none() | st.dates(dt.date(1980, 1, 1), dt.date(2035, 1, 1))),
            "facts": draw(
                st.lists(
                    st.fixed_dictionaries({"fact": words, "date": words, "checked": st.just("opened")}), max_size=1
                )
            ),
        },
        "targets": [
            {"id": x, "proposition": draw(words), "direction": draw(st.sampled_from(["escalate", "de_escalate"]))}
            for x in targets
        ],
        "speakers": [
            {
                "id": s,
                "name": draw(words),
                "aliases": draw(st.lists(words, max_size=2)),
                "side": draw(st.none() | words),
            }
            for s in speakers
        ],
        "summaries": draw(st.lists(st.fixed_dictionaries({"annotator": words, "text": texts}), max_size=1)),
        "annotations": [{"annotator": name, "stances": labels()} for name in annotators],
        "gold": draw(st.none() | st.just(True)) and {"adjudicator": draw(words), "stances": labels()},
    }
    return made(row)


@st.composite
def stances(draw: st.DrawFn, text: str, speaker: str, target: str) -> dict[str, Any]:
    """One label with evidence; overlaps and repeats happen because spans are drawn freely."""
    stance = draw(st.sampled_from(t.STANCES))
    spans = draw(
        st.lists(
            st.tuples(st.integers(0, len(text) - 1), st.integers(1, 12)).map(
                lambda p: (p[0], min(p[0] + p[1], len(text)))
            ),
            min_size=0 if stance is t.Stance.NO_STANCE else 1,
            max_size=3,
            unique=True,
        )
    )
    found: dict[str, Any] = {
        "speaker": speaker,
        "target": target,
        "stance": stance,
        "evidence": [{"text": text[a:b], "occurrence": occurrences(text, text[a:b]).index(a) + 1} for a, b in spans],
        "act": draw(st.none() | st.just("warn")),
        "phenomena": draw(st.lists(st.sampled_from(t.PHENOMENA), max_size=2, unique=True)),
        "confidence": draw(st.none() | st.integers(1, 3)),
        "note": draw(st.none() | words),
    }
    if draw(st.booleans()):
        found.update(modality="conditional", condition=draw(words))
    if stance is t.Stance.NEUTRAL:
        found["basis"] = draw(st.none() | st.just("undecided"))
    return found


def made(row: dict[str, Any]) -> t.Article:
    """The article of a row, which must be valid."""
    parsed = ArticleRow.model_validate(row)
    wrong = list(check_article(parsed, lambda loc: Place("generated", field=str(loc))))
    assert not wrong, wrong
    article = to_article(parsed)
    assert to_row(article)["id"] == article.id
    return article
