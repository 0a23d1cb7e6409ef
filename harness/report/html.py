"""index.html: the whole report in one offline file; every word of a record, an article or an answer is escaped."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from harness.metrics.catalogue import label_of
from harness.report.cells import DIFFERENCES, comparison_row
from harness.report.collect import Runs, canonical
from harness.report.compare import Comparison
from harness.report.drilldown import drilldown, packed
from harness.report.finders import NOTE as FINDER_NOTE
from harness.report.finders import TITLE as FINDERS
from harness.report.finders import finder_table, finders
from harness.report.head import problem_lines, reproduce, run_command, title
from harness.report.html_board import board_view, interval_text, minus
from harness.report.html_calibration import reliability, selective
from harness.report.html_head import head, states
from harness.report.html_pictures import confusions, frontier
from harness.report.html_preservation import bands, judge_heat_map, sides
from harness.report.html_slices import slices
from harness.report.judge import check_lines, doubt_words, headlines, judge_note, trusted
from harness.report.marks import ARROWS, BEST, REAL, TIED, meaning
from harness.report.preserved import TITLE as HAND_TITLE
from harness.report.preserved import hand_lines, hand_table, judged_table, judged_title
from harness.report.robustness import robustness
from harness.report.robustness_page import NOTE as ROBUSTNESS_NOTE
from harness.report.robustness_page import TITLE as ROBUSTNESS
from harness.report.robustness_page import sections, verdict_lines
from harness.report.suspected import Suspicion, disagreements, suspected_harms, unasked
from harness.report.svg import Picture
from harness.report.table import Leaderboard, labels
from harness.report.verdicts import pair_verdicts, sentence, unscored_verdict, verdicts
from harness.report.ways import NOTE as WAYS_NOTE
from harness.report.ways import TITLE as WAYS
from harness.report.ways import path_lines, ways_table
from harness.report.who_wants import page_view
from harness.report.words import PROCEDURE, TITLES
from harness.types import STANCES, Stance

if TYPE_CHECKING:
    from jinja2 import Environment

QUESTION = (
    "Which pretrained model can I trust to summarise conflict news and to tell who wants escalation and who does not?"
)
WITHOUT_GOLD = "Who wants escalation, and who does not?"
MOST_ARTICLES = 20
MOST_SUSPECTED = 500
MOST_DISPUTED = 100


def html(runs: Runs, boards: Sequence[Leaderboard], comparisons: Sequence[Comparison] = ()) -> str:
    """The page, with paired comparisons before the leaderboards where there are any.

    Deterministic: it depends on the records, predictions and dataset snapshot alone.
    """
    filled = [board for board in boards if board.lines]
    # two runs have one verdict: their own comparison's, not the leaderboards' tests of another family
    sentences = [v for c in comparisons for v in pair_verdicts(c)]
    sentences = sentences or [v for board in filled for v in verdicts(runs, board)]
    galleries, undrawn = _galleries(runs, filled)
    details = drilldown(runs, [line.row.fingerprint for board in filled for line in board.lines])
    without = _without_gold(runs)
    return str(
        environment()
        .get_template("report.html")
        .render(
            question=QUESTION if runs.use is None or runs.use.labelled else WITHOUT_GOLD,
            title=title(runs),
            procedure=PROCEDURE,
            signs={"best": BEST, "tied": TIED, "real": REAL, "higher": ARROWS[1], "lower": ARROWS[-1]},
            head=head(runs),
            states=[state for i, state in enumerate(states(runs)) if state[1] or i < 3],
            verdicts=unscored_verdict(runs) + sentences,
            boards=[board_view(runs, board) for board in filled],
            preserved=_preserved_view(runs, filled),
            comparisons=[_comparison_view(c) for c in comparisons],
            finders=_finders_view(runs),
            ways={"title": WAYS, "note": WAYS_NOTE, "table": ways_table(runs), "lines": path_lines(runs)},
            robustness=_robustness_view(runs),
            who_wants=page_view(runs),
            **without,
            galleries=galleries,
            undrawn=undrawn,
            filters=_filters(runs),
            commands=reproduce(runs, boards),
            configs=_configs(boards),
            # read last: pictures and drill-down may find torn parts
            problems=[*problem_lines(runs), *(f"left out: {line}" for line in details.left_out)],
            data=packed(details.data),
            prose=packed(details.prose),
            blocks=sorted(details.blocks.items()),
            style=asset("style.css"),
            script=asset("report.js"),
        )
    )


@cache
def environment() -> Environment:
    """Templates with everything escaped and nothing undefined."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("harness.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "whole_intervals": whole_intervals,
        "minus": minus,
        "interval": interval_text,
        "meaning": meaning,
        "breakable": breakable,
        "degree": degree,
    }
    return templates


