"""Pictures of where systems fail: stance preservation by judge, who is dropped or flipped by side, slices of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.preservation_table import two_sides
from harness.metrics.slices import FEWEST_ITEMS
from harness.metrics.stance import COUNT_METRICS
from harness.report import svg as s
from harness.report.collect import Runs
from harness.report.columns import UNPARSED, codes
from harness.report.counts import article_counts, on_scale
from harness.report.html_pictures import MOST
from harness.report.svg import Markup, Picture
from harness.report.table import Leaderboard, labels
from harness.report.verdicts import judge_note, sentence
from harness.types import Article

SIDES = ("more escalatory side", "other side", "outside, or no side")
FATES = (
    ("same direction", ("kept", "weakened", "intensified"), "fate-kept"),
    ("neutralised", ("neutralised",), "fate-flat"),
    ("dropped", ("dropped_speaker", "dropped_stance"), "fate-dropped"),
    (
        "harmed",
        ("flipped", "invented", "polarised", "misattributed"),
        "fate-harm",
    ),
)
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


def slice_pictures(runs: Runs, boards: Sequence[Leaderboard]) -> list[Picture]:
    """The pictures that the records have numbers for."""
    by_kind = {board.kind: board for board in boards}
    found = [
        judge_heat_map(runs) if "summariser" in by_kind else None,
        sides(runs, by_kind["summariser"]) if "summariser" in by_kind else None,
        slices(runs, by_kind["stance"]) if "stance" in by_kind else None,
    ]
    return [p for p in found if p is not None]


def judge_heat_map(runs: Runs) -> Picture | None:
    """Fidelity (and harm below it) of each summariser as each judge reads it."""
    cells: dict[tuple[str, str], tuple[float | None, float | None, str]] = {}
    summarisers, judges = {}, {}
    for record in runs.records:
        summariser, judge = record.system("summariser"), record.system("judge")
        if summariser is None or judge is None:
            continue
        summarisers[summariser.fingerprint] = summariser.name
        judges[judge.fingerprint] = judge.name
        fidelity, harm = (record.metrics.get(f"preservation.{m}") for m in ("fidelity", "harm"))
        why = (fidelity.reason if fidelity else None) or "not computed"
        cells.setdefault(
            (summariser.fingerprint, judge.fingerprint),
            (fidelity.value if fidelity else None, harm.value if harm else None, why),
        )
    if not any(v is not None for v, _, _ in cells.values()):
        return None
    rows, columns = (sorted(x, key=lambda f: (x[f], f)) for x in (summarisers, judges))
    rows_shown = rows[: 4 * MOST]
    cell_w, cell_h, left, top = 96.0, 40.0, 170.0, 34.0
    width, height = left + cell_w * len(columns) + 10, top + cell_h * len(rows_shown) + 8
    body: list[Markup] = [
        s.text(left + (j + 0.5) * cell_w, top - 10, s.cut(judges[f], 14), "name", "middle", hint=judges[f])
        for j, f in enumerate(columns)
    ]
    told = []
    for i, row in enumerate(rows_shown):
        y = top + i * cell_h
        body.append(s.text(left - 8, y + 24, s.cut(summarisers[row], 24), "name", "end", hint=summarisers[row]))
        for j, column in enumerate(columns):
            fidelity_, harm_, why = cells.get((row, column), (None, None, "not run"))
            x = left + j * cell_w
            if fidelity_ is None:
                body += [s.rect(x, y, cell_w - 3, cell_h - 3, "void", hint=why)]
                body.append(s.text(x + cell_w / 2, y + 22, why[:13], "tick", "middle", hint=why))
                continue
            hint = f"{summarisers[row]} read by {judges[column]}: fidelity {fidelity_:.2f}"
            body.append(s.rect(x, y, cell_w - 3, cell_h - 3, "cell hit", opacity=0.05 + 0.85 * fidelity_, hint=hint))
            on = " on" if fidelity_ > 0.5 else ""
            body.append(s.text(x + cell_w / 2, y + 17, f"{fidelity_:.2f}", f"count{on}", "middle"))
            if harm_ is not None:
                body.append(s.text(x + cell_w / 2, y + 31, f"harm {harm_:.0f}", f"tick{on}", "middle"))
            told.append(hint + (f", harm {harm_:.0f} of 100" if harm_ is not None else ""))
    left_out = f" {len(rows_shown)} of {len(rows)} summarisers." if len(rows) > len(rows_shown) else ""
    caption = (
        "Fidelity of the stances that a summary conveys (darker is more faithful) with harm of 100 below it; rows are "
        f"summarisers, columns judges. {sentence(judge_note(runs))}.{left_out}"
    )
    title = "Stance preservation, summariser by judge"
    alternative = "; ".join(told[:60])
    return Picture("judges", title, caption, s.svg("judges", title, alternative, width, height, body), alternative)


def sides(runs: Runs, board: Leaderboard) -> Picture | None:
    """What becomes of gold stances in each summariser's summaries, by the speaker's side."""
    side_of = _sides_of(runs.articles)
    fate_of = {outcome: k for k, (_, outcomes, _) in enumerate(FATES) for outcome in outcomes}
    names = labels([one.row for one in board.lines])
    counted: list[tuple[str, NDArray[np.int64]]] = []
    for one in board.lines:
        table = one.row.tables.get("preservation")
        if one.row.judge is None or not isinstance(table, dict):
            continue
        counts = np.zeros((len(SIDES), len(FATES)), dtype=np.int64)
        for row in table.get("rows", ()):
            which = fate_of.get(row["outcome"])
            if which is not None:
                counts[side_of.get((row["article"], row["side"]), 2), which] += 1
        if counts.any():
            counted.append((names[one.row.fingerprint], counts))
    if not counted:
        return None
    shown = counted[:MOST]
    bar, gap, left, top, span = 15.0, 30.0, 168.0, 48.0, 390.0
    block = len(SIDES) * (bar + 3) + gap
    width, height = left + span + 12, top + block * len(shown)
    body, told = _legend(0), []
    for i, (name, counts) in enumerate(shown):
        y = top + i * block
        body.append(s.text(0, y - 6, s.cut(name, 60), "name", hint=name))
        for k, side in enumerate(SIDES):
            total = int(counts[k].sum())
            at = y + k * (bar + 3)
            body.append(s.text(left - 8, at + 12, f"{side} ({total})", "tick", "end"))
            x, parts = left, []
            for (fate, _, cls), n in zip(FATES, counts[k].tolist(), strict=True):
                w = span * n / total if total else 0.0
                if n:
                    hint = f"{name}, {side}: {fate} {n} of {total}"
                    body.append(s.rect(x, at, w, bar, cls, hint=hint))
                    parts.append(f"{fate} {n}")
                    if cls == "fate-harm" or w > 30:
                        tight = "share out" if cls in ("fate-harm", "fate-dropped", "fate-flat") else "share on"
                        if w > 26:
                            body.append(s.text(x + w / 2, at + 11.5, f"{100 * n / total:.0f} %", tight, "middle"))
                x += w
            told.append(f"{name}, {side}: {', '.join(parts) or 'nothing'}")
    left_out = f" The best {len(shown)} of {len(counted)} summarisers." if len(counted) > len(shown) else ""
    caption = (
        "What summaries make of the article's stances, by the speaker's side; in each article the side whose gold is "
        f"more escalatory is told from the other. Harmed: flipped, invented, polarised or misattributed. In brackets: how many "
        f"stances. {sentence(judge_note(runs))}.{left_out}"
    )
    title = "Who is dropped or flipped, by side of the conflict"
    alternative = "; ".join(told)
    return Picture("sides", title, caption, s.svg("sides", title, alternative, width, height, body), alternative)


def _legend(x: float) -> list[Markup]:
    body: list[Markup] = []
    for fate, _, cls in FATES:
        body.append(s.rect(x, 4, 18, 12, cls))
        body.append(s.text(x + 24, 14, fate, "tick"))
        x += 24 + len(fate) * s.CHAR + 20
    return body


def _sides_of(articles: Iterable[Article]) -> dict[tuple[str, str | None], int]:
    """0 for an article's more escalatory side, 1 for the one against it; others are in no side."""
    found: dict[tuple[str, str | None], int] = {}
    for article in articles:
        pair = two_sides(article)
        for k, side in enumerate(pair or ()):
            found[article.id, side] = k
    return found


