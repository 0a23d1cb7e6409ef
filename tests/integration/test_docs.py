"""Every command has help with an example; the generated pages are up to date; the README's commands exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest

from harness.cli.main import cli

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
assert SPEC is not None
generate = importlib.util.module_from_spec(SPEC)
assert SPEC.loader is not None
SPEC.loader.exec_module(generate)

COMMANDS = list(generate.commands("harness", cli))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[p for p, _ in COMMANDS])
def test_every_command_has_help_with_an_example(path: str, command: click.Command) -> None:
    text = command.help or ""
    assert text.strip()
    if not isinstance(command, click.Group):
        assert "Example" in text, path
        assert f"{path} " in text or path in text, path


@pytest.mark.parametrize("path", list(generate.files()), ids=lambda p: p.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.files()[path], "run python docs/generate.py"


def test_readme_names_commands_that_exist() -> None:
    known = {p.removeprefix("harness ") for p, _ in COMMANDS}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in re.findall(r"^harness ((?:data )?[a-z]+)", readme, flags=re.MULTILINE):
        assert command in known, command


def test_docs_have_no_dead_links() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
