"""Finds what looks like a secret in a config or an override, and keeps the keys of servers out of what is written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from pydantic import BaseModel

LONG = 8
"""Characters from which on a key is replaced wherever it stands; a shorter one (`EMPTY`, `none`) may be a word of a text."""
BEGINNING = 12
"""Characters of a key that, at its beginning, are as good as the key: shorter ones may be those of everybody's keys."""
HIDDEN = "***"
_ADVICE = "a config holds no secrets; api_key_env names the environment variable that holds a key"

_COMPOUND = (
    r"(?:api|access|secret|private|subscription|account|auth|signing|encryption)[-_]?keys?"
    r"|(?:api|access|auth|bearer|session|refresh|security|secret|private|personal|hub|hf)[-_]?tokens?(?![a-z])"
    r"|passw(?:or)?d|passphrase"
)
_NAMES = re.compile(rf"{_COMPOUND}|authorization|credential|bearer")
"""In a name in lower case."""
_SHORT_NAMES = frozenset({"key", "token", "auth", "sig", "signature", "pwd", "pass", "jwt", "cookie", "cookies"})
"""Names that hold a secret if their value is no mapping."""
_VALUES = re.compile(
    r"""
    (?<![A-Za-z0-9]) (?:
        sk-[\w-]{20,} | (?<!/) sk-[\w-]{6,}
      | hf_ (?=[A-Za-z0-9]*[A-Z0-9]) [A-Za-z0-9]{8,}
      | gh[opsur]_[A-Za-z0-9]{16,} | github_pat_\w{16,} | glpat-[\w-]{12,} | gsk_[A-Za-z0-9]{16,}
      | (?:nvapi|xai|pplx)-[\w-]{16,} | xox[abeprs]-[\w-]{10,}
      | AKIA[0-9A-Z]{12,} | AIza[\w-]{20,} | eyJ[\w-]{8,}\.eyJ[\w-]{8,}
      | [Bb]earer\s+ (?=\S*[\d_.=-]) \S{8,} | Basic\s+[A-Za-z0-9+/]{8,}={1,2}
    )
    """,
    re.VERBOSE,
)
"""Keys as OpenAI, Hugging Face, GitHub, GitLab, Groq, NVIDIA, xAI, Perplexity, Slack, AWS and Google make them; JWTs; headers."""
_BEARER = re.compile(r"\s*bearer\s+\S+\s*", re.IGNORECASE)
_LINE = re.compile(r"\s*([\w-]+)\s*[:=]\s*(?:(?:bearer|basic|token)\s+)?\S+\s*", re.IGNORECASE)
_PAIR = re.compile(rf"""(?:{_COMPOUND})["']?\s*[:=]\s*["']?[^\s"',{{}}]""", re.IGNORECASE)
_USER = re.compile(r"://[^/\s?#]*@")
_QUERY = re.compile(r"[?&;#]([^=&;#?\s]+)=[^&;#\s]")
_HEADER = re.compile(r"(?:proxy-)?authorization|[\w-]*api[-_]?key|x-[\w-]*(?:token|key|secret)|cookie", re.IGNORECASE)


def secrets_in(content: Any) -> list[str]:
    """What in a config looks like a secret, as `field: what is wrong` without the secret itself; [] if nothing does.

    Looked at are names (of fields and headers, at any depth), values that look like keys, users and queries in URLs,
    and the values of the variables that `api_key_env` names.
    """
    keys = _keys(content)
    findings = dict.fromkeys(_findings(content, ""))
    for where, text in _texts(content):
        if _replaced(text, keys) != text:
            findings[f"{_replaced(where, keys)}: {_ADVICE}"] = None
    return [_replaced(finding, keys) for finding in findings]


def secrets_in_overrides(overrides: Sequence[str]) -> list[str]:
    """The same of overrides (`+stance.extra_body={token: x}`), before they are composed, logged or stored anywhere."""
    import yaml

    findings: list[str] = []
    for override in overrides:
        name, equals, text = override.lstrip("+~").partition("=")
        steps = name.split(".")
        # a sweep may go over several variables
        for part in text.split(",") if steps[-1] == "api_key_env" else [text]:
            try:
                nested = yaml.safe_load(part)
            except (yaml.YAMLError, ValueError, RecursionError):  # a date such as 2024-02-31, say
                nested = part
            for step in reversed(steps):
                nested = {step: nested}
            findings += secrets_in(nested if equals else override)
    return list(dict.fromkeys(findings))


