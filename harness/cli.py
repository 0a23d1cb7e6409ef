"""The command line: thin commands with help and an example each; what is heavy is imported inside them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.data.formats.base import Loss

RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Results folder."
)


class _Commands(click.Group):
    """Keeps the order in which commands are written, and suggests the nearest for one that does not exist."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from harness.errors import nearest_hint

            hint = nearest_hint(args[0], list(self.commands))
            raise click.UsageError(f"{error.message} {hint}".strip(), ctx) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="stance-harness", prog_name="harness")
def cli() -> None:
    """Which pretrained model can be trusted to summarise conflict news and to tell who wants escalation?

    Start with: harness run -m experiment=quickstart, then harness report.
    """


@cli.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["--help"]}
)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
def run(overrides: tuple[str, ...]) -> None:
    """Runs one config, or a sweep with -m; finished runs are skipped.

    \b
    Examples:
      harness run summariser=lead3 stance=sentiment
      harness run -m summariser=lead3,smollm2 stance=majority,smollm2
      harness run summariser=causal summariser.model=path/or/hub-id limit=5
      harness run stance=smollm2 dry=true
    \b
    Groups: dataset, summariser, stance, judge, metrics, executor, experiment (harness list systems).
    Fields: split=dev|test|all  limit=N  articles=[id,...]  repeats=N  seed=N  dry=true  results=DIR.
    Hydra's own flags work too: -m, --cfg job, --config-dir DIR, --info.
    """
    from harness.run import run_command

    sys.exit(run_command(overrides))


@cli.command()
@click.argument("runs", nargs=-1)
@RESULTS
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the report.  [default: <results>/reports/latest]"
)
@click.option("--baseline", help="A system that all others are tested against, too.")
def report(runs: tuple[str, ...], results: Path, out: Path | None, baseline: str | None) -> None:
    """Compares runs: leaderboards with intervals, and which differences are real.

    \b
    Examples:
      harness report
      harness report --baseline majority --out results/reports/july
    """
    from rich.console import Console

    from harness.report.collect import load_runs
    from harness.report.table import leaderboards
    from harness.report.text import terminal
    from harness.report.write import write_report

    found = load_runs(results, runs)
    boards = leaderboards(found, baseline=baseline)
    terminal(Console(highlight=False, emoji=False), found, boards)
    written = write_report(found, boards, out or results / "reports" / "latest")
    click.echo("written: " + ", ".join(map(str, written)), err=True)


@cli.command()
@click.argument("a")
@click.argument("b")
@RESULTS
@click.option("--html", "page", type=click.Path(path_type=Path), help="Also writes a page with both runs to this file.")
def compare(a: str, b: str, results: Path, page: Path | None) -> None:
    """Tests the paired differences of two runs, A minus B.

    \b
    Examples:
      harness compare lead3+majority-escalation-dev-0a1b smollm2+majority-escalation-dev-2c3d
      harness compare lead3+majority-escalation-dev-0a1b smollm2+majority-escalation-dev-2c3d --html pair.html
    """
    from rich.console import Console

    from harness.report.compare import compare as compare_runs
    from harness.report.text import comparison_terminal

    comparisons = compare_runs(a, b, results)
    for comparison in comparisons:
        comparison_terminal(Console(highlight=False, emoji=False), comparison)
    if page is not None:
        from harness.report.write import write_comparison

        click.echo(f"written: {write_comparison(a, b, results, comparisons, page)}", err=True)


@cli.command()
@click.argument("run")
@click.option("--article", help="Id of one article; without it, those where the run went wrong most.")
@click.option("--prompt", is_flag=True, help="Also the exact prompt and raw answer of every item.")
@click.option("--speaker", help="Only the stances of this speaker.")
@RESULTS
def show(run: str, article: str | None, prompt: bool, speaker: str | None, results: Path) -> None:
    """Shows what a run's systems said of an article, beside gold.

    \b
    Examples:
      harness show smollm2+smollm2-escalation-dev-2c3d --article cuba-1962-excomm
      harness show smollm2+smollm2-escalation-dev-2c3d --article cuba-1962-excomm --speaker lemay --prompt
    """
    from rich.console import Console

    from harness.report.show import show_article

    show_article(Console(highlight=False, emoji=False), results, run, article, prompts=prompt, speaker=speaker)


