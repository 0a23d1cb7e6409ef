"""Which tokens end an answer beyond those that a model's configs name, and what shows that it went on as somebody else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.models.chat_clock import small_file
from harness.models.gguf import metadata
from harness.models.source import ModelSource

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_TOKENS = frozenset(
    {
        "<|endoftext|>",
        "<|end_of_text|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|im_end|>",
        "<end_of_turn>",
        "<turn|>",
        "<|return|>",
        "<|END_OF_TURN_TOKEN|>",
    }
)
"""Tokens that never stand inside of an answer, by the names that model families gave them. gpt-oss has `<|end|>` between its
thought and its answer, so that one counts only where a chat template closes an answer with it."""
_CLOSINGS = re.compile(r"\A(?:\s*(?:<[^<>\s]*(?:end|eot|eos)[^<>\s]*>|</s>))+")
_KEYS = ("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")
_MARK = "\u0001answer\u0001"
Render = Callable[[Sequence[Mapping[str, str]]], str]
"""A chat's text by the template of a model, without the beginning of a further answer."""


def gguf_ends(source: ModelSource) -> tuple[int, ...]:
    """The ids that a GGUF file's metadata name as ends of a turn or a message; transformers 5.23 reads its one `eos` alone."""
    if source.path is None or not source.is_gguf:
        return ()
    return tuple(i for i in (metadata(source.path, key) for key in _KEYS) if isinstance(i, int))


def unnamed_ends(source: ModelSource) -> list[int]:
    """Ids of tokens that end an answer here and did not before there was this module, as far as a model's small files tell.

    `<|endoftext|>` and `<|end_of_text|>` are not among them: they end a document, which no model does before its turn's end.
    """
    if source.path is not None and source.is_gguf:
        return [i for i in gguf_ends(source) if i != metadata(source.path, "tokenizer.ggml.eos_token_id")]
    vocabulary = {row["content"]: row["id"] for row in _json(source, "tokenizer.json").get("added_tokens", [])}
    named: set[object] = {vocabulary.get(_content(_json(source, "tokenizer_config.json").get("eos_token")))}
    for name in ("generation_config.json", "config.json"):
        value = _json(source, name).get("eos_token_id")
        named |= set(value) if isinstance(value, list) else {value}
    turns = END_TOKENS - {"<|endoftext|>", "<|end_of_text|>"}
    return sorted(vocabulary[name] for name in turns & set(vocabulary) if vocabulary[name] not in named)


def _json(source: ModelSource, name: str) -> dict[str, Any]:
    file = small_file(source, name)
    content = json.loads(file.read_text(encoding="utf-8")) if file is not None and file.is_file() else {}
    return content if isinstance(content, dict) else {}


def _content(token: object) -> object:
    """A token's text, which configs write as it is or as a mapping."""
    return token.get("content") if isinstance(token, dict) else token


def known_ends(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Ids of the `END_TOKENS` that the vocabulary has as one token each."""
    added = tokenizer.get_added_vocab()
    return sorted(added[name] for name in END_TOKENS & set(added))


def template_ends(tokenizer: PreTrainedTokenizerBase, render: Render) -> list[int]:
    """The added token that the chat template puts after an assistant's turn, if there is one."""
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": _MARK}]
    tail = _rendered(render, turns).partition(_MARK)[2].lstrip()
    if not tail or "<|channel|>" in str(tokenizer.chat_template):
        # gpt-oss closes every message alike, its thoughts too
        return []
    ids: list[int] = tokenizer(tail, add_special_tokens=False).input_ids
    return [i for i in ids[:1] if i in set(tokenizer.get_added_vocab().values())]


def role_marks(render: Render) -> tuple[str, ...]:
    """What the template writes before words of a user and an assistant, as `<|im_start|>user`: it has no place in an answer.

    White space around it and what closes the turn before are no part of it; marks of fewer than four signs are left out, for a
    text may hold them.
    """
    words = [f"\u0001{n}\u0001" for n in range(4)]
    text = _rendered(render, [{"role": ("user", "assistant")[n % 2], "content": word} for n, word in enumerate(words)])
    marks = []
    for before, after in (words[1:3], words[2:4]):
        between = text.partition(before)[2].partition(after)[0]
        opening = _CLOSINGS.sub("", between).strip().partition("\n")[0]
        marks += [opening] if len(opening) >= 4 else []
    return tuple(dict.fromkeys(marks))


def _rendered(render: Render, messages: list[dict[str, str]]) -> str:
    """The chat by the template; nothing where it refuses such a chat."""
    from jinja2.exceptions import TemplateError

    try:
        return render(messages)
    except TemplateError:
        return ""
