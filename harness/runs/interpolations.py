"""Interpolations of configs (`${field}`): none reaches the environment, and what cannot be resolved is explained."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import ConfigError, HarnessError, nearest_hint

_FULL_ERROR = "HYDRA_FULL_ERROR"
"""Environment variable by which Hydra hands on what it would print as a traceback."""


def _refused(variable: object, *_default: object) -> Any:
    raise ConfigError(
        f"${{oc.env:{variable}}}: a config takes no values from the environment: they would be stored and printed",
        hint='let the shell fill it in (results="$HOME/x"); a key stays out of configs: api_key_env=NAME names its variable',
    )


@contextmanager
def environment_closed() -> Iterator[None]:
    """While it lasts, `${oc.env:NAME}` is refused wherever a config or an override has it.

    Raises ConfigError with the plain reason for everything that Hydra and OmegaConf refuse.
    """
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from omegaconf.resolvers import oc

    before = os.environ.get(_FULL_ERROR)
    os.environ[_FULL_ERROR] = "1"
    OmegaConf.register_new_resolver("oc.env", _refused, replace=True)
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise explained(error) from error
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
        os.environ.pop(_FULL_ERROR)
        if before is not None:
            os.environ[_FULL_ERROR] = before


def explained(error: BaseException) -> ConfigError:
    """What Hydra or OmegaConf refuses, as an error of the harness: the reason that was ours, if there is one, else theirs."""
    from hydra.errors import MissingConfigException

    field = getattr(error, "full_key", None)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, HarnessError):
        field = field or getattr(cause, "full_key", None)
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, HarnessError):
        return ConfigError(f"{field}: {cause.message}" if field else cause.message, hint=cause.hint)
    if isinstance(error, MissingConfigException) and error.options:
        group, _, name = (error.missing_cfg_file or "").rpartition("/")
        hint = nearest_hint(name, list(error.options)) + ", ".join(error.options)
        return ConfigError(f"there is no {group} called {name!r}", hint=hint)
    lines = dict.fromkeys(str(e).strip() for e in (error, error.__cause__) if e is not None)
    return ConfigError("\n".join(filter(None, lines)) or type(error).__name__)
