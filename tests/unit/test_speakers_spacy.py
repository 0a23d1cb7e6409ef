"""The finder `spacy` without spaCy: what it says where it is missing, and what it reads in a parse (made by hand, after spaCy's)."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from harness.config import SystemConfig
from harness.errors import ConfigError, ModelError
from harness.systems import speakers_spacy
from harness.systems.base import Context
from harness.systems.registry import build
from harness.systems.speakers_spacy import find_speakers, model_folder
from harness.types import Article, Dataset, Item, Source


@dataclass(eq=False)
class Token:
    """What the finder reads of spaCy's `Token`."""

    i: int
    idx: int
    text: str
    pos_: str
    dep_: str
    ent_type_: str
    ent_iob_: str
    head: Any = None
    children: list[Any] = field(default_factory=list)

    @property
    def lower_(self) -> str:
        return self.text.lower()


def parsed(rows: str) -> tuple[str, list[Token]]:
    """A text and its parse of lines `word POS dep head [entity-type B|I]`, heads counted from 0 as in `[t.head.i for t in doc]`."""
    tokens: list[Token] = []
    heads, text = [], ""
    for n, row in enumerate(rows.strip().splitlines()):
        word, pos, dep, head, *entity = row.split()
        text += word if word in ",.'s" or not text else f" {word}"
        tokens.append(Token(n, len(text) - len(word), word, pos, dep, *(entity or ("", "O"))))
        heads.append(int(head))
    for token, head in zip(tokens, heads, strict=True):
        token.head = tokens[head]
        if head != token.i:
            tokens[head].children.append(token)
    return text, tokens


# the parse of en_core_web_sm 3.8.0, of spaCy 3.8.18
PARSE = """
General PROPN compound 2 EVENT B
Ulf PROPN compound 2 EVENT I
Olm PROPN nsubj 6 EVENT I
and CCONJ cc 2
Ada PROPN compound 5 PERSON B
Brandt PROPN conj 2 PERSON I
warned VERB ROOT 6
of ADP prep 6
war NOUN pobj 7
and CCONJ cc 6
left VERB conj 6
. PUNCT punct 6
Rebel NOUN compound 13
leaders NOUN nsubj 19
, PUNCT punct 13
who PRON nsubj 16
oppose VERB relcl 13
it PRON dobj 16
, PUNCT punct 19
waited VERB ROOT 19
. PUNCT punct 19
According VERB prep 26
to ADP prep 21
one NUM nummod 24 CARDINAL B
official NOUN pobj 22
it PRON nsubj 26
failed VERB ROOT 26
. PUNCT punct 26
"""


def article(text: str, language: str = "en") -> Article:
    return Article("a", "t", text, "e", Source("news"), (), (), language=language)


def test_subjects_of_saying_and_what_according_to_names() -> None:
    text, doc = parsed(PARSE)
    rows = find_speakers(article(text), doc)
    assert [(r["name"], r["kind"]) for r in rows] == [
        ("Ulf Olm", "person"),
        ("Ada Brandt", "person"),
        ("Rebel leaders", "group"),
        ("official", "group"),
    ]
    assert all(text[a:b] == quote for r in rows for quote, (a, b) in zip(r["quotes"], r["places"], strict=True))


@pytest.mark.parametrize("missing", ["spacy", speakers_spacy.PACKAGE])
def test_what_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def absent(name: str) -> Any:
        if name == missing:
            raise PackageNotFoundError(name)
        return object()

    monkeypatch.setattr(speakers_spacy, "distribution", absent)
    if missing == "spacy":
        with pytest.raises(ConfigError, match="speakers=spacy needs the package") as raised:
            build("speakers", SystemConfig(name="spacy", adapter="spacy")).remarks(Dataset("d", "1", (), ""))
        assert "[spacy]" in str(raised.value.hint)
    else:
        with pytest.raises(ConfigError, match=missing):
            model_folder()


def test_other_files_than_the_pinned_ones_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Installed:
        def locate_file(self, name: str) -> Path:
            return tmp_path

    monkeypatch.setattr(speakers_spacy, "distribution", lambda name: Installed())
    (tmp_path / "config.cfg").write_text("[nlp]\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"have SHA-256 [0-9a-f]{64}, not") as raised:
        model_folder()
    assert "--force-reinstall" in str(raised.value.hint)


def test_another_language_is_an_error_and_loads_nothing() -> None:
    one = article("Olm sagte nichts.", "de")
    [answer] = build("speakers", SystemConfig(name="spacy", adapter="spacy")).answer(
        [Item(one)], Context(Dataset("d", "1", (one,), ""))
    )
    assert "English alone" in str(answer.error)
