"""What a server gives as a model's thought, apart from its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""DeepSeek's, SGLang's, llama.cpp's and older vLLM's; vLLM's, Groq's and OpenRouter's; Ollama's."""


def thought_of(message: Mapping[str, Any]) -> str:
    """The thought in a message, from a field of its own or from parts of type `thinking` (Mistral); "" where there is none.

    >>> thought_of({"content": "A", "reasoning_content": "She says no."})
    'She says no.'
    """
    named = [message[name] for name in _FIELDS if isinstance(message.get(name), str)]
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    for part in parts:
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            inner = part.get("thinking") or part.get("text")
            named += [inner] if isinstance(inner, str) else _texts(inner)
    return "\n".join(text for text in dict.fromkeys(named) if text.strip())


def _texts(parts: Any) -> list[str]:
    parts = parts if isinstance(parts, list) else []
    return [p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str)]
