"""The commands of a results folder, to be run again: what brings every run up to the dataset as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import ConfigError
from harness.results.records import complete_runs, read_records


def commands_again(words: Sequence[str]) -> list[list[str]]:
    """The overrides of every complete run of a folder, each once, in the order in which they were run first.

    `words` are what stands behind `harness run`: `--again`, perhaps the folder (`--results DIR` or `results=DIR`).
    ConfigError for anything else, and where the folder has no runs.
    """
    rest = [word for word in words if word != "--again"]
    folder = Path("results")
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name.lstrip("-") != "results" or not (equals or rest):
            raise ConfigError(
                f"--again runs recorded commands as they were: it takes no {word!r}", hint="--results DIR"
            )
        folder = Path(value if equals else rest.pop(0))
    records, _ = read_records(folder)
    runs = sorted(complete_runs(records), key=lambda r: (r.started_at, r.run_id))
    commands = {(*(o for o in r.overrides if not o.startswith("results=")), f"results={folder}"): None for r in runs}
    if not commands:
        raise ConfigError(f"no runs in {folder / 'runs'}", hint="harness run makes one; --results names another folder")
    return [list(command) for command in commands]
