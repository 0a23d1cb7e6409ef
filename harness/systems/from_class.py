"""A system by the file that its class stands in, `my.py:Mine`: code of a user's own, run only where the config allows it."""

from __future__ import annotations

import hashlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from harness.errors import ConfigError
from harness.systems.base import Kind, System

USER_MODULE = "harness_user_"
"""How the names of the modules begin that are made of such files."""


def class_of_file(kind: Kind, place: str) -> tuple[type[System], str]:
    """The class, and what fingerprints call it: the hash of the file, so that an edited file never meets old answers.

    The whole file runs. ConfigError where there is no such file or class, or the class is no system of that kind.
    """
    file, _, name = place.rpartition(":")
    path = Path(file).expanduser()
    if not file or not path.is_file():
        raise ConfigError(
            f"{kind}.class={place}: no file {file or place!r}", hint="write FILE.py:CLASS, such as my.py:Mine"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    module_name = f"{USER_MODULE}{digest[:16]}"
    module = sys.modules.get(module_name)
    if module is None:
        spec = spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise ConfigError(f"{kind}.class={place}: {path.name} is no Python file", hint="its name ends in .py")
        module = module_from_spec(spec)
        # dataclasses and pickles look their module up by name
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise ConfigError(f"{path}: {type(error).__name__}: {error}", hint=f"python {path} shows where") from error
    cls = getattr(module, name, None)
    if not (isinstance(cls, type) and issubclass(cls, System)):
        names = sorted(
            n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, System) and v is not System
        )
        raise ConfigError(f"{path} has no system {name!r}", hint=f"it has: {', '.join(names) or 'none'}")
    if cls.kind != kind:
        raise ConfigError(f"{place} is a system of kind {cls.kind}, not {kind}", hint=f"use {cls.kind}.class={place}")
    return cls, f"file:{digest}:{name}"
