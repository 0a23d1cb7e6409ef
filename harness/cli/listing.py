"""`harness list`: the runs in a results folder, the systems that configs describe, the datasets that have a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.data.load import MAX_BYTES
from harness.data.yaml_lines import read_yaml
from harness.errors import HarnessError
from harness.results.records import read_records
from harness.runtime.files import listed
from harness.runtime.paths import config_dir, shared_roots

MOST = 60
"""Characters of an error that a list shows; `harness report` has the first line, record.json all of it."""


def listing(what: str, results: Path, own_configs: Path | None = None) -> RenderableType:
    """Runs, systems (those of a folder of configs of one's own, too) or datasets, to be printed by rich."""
    if what == "systems":
        return _systems(config_dir(), *([own_configs] if own_configs else []))
    return _runs(results) if what == "runs" else _datasets()


@dataclass(frozen=True)
class RunList:
    """Runs as a table; on a narrow terminal each id has a line of its own, so that it can be copied whole."""

    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ("run", "status", "dataset", "articles", "seconds", "started")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        if sum(widths) + 3 * len(widths) + 1 <= options.max_width:
            table = Table(*self.head)
            for row in self.rows:
                table.add_row(*map(escape, row))
            yield table
            return
        for run, status, *others in self.rows:
            yield Text(run, overflow="fold")
            words = [
                f"{word} {name}" for word, name in zip(others, ("", "articles", "seconds", ""), strict=True) if word
            ]
            yield Text("  " + ", ".join(word.strip() for word in (status, *words)), overflow="fold")


def _runs(results: Path) -> RenderableType:
    rows = []
    records, broken = read_records(results)
    for r in sorted(records, key=lambda r: (r.started_at, r.run_id)):
        data = f"{r.dataset.name} {r.dataset.version} {r.dataset.split}" if r.dataset else ""
        lines = r.error.message.splitlines() if r.error else []
        status = r.status if r.error is None else f"failed: {(lines or [r.error.type])[0][:MOST]}"
        count = str(len(r.dataset.articles)) if r.dataset else ""
        rows.append((r.run_id, status, data, count, f"{r.seconds:.1f}", r.started_at))
    rows += [(error.message, "unreadable", "", "", "", "") for error in broken]
    if not rows:
        return Text(f"no runs in {results / 'runs'}: harness run makes one; --results names another folder")
    return RunList(tuple(rows))


def _systems(*folders: Path) -> Table:
    table = Table("group", "name", "what it is")
    for group in ("summariser", "stance", "speakers", "judge", "metrics/bertscore", "metrics/nli"):
        # of two configs of one name Hydra takes the one that comes with the harness
        paths = {path.stem: path for folder in reversed(folders) for path in (folder / group).glob("*.yaml")}
        for _, path in sorted(paths.items()):
            try:
                content = read_yaml(path, MAX_BYTES).data
            except HarnessError as error:
                content = {"description": f"unreadable: {error.message}"}
            if isinstance(content, dict) and content.get("adapter") != "none":
                table.add_row(group, escape(path.stem), escape(str(content.get("description", ""))))
    return table


def _version(card: Path) -> str:
    """The version in a dataset's card, or why there is none."""
    try:
        content = read_yaml(card, MAX_BYTES).data
    except HarnessError as error:
        return f"unreadable: {error.message}"
    return str(content.get("version", "")) if isinstance(content, dict) else "unreadable: no mapping"


def _datasets() -> Table:
    table = Table("name", "version", "articles", "where")
    listed_names = set()
    for root in shared_roots():
        for card in sorted((root / "datasets").glob("*/dataset.yaml")):
            folder = card.parent
            if folder.name not in listed_names:
                listed_names.add(folder.name)
                version, count = _version(card), len(listed(folder / "articles", "*.y*ml"))
                table.add_row(*map(escape, (folder.name, version, str(count), str(folder))))
    return table
