"""One article in the terminal: what the systems said, beside gold, with the evidence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.errors import ConfigError, nearest_hint
from harness.report.collect import Row, Runs, load_runs
from harness.report.text import number
from harness.types import Article, Prediction


def show_article(
    console: Console,
    results: Path,
    run: str,
    article_id: str | None,
    *,
    prompts: bool = False,
    speaker: str | None = None,
) -> None:
    """Prints the article and every answer of the run on it; without an id, a list of where the run went wrong most.

    `prompts` adds each item's exact prompt and raw answer; `speaker` leaves the stances of the others out.
    """
    runs = load_runs(results, [run])
    if not runs.records:
        raise ConfigError(f"{run} failed: there is nothing to show", hint="its record.json has the traceback")
    if article_id is None:
        _most_wrong(console, runs)
        return
    article = next((a for a in runs.articles if a.id == article_id), None)
    if article is None:
        known = [a.id for a in runs.articles]
        raise ConfigError(
            f"{article_id!r} is not among the run's articles",
            hint=nearest_hint(article_id, known) + ", ".join(known[:8]),
        )
    if speaker is not None and speaker not in {s.id for s in article.speakers}:
        known = [s.id for s in article.speakers]
        raise ConfigError(
            f"{article_id} has no speaker {speaker!r}", hint=nearest_hint(speaker, known) + ", ".join(known)
        )
    console.print(f"[bold]{escape(article.title)}[/bold]  ({article.id}, {article.event}, split {article.split})\n")
    console.print(Text(visible(article.text.strip())))
    for row in runs.rows("summariser"):
        _summary(console, runs, row, article)
        if prompts:
            _prompts(console, runs, row, article, None)
    for summary in article.summaries:
        console.print(f"\n[bold]Reference summary[/bold] by {escape(summary.annotator)}")
        console.print(Text(visible(summary.text.strip())))
    for row in runs.rows("stance"):
        _stances(console, runs, row, article, speaker)
        if prompts:
            _prompts(console, runs, row, article, speaker)


def _summary(console: Console, runs: Runs, row: Row, article: Article) -> None:
    prediction = next((p for ref, p in runs.answers(row) if ref.article_id == article.id), None)
    console.print(f"\n[bold]Summary[/bold] by {escape(row.name)}")
    console.print(Text(visible(_said(prediction))))
    scores = {s.metric: s.value for s in runs.scores(row) if s.item == article.id and s.value is not None}
    wanted = ("summary.rouge1", "summary.rouge2", "summary.rouge_lsum", "summary.words")
    shown = [f"{m.removeprefix('summary.')} {number(scores[m], m)}" for m in wanted if m in scores]
    console.print("  ".join(shown), style="dim")


def _said(prediction: Prediction | None) -> str:
    if prediction is None:
        return "(the stored prediction is gone)"
    if prediction.answer.error is not None:
        return f"(no answer: {prediction.answer.error})"
    return prediction.answer.output.strip() or "(empty)"


def visible(text: str) -> str:
    """The text with control characters written out, so that no answer steers the terminal."""
    return "".join(c if c in "\n\t" or ord(c) >= 0xA0 or 0x20 <= ord(c) < 0x7F else f"\\x{ord(c):02x}" for c in text)


def _prompts(console: Console, runs: Runs, row: Row, article: Article, speaker: str | None) -> None:
    """What the system was asked and what it said, word for word."""
    for ref, prediction in runs.answers(row):
        if ref.article_id != article.id or speaker not in (None, ref.speaker_id):
            continue
        about = "" if ref.speaker_id is None else f", {ref.speaker_id} on {ref.target_id}"
        answer = prediction.answer if prediction else None
        for what, said in (
            ("Prompt", answer and answer.prompt),
            ("Raw answer", answer and (answer.raw or answer.output)),
        ):
            console.print(f"\n[bold]{what}[/bold] of {escape(row.name)}{escape(about)}")
            missing = "the stored prediction is gone" if answer is None else answer.error or "none"
            console.print(Text(visible(said) if said else f"({missing})"), soft_wrap=True)


def _stances(console: Console, runs: Runs, row: Row, article: Article, speaker: str | None) -> None:
    gold = article.gold_stances()
    table = Table(title=f"Stance by {escape(row.name)}", title_justify="left", title_style="bold")
    for heading in ("speaker", "target", "gold", row.name, "", "evidence"):
        table.add_column(heading, overflow="fold")
    for ref, prediction in runs.answers(row):
        if ref.article_id != article.id or ref.speaker_id is None or ref.target_id is None:
            continue
        if speaker not in (None, ref.speaker_id):
            continue
        label = gold.get((ref.speaker_id, ref.target_id))
        answer = prediction.answer if prediction else None
        said = "gone" if answer is None else "error" if answer.error else (answer.label or "unparsed")
        mark = ""
        if label is not None and answer is not None and answer.error is None:
            if answer.label == label.stance:
                mark = "[green]✓[/green]"
            elif answer.label is not None and (label.stance.degree or 0) * (answer.label.degree or 0) < 0:
                mark = "[red]flipped[/red]"
            else:
                mark = "[yellow]✗[/yellow]"
        evidence = " … ".join(e.text for e in label.evidence) if label else ""
        gold_text = str(label.stance) if label else "(not labelled)"
        name = article.speaker(ref.speaker_id).name
        table.add_row(escape(name), ref.target_id, gold_text, str(said), mark, escape(evidence))
    console.print()
    console.print(table)


def _most_wrong(console: Console, runs: Runs) -> None:
    """Articles by how many stances were wrong, or by ROUGE where the run has no stance classifier."""
    table = Table(title="Articles, those that went wrong most first", title_justify="left", title_style="bold")
    table.add_column("article")
    table.add_column("wrong stances (three-way)", justify="right")
    wrong: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in runs.rows("stance"):
        for score in runs.scores(row):
            if score.metric == "stance.accuracy.three_way" and score.value is not None:
                total[score.article_id] += 1
                wrong[score.article_id] += score.value == 0
    for article in sorted(runs.articles, key=lambda a: (-wrong[a.id], a.id)):
        table.add_row(article.id, f"{wrong[article.id]} of {total[article.id]}" if total else "no stance classifier")
    console.print(table)
    console.print("--article ID shows one of them", style="dim")
