"""Extractive summarisers on texts of any script: an item that one tokenizer cannot read is answered all the same."""

from __future__ import annotations

import pytest

from harness.systems.base import Context
from harness.systems.extractive import Extractive, Lead, LexRank, OracleExtract, SentenceCount
from harness.types import Answer, Article, Dataset, Item, ReferenceSummary, Source

RUSSIAN = "Путин предупредил Запад. Берлин молчит уже неделю. Киев просит танки."


def answer(system: type[Extractive], text: str, *references: str, language: str = "en") -> Answer:
    article = Article(
        id="a", title="t", text=text, event="e", source=Source("fictional"), targets=(), speakers=(),
        language=language, summaries=tuple(ReferenceSummary("x", r) for r in references),
    )  # fmt: skip
    dataset = Dataset("d", "1", (article,), "f")
    [found] = system(system.__name__, SentenceCount(sentences=1)).answer([Item(article)], Context(dataset))
    return found


def test_the_oracle_compares_what_google_drops_by_unicode_words() -> None:
    found = answer(OracleExtract, RUSSIAN, "Киев просит танки", language="ru")
    assert (found.output, found.path) == ("Киев просит танки.", "OracleExtract, unicode words")
    mixed = answer(OracleExtract, "Kyiv asks. Berlin waits.", "Berlin waits", "Берлин молчит")
    assert (mixed.output, mixed.path) == ("Berlin waits.", "OracleExtract, unicode words")
    english = answer(OracleExtract, "Kyiv asks. Berlin waits.", "Berlin waited")
    assert (english.output, english.path) == ("Berlin waits.", "OracleExtract")
    # A text in another script than its references has nothing to choose from.
    assert answer(OracleExtract, RUSSIAN, "Berlin waits", language="ru").output == ""


@pytest.mark.parametrize("system", [Lead, LexRank, OracleExtract])
@pytest.mark.parametrize("text", ["", "…", "... … !!!", RUSSIAN, "北京警告。世界。", "a b"])
@pytest.mark.parametrize("reference", ["", "…", "Киев", "Kyiv"])
def test_no_text_fails(system: type[Extractive], text: str, reference: str) -> None:
    assert answer(system, text, reference).error is None