@cli.command("list")
@click.argument("what", type=click.Choice(["runs", "systems", "datasets"]))
@RESULTS
def list_(what: str, results: Path) -> None:
    """Lists runs, systems or datasets.

    \b
    Example:
      harness list systems
    """
    from rich.console import Console

    from harness.listing import listing

    Console(highlight=False).print(listing(what, results))


@cli.command()
@click.argument("runs", nargs=-1)
@RESULTS
def rescore(runs: tuple[str, ...], results: Path) -> None:
    """Scores runs again from their stored predictions; no model is loaded.

    \b
    Example:
      harness rescore
    """
    from harness.rescore import rescore_runs

    sys.exit(rescore_runs(results, runs))


@cli.command()
@click.option(
    "--external", type=click.Path(path_type=Path, exists=True), help="Folder with SummEval and REALSumm judgements."
)
def verify(external: Path | None) -> None:
    """Proves the metrics and statistics against published and hand-worked numbers.

    \b
    Example:
      harness verify --external ../shared/external
    """
    from rich.console import Console

    from harness.verify import checks_table, run_checks

    checks = run_checks(external)
    Console(highlight=False).print(checks_table(checks))
    sys.exit(0 if all(c.passed for c in checks) else 1)


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--annotator", metavar="NAME", help="Whose labels these are.  [default: your login name]")
@click.option("--blind", is_flag=True, help="Hides other annotators' labels, gold and other people's summaries.")
@click.option("--adjudicate", is_flag=True, help="Shows the annotations side by side; what you save is gold.")
@click.option("--suggest", metavar="SYSTEM", help="Shows a system's stored stances as proposals to confirm.")
@click.option("--port", default=0, help="Port on 127.0.0.1.  [default: any free one]")
@click.option("--open", "open_", is_flag=True, help="Opens the page in your browser.")
@RESULTS
def label(
    folder: Path,
    annotator: str | None,
    blind: bool,
    adjudicate: bool,
    suggest: str | None,
    port: int,
    open_: bool,
    results: Path,
) -> None:
    """Opens the labelling page of a dataset folder: prints its address and serves it until you press Ctrl+C.

    \b
    Examples:
      harness label datasets/escalation --annotator ada --open
      harness label datasets/escalation --annotator ben --blind
      harness label datasets/escalation --annotator cleo --adjudicate
    """
    import getpass
    from typing import Literal

    if blind and (adjudicate or suggest):
        raise click.UsageError("--blind hides what --adjudicate and --suggest show: choose one")
    try:
        from harness.web.serve import serve
    except ImportError as error:
        raise HarnessError(
            f"the labelling page needs {error.name}", hint="pip install 'stance-harness[label]'"
        ) from None

    def announce(address: str) -> None:
        click.echo(address)
        sys.stdout.flush()
        if open_:
            click.launch(address)

    mode: Literal["label", "blind", "adjudicate"] = "blind" if blind else "adjudicate" if adjudicate else "label"
    serve(folder, annotator or getpass.getuser(), mode, port, suggest, results, announce)


