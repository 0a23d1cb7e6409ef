"""The command line: `main` is the program `harness`, `cli` its click group."""

from harness.cli.main import cli, main

__all__ = ["cli", "main"]
