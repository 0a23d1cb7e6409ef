"""The command line: thin commands with help and an example each; what is heavy is imported inside them."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import click

from harness.cli.base import (
    DEBUG,
    FILE,
    RESULTS,
    Commands,
    debugging,
    end_on_sigterm,
    explained,
    guard_output,
    names_in,
)
from harness.cli.data import data
from harness.cli.judge import judge
from harness.cli.results import results
from harness.cli.systems import systems
from harness.errors import HarnessError


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="stance-harness", prog_name="harness")
@click.option("--debug", is_flag=True, help="Shows the traceback of an error.")
def cli(debug: bool) -> None:
    """Which pretrained model can be trusted to summarise conflict news and to tell who wants escalation?

    Start with: harness run -m experiment=quickstart, then harness report.
    """
    if debug:
        os.environ[DEBUG] = "1"


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
      harness run -m probe=all stance=name_only,smollm2
    \b
    Groups: dataset, summariser, stance, judge, probe, metrics, executor, experiment (harness list systems).
    Fields: split=dev|test|all  limit=N  articles=[id,...]  repeats=N  seed=N  dry=true  results=DIR.
    A class of your own: stance.class=my.py:Mine allow_code=true (its file runs).
    Hydra's own flags work too, anywhere: -m, --cfg job, --config-dir DIR, --info.
    Exit code 3: all was done but for files of a folder that cannot be read.
    \b
    harness run --again [--results DIR] runs every command of a results folder again, on the dataset as it is now; what is
    as it was is not computed anew.
    """
    from harness.runs.sweep import run_command

    if "--again" in overrides:
        from harness.runs.again import commands_again

        commands = commands_again(overrides)
        sys.exit(max(run_command(command) for command in commands))
    sys.exit(run_command(overrides))


@cli.command()
@click.argument("runs", nargs=-1)
@RESULTS
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the report.  [default: <results>/reports/latest]"
)
@click.option("--baseline", help="A system that all others are tested against, too.")
@click.option("--systems", metavar="NAME,...", help="Shows and tests these systems alone.")
@click.option("--columns", metavar="NAME,...", help="Columns of the leaderboards, by heading or metric, in this order.")
@click.option(
    "--effect",
    "effects",
    multiple=True,
    metavar="METRIC=SIZE",
    help="A difference of a headline metric; the report says how many more articles would show it.  "
    "[default: macro_f1=0.05, harm=10, rouge_lsum=0.02]",
)
@click.option(
    "--shared", is_flag=True, help="Compares runs of earlier states of the dataset, too, on the articles they share."
)
def report(
    runs: tuple[str, ...],
    results: Path,
    out: Path | None,
    baseline: str | None,
    systems: str | None,
    columns: str | None,
    effects: tuple[str, ...],
    shared: bool,
) -> None:
    """Compares runs: leaderboards with intervals, and which differences are real.

    \b
    Examples:
      harness report
      harness report --baseline majority --out results/reports/july
      harness report --shared
      harness report --systems tfidf_svm,smollm2,majority --columns "macro-F1 3-way,kappa" --out paper
      harness report --effect macro_f1=0.03 --effect harm=5
    """
    from harness.report.collect import load_runs
    from harness.report.selection import effects_of
    from harness.report.table import chosen_columns, leaderboards
    from harness.report.terminal import terminal
    from harness.report.write import write_report
    from harness.runtime.terminal import text_console

    sizes = effects_of(effects)
    if shared:
        from harness.runs.shared import shared_runs

        on_shared = shared_runs(results, runs)
        runs = on_shared.run_ids
        click.echo(f"{len(runs)} runs on the {len(on_shared.articles)} articles that they share", err=True)
        for run_id, why in on_shared.left_out:
            click.echo(f"left out: {run_id}: {why}", err=True)
    loaded = load_runs(results, runs, names_in(systems))
    latest = results / "reports" / "latest"
    if loaded.bare and out is None and latest.exists():
        raise HarnessError(
            f"{results} holds records alone: the report in {latest} was made with item scores and answers that are not here",
            hint="the commands at its end make them; --out DIR writes what the records tell",
        )
    boards = leaderboards(loaded, baseline=baseline, effects=sizes)
    boards = chosen_columns(boards, names_in(columns)) if columns else boards
    # the files come first: printing may end at a closed pipe, and it names torn parts that the pages met
    written = write_report(loaded, boards, out or latest)
    terminal(text_console(), loaded, boards)
    click.echo("written: " + ", ".join(map(str, written)), err=True)


