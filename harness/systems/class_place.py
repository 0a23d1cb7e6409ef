"""Loads a class by where it is: `file.py:Class` or `package.module:Class`. Loading runs the code that stands there."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import ConfigError, nearest_hint


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


def _file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise ConfigError(f"there is no file {path}", hint="write the path of the file, then a colon and the class")
    loaded = sys.modules.get(path.stem)
    if loaded is not None and Path(getattr(loaded, "__file__", None) or ".").resolve() == path:
        return loaded
    if loaded is not None or path.stem in sys.stdlib_module_names:
        raise ConfigError(f"{path.name} is called as another module is", hint="give the file another name")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # its own classes are looked up by this name; files beside it can be imported
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[path.stem]
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ConfigError(
            f"{path.name}{line}: loading it raised {type(error).__name__}: {error}", hint="mend what raises it"
        ) from None
    finally:
        sys.path.remove(str(path.parent))
    return module


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        hint = f"install its package here, or write the path of the file: {name.rpartition('.')[2]}.py:Class"
        raise ConfigError(f"there is no module {name}: {error}", hint=hint) from None
