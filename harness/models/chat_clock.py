"""Stops the clock that chat templates print (Mistral, Granite, gpt-oss, SmolLM3): a prompt must not depend on the day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.models.gguf import metadata
from harness.models.source import ModelSource

DATE = datetime(2024, 7, 26)
"""The day on which every prompt is written."""

# Some templates print today's date or switch a hidden monologue on: a prompt must depend on neither.
CONSTANTS: Mapping[str, Any] = {"date_string": DATE.strftime("%d %b %Y"), "enable_thinking": False}

_CLOCK = "strftime_now"
"""The one function of transformers' template environment that tells the time."""
_FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class _StoppedClock:
    """What templates take for `datetime`; it remembers whether they looked."""

    def __init__(self) -> None:
        self.read = False

    def now(self, tz: Any = None) -> datetime:
        """Always the same day."""
        self.read = True
        return DATE


@contextmanager
def stopped_clock() -> Iterator[_StoppedClock]:
    """Inside, templates that transformers renders print `DATE`.

    A function that is handed to `apply_chat_template` in place of its clock would reach no template: transformers 5 replaces
    whatever is no plain data by a text.
    """
    from transformers.utils import chat_template_utils

    module: Any = chat_template_utils
    clock, module.datetime = module.datetime, _StoppedClock()
    try:
        yield module.datetime
    finally:
        module.datetime = clock


def reads_clock(source: ModelSource, system: str | None) -> bool:
    """Whether the prompts of a chat model, with this system message, print a date that `CONSTANTS` do not settle."""
    template = chat_template(source)
    # quick, and right for nearly all: transformers is not imported
    if template is None or _CLOCK not in template:
        return False
    from jinja2.exceptions import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    user = {"role": "user", "content": "article"}
    # a template that knows no system role gets its text at the head of the user's
    turns = [[{"role": "system", "content": system}, user], [user]] if system else [[user]]
    with stopped_clock() as clock:
        for messages in turns:
            try:
                tokens: dict[str, Any] = {name: f"<{name}>" for name in _TOKENS}
                render_jinja_template(
                    [messages], chat_template=template, add_generation_prompt=True, **tokens, **CONSTANTS
                )
            except TemplateError:
                continue
            break
    return clock.read


def chat_template(source: ModelSource) -> str | None:
    """The text of a model's chat template; None where it has none, or is a hub model of which no file can be had."""
    if source.path is not None and source.is_gguf:
        template = metadata(source.path, "tokenizer.chat_template")
        return template if isinstance(template, str) else None
    return _template_of({name: small_file(source, name) for name in _FILES})


def _template_of(files: Mapping[str, Path | None]) -> str | None:
    """The default template in a folder's files, in the order in which transformers looks."""
    for name, file in files.items():
        if file is None or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        if name.endswith(".jinja"):
            return text
        template = json.loads(text).get("chat_template")
        if isinstance(template, list):
            template = {t["name"]: t["template"] for t in template}.get("default")
        if isinstance(template, str):
            return template
    return None


def small_file(source: ModelSource, name: str) -> Path | None:
    """A small file of a model; it is downloaded where the model is not yet, so that its fingerprint stays when it is."""
    if source.path is not None:
        return source.path / name
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source.ref, name, revision=source.commit, etag_timeout=5))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError):
        return None
