"""Other wordings of a classifier's prompt for the probe `order`: its options in another order, and other templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.config import SystemConfig
from harness.errors import ConfigError
from harness.types import STANCES

TEMPLATES: dict[str, str] = {
    "template_1": "{article}\n\nStatement: {target}\nHow does {speaker} stand on it? Choose one: {options}.",
    "template_2": "{article}\n\nStatement: {target}\nAccording to the article, does {speaker} agree? Answer with {options}.",
    "template_3": "{article}\n\nStatement: {target}\nSpeaker: {speaker}\nStance ({options}):",
    "template_4": "{article}\n\nWhat does {speaker} think of the following, by the article? {target}\nOptions: {options}.",
    "template_5": "{article}\n\nQuestion: is {speaker} for or against this proposition?\n{target}\nAnswer: {options}.",
}
"""Prompts by variant, the article first, so that all of them share its computation; {options} are the system's own words."""

ORDERS: dict[str, Callable[[list[str]], list[str]]] = {
    "options_reversed": lambda words: words[::-1],
    "options_rotated": lambda words: words[3:] + words[:3],
}
"""Orders of the options by variant."""

PROMPTED = ("causal_choice", "causal_generated", "endpoint")
"""Adapters whose prompt names its options."""


def reworded(section: SystemConfig, variant: str) -> SystemConfig:
    """The system with another prompt; ConfigError where it has none, or none that names its options in the usual order."""
    options = section.options
    prompt = options.get("prompt")
    other = options.get("ask", "pair") != "pair" or options.get("api") == "systemone"
    if section.adapter not in PROMPTED or not isinstance(prompt, str) or other:
        raise ConfigError(f"{section.name} has no prompt that could be put otherwise", hint="leave out probe=order")
    words = [str(options.get("answers", {}).get(label, label.replace("_", " "))) for label in STANCES]
    placed = "{options}" in prompt
    listed = _listed(words)
    if variant in TEMPLATES:
        shown = "{options}" if placed else listed
        # lettered options are lines of their own
        template = TEMPLATES[variant]
        changed = (
            template.replace(": {options}.", ":\n{options}\nAnswer with the letter alone.") if placed else template
        )
        changed = changed.replace("{options}", shown)
    elif placed:
        changed, options = prompt, {**options, "answers": _reordered(options.get("answers", {}), variant)}
        if options["answers"] == section.options.get("answers"):
            raise ConfigError(f"{section.name}: its options have one order only", hint="leave out this variant")
    elif listed in prompt:
        changed = prompt.replace(listed, _listed(ORDERS[variant](words)))
    else:
        raise ConfigError(
            f"{section.name}: its prompt does not list its answers as {listed!r}", hint="leave out this variant"
        )
    return SystemConfig.model_validate(
        {"name": section.name, "adapter": section.adapter, "description": section.description}
        | options
        | {"prompt": changed}
    )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f", or {words[-1]}"


def _reordered(answers: dict[str, Any], variant: str) -> dict[str, Any]:
    return {name: answers[name] for name in ORDERS[variant](list(answers))}
