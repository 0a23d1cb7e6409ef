"""Pictures of what summaries make of stances: as each judge reads them, by side of the conflict, by length of the summary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from harness.metrics.catalogue import direction, label_of, span
from harness.metrics.preservation_table import COVERAGE, FIDELITY, HARM_RATE, HAWK_SHIFT, VOICE_SHIFT, two_sides
from harness.report import svg as s
from harness.report.collect import Row, Runs
from harness.report.html_pictures import MOST, left_out
from harness.report.judge import judge_note
from harness.report.svg import Picture
from harness.report.table import Leaderboard, labels
from harness.report.verdicts import sentence
from harness.report.verdicts import shown as as_shown
from harness.stats.power import FEWEST_ITEMS
from harness.types import Article

SIDES = ("more escalatory side", "other side", "outside, or no side")
FATES = (
    ("same direction", ("kept", "weakened", "intensified"), "fate-kept"),
    ("neutralised", ("neutralised",), "fate-flat"),
    ("dropped", ("dropped_speaker", "dropped_stance"), "fate-dropped"),
    ("flipped", ("flipped",), "fate-flip"),
    ("otherwise harmed", ("invented", "polarised", "misattributed"), "fate-harm"),
)
NUMBERS = (COVERAGE, FIDELITY, HARM_RATE)
"""The three numbers of stance preservation."""
MOST_ROWS = 48
WIDTH = 376.0


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
        fidelity, harm = (record.metrics.get(key) for key in (FIDELITY, HARM_RATE))
        why = (fidelity.reason if fidelity else None) or "not computed"
        cells.setdefault(
            (summariser.fingerprint, judge.fingerprint),
            (fidelity.value if fidelity else None, harm.value if harm else None, why),
        )
    if not any(v is not None for v, _, _ in cells.values()):
        return None
    rows, columns = (sorted(x, key=lambda f: (x[f], f)) for x in (summarisers, judges))
    shown = rows[:MOST_ROWS]
    wide, high, left, top = 100.0, 38.0, 150.0, 30.0
    body: list[Markup] = [
        s.text(left + (j + 0.5) * wide, top - 10, s.cut(judges[f], 15), "name", "middle", hint=judges[f])
        for j, f in enumerate(columns)
    ]
    spoken = []
    for i, row in enumerate(shown):
        y = top + i * high
        body.append(s.text(left - 8, y + 22, s.cut(summarisers[row], 21), "name", "end", hint=summarisers[row]))
        for j, column in enumerate(columns):
            fidelity_, harm_, why = cells.get((row, column), (None, None, "not run"))
            at = (left + j * wide, y, wide, high)
            if fidelity_ is None:
                body.append(s.cell(*at, None, s.cut(why, 15), hint=why))
                continue
            hint = f"{summarisers[row]} read by {judges[column]}: fidelity {as_shown(fidelity_, FIDELITY)}"
            under = "" if harm_ is None else f"harm {as_shown(harm_, HARM_RATE)}"
            body.append(s.cell(*at, fidelity_, as_shown(fidelity_, FIDELITY), under=under, hint=hint))
            spoken.append(hint + (f", harm {as_shown(harm_, HARM_RATE)} of 100" if harm_ is not None else ""))
    caption = (
        "Fidelity of the stances that a summary conveys (the stronger the colour, the better) with harm of 100 below it; rows "
        f"are summarisers, columns judges. {sentence(judge_note(runs))}.{left_out(len(shown), len(rows), 'summarisers')}"
    )
    title, alternative = "Stance preservation, summariser by judge", "; ".join(spoken[:60])
    size = (left + wide * len(columns) + 4, top + high * len(shown) + 4)
    return Picture("judges", title, caption, s.svg("judges", title, alternative, *size, body), alternative)


def sides(runs: Runs, board: Leaderboard) -> Picture | None:
    """What becomes of gold stances in each summariser's summaries, by the speaker's side."""
    side_of = _sides_of(runs.articles)
    fate_of = {outcome: k for k, (_, outcomes, _) in enumerate(FATES) for outcome in outcomes}
    names = labels([line.row for line in board.lines])
    counted: list[tuple[str, NDArray[np.int64], list[str]]] = []
    for line in board.lines:
        counts = np.zeros((len(SIDES), len(FATES)), dtype=np.int64)
        for row in _table(line.row, "rows", list):
            which = fate_of.get(row["outcome"])
            if which is not None:
                counts[side_of.get((row["article"], row["side"]), 2), which] += 1
        if counts.any():
            counted.append((names[line.row.fingerprint], counts, _balance(line.row)))
    if not counted:
        return None
    shown = counted[:MOST]
    spoken = [
        f"{name}, {side}: " + (", ".join(f"{f} {n}" for (f, _, _), n in zip(FATES, row, strict=True) if n) or "nothing")
        for name, counts, _ in shown
        for side, row in zip(SIDES, counts.tolist(), strict=True)
    ]
    caption = (
        "What summaries make of the article's stances, by the speaker's side; in each article the side whose gold is "
        "more escalatory is told from the other. Otherwise harmed: invented, polarised or given to somebody else. In "
        "brackets: how many stances. Hawk shift: how much further the summary moves the more escalatory side towards "
        "escalation than the other, in steps of the scale; voice shift: the change of its share of the stances conveyed. "
        f"{sentence(judge_note(runs))}.{left_out(len(shown), len(counted), 'summarisers')}"
    )
    panels = [(WIDTH, 114.0, _legend()), *((WIDTH, 114.0, _side_panel(*counts)) for counts in shown)]
    title = "Who is dropped or flipped, by side of the conflict"
    return s.figure("sides", title, caption, "; ".join(spoken), panels)


def _side_panel(name: str, counts: NDArray[np.int64], balance: list[str]) -> list[Markup]:
    bar, left, top = 16.0, 178.0, 50.0
    span = WIDTH - left - 2
    body = [s.text(0, 12, s.cut(name, 48), "name", hint=name)]
    body += [s.text(0, 27 + 14 * i, remark, "tick") for i, remark in enumerate(balance)]
    for k, side in enumerate(SIDES):
        total, at, x = int(counts[k].sum()), top + k * (bar + 3), left
        body.append(s.text(left - 8, at + 12, f"{side} ({total})", "tick", "end"))
        for (fate, _, cls), n in zip(FATES, counts[k].tolist(), strict=True):
            width = span * n / total if total else 0.0
            if n:
                body.append(s.rect(x, at, width, bar, cls, hint=f"{name}, {side}: {fate} {n} of {total}"))
            if width > 30:
                body.append(s.text(x + width / 2, at + 12, f"{100 * n / total:.0f} %", "share", "middle"))
            x += width
    return body


def _legend() -> list[Markup]:
    body: list[Markup] = []
    for k, (fate, _, cls) in enumerate(FATES):
        x, y = (k % 2) * 150.0, 14.0 + (k // 2) * 26
        body += [s.rect(x, y, 22, 14, cls), s.text(x + 30, y + 11.5, fate, "tick")]
    return body


def _balance(row: Row) -> list[str]:
    """Hawk and voice shift with their intervals, where they could be computed."""
    lines = []
    for metric in (HAWK_SHIFT, VOICE_SHIFT):
        v = row.metrics.get(metric)
        if v is not None and v.value is not None:
            interval = "" if v.ci_low is None or v.ci_high is None else f" [{v.ci_low:+.2f}, {v.ci_high:+.2f}]"
            lines.append(f"{label_of(metric)} {v.value:+.2f}{interval}".replace("-", "−"))
    return lines


def _sides_of(articles: Iterable[Article]) -> dict[tuple[str, str | None], int]:
    """0 for an article's more escalatory side, 1 for the one against it; others are in no side."""
    side_of: dict[tuple[str, str | None], int] = {}
    for article in articles:
        pair = two_sides(article)
        for k, side in enumerate(pair or ()):
            side_of[article.id, side] = k
    return side_of


