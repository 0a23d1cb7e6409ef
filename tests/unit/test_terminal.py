"""Nothing of a text steers a terminal: ESC, bidirectional controls and halves of characters are shown, in every way of writing."""

from __future__ import annotations

import io
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from harness.cli.base import VisibleText, end_on_sigterm, explained
from harness.errors import StoreError
from harness.report.markdown import escape
from harness.runtime.terminal import text_console, visible

EVIL = "a\x1b[2Jb\u202ec\u2066d\x07e\ud800"
SEEN = "a\\u001b[2Jb\\u202ec\\u2066d\\u0007e\\ud800"


def test_what_steers_is_shown_and_the_rest_stays() -> None:
    assert visible(EVIL) == SEEN
    assert visible("naïve “text”\n\tשלום ∆ 🕊️") == "naïve “text”\n\tשלום ∆ 🕊️"


@pytest.mark.parametrize("as_table", [False, True])
def test_a_console_shows_it_also_on_a_terminal_with_colours(as_table: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = text_console()
    made._force_terminal, made.file = True, io.StringIO()
    made._width = 120
    table = Table("title", title=EVIL.replace("\ud800", ""))
    table.add_row(EVIL.replace("\ud800", ""))
    made.print(table if as_table else EVIL.replace("\ud800", ""), markup=False)
    written: Any = made.file
    text = written.getvalue()
    assert "\u202e" not in text
    assert "\x1b[2J" not in text
    assert "\\u001b[2J" in text
    assert "\\u202e" in text


def test_a_stream_shows_it_and_lets_a_progress_bar_return() -> None:
    below = io.StringIO()
    stream: Any = VisibleText(below)
    stream.write(EVIL)
    stream.write("\r 50 %")
    stream.write("x\ry")
    assert below.getvalue() == SEEN + "\r 50 %" + "x\\u000dy"
    stream.rich_proxied_file.write("\x1b[1m")
    assert below.getvalue().endswith("\x1b[1m")


def test_a_full_disk_behind_stdout_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        stream: Any = VisibleText(full)
        stream.write("x")
        with pytest.raises(StoreError, match="No space left"):
            stream.flush()


def test_a_polite_kill_is_an_interrupt() -> None:
    before = signal.getsignal(signal.SIGTERM)
    end_on_sigterm()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_unexpected_in_a_line() -> None:
    assert str(explained(KeyError("x"))).startswith("KeyError: 'x'\n  → harness --debug")
    assert str(explained(PermissionError(13, "Permission denied", "a.txt"))).startswith("a.txt: Permission denied")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("name_only 0.3 [0.2, 0.4]", "name_only 0.3 [0.2, 0.4]"),
        ("[x](http://e.org) ![i](j)", "[x]\\(http:\\//e.org) ![i]\\(j)"),
        ("*a* _b_ `c` ~~d~~", "\\*a\\* \\_b\\_ \\`c\\` \\~\\~d\\~\\~"),
        ("# a", "\\# a"),
        ("- a", "\\- a"),
        ("1. a", "1\\. a"),
        ("> a", "\\> a"),
        ("-0.028", "-0.028"),
        ("a|b<i>\n\u202e", "a\\|b&lt;i> \\\\u202e"),
    ],
)
def test_markdown_of_names_is_plain_text(text: str, shown: str) -> None:
    assert escape(text) == shown
