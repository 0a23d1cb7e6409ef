"""Pictures of where stance classifiers fail: three-way macro-F1 within slices of the items, and what each slice can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from harness.metrics.overlap import word_count
from harness.metrics.stance import COUNT_METRICS, to_scale
from harness.report import svg as s
from harness.report.collect import Runs
from harness.report.columns import UNPARSED, codes
from harness.report.counts import article_counts
from harness.report.html_pictures import MOST, left_out
from harness.report.svg import Picture
from harness.report.table import Leaderboard, labels
from harness.stats.power import FEWEST_ITEMS, planned_detectable
from harness.types import Article

METRIC = "macro_f1.three_way"
LENGTHS = (
    (0, 300, "under 300 words"),
    (300, 450, "300 to 449"),
    (450, 600, "450 to 599"),
    (600, 10**9, "600 and more"),
)
ERAS = (
    (0, 1946, "before 1946"),
    (1946, 1992, "1946 to 1991"),
    (1992, 2014, "1992 to 2013"),
    (2014, 10**4, "2014 and later"),
)

Members = list[tuple[str, NDArray[np.bool_]]]


def slices(runs: Runs, board: Leaderboard) -> Picture | None:
    """Three-way macro-F1 on concrete targets within slices of the items, systems side by side."""
    items = runs.items
    names = labels([line.row for line in board.lines])
    systems = [line.row for line in board.lines if (codes(runs, line.row) <= UNPARSED).any()][:MOST]
    base = (items.gold >= 0) & items.in_scope("")
    if not systems or not base.any():
        return None
    answers = {names[row.fingerprint]: codes(runs, row) for row in systems}
    panels: list[tuple[float, float, list[Markup]]] = []
    spoken: list[str] = []
    kept_facets = []
    for facet, members in facets(runs):
        kept = [(name, chosen & base) for name, chosen in members if (chosen & base).any()]
        if facet == "phenomenon":
            kept.sort(key=lambda pair: (-int(pair[1].sum()), pair[0]))
        if kept and (len(kept) > 1 or facet == "phenomenon"):
            kept_facets.append((facet, kept))
    # phenomena are many: they fill a column of their own
    n_alone = int(bool(kept_facets) and kept_facets[0][0] == "phenomenon")
    for group in (kept_facets[:n_alone], kept_facets[n_alone:]):
        if group:
            panel, sentences = _panel(runs, answers, group)
            panels.append(panel)
            spoken += sentences
    if not panels:
        return None
    total = sum(1 for line in board.lines if line.row.metrics)
    caption = (
        "Three-way macro-F1 on concrete targets within slices; number of items in brackets; the stronger the colour, the "
        f"better. Under {FEWEST_ITEMS} items there is no score, only how many answers were right: such rows rank nothing. "
        "Detects: the smallest difference in accuracy between two systems that so many items would show (80 % power, "
        f"items taken as independent).{left_out(len(systems), total, 'classifiers')}"
    )
    title = "Slices by phenomenon, era, real or fictional, length and rung"
    return s.figure("slices", title, caption, "; ".join(spoken), panels)


def _panel(
    runs: Runs, answers_by_system: dict[str, NDArray[np.int8]], group: Sequence[tuple[str, Members]]
) -> tuple[tuple[float, float, list[Markup]], list[str]]:
    """Facets one below the other: the picture, and the same in words."""
    wide, high, left, top = 45.0, 20.0, 164.0, 84.0
    end = left + len(answers_by_system) * wide
    body: list[Markup] = [
        _slanted(left + (j + 0.5) * wide, top - 8, system) for j, system in enumerate(answers_by_system)
    ]
    body.append(_slanted(end + 22, top - 8, "detects"))
    y, spoken = top, []
    for facet, members in group:
        body.append(s.text(0, y + 15, facet, "facet"))
        y += high + 4
        for name, chosen in members:
            n = int(chosen.sum())
            body.append(s.text(left - 8, y + 13, f"{name.replace('_', ' ')} ({n})", "tick", "end"))
            words = []
            for j, (system, answers) in enumerate(answers_by_system.items()):
                value, right, answered = _slice_value(runs, answers, chosen)
                score = f"{right}/{answered}" if value is None else f"{value:.2f}"
                words.append(f"{system} {right} of {answered} right" if value is None else f"{system} {score}")
                hint = f"{system}, {name}: {'' if value is None else f'macro-F1 {score}, '}{right} of {answered} right"
                body.append(s.cell(left + j * wide, y, wide, high, value, score, hint=hint))
            least = planned_detectable(n).value
            sees = "" if least is None else f"±{least:.2f}"
            body.append(s.text(end + 22, y + 13, sees, "tick", "middle", hint=f"{n} items"))
            spoken.append(f"{facet} {name} ({n} items, detectable {sees}): {', '.join(words)}")
            y += high
        y += 8
    return (end + 68, y, body), spoken


def _slanted(x: float, y: float, name: str) -> Markup:
    drawn = s.text(x, y, s.cut(name.removesuffix(" (ceiling)"), 16), "name", hint=name)
    return Markup('<g transform="rotate(-35 {:.1f} {:.1f})">{}</g>').format(x, y, drawn)


def _slice_value(runs: Runs, answers: NDArray[np.int8], chosen: NDArray[np.bool_]) -> tuple[float | None, int, int]:
    """Macro-F1 (None under 40 answered items), how many are right, and how many were answered."""
    kept = chosen & (answers <= UNPARSED)
    counts = to_scale(article_counts(runs.items, answers, kept), "three_way").sum(axis=0)
    n, right = int(counts.sum()), int(np.trace(counts[:, :3]))
    if n < FEWEST_ITEMS:
        return None, right, n
    value = float(COUNT_METRICS[METRIC].statistic(counts[None].astype(np.float64))[0])
    return (None if np.isnan(value) else value), right, n


def facets(runs: Runs) -> list[tuple[str, Members]]:
    """Masks of the items by phenomenon, era, whether the conflict is real, source, length of the article, and rung."""
    items, articles = runs.items, runs.articles
    per_item: dict[str, list[int]] = {}
    rungs: list[int] = []
    i = 0
    for article in articles:
        gold = article.gold_stances()
        for speaker, target in article.pairs():
            label = gold.get((speaker.id, target.id))
            for phenomenon in label.phenomena if label else ():
                per_item.setdefault(phenomenon, []).append(i)
            rungs.append(-1 if target.rung is None else target.rung)
            i += 1
    phenomena = []
    for name, members in sorted(per_item.items()):
        mask = np.zeros(len(items), dtype=bool)
        mask[members] = True
        phenomena.append((name, mask))
    rung = np.array(rungs)

    def by_article(name_of: Callable[[Article], Any], order: Sequence[str]) -> Members:
        names = np.array([str(name_of(a)) for a in articles])
        return [(name, (names == name)[items.article]) for name in order]

    return [
        ("phenomenon", phenomena),
        ("era", by_article(era, [*(name for _, _, name in ERAS), "invented world", "undated"])),
        ("real or fictional", by_article(lambda a: "fictional" if invented(a) else "real", ["real", "fictional"])),
        ("real: kind of source", by_article(lambda a: a.source.kind, ["news", "documented"])),
        ("length of the article", by_article(length, [name for _, _, name in LENGTHS])),
        ("rung of the target", [(f"rung {k}", rung == k) for k in range(5)]),
    ]


def invented(article: Article) -> bool:
    """Whether the article is about a conflict that never was."""
    return article.source.kind == "fictional"


def era(article: Article) -> str:
    """When the article plays, by its date."""
    if invented(article):
        return "invented world"
    if article.source.date is None:
        return "undated"
    return next(name for low, high, name in ERAS if low <= article.source.date.year < high)


def length(article: Article) -> str:
    """How long the article is."""
    n = word_count(article.text)
    return next(name for low, high, name in LENGTHS if low <= n < high)
