"""Articles translated by hand: `translations/LANG/ARTICLE.yaml` of a dataset folder, and what must hold in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from harness.data.check import nearest_passage
from harness.data.schema import Id, Strict, Text, occurrences
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, Place, nearest_hint
from harness.runtime.files import listed
from harness.text.names import main_script
from harness.types import Article, Stance

LANGUAGES = {"de": "Latin", "es": "Latin", "uk": "Cyrillic"}
"""The languages of the probe `language`, each with its script."""
SEPARATOR = " | "


class SpokenName(Strict):
    """A speaker's name as the press of that language writes it."""

    name: Text
    aliases: list[Text] = Field(default=[])


class Translation(Strict):
    """One article in another language.

    `targets` holds the proposition by target id, `speakers` the names by speaker id, `evidence` by `"speaker | target"` the
    passages of the translated text that show a stance. Without `reread_by` nobody re-read it against the labels.
    """

    title: Text
    text: Text
    targets: Annotated[dict[Id, Text], Field(min_length=1)]
    speakers: Annotated[dict[Id, SpokenName], Field(min_length=1)]
    evidence: dict[Text, list[Text]]
    translator: Text
    reread_by: Text | None = None

    def passages(self, speaker: str, target: str) -> list[str]:
        """The evidence of one pair; none where the translation lists none."""
        return self.evidence.get(f"{speaker}{SEPARATOR}{target}", [])


def read_translations(
    folder: Path, articles: dict[str, Article]
) -> tuple[dict[tuple[str, str], Translation], list[DataError]]:
    """The translations in a dataset folder by (language, article), and everything that is wrong with the others."""
    translations: dict[tuple[str, str], Translation] = {}
    errors: list[DataError] = []
    for path in listed(folder / "translations", "*/*.yaml"):
        language, article_id = path.parent.name, path.stem
        if language not in LANGUAGES:
            hint = nearest_hint(language, list(LANGUAGES)) + f"known: {', '.join(LANGUAGES)}"
            errors.append(DataError(Place(str(path)), f"no language {language!r} is probed", hint=hint))
            continue
        if article_id not in articles:
            hint = nearest_hint(article_id, list(articles)) or "the file has the article's id for its name"
            errors.append(DataError(Place(str(path)), f"there is no article {article_id!r}", hint=hint))
            continue
        try:
            document = read_yaml(path, 20_000_000)
            translation = Translation.model_validate(document.data)
        except DataError as error:
            errors.append(error)
            continue
        except ValidationError as error:
            errors += [
                DataError(document.place(tuple(e["loc"])), e["msg"].removeprefix("Value error, "))
                for e in error.errors(include_url=False)
            ]
            continue
        wrong = [
            DataError(document.place(loc), message, hint=hint)
            for loc, message, hint in check_translation(translation, articles[article_id], language)
        ]
        errors += wrong
        if not wrong:
            translations[language, article_id] = translation
    return translations, errors


Finding = tuple[tuple[str | int, ...], str, str | None]
"""Field, what is wrong with it, and what to do."""


def check_translation(translation: Translation, article: Article, language: str) -> Iterator[Finding]:
    """What is wrong with a translation of an article, in file order: ids, names that the text lacks, evidence, script."""
    script = main_script(translation.text)
    if script != LANGUAGES[language]:
        yield ("text",), f"the text is in {script} script, not in {LANGUAGES[language]}", "translate the text"
    if translation.text.strip() == article.text.strip():
        yield ("text",), "the text is the article's own", "translate the text"
    yield from _ids("targets", list(translation.targets), [t.id for t in article.targets])
    yield from _ids("speakers", list(translation.speakers), [s.id for s in article.speakers])
    for target in article.targets:
        if translation.targets.get(target.id) == target.proposition:
            yield ("targets", target.id), "the proposition is the article's own", "translate it"
    gold = article.gold_stances()
    pairs = {f"{s}{SEPARATOR}{t}": label for (s, t), label in gold.items()}
    for key, passages in translation.evidence.items():
        if key not in pairs:
            hint = nearest_hint(key, list(pairs)) or f'a key is "speaker{SEPARATOR}target"'
            yield ("evidence", key), "gold has no such pair", hint
        for n, passage in enumerate(passages):
            starts = occurrences(translation.text, passage)
            if not starts:
                hint = f"nearest passage: {nearest_passage(translation.text, passage)!r}"
                yield ("evidence", key, n), f"evidence is not in the text: {passage!r}", hint
            elif len(starts) > 1:
                yield (
                    ("evidence", key, n),
                    f"evidence stands {len(starts)} times in the text",
                    "extend it until it is unique",
                )
    for key, label in pairs.items():
        if label.stance is not Stance.NO_STANCE and not translation.evidence.get(key):
            yield ("evidence",), f"{key}: {label.stance} without evidence", "copy the passage that shows it"
    if translation.translator == translation.reread_by:
        yield ("reread_by",), "the translator did the re-reading too", "somebody else re-reads it"


def _ids(field: str, written: list[str], declared: list[str]) -> Iterator[Finding]:
    for name in written:
        if name not in declared:
            hint = nearest_hint(name, declared) + f"declared: {', '.join(declared)}"
            yield (field, name), f"the article declares no {name!r}", hint
    for name in declared:
        if name not in written:
            yield (field,), f"{name!r} is missing", "the article declares it"
