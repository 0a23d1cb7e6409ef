"""Loads a class by where it is: `file.py:Class` or `package.module:Class`. Loading runs the code that stands there."""

from __future__ import annotations

import hashlib
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import ConfigError, nearest_hint
from harness.systems.base import Kind, System

USER_MODULE = "harness_user_"
"""How the names of the modules begin that are made of such files."""


def class_at(place: str) -> Any:
    """What stands at the place; ConfigError where the file, the module or the name is missing, or its code raises."""
    where, colon, name = place.rpartition(":")
    if not colon or not where or not name:
        raise ConfigError(f"{place!r} names no class", hint="write file.py:Class or package.module:Class")
    module = _file(Path(where).expanduser()) if where.endswith(".py") else _module(where)
    if not hasattr(module, name):
        classes = [
            n for n, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__
        ]
        raise ConfigError(
            f"{where} has no class {name!r}",
            hint=nearest_hint(name, classes) + f"it has: {', '.join(classes) or 'none'}",
        )
    return getattr(module, name)


def system_at(kind: Kind, place: str) -> tuple[type[System], str | None]:
    """The class of a system of that kind, and what fingerprints call one that stands in a file: the hash of the file, so
    that an edited file never meets old answers. ConfigError where the class is no such system."""
    cls = class_at(place)
    if not (isinstance(cls, type) and issubclass(cls, System)):
        raise ConfigError(f"{place} is no subclass of System", hint="class Mine(System), from harness.systems.base")
    if cls.kind != kind:
        raise ConfigError(f"{place} is a system of kind {cls.kind}, not {kind}", hint=f"use {cls.kind}.class={place}")
    where, _, name = place.rpartition(":")
    return cls, f"file:{_digest(Path(where).expanduser())}:{name}" if where.endswith(".py") else None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"there is no file {path}", hint="write the path of the file, then a colon and the class")
    # by its content, so that an edited file is loaded anew and no file is taken for another of its name
    name = f"{USER_MODULE}{_digest(path)[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # dataclasses and pickles look their module up by name
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        hint = "mend what raises it"
        if isinstance(error, ModuleNotFoundError) and (path.parent / f"{error.name}.py").is_file():
            # its answers are found again by the hash of this one file
            hint = f"put {error.name}.py into the same file, or make a package of both and install it"
        raise ConfigError(f"{path.name}{line}: loading it raised {type(error).__name__}: {error}", hint=hint) from error
    return module


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        hint = f"install its package here, or write the path of the file: {name.rpartition('.')[2]}.py:Class"
        raise ConfigError(f"there is no module {name}: {error}", hint=hint) from None