@cli.group(cls=_Commands)
def data() -> None:
    """Labelled articles: validate, count, convert, draft."""


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def validate(path: Path) -> None:
    """Checks a dataset and names file, line and field of everything that is wrong.

    \b
    Example:
      harness data validate datasets/escalation
    """
    from harness.data.load import read_dataset

    dataset, errors = read_dataset(path)
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
        click.echo(f"{len(errors)} problems in {path}", err=True)
        sys.exit(1)
    stances = sum(len(a.gold.stances) for a in dataset if a.gold)
    click.echo(f"{dataset.name} {dataset.version}: {len(dataset)} articles, {stances} gold stances, no problem found")


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--duplicates/--no-duplicates", default=True, help="Look for near-duplicates by embedding.")
def stats(path: Path, duplicates: bool) -> None:
    """Counts articles, speakers, labels and phenomena, and looks for near-duplicates.

    \b
    Example:
      harness data stats datasets/escalation
    """
    from rich.console import Console

    from harness.curate.statistics import near_duplicates, statistics
    from harness.curate.tables import statistics_tables
    from harness.data.load import load_dataset

    dataset = load_dataset(path)
    for table in statistics_tables(statistics(dataset), near_duplicates(dataset) if duplicates else None):
        Console(highlight=False).print(table)


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def agreement(path: Path) -> None:
    """Says how far the annotators agree: three steps, alphas, evidence, each annotator against gold.

    \b
    Example:
      harness data agreement datasets/escalation
    """
    from rich.console import Console

    from harness.curate.tables import agreement_tables
    from harness.data.load import load_dataset
    from harness.metrics.agreement import agreement as agree
    from harness.metrics.agreement import annotator_pairs, units_of
    from harness.metrics.stance import aggregate

    dataset = load_dataset(path)
    names = sorted({a.annotator for article in dataset for a in article.annotations})
    if len(names) < 2:
        raise HarnessError(
            f"{path}: agreement needs two annotators, found {len(names)}", hint="see GUIDELINES.md, Process"
        )
    ceiling = {n: aggregate(pairs) for n in names if (pairs := annotator_pairs(dataset, n))}
    for table in agreement_tables(agree(units_of(dataset)), ceiling):
        Console(highlight=False).print(table)


@data.command("sample-judge")
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, required=True)
@RESULTS
@click.option("--others", default=200, show_default=True, help="How many triples without a reported harm to draw.")
@click.option("--seed", default=0, show_default=True)
def sample_judge(path: Path, runs: tuple[str, ...], results: Path, others: int, seed: int) -> None:
    """Draws the triples that validate a judge into summary_stances.yaml, for a person to label.

    \b
    Example:
      harness data sample-judge datasets/escalation lead3-escalation-all-1a lexrank-escalation-all-2b smollm2-escalation-all-3c
    """
    from harness.curate.judge_sample import add_sample, draw
    from harness.report.collect import load_runs

    found = load_runs(results, runs)
    texts = {
        (row.name, ref.article_id): prediction.answer.output
        for row in found.rows("summariser")
        for ref, prediction in found.answers(row)
        if prediction is not None
    }
    sample = draw(list(found.records), texts, others, seed)
    written, unlabelled = add_sample(path, sample)
    click.echo(f"{len(sample.labels)} triples for {sample.judge}, {unlabelled} to label: {written}")


