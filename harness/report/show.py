"""The drill-down in the terminal: one article with what the systems said of it, beside gold; the page's filters and marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.errors import ConfigError, nearest_hint
from harness.report.collect import Row, Runs, load_runs
from harness.report.columns import UNPARSED, codes, item_scores
from harness.report.drilldown import OUTCOMES, mentions, outcome_codes
from harness.report.judge import doubt_words
from harness.report.marks import HARMED, MARKS, mark
from harness.report.table import labels
from harness.report.words import number
from harness.types import PHENOMENA, STANCES, Article, Prediction

FILTERS = ("wrong", "flipped", "unparsed", "disagree")
HARMS = ("polarised", "flipped", "invented", "misattributed")
NO_ANSWER = {6: "unparsed", 7: "error", 8: "gone", 9: "not asked"}
STYLES = {"right": "green", "near": "", "wrong": "yellow", "flip": "bold red"}
ROOM, ROOM_OF_ONE = 90, 16
"""Columns of a terminal in which a table of stances is legible, and what each classifier adds."""
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red", "bright_cyan", "bright_magenta")
"""Of speakers, in their order; their names are underlined, too."""


@dataclass(frozen=True)
class View:
    """What is shown: the runs' systems by name, and the items (of `runs.items`) that the filters let through."""

    runs: Runs
    classifiers: list[tuple[str, Row]]
    summarisers: list[tuple[str, Row]]
    matching: set[int]

    def of(self, article: Article, speaker: str | None = None) -> list[int]:
        """The article's items that match, in order."""
        index = self.runs.items.index
        pairs = [(article.id, s.id, t.id) for s, t in article.pairs() if speaker in (None, s.id)]
        return [index[pair] for pair in pairs if index[pair] in self.matching]


def show_article(
    console: Console,
    results: Path,
    run_ids: Sequence[str],
    article_id: str | None,
    *,
    prompts: bool = False,
    speaker: str | None = None,
    only: str | None = None,
    phenomenon: str | None = None,
) -> None:
    """Prints the article and every answer of the runs on it; without an id, a list of where most pairs match.

    `prompts` adds each item's exact prompt and raw answer; `speaker`, `only` (one of FILTERS) and `phenomenon` leave pairs
    out. ConfigError names the nearest article, speaker or phenomenon for one that is not there.
    """
    runs = load_runs(results, run_ids)
    if not runs.records:
        raise ConfigError(
            f"{', '.join(run_ids)} failed: there is nothing to show", hint="its record.json has the traceback"
        )
    if phenomenon is not None and phenomenon not in PHENOMENA:
        raise ConfigError(
            f"there is no phenomenon {phenomenon!r}",
            hint=nearest_hint(phenomenon, list(PHENOMENA)) + ", ".join(PHENOMENA),
        )
    classifiers, summarisers = (
        [(labels(rows)[row.fingerprint], row) for row in rows]
        for rows in (runs.rows("stance"), runs.rows("summariser"))
    )
    view = View(runs, classifiers, summarisers, _matching(runs, only, phenomenon))
    if article_id is None:
        _articles(console, view, only is not None or phenomenon is not None)
        return
    article = next((a for a in runs.articles if a.id == article_id), None)
    if article is None:
        ids = [a.id for a in runs.articles]
        raise ConfigError(
            f"{article_id!r} is not among the run's articles",
            hint=nearest_hint(article_id, ids) + ", ".join(ids[:8]),
        )
    if speaker is not None and speaker not in {s.id for s in article.speakers}:
        ids = [s.id for s in article.speakers]
        raise ConfigError(f"{article_id} has no speaker {speaker!r}", hint=nearest_hint(speaker, ids) + ", ".join(ids))
    shown = view.of(article, speaker)
    _text(console, article, speaker)
    for name, row in view.summarisers:
        _summary(console, view, name, row, article, shown)
        if prompts:
            _prompts(console, runs, name, row, article, None)
    for summary in article.summaries:
        console.print(f"\n[bold]Reference summary[/bold] by {escape(summary.annotator)}")
        console.print(Text(visible(summary.text.strip())))
    if view.classifiers:
        _stances(console, view, article, shown)
    for name, row in view.classifiers if prompts else ():
        _prompts(console, runs, name, row, article, set(shown))