def whole_intervals(text: str) -> Markup:
    """Escaped text in which no line breaks within an interval or a p-value."""
    return Markup(
        re.sub(r"\S+ \[[^\]]{1,40}\]|\bp (?:=|&lt;) [\d.]*\d", r'<span class="nb">\g<0></span>', str(escape(text)))
    )


def breakable(name: str) -> Markup:
    """An escaped name that may break after an underscore, a hyphen, a dot or a slash."""
    return Markup(re.sub(r"([_/.-])(?=\w)", r"\1<wbr>", str(escape(name))))


def degree(label: str) -> str:
    """The class that colours a label by its place on the scale; `bad` for what stands in place of a label."""
    if label not in STANCES:
        return "bad"
    place = Stance(label).degree
    return "dn" if place is None else f"d{place}"


@cache
def asset(name: str) -> Markup:
    """A file of ours that goes into the page as it stands."""
    return Markup(resources.files("harness.report").joinpath("templates", name).read_text(encoding="utf-8"))


JUDGED_PICTURES = frozenset({"judges", "sides", "bands"})


def _galleries(runs: Runs, boards: Sequence[Leaderboard]) -> tuple[list[tuple[str, list[Picture], str]], list[str]]:
    """The pictures of each kind of system with its class, and the names of those that a record spoils; the rest of the page
    stands. Those of a judge that failed its check follow greyed."""
    galleries: list[tuple[str, list[Picture], str]] = []
    missing: list[str] = []
    for board in boards:
        drawn = []
        for name, draw in _makers(runs, board):
            try:
                picture = draw()
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                missing.append(f"{name}: a record holds something unexpected ({type(error).__name__}: {error})")
                continue
            drawn += [picture] if picture is not None else []
        doubtful = [p for p in drawn if p.id in JUDGED_PICTURES and not trusted(runs)]
        drawn = [p for p in drawn if p not in doubtful]
        if drawn:
            galleries.append((TITLES[board.kind], drawn, ""))
        if doubtful:
            galleries.append((sentence(judge_note(runs)), doubtful, "doubtful"))
    return galleries, missing


def _makers(runs: Runs, board: Leaderboard) -> list[tuple[str, Callable[[], Picture | None]]]:
    """What draws each picture of a kind of system, with its name."""

    def front(metric: str) -> Callable[[], Picture | None]:
        return lambda: frontier(board, metric)

    fronts = [(f"{sentence(label_of(metric))} against time", front(metric)) for metric in headlines(runs, board.kind)]
    if board.kind == "summariser":
        return [
            *fronts,
            ("Who is dropped or flipped, by side of the conflict", lambda: sides(runs, board)),
            ("Stance preservation by length of the summary", lambda: bands(runs, board)),
            ("Stance preservation, summariser by judge", lambda: judge_heat_map(runs)),
        ]
    return [
        *fronts,
        ("Selective accuracy", lambda: selective(board)),
        ("Reliability curves", lambda: reliability(board)),
        ("Confusion matrices, three-way", lambda: confusions(board)),
        ("Slices", lambda: slices(runs, board)),
    ]


