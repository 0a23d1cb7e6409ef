"""What there is: runs in a results folder, systems that configs describe, datasets that are found by name."""

from __future__ import annotations

from pathlib import Path

import yaml
from rich.markup import escape
from rich.table import Table

from harness.paths import config_dir, shared_roots
from harness.records import read_records


def listing(what: str, results: Path) -> Table:
    """A table of runs, systems or datasets."""
    return {"runs": _runs, "systems": _systems, "datasets": _datasets}[what](results)


def _runs(results: Path) -> Table:
    table = Table("run", "status", "dataset", "articles", "seconds", "started")
    records, broken = read_records(results)
    for r in sorted(records, key=lambda r: (r.started_at, r.run_id)):
        data = f"{r.dataset.name} {r.dataset.version} {r.dataset.split}" if r.dataset else ""
        status = r.status if r.error is None else f"failed: {r.error.message.splitlines()[0][:60]}"
        count = str(len(r.dataset.articles)) if r.dataset else ""
        table.add_row(r.run_id, escape(status), data, count, f"{r.seconds:.1f}", r.started_at)
    for error in broken:
        table.add_row(escape(error.message), "unreadable", "", "", "", "")
    return table


def _systems(_: Path) -> Table:
    table = Table("group", "name", "what it is")
    for group in ("summariser", "stance", "speakers", "judge"):
        for path in sorted((config_dir() / group).glob("*.yaml")):
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            if content.get("adapter") != "none":
                table.add_row(group, path.stem, escape(str(content.get("description", ""))))
    return table


def _datasets(_: Path) -> Table:
    table = Table("name", "version", "articles", "where")
    seen = set()
    for root in shared_roots():
        for card in sorted((root / "datasets").glob("*/dataset.yaml")):
            folder = card.parent
            if folder.name not in seen:
                seen.add(folder.name)
                content = yaml.safe_load(card.read_text(encoding="utf-8")) or {}
                count = len(list((folder / "articles").glob("*.yaml")))
                table.add_row(folder.name, str(content.get("version", "")), str(count), str(folder))
    return table