def _matching(runs: Runs, only: str | None, phenomenon: str | None) -> set[int]:
    """The items that both filters let through, by the page's rules."""
    answers = [codes(runs, row).tolist() for row in runs.rows("stance")]
    fates = [outcome_codes(runs, row) for row in runs.rows("summariser")]
    gold = runs.items.gold.tolist()

    def marks(i: int) -> set[str]:
        answered = (t[i] for t in answers if gold[i] >= 0 and t[i] <= UNPARSED)
        return {mark(STANCES[gold[i]], None if code == UNPARSED else STANCES[code]) for code in answered}

    tests: dict[str | None, Callable[[int], bool]] = {
        None: lambda i: True,
        "wrong": lambda i: bool(marks(i) & {"wrong", "flip"}),
        "flipped": lambda i: "flip" in marks(i) or any(f and _outcome(f, i) == "flipped" for f in fates),
        "unparsed": lambda i: any(t[i] == UNPARSED for t in answers),
        "disagree": lambda i: len({t[i] for t in answers if t[i] < UNPARSED}) > 1,
    }
    with_it = None
    if phenomenon is not None:
        stances = {(a.id, pair): s for a in runs.articles for pair, s in a.gold_stances().items()}
        with_it = {runs.items.index[a, *pair] for (a, pair), s in stances.items() if phenomenon in s.phenomena}
    return {i for i in range(len(gold)) if (with_it is None or i in with_it) and tests[only](i)}


def _outcome(letters: str, i: int) -> str | None:
    """What became of an item in a summary, by the letters of `outcome_codes`."""
    return None if letters[i] == "-" else OUTCOMES[ord(letters[i]) - ord("a")]


def _text(console: Console, article: Article, speaker: str | None) -> None:
    """The article: speakers coloured and underlined, gold evidence (of one speaker, if chosen) reversed."""
    console.print(f"[bold]{escape(article.title)}[/bold]  ({article.id}, {article.event}, split {article.split})")
    cast = Text("Speakers: ")
    for n, person in enumerate(article.speakers):
        cast.append(", " if n else "").append(visible(person.name), _colour(n)).append(f" ({person.id})")
    console.print(cast)
    for t in article.targets:
        more = ("; de-escalates" if t.direction == "de_escalate" else "") + (
            "" if t.rung is None else f"; rung {t.rung}"
        )
        console.print(Text(f"{t.id}: {visible(t.proposition)}{more}"))
    stances = article.gold.stances if article.gold else ()
    evidence = [(e.start, e.end) for s in stances if speaker in (None, s.speaker) for e in s.evidence]
    named = mentions(article.text, article.speakers)
    start, end = len(article.text) - len(article.text.lstrip()), len(article.text.rstrip())
    cuts = sorted({start, end, *(x for a, b, *_ in [*evidence, *named] for x in (a, b) if start < x < end)})
    text = Text()
    for a, b in pairwise(cuts):
        who = next((n for x, y, n in named if x <= a < y), None)
        marked = any(x <= a < y for x, y in evidence)
        text.append(visible(article.text[a:b]), " ".join([*(["reverse"] if marked else []), _colour(who)]).strip())
    console.print()
    console.print(text)


def _colour(n: int | None) -> str:
    return "" if n is None else f"underline {COLOURS[n % len(COLOURS)]}"


