"""Fills the named places of a prompt or hypothesis template; braces in what is filled in mean nothing."""

from __future__ import annotations

import re
from collections.abc import Collection

_PLACE = re.compile(r"\{([a-z_]+)\}")


def fill(template: str, **values: str) -> str:
    """The template with every `{name}` of `values` replaced, in one pass; other braces stay as they are."""
    return _PLACE.sub(lambda m: values.get(m.group(1), m.group()), template)


def places(template: str) -> set[str]:
    """The names of its places."""
    return set(_PLACE.findall(template))


def require_places(template: str, needed: Collection[str], allowed: Collection[str]) -> str:
    """The template itself; ValueError if a needed place is missing or there is one that nothing fills."""
    found = places(template)
    missing = sorted(set(needed) - found)
    unknown = sorted(found - set(allowed))
    if missing:
        raise ValueError(f"the template has no {', '.join(f'{{{m}}}' for m in missing)}")
    if unknown:
        raise ValueError(
            f"nothing fills {', '.join(f'{{{u}}}' for u in unknown)}; known: "
            + ", ".join(f"{{{a}}}" for a in sorted(allowed))
        )
    return template