@cli.command()
@click.argument("a")
@click.argument("b")
@RESULTS
@click.option("--html", "page", type=FILE, help="Also writes a page with both runs to this file.")
@click.option("--csv", "csv_file", type=FILE, help="Also writes the differences to this file, one a line.")
@click.option("--tex", type=FILE, help="Also writes them to this file as LaTeX tables.")
@click.option("--md", type=FILE, help="Also writes them to this file as Markdown tables.")
def compare(
    a: str, b: str, results: Path, page: Path | None, csv_file: Path | None, tex: Path | None, md: Path | None
) -> None:
    """Tests the paired differences of two runs, A minus B.

    \b
    Examples:
      harness compare lead3+majority-escalation-dev-0a1b smollm2+majority-escalation-dev-2c3d
      harness compare lead3+majority-escalation-dev-0a1b smollm2+majority-escalation-dev-2c3d --html pair.html
    """
    from harness.report.compare import compare as compare_runs
    from harness.report.terminal import comparison_terminal
    from harness.runtime.terminal import text_console

    comparisons = compare_runs(a, b, results)
    written = [path for path in (page, csv_file, tex, md) if path is not None]
    if written:
        from harness.report.write import write_comparison

        write_comparison(a, b, results, comparisons, page=page, csv_file=csv_file, tex=tex, md=md)
    for comparison in comparisons:
        comparison_terminal(text_console(), comparison)
    if written:
        click.echo("written: " + ", ".join(map(str, written)), err=True)


@cli.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--article", help="Id of one article; without it, a list of those where most pairs match.")
@click.option("--prompt", is_flag=True, help="Also the exact prompt and raw answer of every item.")
@click.option("--speaker", help="Only the stances of this speaker.")
@click.option(
    "--filter", "only", type=click.Choice(["wrong", "flipped", "unparsed", "disagree"]), help="Only pairs like these."
)
@click.option("--phenomenon", metavar="NAME", help="Only pairs with this phenomenon in gold.")
@RESULTS
def show(
    runs: tuple[str, ...],
    article: str | None,
    prompt: bool,
    speaker: str | None,
    only: str | None,
    phenomenon: str | None,
    results: Path,
) -> None:
    """Shows what the systems of one or more runs said of an article, beside gold: the page's drill-down.

    \b
    Examples:
      harness show smollm2+smollm2-escalation-dev-2c3d --article cuba-1962-excomm
      harness show lead3+majority-escalation-dev-0a1b smollm2+smollm2-escalation-dev-2c3d --filter disagree
      harness show smollm2+smollm2-escalation-dev-2c3d --article cuba-1962-excomm --speaker lemay --prompt
    """
    from harness.report.show import show_article
    from harness.runtime.terminal import text_console

    console = text_console()
    show_article(console, results, runs, article, prompts=prompt, speaker=speaker, only=only, phenomenon=phenomenon)


@cli.command("list")
@click.argument("what", type=click.Choice(["runs", "systems", "datasets"]))
@click.option(
    "--config-dir", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Configs of your own, too."
)
@RESULTS
def list_(what: str, config_dir: Path | None, results: Path) -> None:
    """Lists runs, systems or datasets.

    \b
    Examples:
      harness list systems
      harness list systems --config-dir my_configs
    """
    from harness.cli.listing import listing
    from harness.runtime.terminal import text_console

    text_console().print(listing(what, results, config_dir))


@cli.command()
@click.argument("runs", nargs=-1)
@RESULTS
def rescore(runs: tuple[str, ...], results: Path) -> None:
    """Scores runs again from their stored predictions; no model is loaded.

    \b
    Example:
      harness rescore
    """
    from harness.runs.rescore import rescore_runs

    sys.exit(rescore_runs(results, runs))