def _preserved_view(runs: Runs, boards: Sequence[Leaderboard]) -> dict[str, Any] | None:
    """What summaries preserve by hand labels, and apart from it what a judge that failed its check makes of them."""
    hand, judged = hand_table(runs), judged_table(runs)
    if not any(board.kind == "summariser" for board in boards) or (hand is None and judged is None):
        return None
    return {
        "title": HAND_TITLE,
        "hand": hand,
        "lines": hand_lines(runs),
        "judged": judged,
        "judged_title": judged_title(runs),
        "check": check_lines(runs),
    }


def _finders_view(runs: Runs) -> dict[str, Any] | None:
    """The speaker finders as a plain table; None where no run has one that was scored."""
    table = finder_table(finders(runs))
    return {"title": FINDERS, "note": FINDER_NOTE, "table": table} if table.rows else None


def _robustness_view(runs: Runs) -> dict[str, Any] | None:
    """The robustness page: verdicts and tables; None where no probe was run."""
    probed = robustness(runs)
    if not probed:
        return None
    return {
        "title": ROBUSTNESS,
        "note": ROBUSTNESS_NOTE,
        "verdicts": verdict_lines(probed),
        "sections": sections(probed),
    }


def _without_gold(runs: Runs) -> dict[str, Any]:
    """Suspected flips by article, and what classifiers dispute most; nothing with gold, which has scores instead."""
    if runs.use is None or runs.use.labelled:
        return {
            "doubt": "",
            "suspected": [],
            "n_suspected": 0,
            "disputed": [],
            "n_disputed": 0,
            "classifiers": [],
            "unasked": {},
        }
    suspected, disputed = suspected_harms(runs), disagreements(runs)
    titles = {a.id: a.title for a in runs.articles}
    names = {(a.id, s.id): s.name for a in runs.articles for s in a.speakers}
    by_article: dict[str, list[Suspicion]] = defaultdict(list)
    for suspicion in suspected[:MOST_SUSPECTED]:
        by_article[suspicion.article].append(suspicion)
    shown = [(d, names.get((d.article, d.speaker), d.speaker), dict(d.labels)) for d in disputed[:MOST_DISPUTED]]
    return {
        "doubt": doubt_words(runs),
        "suspected": [(article, titles.get(article, article), rows) for article, rows in by_article.items()],
        "n_suspected": len(suspected),
        "disputed": shown,
        "n_disputed": len(disputed),
        "classifiers": sorted({name for d in disputed for name, _ in d.labels}),
        "unasked": unasked(runs),
    }


def _comparison_view(comparison: Comparison) -> dict[str, Any]:
    """Paired differences of two systems, and the articles and items where they part most."""
    return {
        "kind": comparison.kind,
        "title": f"{TITLES[comparison.kind]}: {comparison.a.name} − {comparison.b.name}",
        "a": comparison.a.name,
        "b": comparison.b.name,
        "head": [comparison.a.name, comparison.b.name, *DIFFERENCES],
        "rows": [(d.real, comparison_row(d)) for d in comparison.differences],
        "articles": [(article, f"{x:.3g}", f"{y:.3g}", n) for article, x, y, n in comparison.articles[:MOST_ARTICLES]],
        "n_articles": len(comparison.articles),
    }


def _filters(runs: Runs) -> dict[str, list[str]]:
    """What the drill-down can be narrowed by."""
    phenomena = {p for a in runs.articles for label in (a.gold.stances if a.gold else ()) for p in label.phenomena}
    return {
        "phenomenon": sorted(phenomena),
        "kind": sorted({a.source.kind for a in runs.articles}),
        "split": sorted({a.split for a in runs.articles}),
    }


def _configs(boards: Sequence[Leaderboard]) -> list[dict[str, str]]:
    """For each row of the leaderboards: the run that stands for it, its command and its resolved config."""
    rows = []
    for board in boards:
        names = labels([line.row for line in board.lines])
        for line in board.lines:
            record = line.row.run
            rows.append(
                {
                    "kind": TITLES[board.kind],
                    "name": names[line.row.fingerprint],
                    "run": record.run_id,
                    "command": run_command(record),
                    "fingerprint": line.row.fingerprint,
                    "config": canonical(record.config),
                }
            )
    return rows
