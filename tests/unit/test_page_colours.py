"""A stance has one colour, on the report's page and on the labelling page, by day and by night."""

from __future__ import annotations

import re

from tests.conftest import ROOT

STANCE_COLOURS = ("--oppose2", "--oppose1", "--zero", "--support1", "--support2")


def test_one_colour_for_one_stance_on_both_pages() -> None:
    report, labelling = (
        {name: re.findall(rf"{name}: (#\w+)", path.read_text(encoding="utf-8")) for name in STANCE_COLOURS}
        for path in (ROOT / "harness/report/templates/style.css", ROOT / "harness/web/static/style.css")
    )
    for name in STANCE_COLOURS:
        # by day, then by night; the report's page says its night twice: chosen, and by the system's setting
        assert labelling[name] == report[name][:2], name
