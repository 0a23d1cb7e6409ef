"""The commands below `harness data`: validate, count, convert, draft."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.base import RESULTS, Commands
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.data.formats.ledger import Loss
    from harness.types import Dataset


@click.group(cls=Commands)
def data() -> None:
    """Labelled articles: validate, count, convert, draft."""


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def validate(path: Path) -> None:
    """Checks a dataset and names file, line and field of everything that is wrong; and of gold, the texts that probes make.

    \b
    Example:
      harness data validate datasets/escalation
    """
    from harness.data.frozen_set import frozen_set_problems
    from harness.data.load import read_dataset

    dataset, errors = read_dataset(path)
    # an article that cannot be read is named once, not again by its summaries
    errors = errors or frozen_set_problems(path, dataset)
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
        click.echo(f"{counted(len(errors), 'problem')} in {path}", err=True)
        sys.exit(1)
    stances = sum(len(a.gold.stances) for a in dataset if a.gold)
    bare = sum(a.gold is None for a in dataset)
    without = f" ({bare} without gold)" if bare else ""
    articles, labels = counted(len(dataset), "article"), counted(stances, "gold stance")
    unsound = _probe_lines(dataset, path) if stances and path.is_dir() else 0
    click.echo(
        f"{dataset.name} {dataset.version}: {articles}{without}, {labels}, {unsound or 'no'} problem{'s' * (unsound > 1)} found"
    )
    if bare and path.is_dir():
        click.echo(f"gold is what harness label {path} --adjudicate saves")
    sys.exit(1 if unsound else 0)


def _probe_lines(dataset: Dataset, path: Path) -> int:
    """Says of each probe how much of the dataset it changes and what is wrong with its texts; how many problems there are."""
    from harness.data.probes.soundness import soundness
    from harness.data.probes.suite import material_of

    n_problems = 0
    material = material_of(dataset, path)
    if material.translations:
        reread = sum(t.reread_by is not None for t in material.translations.values())
        click.echo(f"{counted(len(material.translations), 'translation')}, {reread} re-read against the labels")
    for s in soundness(dataset, material):
        names = f", {counted(s.n_names, 'name')} covered by {counted(s.n_masks, 'mask')}" if s.n_names else ""
        click.echo(f"probe {s.probe}: {counted(s.n_articles, 'text')}, {counted(s.n_pairs, 'pair')}{names}")
        for problem in s.problems:
            click.echo(f"probe {s.probe}: {problem}", err=True)
        n_problems += len(s.problems)
    return n_problems


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--duplicates/--no-duplicates", default=True, help="Look for near-duplicates by embedding.")
def stats(path: Path, duplicates: bool) -> None:
    """Counts articles, speakers, labels and phenomena, and looks for near-duplicates.

    \b
    Example:
      harness data stats datasets/escalation
    """
    from harness.curate.shape import shape
    from harness.curate.statistics import near_duplicates, statistics
    from harness.curate.tables import shape_table, statistics_tables
    from harness.data.load import load_dataset
    from harness.runtime.progress import Reporter
    from harness.runtime.terminal import text_console

    dataset, console = load_dataset(path), text_console()
    pairs = near_duplicates(dataset, reporter=Reporter()) if duplicates else None
    for table in statistics_tables(statistics(dataset), pairs):
        console.print(table)
    if any(article.gold for article in dataset):
        dataset_shape = shape(dataset)
        console.print(shape_table(dataset_shape))
        for warning in dataset_shape.warnings:
            console.print(f"warning: {warning}", markup=False, soft_wrap=True)


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def order(path: Path) -> None:
    """Puts speakers and targets into an order computed from the article's id, so that their order gives no label away.

    No label is changed. Articles that are in this order already are not written.

    \b
    Example:
      harness data order datasets/escalation
    """
    from harness.curate.order import in_seeded_order
    from harness.data.load import load_dataset
    from harness.data.save import save_article

    if not path.is_dir():
        raise HarnessError(f"{path} is not a dataset folder", hint="harness data import makes one of it")
    moved = [(a, ordered) for a in load_dataset(path) if (ordered := in_seeded_order(a)) != a]
    for article, ordered in moved:
        save_article(ordered, path / "articles" / f"{article.id}.yaml")
    click.echo(f"{counted(len(moved), 'article')} put in order")


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def agreement(path: Path) -> None:
    """Shows how far the annotators agree: Krippendorff's alphas, overlap of evidence, each annotator against gold.

    \b
    Example:
      harness data agreement datasets/escalation
    """
    from harness.curate.tables import agreement_tables
    from harness.data.load import load_dataset
    from harness.metrics.agreement import agreement as agree
    from harness.metrics.agreement import annotator_pairs, units_of
    from harness.metrics.stance import aggregate
    from harness.runtime.terminal import text_console

    dataset = load_dataset(path)
    names = sorted({a.annotator for article in dataset for a in article.annotations})
    if len(names) < 2:
        raise HarnessError(
            f"{path}: agreement needs two annotators, found {len(names)}", hint="see GUIDELINES.md, Process"
        )
    ceiling = {n: aggregate(pairs) for n in names if (pairs := annotator_pairs(dataset, n))}
    for table in agreement_tables(agree(units_of(dataset)), ceiling):
        text_console().print(table)


@data.command("sample-judge")
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, required=True)
@RESULTS
@click.option(
    "--triples",
    "-n",
    default=80,
    show_default=True,
    type=click.IntRange(20),
    help="How many to draw of each run, 60 to 100.",
)
@click.option("--seed", default=0, show_default=True)
def sample_judge(path: Path, runs: tuple[str, ...], results: Path, triples: int, seed: int) -> None:
    """Draws (summary, speaker, target) triples of runs with a judge, for a person to label from the summary alone.

    With their labels, reports estimate what the summariser preserves, however good the judge is. Next: harness label --summaries.

    \b
    Example:
      harness data sample-judge datasets/escalation mysummariser-escalation-all-1a
    """
    from harness.curate.judge_sample import add_sample, draw
    from harness.data.load import load_dataset
    from harness.report.collect import load_runs

    if not path.is_dir():
        raise HarnessError(f"{path} is not a dataset folder", hint="harness data import makes one of it")
    loaded = load_runs(results, runs)
    articles = load_dataset(path).articles
    for row in loaded.rows("summariser"):
        texts = {
            ref.article_id: prediction.answer.output
            for ref, prediction in loaded.answers(row)
            if prediction is not None and prediction.answer.error is None
        }
        sample = draw(row.run, texts, triples, seed)
        _, n_open = add_sample(path, sample, articles, texts)
        click.echo(
            f"{sample.summariser} as {sample.judge} reads it: {counted(len(sample.triples), 'triple')}, {n_open} to label; "
            f"next: harness label {path} --summaries --annotator NAME"
        )


@data.command("new")
@click.argument("file")
@click.option("--dataset", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the dataset.")
@click.option(
    "--finder", help="Speaker finder of configs/speakers.  [default: rule for an English text, cues for others]"
)
@click.option("--embed/--no-embed", default=True, help="Look for near-duplicates by embedding, too.")
def new(file: str, folder: Path, finder: str | None, embed: bool) -> None:
    """Drafts an article to label from a text file, or from standard input with `-`; nothing of the text is changed.

    \b
    Examples:
      harness data new report.txt --dataset datasets/escalation
      pbpaste | harness data new - --dataset datasets/escalation
    """
    from harness.curate.draft import dataset_at, draft, read_text, write_draft
    from harness.data.load import MAX_BYTES
    from harness.runtime.progress import Reporter

    path = None if file == "-" else Path(file)
    if path is not None and not path.is_file():
        hint = "a web address is not fetched: save the text and give the file" if "://" in file else None
        raise HarnessError(f"{file}: no such file", hint=hint)
    if path is None:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    made = draft(read_text(path, raw), dataset_at(folder), finder=finder, embed=embed, reporter=Reporter())
    written = write_draft(made, folder)
    for remark in made.remarks:
        click.echo(remark, err=True)
    names = ", ".join(s.name for s in made.article.speakers) or "none found"
    click.echo(f"language: {made.article.language}; proposed speakers: {names}", err=True)
    click.echo(f"next: harness label {shlex.quote(str(folder))} --article {made.article.id}", err=True)
    click.echo(str(written))


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--seeds", type=click.Path(path_type=Path), default=Path("seeds"), show_default=True, help="Raw articles."
)
@RESULTS
@click.option("--most", default=10, show_default=True, help="How many to show.")
def suggest(path: Path, seeds: Path, results: Path, most: int) -> None:
    """Suggests which raw articles to label next: those on which the stored answers of systems differ most.

    \b
    Example:
      harness data suggest datasets/escalation
    """
    from rich.table import Table

    from harness.curate.draft import dataset_at
    from harness.curate.suggest import pool, stored_stances, suggestions
    from harness.runtime.terminal import text_console

    articles = pool(seeds, dataset_at(path))
    if not articles:
        raise HarnessError(f"{seeds}: every raw article is in {path} already", hint="put .txt files there")
    suggested = suggestions(articles, stored_stances(results, articles))
    if not suggested:
        click.echo(
            f"{counted(len(articles), 'raw article')}, but no two systems have answered about any of them. Run:\n"
            f"  harness run -m dataset=folder dataset.path={seeds} summariser=none split=all stance=sentiment,smollm2 "
            f"results={results}",
            err=True,
        )
        for article in articles[:most]:
            click.echo(article.id)
        return
    table = Table("article", "disagreement", "why")
    for s in suggested[:most]:
        table.add_row(s.article_id, f"{s.disagreement:.2f} bits", s.reason)
    text_console().print(table)


@data.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "-f", "format_", help="One of those below; without it, by what the file holds.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder of the dataset.")
@click.option("--mapping", type=click.Path(path_type=Path, exists=True), help="YAML: columns, stances, targets, card.")
@click.option("--losses", type=click.Path(path_type=Path), help="Writes everything that was lost to this file.")
def import_(path: Path, format_: str | None, out: Path, mapping: Path | None, losses: Path | None) -> None:
    """Makes a dataset folder of a foreign file, and says what was lost or changed on the way.

    \b
    Labels: jsonl, huggingface, label_studio, doccano, prodigy, dna, brat, inception, refi_qda, seesaw, csv_table.
    Articles without labels: nexis, factiva, ninjs, newsml. docs/labelling.md has the mappings of all.
    \b
    Examples:
      harness data import debates.dna --out debates
      harness data import "Files (100).DOCX" --out war_news
      harness data import --format csv_table semeval.csv --out semeval --mapping semeval.yaml
    """
    from harness.data.convert import import_file, read_mapping
    from harness.data.formats.guess import guess_format

    if format_ is None:
        guess = guess_format(path)
        format_ = guess.name
        click.echo(f"taken for {guess.name}: {guess.sign} (--format says otherwise)", err=True)
    imported = import_file(format_, path, out, read_mapping(mapping))
    _say_losses(imported.losses, losses)
    if imported.bookkeeping:
        names = ", ".join(f"{name} {n:,}" for name, n in sorted(imported.bookkeeping.items()))
        click.echo(f"bookkeeping of {format_}, not carried: {names}", err=True)
    click.echo(f"{out}: {counted(len(imported.articles), 'article')}; next: harness data validate {out}")


@data.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "-f", "format_", required=True, help="One of those below.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="File, or for some formats folder, to write."
)
@click.option(
    "--mapping", type=click.Path(path_type=Path, exists=True), help="YAML: the code book, offsets, annotator."
)
@click.option("--losses", type=click.Path(path_type=Path), help="Writes everything that was lost to this file.")
def export(path: Path, format_: str, out: Path, mapping: Path | None, losses: Path | None) -> None:
    """Writes a dataset in a foreign format, and says what that cannot carry.

    \b
    Formats: jsonl, huggingface, label_studio, doccano, prodigy, dna, brat, inception, csv_table.
    Tasks of other harnesses: lm_eval, inspect (docs/answers_elsewhere.md).
    docs/labelling.md has the mappings; huggingface, brat, inception and the tasks write a folder.
    \b
    Examples:
      harness data export --format label_studio datasets/escalation --out tasks.json
      harness data export --format lm_eval datasets/escalation --out escalation_task
    """
    from harness.data.convert import export_dataset, read_mapping

    _say_losses(export_dataset(format_, path, out, read_mapping(mapping)), losses)
    click.echo(str(out))


def _say_losses(losses: Sequence[Loss], to: Path | None) -> None:
    """Each kind of loss on stderr; all of them in a file if one is named."""
    from harness.data.convert import grouped
    from harness.runtime.files import write_text

    if to is not None:
        write_text(to, "".join(f"{loss}\n" for loss in losses))
    total = sum(loss.count for loss in losses)
    click.echo(f"lost or changed: {total:,}" if losses else "nothing was lost", err=True)
    for line in grouped(losses):
        click.echo(f"  {line}", err=True)


def counted(n: int, thing: str) -> str:
    """`1 article`, `2 articles`."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")
