"""Edits of a question, one thing at a time, by which a conformance check sees what a system's answer depends on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from harness.types import STANCES, Annotation, Article, Dataset, Item, ReferenceSummary, Stance


@dataclass(frozen=True)
class Edit:
    """A change of an item; `words` say it in a sentence after "with". One that `renames` takes gold off its pair."""

    words: str
    of_item: Callable[[Item], Item]
    renames: bool = False

    def apply(self, item: Item) -> Item:
        """The edited item: the item itself where the edit finds nothing to change."""
        return self.of_item(item)

    def of_dataset(self, dataset: Dataset, event: str) -> Dataset:
        """The dataset with the articles of that event edited."""
        from harness.data.fingerprint import fingerprint

        articles = tuple(self.apply(Item(a)).article if a.event == event else a for a in dataset)
        return replace(dataset, articles=articles, fingerprint=fingerprint(articles))


def _of_article(change: Callable[[Article], dict[str, Any]]) -> Callable[[Item], Item]:
    return lambda item: replace(item, article=replace(item.article, **change(item.article)))


def _of_speaker(**change: Any) -> Callable[[Item], Item]:
    def edit(item: Item) -> Item:
        if item.speaker is None:
            return item
        speaker = replace(item.speaker, **change)
        speakers = tuple(speaker if s.id == item.speaker.id else s for s in item.article.speakers)
        return replace(item, speaker=speaker, article=replace(item.article, speakers=speakers))

    return edit


def _of_target(**change: Any) -> Callable[[Item], Item]:
    def edit(item: Item) -> Item:
        if item.target is None:
            return item
        target = replace(item.target, **change)
        targets = tuple(target if x.id == item.target.id else x for x in item.article.targets)
        return replace(item, target=target, article=replace(item.article, targets=targets))

    return edit


def _of_summary(text: str) -> Callable[[Item], Item]:
    return lambda item: item if item.summary is None else replace(item, summary=text)


OTHER_TEXT = (
    "The council met. Nobody wanted war. The minister said that the army would attack at dawn and that she was glad."
)

EDITS: tuple[Edit, ...] = (
    Edit("another text", _of_article(lambda a: {"text": OTHER_TEXT})),
    Edit("the first half of the text alone", _of_article(lambda a: {"text": a.text[: len(a.text) // 2]})),
    Edit("the text in capitals", _of_article(lambda a: {"text": a.text.upper()})),
    Edit("another title", _of_article(lambda a: {"title": "War is the only answer, says minister"})),
    Edit("another language", _of_article(lambda a: {"language": "de" if a.language != "de" else "en"})),
    Edit("another id of the article", _of_article(lambda a: {"id": "zz-another-article"}), renames=True),
    Edit("another split", _of_article(lambda a: {"split": "dev" if a.split == "test" else "test"})),
    Edit(
        "another publisher and date",
        _of_article(lambda a: {"source": replace(a.source, publisher="The Other Paper", date=dt.date(1999, 1, 2))}),
    ),
    Edit("the speakers in another order", _of_article(lambda a: {"speakers": a.speakers[::-1]})),
    Edit("the targets in another order", _of_article(lambda a: {"targets": a.targets[::-1]})),
    Edit("another name of the speaker", _of_speaker(name="Zed Quill")),
    Edit("another alias of the speaker", _of_speaker(aliases=("The minister",))),
    Edit("another side of the speaker", _of_speaker(side="elsewhere")),
    Edit("another role of the speaker", _of_speaker(role="admiral")),
    Edit("another kind of speaker", _of_speaker(kind="group")),
    Edit("a main speaker", _of_speaker(main=True)),
    Edit("a speaker who is not a main one", _of_speaker(main=False)),
    Edit("another id of the speaker", _of_speaker(id="zz-speaker"), renames=True),
    Edit("another proposition", _of_target(proposition="All troops should be brought home at once.")),
    Edit("another direction of the target", _of_target(direction="de_escalate")),
    Edit("another rung of the target", _of_target(rung=4)),
    Edit("another id of the target", _of_target(id="zz-target"), renames=True),
    Edit("paraphrases of the target", _of_target(paraphrases=("The soldiers should go home.",), negated="Not so.")),
    Edit("another summary", _of_summary(OTHER_TEXT)),
)
"""Whatever of these changes an answer must be in what the system says that it reads."""


def _turned(annotation: Annotation) -> Annotation:
    """The same pairs with other stances and no evidence."""

    def next_stance(stance: Stance) -> Stance:
        return STANCES[(STANCES.index(stance) + 3) % len(STANCES)]

    stances = tuple(replace(s, stance=next_stance(s.stance), evidence=(), phenomena=()) for s in annotation.stances)
    return replace(annotation, stances=stances)


HIDDEN: tuple[Edit, ...] = (
    Edit("other gold", _of_article(lambda a: {"gold": a.gold and _turned(a.gold)})),
    Edit("other annotations", _of_article(lambda a: {"annotations": tuple(map(_turned, a.annotations))})),
    Edit("other reference summaries", _of_article(lambda a: {"summaries": (ReferenceSummary("zz", OTHER_TEXT),)})),
    Edit("another canary and contrast", _of_article(lambda a: {"canary": "zz-canary", "contrast": None})),
)
"""What a system is scored against, or what tells whether it knew the set: it must see none of it."""


def unusual_articles(article: Article, *, empty: bool) -> list[tuple[str, Article]]:
    """Articles that are valid and rare, with words for each; an `empty` one is what a judge of stances is asked about."""
    texts = {
        "a text of one word": "War.",
        "a text with emoji, Hebrew and Windows line ends": "👨‍👩‍👧 🇺🇦 שלום\r\n\r\n“No,” said e\u0301.\u2028",
        "a text without the speaker's name": OTHER_TEXT,
        **({"an empty text without title, as of a summary that says nothing": ""} if empty else {}),
    }
    bare = replace(article, gold=None, annotations=(), summaries=(), contrast=None)
    return [
        ("an article that nobody labelled", bare),
        *((words, replace(bare, title="" if not text else bare.title, text=text)) for words, text in texts.items()),
    ]
