"""What a prompt may show of an item, how its places are filled, and the checks that a config's prompt has to pass."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator

from harness.types import STANCES, Item, Stance

ARTICLE_FIELDS = ("article", "title")
"""What a prompt may show of an article."""
FIELDS = (*ARTICLE_FIELDS, "speaker", "role", "target")
"""What a prompt may show of an item."""
ARTICLE = "{article}"
"""Stands in a prompt where the article goes; first, so that all questions about an article share its computation."""
SPEAKER = "{speaker}"
"""Stands in a prompt, or in a label's wording, where the speaker's name goes."""

_PLACE = re.compile(r"\{([a-z_]+)\}")


def fields_of(item: Item) -> dict[str, str]:
    """The text of each of `FIELDS` for an item; empty where the item has none."""
    speaker, target = item.speaker, item.target
    return {
        "article": item.article.text.strip(),
        "title": item.article.title,
        "speaker": speaker.name if speaker else "",
        "role": (speaker.role or "") if speaker else "",
        "target": target.proposition if target else "",
    }


def shown_fields(prompts: Iterable[str], item: Item) -> dict[str, str]:
    """The text of those fields that any of the prompts shows: what a system that asks them reads of the item."""
    shown = places("".join(prompts))
    return {name: text for name, text in fields_of(item).items() if name in shown}


def fill(template: str, **values: str) -> str:
    """The template with every `{name}` of `values` replaced, in one pass; all other braces stay as they are.

    `fill("{speaker} wants {x}: {target}", speaker="Olm", target="{speaker}")` is `"Olm wants {x}: {speaker}"`.
    """
    return _PLACE.sub(lambda match: values.get(match.group(1), match.group()), template)


def places(template: str) -> set[str]:
    """The names of a template's places: `{"speaker"}` of `"What does {speaker} want?"`."""
    return set(_PLACE.findall(template))


def require_places(template: str, needed: Collection[str], allowed: Collection[str]) -> str:
    """The template itself; ValueError if a needed place is missing or there is one that nothing fills."""
    names = places(template)
    missing = sorted(set(needed) - names)
    unknown = sorted(names - set(allowed))
    if missing:
        raise ValueError(f"the template has no {', '.join(f'{{{m}}}' for m in missing)}")
    if unknown:
        raise ValueError(
            f"nothing fills {', '.join(f'{{{u}}}' for u in unknown)}; known: "
            + ", ".join(f"{{{a}}}" for a in sorted(allowed))
        )
    return template


def require_one_article(prompt: str) -> str:
    """The prompt itself; ValueError unless it shows the article exactly once and has no place that would stay unfilled.

    Places are filled by name alone, so `{speaker!s}` or `{target:.9}` would reach the model as they stand.
    """
    require_places(prompt, ["article"], FIELDS)
    if prompt.count(ARTICLE) != 1:
        raise ValueError("the prompt must contain {article} exactly once")
    if formatted := re.search(rf"\{{({'|'.join(FIELDS)})[!:.\[][^}}]*\}}", prompt):
        raise ValueError(f"{formatted.group()} would stay as it is: write {{{formatted.group(1)}}}")
    return prompt


ArticlePrompt = Annotated[str, AfterValidator(require_one_article)]
"""A prompt of a config that shows its article exactly once."""


def require_list_prompt(prompt: str) -> str:
    """The prompt of a request about many pairs itself; ValueError unless it shows {article} once and {questions} after it.

    What all requests about an article share comes first, so that a server that keeps prefixes computes it once.
    """
    require_places(prompt, ["article", "questions"], [*ARTICLE_FIELDS, "questions", "options"])
    if prompt.count(ARTICLE) != 1:
        raise ValueError("the prompt must contain {article} exactly once")
    if prompt.index("{questions}") < prompt.index(ARTICLE):
        raise ValueError("{article} comes before {questions}, so that requests about one article begin alike")
    return prompt


def require_every_label(wordings: Mapping[Stance, str]) -> dict[Stance, str]:
    """The wordings in the order of the scale; ValueError if a label has none."""
    missing = [label for label in STANCES if label not in wordings]
    if missing:
        raise ValueError(f"no wording for {', '.join(missing)}")
    return {label: wordings[label] for label in STANCES}