def slices(runs: Runs, board: Leaderboard) -> Picture | None:
    """Three-way macro-F1 on concrete targets within slices of the items, systems side by side."""
    items = runs.items
    names = labels([one.row for one in board.lines])
    systems = [one.row for one in board.lines if (codes(runs, one.row) <= UNPARSED).any()][:MOST]
    base = (items.gold >= 0) & items.in_scope("")
    if not systems or not base.any():
        return None
    told = {row.fingerprint: codes(runs, row) for row in systems}
    cell_w, row_h, left, top = 62.0, 19.0, 250.0, 92.0
    body: list[Markup] = []
    for j, row in enumerate(systems):
        x = left + (j + 0.5) * cell_w
        body.append(
            Markup('<g transform="rotate(-38 {:.1f} {:.1f})">{}</g>').format(
                x, top - 8, s.text(x, top - 8, s.cut(names[row.fingerprint], 15), "name", hint=names[row.fingerprint])
            )
        )
    y, spoken = top, []
    for facet, members in facets(runs):
        found = [(name, chosen & base) for name, chosen in members if (chosen & base).any()]
        if len(found) < 2 and facet != "phenomenon":
            continue
        if facet == "phenomenon":
            found.sort(key=lambda pair: (-int(pair[1].sum()), pair[0]))
        body.append(s.text(0, y + 16, facet, "facet"))
        y += row_h + 4
        for name, chosen in found:
            n = int(chosen.sum())
            body.append(s.text(left - 8, y + 13, f"{name.replace('_', ' ')} ({n})", "tick", "end"))
            words = []
            for j, row in enumerate(systems):
                x = left + j * cell_w
                value, right, answered = _slice_value(runs, told[row.fingerprint], chosen)
                if value is None:
                    body.append(s.text(x + cell_w / 2, y + 13, f"{right}/{answered}", "few", "middle"))
                    words.append(f"{names[row.fingerprint]} {right} of {answered} right")
                    continue
                hint = f"{names[row.fingerprint]}, {name}: macro-F1 {value:.2f}, {right} of {answered} right"
                body.append(s.rect(x, y, cell_w - 2, row_h - 2, "cell hit", opacity=0.05 + 0.85 * value, hint=hint))
                cls = "count small on" if value > 0.5 else "count small"
                body.append(s.text(x + cell_w / 2 - 1, y + 13, f"{value:.2f}", cls, "middle"))
                words.append(f"{names[row.fingerprint]} {value:.2f}")
            spoken.append(f"{facet} {name} ({n} items): {', '.join(words)}")
            y += row_h
        y += 8
    if not spoken:
        return None
    total = sum(1 for one in board.lines if one.row.metrics)
    left_out = f" The best {len(systems)} of {total} classifiers." if total > len(systems) else ""
    caption = (
        "Three-way macro-F1 on concrete targets within slices (number of items in brackets; darker is better). Under "
        f"{FEWEST_ITEMS} items there is no score, only how many answers were right: such rows are no ranking.{left_out}"
    )
    title = "Slices by phenomenon, era, kind of source, length and rung"
    alternative = "; ".join(spoken)
    width = left + len(systems) * cell_w + 70
    return Picture("slices", title, caption, s.svg("slices", title, alternative, width, y, body), alternative)