@cli.command()
@click.option(
    "--external", type=click.Path(path_type=Path, exists=True), help="Folder with SummEval and REALSumm judgements."
)
@click.option("--full", is_flag=True, help="Simulates more, such as reports of 40 systems.")
def verify(external: Path | None, *, full: bool) -> None:
    """Proves the metrics and statistics against published and hand-worked numbers.

    \b
    Examples:
      harness verify
      harness verify --external ../shared/external
      harness verify --full     # more simulated reports and samples: up to half an hour
    """
    from harness.runtime.terminal import text_console
    from harness.verify.check import checks_table
    from harness.verify.checks import run_checks

    checks = run_checks(external, full=full)
    text_console().print(checks_table(checks))
    sys.exit(0 if all(c.passed for c in checks) else 1)


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--annotator", metavar="NAME", help="Whose labels these are.  [default: your login name]")
@click.option("--blind", is_flag=True, help="Hides other annotators' labels, gold and other people's summaries.")
@click.option("--adjudicate", is_flag=True, help="Shows the annotations side by side; what you save is gold.")
@click.option(
    "--summaries", is_flag=True, help="Labels what summaries say, without their articles; --blind: a second time."
)
@click.option("--suggest", metavar="SYSTEM", help="Shows a system's stored stances as proposals to confirm.")
@click.option("--article", metavar="ID", help="The article to open with.  [default: the first that waits for you]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1.  [default: any free one]")
@click.option("--open", "open_", is_flag=True, help="Opens the page in your browser.")
@RESULTS
def label(
    folder: Path,
    annotator: str | None,
    blind: bool,
    adjudicate: bool,
    summaries: bool,
    suggest: str | None,
    article: str | None,
    port: int,
    open_: bool,
    results: Path,
) -> None:
    """Opens the labelling page of a dataset folder: prints its address and serves it until you press Ctrl+C.

    \b
    Examples:
      harness label datasets/escalation --annotator ada --open
      harness label datasets/escalation --annotator ben --blind --article cuba-1962-excomm
      harness label datasets/escalation --annotator cleo --adjudicate
      harness label datasets/escalation --annotator dana --summaries
    """
    import getpass
    from typing import Literal

    if blind and (adjudicate or suggest):
        raise click.UsageError("--blind hides what --adjudicate and --suggest show: choose one")
    if summaries and (adjudicate or suggest):
        raise click.UsageError("--summaries knows neither --adjudicate nor --suggest")
    try:
        from harness.web.serve import serve
    except ImportError as error:
        from harness.runtime.install import install_extra

        raise HarnessError(f"the labelling page needs {error.name}", hint=install_extra("label")) from None

    def announce(address: str) -> None:
        click.echo(address)
        sys.stdout.flush()
        if open_:
            click.launch(address)

    mode: Literal["label", "blind", "adjudicate"] = "blind" if blind else "adjudicate" if adjudicate else "label"
    serve(
        folder,
        annotator or getpass.getuser(),
        mode,
        port,
        suggest,
        results,
        announce,
        article=article,
        summaries=summaries,
    )


cli.add_command(data)
cli.add_command(judge)
cli.add_command(results)
cli.add_command(systems)


def main() -> None:
    """Entry point, and the one place where errors end: one line and the next step, exit code 1, a traceback only with --debug.

    A closed pipe is no error. Nothing is left to be written after it, so that nothing fails while the program ends.
    """
    guard_output()
    end_on_sigterm()
    code: str | int | None = 0
    try:
        cli(standalone_mode=True)
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except Exception as error:
        code = 1
        shown = error if isinstance(error, HarnessError) else explained(error)
        with suppress(SystemExit, HarnessError):
            click.echo(f"error: {shown}", err=True)
            if debugging():
                traceback.print_exception(error)
    with suppress(SystemExit, HarnessError):
        # what is still in the buffer may find the pipe closed, too
        sys.stdout.flush()
    sys.exit(code)
