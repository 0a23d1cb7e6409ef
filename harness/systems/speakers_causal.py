"""A speaker finder by a prompted causal model: asked for a JSON list, of which every object with a name counts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from harness.systems.causal import CausalGenerator, GenerationOptions
from harness.text.replies import Reply
from harness.types import Answer, Item

if TYPE_CHECKING:
    from harness.models.causal import CausalModel

_SPEAKER = re.compile(r"\{[^{}]*(?:\}|$)")
_SPEAKER_NAME = re.compile(r'"name"\s*:\s*"([^"\\]+)"')


class JsonSpeakerOptions(GenerationOptions):
    """`answer_prefix` begins the model's reply, so that a small model keeps to the form."""

    answer_prefix: str = ""


class CausalSpeakers(CausalGenerator):
    """Speakers as {name, aliases, quotes}; of an object that is cut off the name alone, quotes only if they are verbatim."""

    kind: ClassVar = "speakers"
    Options: ClassVar = JsonSpeakerOptions

    def around(self, model: CausalModel, item: Item, prompt: str) -> tuple[str, str]:
        before, after = super().around(model, item, prompt)
        return before, after + self.options.answer_prefix

    def whole_reply(self, text: str) -> str:
        return f"{self.options.answer_prefix}{text}"

    def read(self, replies: Sequence[Reply], item: Item) -> Answer:
        reply = "\n".join(r.text for r in replies)
        return Answer(json.dumps(parse_speakers(reply, item.article.text), ensure_ascii=False))


def parse_speakers(reply: str, text: str) -> list[dict[str, Any]]:
    """Speakers as {name, aliases, quotes} of every `{"name": ..., "quotes": [...]}` in a model's reply about `text`.

    A name that comes again adds its aliases and quotes to the first; those that are not in the text are dropped. Of the text
    `Olm wants war.` the reply `[{"name": "Olm", "quotes": ["wants war", "so he said"]}, {"name": "Bra` gives Olm, quoted once.
    """
    speakers: dict[str, dict[str, Any]] = {}
    for match in _SPEAKER.findall(reply):
        try:
            row = json.loads(match)
        except ValueError:
            name_alone = _SPEAKER_NAME.search(match)
            row = {"name": name_alone.group(1)} if name_alone else {}
        name = row.get("name")
        if not isinstance(name, str) or not name.strip():
            continue
        speaker = speakers.setdefault(name.strip(), {"name": name.strip(), "aliases": [], "quotes": []})
        for field in ("aliases", "quotes"):
            values = row.get(field) if isinstance(row.get(field), list) else []
            speaker[field] += [v for v in values if isinstance(v, str) and v and v in text and v not in speaker[field]]
    return list(speakers.values())