def _summary(console: Console, view: View, name: str, row: Row, article: Article, shown: Sequence[int]) -> None:
    runs = view.runs
    prediction = next((p for ref, p in runs.answers(row) if ref.article_id == article.id), None)
    console.print(f"\n[bold]Summary[/bold] by {escape(name)}")
    console.print(Text(visible(_summary_text(prediction))))
    place, words = runs.articles.index(article), []
    for metric in ("summary.rouge1", "summary.rouge2", "summary.rouge_lsum", "summary.words"):
        scores = item_scores(runs, row, metric)
        words += [
            f"{metric.removeprefix('summary.')} {number(v, metric)}" for v in scores.value[scores.article == place]
        ]
    console.print("  ".join(words), style="dim")
    letters = outcome_codes(runs, row)
    if not letters or row.judge is None:
        return
    judged, gold = codes(runs, row, "judge", "summary").tolist(), runs.items.gold.tolist()
    pairs = {runs.items.index[article.id, s.id, t.id]: (s, t) for s, t in article.pairs()}
    fates = [(i, fate) for i in shown if (fate := _outcome(letters, i)) is not None]
    counted = Counter(fate for _, fate in fates if fate not in HARMS)
    words = [f"{fate.replace('_', ' ')} {counted[fate]}" for fate in OUTCOMES if counted[fate]]
    console.print(Text(f"As {row.judge.name} reads it{doubt_words(runs)}: {', '.join(words) or 'nothing else'}."))
    for i, fate in fates:
        if fate in HARMS:
            s, t = pairs[i]
            words = [f"gold {STANCES[gold[i]]}"] if gold[i] >= 0 else []
            words += [f"here {STANCES[judged[i]]}"] if judged[i] < UNPARSED else []
            why = f" ({', '.join(words)})" if words else ""
            console.print(
                Text(
                    f"  {MARKS['flip'][0] if fate == 'flipped' else HARMED} {fate}: {visible(s.name)} on {t.id}{why}",
                    "bold red",
                )
            )


def _summary_text(prediction: Prediction | None) -> str:
    if prediction is None:
        return "(the stored prediction is gone)"
    if prediction.answer.error is not None:
        return f"(no answer: {prediction.answer.error})"
    return prediction.answer.output.strip() or "(empty)"