def _table(row: Row, name: str, kind: type) -> Any:
    """A part of the row's preservation table; an empty one without a judge, or where the record has something else."""
    table = row.tables.get("preservation") if row.judge is not None else None
    part = table.get(name) if isinstance(table, dict) else None
    return part if isinstance(part, kind) else kind()


def bands(runs: Runs, board: Leaderboard) -> Picture | None:
    """Coverage, fidelity and harm within bands of the summaries' length: longer summaries convey more of everything."""
    names = labels([line.row for line in board.lines])
    tables = [
        (names[line.row.fingerprint], table) for line in board.lines if (table := _table(line.row, "by_length", dict))
    ]
    if not tables:
        return None
    shown = tables[:MOST]
    columns = sorted({band for _, table in shown for band in table}, key=lambda b: int(b.rstrip("+").partition("-")[0]))
    panels, spoken = [], []
    for metric in NUMBERS:
        number, hundred = metric.removeprefix("preservation."), span(metric) == 100
        wide, high, left, top = 46.0, 22.0, 136.0, 44.0
        body: list[Markup] = [s.text(left, 13, number + (" of 100" if hundred else ""), "facet")]
        body += [
            s.text(left + (j + 0.5) * wide - 1, top - 8, b.replace("-", "–"), "tick", "middle")
            for j, b in enumerate(columns)
        ]
        for i, (name, table) in enumerate(shown):
            y, words = top + i * high, []
            body.append(s.text(left - 8, y + 14, s.cut(name.removesuffix(" (ceiling)"), 18), "name", "end", hint=name))
            for j, band in enumerate(columns):
                if band not in table:
                    continue
                value, n = (table[band][metric][key] for key in ("value", "n"))
                few = value is None or n < FEWEST_ITEMS
                cell_text = f"n {n}" if few else as_shown(value, metric)
                hint = f"{name}, {band} words: {'' if few else f'{number} {cell_text}, '}{n} stances"
                kind = "hit" if direction(metric) > 0 else "miss"
                at, shade = (left + j * wide, y, wide, high), None if few else value / span(metric)
                body.append(s.cell(*at, shade, cell_text, kind=kind, hint=hint))
                words.append(f"{band} words {cell_text if few else f'{cell_text} (n {n})'}")
            spoken.append(f"{number}, {name}: {', '.join(words)}")
        panels.append((left + len(columns) * wide, top + len(shown) * high + 4, body))
    caption = (
        "Stance preservation within bands of the summary's length in words: compare systems within a column, since longer "
        "summaries convey more, and more wrongly. The stronger the colour, the higher: better in blue, worse in grey. Under "
        f"{FEWEST_ITEMS} stances only their number is shown. {sentence(judge_note(runs))}."
        f"{left_out(len(shown), len(tables), 'summarisers')}"
    )
    return s.figure("bands", "Stance preservation by length of the summary", caption, "; ".join(spoken), panels)