def _slice_value(runs: Runs, told: NDArray[np.int8], chosen: NDArray[np.bool_]) -> tuple[float | None, int, int]:
    """Macro-F1 (None under 40 answered items), how many are right, and how many were answered."""
    kept = chosen & (told <= UNPARSED)
    counts = on_scale(article_counts(runs.items, told, kept), "three_way").sum(axis=0)
    n, right = int(counts.sum()), int(np.trace(counts[:, :3]))
    if n < FEWEST_ITEMS:
        return None, right, n
    value = float(COUNT_METRICS[METRIC].statistic(counts[None].astype(np.float64))[0])
    return (None if np.isnan(value) else value), right, n


def facets(runs: Runs) -> list[tuple[str, list[tuple[str, NDArray[np.bool_]]]]]:
    """Masks of the items by phenomenon, era, kind of source, length of the article, and rung of the target."""
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

    def by_article(name_of: Callable[[Article], Any], order: Sequence[str]) -> list[tuple[str, NDArray[np.bool_]]]:
        told = np.array([str(name_of(a)) for a in articles])
        return [(name, (told == name)[items.article]) for name in order]

    return [
        ("phenomenon", phenomena),
        ("era", by_article(era, [*(name for _, _, name in ERAS), "invented world", "undated"])),
        ("kind of source", by_article(lambda a: a.source.kind, ["news", "documented", "fictional"])),
        ("length of the article", by_article(length, [name for _, _, name in LENGTHS])),
        ("rung of the target", [(f"rung {k}", rung == k) for k in range(5)]),
    ]


def era(article: Article) -> str:
    """When the article plays, by its date."""
    if article.source.kind == "fictional":
        return "invented world"
    if article.source.date is None:
        return "undated"
    return next(name for low, high, name in ERAS if low <= article.source.date.year < high)


def length(article: Article) -> str:
    """How long the article is."""
    n = len(article.text.split())
    return next(name for low, high, name in LENGTHS if low <= n < high)
