"""Words of the command line as Hydra takes them: in any order, paths of any kind, with errors that say what to write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from harness.errors import ConfigError, nearest_hint
from harness.runtime.paths import config_dir, home_path, is_there
from harness.runtime.secrets import secrets_in_overrides

_VALUED_FLAGS = frozenset(
    """
    --config-dir -cd --config-path -cp --config-name -cn --cfg -c --package -p --experimental-rerun
    """.split()  # noqa: SIM905
)
MULTIRUN = frozenset({"-m", "--multirun"})
"""The flags that ask for a sweep."""
_PATH = re.compile(r"(?:results|dataset\.path|(?:\w+\.)+(?:path|folder|file|class))$")
"""Fields that hold a path: what stands in one is never taken for Hydra's grammar."""
_HYDRAS = re.compile(r"""["'$\[{]|(?:choice|range|interval|glob|shuffle|sort|tag)\(""")
"""How a value begins that its writer meant for Hydra."""
_CLASS = re.compile(r"(summariser|stance|speakers|judge)\.class$")


def split_flags(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags with their values, and the overrides, each in their order: they may be typed in any.

    >>> split_flags(["stance=mine", "--config-dir", "D", "limit=2", "-m"])
    (['--config-dir', 'D', '-m'], ['stance=mine', 'limit=2'])
    """
    flags: list[str] = []
    overrides: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            overrides.append(word)
            continue
        flags.append(word)
        if word in _VALUED_FLAGS and (value := next(rest, None)) is not None:
            flags.append(str(home_path(value)) if "config-dir" in word or word == "-cd" else value)
    return flags, overrides


def prepared(words: Sequence[str]) -> list[str]:
    """The words as Hydra is given them: flags first, paths quoted, fields (not groups) by force (`limit=3` as `++limit=3`).

    By force because Hydra refuses every field that the composed config does not mention. So one that the chosen config leaves
    at its default can be set, and a misspelt one (`limt=3`) reaches `parse_run_config`, which names the nearest field; Hydra
    would advise to write `+limt=3`. ConfigError where Hydra's words help nobody: for a word without `=` ("missing EQUAL at
    '<EOF>'") and a group that does not exist ("use +metrics/bertscor=minilm"); and for a secret,
    which Hydra would quote. An option that a group does not have, or a sweep without `-m`, it explains well. A --config-dir
    may bring groups of its own. No choice of a group (`judge=null`, Python's `judge=None`) is its `none`.
    """
    if secrets := secrets_in_overrides(words):
        raise ConfigError("\n".join(secrets))
    flags, overrides = split_flags(words)
    sweeps = any(flag in MULTIRUN for flag in flags)
    groups = sorted(p.relative_to(config_dir()).as_posix() for p in config_dir().rglob("*") if p.is_dir())
    more_groups = any(flag.startswith(("--config-dir", "-cd")) for flag in flags)
    words_for_hydra = list(flags)
    for override in _with_absent_groups(overrides):
        name, equals, value = override.lstrip("+").partition("=")
        group = name.partition("@")[0]
        if group in groups and value == "null":
            if not (config_dir() / group / "none.yaml").exists():
                raise ConfigError(f"{override}: a {group} has to be chosen", hint="harness list systems names them")
            words_for_hydra.append(f"{override.removesuffix('null')}none")
        elif override.startswith("~") or group in groups or name.startswith(("hydra.", "hydra/")):
            words_for_hydra.append(override)
        elif not equals:
            raise ConfigError(f"{override!r} is no override", hint="write field=value, such as limit=5")
        elif "/" not in name and ("." in name or not more_groups):
            words_for_hydra.append(f"++{name}={path_value(value, sweeps) if _PATH.match(name) else value}")
        elif more_groups:
            words_for_hydra.append(override)
        else:
            hint = nearest_hint(group, groups) + f"known: {', '.join(groups)}"
            raise ConfigError(f"there is no group {group!r}", hint=hint)
    return words_for_hydra


def path_value(value: str, sweeps: bool = False) -> str:
    """A path as Hydra reads it: quoted, with the home folder for `~`. In a sweep commas part paths, unless there is a file
    or folder of the whole name. What begins like Hydra's own grammar (a quotation mark, `[`, `$`, `choice(`) stays.

    >>> path_value("Op-ed (final).txt"), path_value("a,b", sweeps=True)
    ("'Op-ed (final).txt'", 'a,b')
    """
    if not value or value in ("null", "???") or (_HYDRAS.match(value) and not is_there(Path(value))):
        return value
    if sweeps and "," in value and not is_there(home_path(value)):
        return ",".join(path_value(part.strip()) for part in value.split(","))
    path = str(home_path(value)) + ("/" if value.endswith("/") and len(value) > 1 else "")
    # an interpolation stays one: results=${dataset.path}/x
    return quoted(path if value.startswith("~") else value)


def quoted(text: str) -> str:
    """The text as Hydra's grammar reads it back: a plain word or path as it is, anything else in quotation marks, where only
    these, and backslashes before one, are escaped."""
    if re.fullmatch(r"(?:[A-Za-z_/]|\.\.?/)[A-Za-z0-9_/.+-]*", text) and text.lower() not in (
        "true",
        "false",
        "null",
        "nan",
        "inf",
    ):
        return text
    escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), text)
    return f"'{escaped}'"


def _with_absent_groups(overrides: Sequence[str]) -> list[str]:
    """Before a system that is named by its class (`stance.class=my.py:Mine`) the group's default goes: its options are not
    those of the class."""
    named = {o.lstrip("+").partition("=")[0] for o in overrides}
    roles = [m[1] for name in sorted(named) if (m := _CLASS.match(name)) and m[1] not in named]
    return [*(f"{role}=none" for role in roles), *overrides]