@data.command("new")
@click.argument("file")
@click.option("--dataset", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the dataset.")
@click.option("--finder", default="rule", show_default=True, help="Speaker finder of configs/speakers.")
@click.option("--embed/--no-embed", default=True, help="Look for near-duplicates by embedding, too.")
def new(file: str, folder: Path, finder: str, embed: bool) -> None:
    """Drafts an article to label from a text file, or from standard input with `-`; nothing of the text is changed.

    \b
    Examples:
      harness data new report.txt --dataset datasets/escalation
      pbpaste | harness data new - --dataset datasets/escalation
    """
    from harness.curate.draft import dataset_at, draft, read_text, write_draft
    from harness.data.load import MAX_BYTES

    path = None if file == "-" else Path(file)
    if path is not None and not path.is_file():
        hint = "a web address is not fetched: save the text and give the file" if "://" in file else None
        raise HarnessError(f"{file}: no such file", hint=hint)
    if path is None:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    made = draft(read_text(path, raw), dataset_at(folder), finder=finder, embed=embed)
    written = write_draft(made, folder)
    for remark in made.remarks:
        click.echo(remark, err=True)
    names = ", ".join(s.name for s in made.article.speakers) or "none found"
    click.echo(f"proposed speakers: {names}", err=True)
    click.echo(str(written))


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--seeds", type=click.Path(path_type=Path), default=Path("seeds"), show_default=True, help="Raw articles."
)
@RESULTS
@click.option("--most", default=10, show_default=True, help="How many to show.")
def suggest(path: Path, seeds: Path, results: Path, most: int) -> None:
    """Says which raw articles to label next: those on which stored systems disagree most, with the reason.

    \b
    Example:
      harness data suggest datasets/escalation
    """
    from rich.console import Console
    from rich.table import Table

    from harness.curate.draft import dataset_at
    from harness.curate.suggest import pool, stored_stances, suggestions

    articles = pool(seeds, dataset_at(path))
    if not articles:
        raise HarnessError(f"{seeds}: every raw article is in {path} already", hint="put .txt files there")
    found = suggestions(articles, stored_stances(results, articles))
    if not found:
        click.echo(
            f"{len(articles)} raw articles, but no two systems have answered about any of them. Run:\n"
            f"  harness run -m dataset=folder dataset.path={seeds} summariser=none split=all stance=sentiment,smollm2 "
            f"results={results}",
            err=True,
        )
        for article in articles[:most]:
            click.echo(article.id)
        return
    table = Table("article", "disagreement", "why")
    for s in found[:most]:
        table.add_row(s.article_id, f"{s.disagreement:.2f} bits", s.reason)
    Console(highlight=False).print(table)


@data.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "-f", "format_", required=True, help="One of those below.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder of the dataset.")
@click.option("--mapping", type=click.Path(path_type=Path, exists=True), help="YAML: columns, labels, concepts, card.")
@click.option("--losses", type=click.Path(path_type=Path), help="Writes everything that was lost to this file.")
def import_(path: Path, format_: str, out: Path, mapping: Path | None, losses: Path | None) -> None:
    """Makes a dataset folder of a foreign file, and says what was lost or changed on the way.

    \b
    Formats: jsonl, huggingface, label_studio, doccano, prodigy, dna, csv_table (docs/labelling.md has their mappings).
    \b
    Example:
      harness data import --format dna debates.dna --out debates
      harness data import --format csv_table semeval.csv --out semeval --mapping semeval.yaml
    """
    from harness.data.convert import import_file, read_mapping

    found = import_file(format_, path, out, read_mapping(mapping))
    _say_losses(found.losses, losses)
    click.echo(f"{out}: {len(found.articles)} articles; next: harness data validate {out}")


@data.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "-f", "format_", required=True, help="One of those below.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File (huggingface: folder) to write.")
@click.option(
    "--mapping", type=click.Path(path_type=Path, exists=True), help="YAML: the code book, offsets, annotator."
)
@click.option("--losses", type=click.Path(path_type=Path), help="Writes everything that was lost to this file.")
def export(path: Path, format_: str, out: Path, mapping: Path | None, losses: Path | None) -> None:
    """Writes a dataset in a foreign format, and says what that cannot carry.

    \b
    Formats: jsonl, huggingface, label_studio, doccano, prodigy, dna, csv_table (docs/labelling.md has their mappings).
    \b
    Example:
      harness data export --format label_studio datasets/escalation --out tasks.json
    """
    from harness.data.convert import export_dataset, read_mapping

    _say_losses(export_dataset(format_, path, out, read_mapping(mapping)), losses)
    click.echo(str(out))


def _say_losses(losses: Sequence[Loss], to: Path | None) -> None:
    """Each kind of loss on stderr; all of them in a file if one is named."""
    from harness.data.convert import grouped
    from harness.files import write_text

    if to is not None:
        write_text(to, "".join(f"{loss}\n" for loss in losses))
    click.echo(f"lost or changed: {len(losses)}" if losses else "nothing was lost", err=True)
    for line in grouped(losses):
        click.echo(f"  {line}", err=True)


def main() -> None:
    """Entry point: an error that a user can act on is shown without a traceback, with exit code 1."""
    try:
        cli(standalone_mode=True)
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # the reader of a pipe (head, less) has gone
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