def without(text: str, key: str | None) -> str:
    """The text with a key replaced by `***`, also where it is quoted as JSON, in a URL or as Python shows it, and where only the
    beginning of it stands, as servers echo a key that they refuse."""
    if not key:
        return text
    in_json = json.dumps(key)[1:-1]
    quoted = {quote(key, safe=""), quote(key), quote_plus(key)}
    spelled = {key, in_json, in_json.replace("/", r"\/"), repr(key)[1:-1], *quoted}
    pattern = "|".join(re.escape(s) for s in sorted(spelled, key=len, reverse=True))
    text = re.sub(pattern if len(key) >= LONG else rf"(?<!\w)(?:{pattern})(?!\w)", HIDDEN, text)
    head = key[:BEGINNING]
    while len(key) > BEGINNING and (start := text.find(head)) >= 0:
        end = start + BEGINNING
        while end < len(text) and text[start : end + 1] == key[: end + 1 - start]:
            end += 1
        text = f"{text[:start]}{HIDDEN}{text[end:]}"
    return text


_Model = TypeVar("_Model", bound="BaseModel")


def keyless(record: _Model) -> _Model:
    """The record without the values of the variables that an `api_key_env` in it names."""
    content = record.model_dump(mode="json")
    keys = _keys(content)
    return type(record).model_validate(_replaced(content, keys)) if keys else record


def _replaced(content: Any, keys: set[str]) -> Any:
    if isinstance(content, str):
        for key in keys:
            content = without(content, key)
        return content
    if isinstance(content, dict):
        return {_replaced(k, keys): _replaced(v, keys) for k, v in content.items()}
    return [_replaced(v, keys) for v in content] if isinstance(content, list) else content


def _keys(content: Any) -> set[str]:
    """Values of the variables that are named as `api_key_env` anywhere in a config."""
    if isinstance(content, Mapping):
        keys: set[str] = set().union(*map(_keys, content.values()))
        name = content.get("api_key_env")
        key = os.environ.get(name, "").strip() if isinstance(name, str) and name.isidentifier() else ""
        return keys | ({key} if len(key) >= LONG else set())
    return set().union(*map(_keys, content)) if isinstance(content, list | tuple) else set()


def _texts(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a config and where it stands; names of fields are texts too."""
    if isinstance(content, str):
        yield path, content
    elif isinstance(content, Mapping):
        for name, value in content.items():
            where = _below(path, str(name))
            yield where, str(name)
            yield from _texts(value, where)
    elif isinstance(content, list | tuple):
        for i, value in enumerate(content):
            yield from _texts(value, _below(path, str(i)))


def _findings(content: Any, path: str) -> Iterator[str]:
    if isinstance(content, str):
        if what := _wrong(content):
            yield f"{path or 'here'}: {what}"
    elif isinstance(content, Mapping):
        if _is_header(content.get("name")) and _holds(content.get("value")):
            yield f"{_below(path, 'value')}: {_ADVICE}"
        for key, value in content.items():
            name, where = str(key), _below(path, str(key))
            if name == "api_key_env":
                if value is not None and (not re.fullmatch(r"[A-Z_][A-Z0-9_]*", str(value)) or _wrong(str(value))):
                    yield f"{where} is the NAME of an environment variable, such as MY_API_KEY, not the key"
            elif (
                _wrong(name)
                or (_names_secret(name) and _holds(value))
                or (_letters_and_digits(name) in _SHORT_NAMES and _holds(value) and not isinstance(value, Mapping))
            ):
                yield f"{where}: {_ADVICE}"
            else:
                yield from _findings(value, where)
    elif isinstance(content, list | tuple):
        if len(content) == 2 and _is_header(content[0]) and _holds(content[1]):
            yield f"{_below(path, '1')}: {_ADVICE}"
        for i, value in enumerate(content):
            yield from _findings(value, _below(path, str(i)))


def _wrong(text: str) -> str | None:
    """What is wrong with a text that looks as if it held a secret."""
    if _USER.search(text):
        return f"a URL must hold no user or password; {_ADVICE}"
    if "://" in text or text.startswith(("?", "/")):
        names = [unquote(name) for name in _QUERY.findall(text)]
        if any(
            _names_secret(n) or _letters_and_digits(n) in _SHORT_NAMES or _letters_and_digits(n).endswith("signature")
            for n in names
        ):
            return f"a URL must hold no key; {_ADVICE}"
    heads = [m.group(1) for m in map(_LINE.fullmatch, text.splitlines()) if m]
    if any(map(_names_secret, heads)) or _PAIR.search(text) or _VALUES.search(text) or _BEARER.fullmatch(text):
        return f"this looks like a key; {_ADVICE}"
    return None


def _names_secret(name: str) -> bool:
    words = {w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    # a secretary is none
    return _letters_and_digits(name) != "apikeyenv" and (
        bool(_NAMES.search(_letters_and_digits(name))) or bool({"secret", "secrets"} & words)
    )


def _letters_and_digits(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_header(name: Any) -> bool:
    return isinstance(name, str) and _HEADER.fullmatch(name) is not None


def _holds(value: Any) -> bool:
    """Whether there is anything in a value; a yes or no is no secret."""
    if isinstance(value, Mapping):
        return any(map(_holds, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds, value))
    return value not in (None, "") and not isinstance(value, bool)


def _below(path: str, name: str) -> str:
    shown = HIDDEN if _wrong(name) else name
    return f"{path}.{shown}" if path else shown
