"""What the pages tell to type is typed, in order, in a fresh copy of the checkout; what they name but is not typed exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.cli.main import cli
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
COPIED = ("configs", "datasets", "docs", "seeds", "README.md", "CONTRIBUTING.md")
FILE_NAME = re.compile(r"# ([\w.-]+\.\w+)\n")


def typed(page: Path) -> bool:
    return any(language == "sh" for language, _ in BLOCK.findall(page.read_text(encoding="utf-8")))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone has after `make run`: the folders that commands read and write, and an environment in `.venv`."""
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "activate").write_text(f'export PATH="{binaries}:$PATH"\n', encoding="utf-8")
    command = binaries / "harness"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if typed(p)], ids=lambda p: p.name)
def test_every_block_of_a_page_works_when_typed_in_order(page: Path, clone: Path) -> None:
    script = ["set -e"]
    if page.name != "README.md":
        # whoever reads another page has followed the README so far
        script.append("source .venv/bin/activate")
    for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "sh":
            script += [f"echo '+ typed: {line}'\n{line}" if "'" not in line else line for line in block.splitlines()]
        elif name := FILE_NAME.match(block):
            (clone / name[1]).write_text(block, encoding="utf-8")
    process = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=clone,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert process.returncode == 0, process.stdout[-4000:]


def test_the_readme_activates_before_it_types() -> None:
    lines = [
        line
        for language, block in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
        if language == "sh"
        for line in block.splitlines()
    ]
    assert lines[0].startswith("source .venv/bin/activate")
    assert sum(line.startswith("harness ") for line in lines) >= 8


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of every command of the harness that stands in code: in blocks, and between backticks."""
    code = [block for _, block in BLOCK.findall(text)]
    code += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    for piece in code:
        for line in piece.replace("\\\n", " ").splitlines():
            if match := re.search(r"(?<!from )(?<![\w.-])harness ([a-z-][^#|;>]*)", line):
                yield match[1].split()


def problem(words: list[str]) -> str | None:
    """What is wrong with a command: a name or an option that there is not."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith(("-", "[")):
        if words[0] not in command.commands:
            return f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    if command.name == "run":
        return None  # its words are Hydra's
    known = {"--help", "-h", "--version", *(o for p in command.params for o in (*p.opts, *p.secondary_opts))}
    unknown = [w for w in words if re.fullmatch(r"--?[a-z][a-z-]*", w) and w not in known]
    return f"no option {unknown[0]!r}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {" ".join(words): why for words in commands_in(text) if (why := problem(list(words)))}
    assert not wrong


def test_a_command_that_is_not_there_is_noticed() -> None:
    assert list(commands_in("`harness data new x --dataset d`, ```")) == [["data", "new", "x", "--dataset", "d"]]
    assert problem(["data", "nwe"]) == "no command 'nwe'"
    assert problem(["data", "new", "x", "--datset", "d"]) == "no option '--datset'"
    assert problem(["data", "new", "x", "--dataset", "d"]) is None
