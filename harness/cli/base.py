"""What the commands share: groups of commands, the option `--results`, and output that harms no terminal and may be piped into
`head`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast

import click

from harness.errors import HarnessError, StoreError
from harness.runtime.terminal import visible

RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Results folder."
)


DEBUG = "HARNESS_DEBUG"
DEBUG_HINT = (
    "harness --debug COMMAND shows where this was raised; please report it with the file or command that led to it"
)

FILE = click.Path(path_type=Path, dir_okay=False)


def names_in(text: str | None) -> list[str]:
    """The names of an option that takes several, with commas between them."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


class Commands(click.Group):
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


class Pipe:
    """A stream that ends the program quietly, with exit code 0, where the reader of a pipe (`head`, `less`) has gone.

    Click, rich and Hydra each end with an exit code of their own there, so this stands below all of them. What they still
    print goes to the null device, so that nothing fails while the program ends.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return cast(int, self._attempt(lambda: self._stream.write(text)))

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def _attempt(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            if isinstance(error, BrokenPipeError):
                raise SystemExit(0) from None
            raise StoreError(f"the output cannot be written: {error.strerror}", hint="make room there") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class VisibleText(Pipe):
    """A stream in which no text steers the terminal (`visible`); rich, which does it by itself, writes to `rich_proxied_file`."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.rich_proxied_file = Pipe(stream)

    def write(self, text: str) -> int:
        # progress of other libraries returns to the beginning of its line
        returns = text[:1] == "\r"
        super().write("\r" * returns + visible(text[returns:]))
        return len(text)


def guard_output() -> None:
    """Makes stdout and stderr show what would steer a terminal, and end the program quietly once the reader of a pipe is gone."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # what a terminal's encoding has no sign for
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (cast(TextIO, VisibleText(stream)) for stream in (sys.stdout, sys.stderr))


def debugging() -> bool:
    """Whether tracebacks are wanted (`harness --debug COMMAND`, or HARNESS_DEBUG=1)."""
    return os.environ.get(DEBUG, "") not in ("", "0")


def explained(error: Exception) -> HarnessError:
    """What no part of the harness expected, in a line and with the next step, in place of a traceback."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return HarnessError(f"{name}{error.strerror}", hint=DEBUG_HINT)
    reason = (str(error).splitlines() or [""])[0][:300]
    return HarnessError(f"{type(error).__name__}: {reason}".rstrip(": "), hint=DEBUG_HINT)


def end_on_sigterm() -> None:
    """Makes a polite kill end the program as Ctrl-C does: what is finished is kept, and said."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