def visible(text: str) -> str:
    """The text with control characters written out, so that no answer steers the terminal; every kind of line end is one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c in "\n\t" or ord(c) >= 0xA0 or 0x20 <= ord(c) < 0x7F else f"\\x{ord(c):02x}" for c in text)


def _prompts(console: Console, runs: Runs, name: str, row: Row, article: Article, shown: set[int] | None) -> None:
    """What the system was asked and what it said, word for word; of the shown items alone, if given."""
    for ref, prediction in runs.answers(row):
        item = runs.items.index.get((ref.article_id, ref.speaker_id or "", ref.target_id or ""))
        if ref.article_id != article.id or (shown is not None and item not in shown):
            continue
        about = "" if ref.speaker_id is None else f", {ref.speaker_id} on {ref.target_id}"
        answer = prediction.answer if prediction else None
        for part, text in (
            ("Prompt", answer and answer.prompt),
            ("Raw answer", answer and (answer.raw or answer.output)),
        ):
            console.print(f"\n[bold]{part}[/bold] of {escape(name)}{escape(about)}")
            missing = "the stored prediction is gone" if answer is None else answer.error or "none"
            console.print(Text(visible(text) if text else f"({missing})"), soft_wrap=True)


@dataclass(frozen=True)
class StanceLine:
    """What is told of one pair: the answers in the order of the classifiers, with their marks; None where there is no gold."""

    speaker: Text
    target: str
    gold: str | None
    answers: list[Text]
    evidence: str


def _stances(console: Console, view: View, article: Article, shown: Sequence[int]) -> None:
    """Each pair's gold and each classifier's answer with its mark: a table, or by speaker where a table has no room."""
    names = [name for name, _ in view.classifiers]
    lines = _stance_lines(view, article, shown)
    console.print()
    if console.width < ROOM + ROOM_OF_ONE * len(names):
        _by_speaker(console, names, lines)
    else:
        console.print(_stance_table(names, lines))
    if article.gold_stances():
        console.print("  ".join(f"{glyph} {words}" for glyph, words in MARKS.values()), style="dim")
    n_hidden = sum(1 for _ in article.pairs()) - len(shown)
    if n_hidden:
        console.print(f"{n_hidden} more pairs of the article do not match", style="dim")


def _stance_lines(view: View, article: Article, shown: Sequence[int]) -> list[StanceLine]:
    gold = article.gold_stances()
    answer_codes = [codes(view.runs, row).tolist() for _, row in view.classifiers]
    place = {s.id: n for n, s in enumerate(article.speakers)}
    pairs = {view.runs.items.index[article.id, s.id, t.id]: (s, t) for s, t in article.pairs()}
    lines = []
    for i in shown:
        s, t = pairs[i]
        label = gold.get((s.id, t.id))
        answers = []
        for system_codes in answer_codes:
            code = system_codes[i]
            which = mark(label.stance, STANCES[code] if code < UNPARSED else None) if label and code <= UNPARSED else ""
            glyph = f" {MARKS[which][0]}" if which else ""
            answers.append(Text(f"{NO_ANSWER.get(code) or STANCES[code]}{glyph}", STYLES.get(which, "")))
        evidence = " … ".join(visible(e.text) for e in label.evidence) if label else ""
        gold_text = (str(label.stance) if label else "(not labelled)") if gold else None
        lines.append(StanceLine(Text(visible(s.name), _colour(place[s.id])), t.id, gold_text, answers, evidence))
    return lines


def _stance_table(names: Sequence[str], lines: Sequence[StanceLine]) -> Table:
    """A row for each pair; no column that is empty."""
    table = Table(title=Text(f"Stance by {', '.join(names)}"), title_justify="left", title_style="bold")
    has_gold, has_evidence = any(line.gold for line in lines), any(line.evidence for line in lines)
    headings = ["speaker", "target", *(["gold"] if has_gold else []), *map(escape, names)]
    for heading in [*headings, *(["evidence"] if has_evidence else [])]:
        table.add_column(heading, overflow="fold")
    for line in lines:
        gold = [line.gold or ""] if has_gold else []
        table.add_row(line.speaker, line.target, *gold, *line.answers, *([Text(line.evidence)] if has_evidence else []))
    return table


def _by_speaker(console: Console, names: Sequence[str], lines: Sequence[StanceLine]) -> None:
    """Every speaker with a line a target, and below it the evidence."""
    console.print(Text(f"Stance by {', '.join(names)}", "bold"))
    for speaker, of_speaker in groupby(lines, key=lambda line: line.speaker):
        console.print(speaker)
        for line in of_speaker:
            words = [Text(f"gold {line.gold}")] if line.gold else []
            # one classifier is named by the title
            words += [
                Text(f"{name} " if len(names) > 1 else "").append(a)
                for name, a in zip(names, line.answers, strict=True)
            ]
            console.print(Padding(Text(f"{line.target}: ").append(Text(", ").join(words)), (0, 0, 0, 2)))
            if line.evidence:
                console.print(Padding(Text(line.evidence, "dim"), (0, 0, 0, 4)))


def _articles(console: Console, view: View, narrowed: bool) -> None:
    """Articles by how many of their pairs match the filters; without any, by how many stances were wrong."""
    runs = view.runs
    wrong = _matching(runs, "wrong", None) if not narrowed else view.matching
    what = "pairs that match" if narrowed else "wrong stances (three-way)"
    title = (
        "Articles, those with most pairs that match first" if narrowed else "Articles, those that went wrong most first"
    )
    console.print(title, style="bold")
    table = Table()
    table.add_column("article", overflow="fold")
    table.add_column(what, justify="right")
    index = runs.items.index
    items_by_article = {a.id: [index[a.id, s.id, t.id] for s, t in a.pairs()] for a in runs.articles}
    counts = {a: len(wrong & set(items)) for a, items in items_by_article.items()}
    for article in sorted(items_by_article, key=lambda a: (-counts[a], a)):
        if narrowed and not counts[article]:
            continue
        share = f"{counts[article]} of {len(items_by_article[article])}"
        table.add_row(article, share if narrowed or view.classifiers else "no stance classifier")
    console.print(table)
    console.print("--article ID shows one of them", style="dim")
