"""Configs composed by Hydra: every job of a sweep once, from files that are read once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import chain
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, HarnessError
from harness.runs.interpolations import environment_closed, explained
from harness.runs.overrides import MULTIRUN, quoted, split_flags
from harness.runtime.paths import config_dir

if TYPE_CHECKING:
    from hydra._internal.config_repository import CachingConfigRepository
    from hydra.core.override_parser.types import Override

LAUNCHERS = re.compile(r"[~+]*hydra(/launcher=|\.launcher\.)")
"""Words that choose and set a launcher."""


def composed(words: Sequence[str]) -> list[tuple[dict[str, Any], list[str]]] | None:
    """The config of every job that prepared words name, each composed once; None where Hydra itself has to run them.

    What a job's groups choose is put together once for all jobs that choose alike, its fields are then set in a copy: a
    sweep over seeds or limits composes one config. Raises ConfigError for what Hydra refuses, before anything runs.
    """
    import hydra
    from hydra._internal.config_repository import CachingConfigRepository
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    flags, overrides = split_flags(words)
    if not MULTIRUN.issuperset(flags) or any(re.match(r"[~+]*hydra\b", o) or "${hydra:" in o for o in overrides):
        return None
    with environment_closed(), hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        parser = OverridesParser.create(config_loader=loader)
        sweep = loader.load_configuration("run", overrides, RunMode.MULTIRUN, validate_sweep_overrides=False)
        plugins = (sweep.hydra.launcher._target_, sweep.hydra.sweeper._target_)
        if not all(place.startswith("hydra._internal.core_plugins.basic_") for place in plugins):
            return None
        jobs = [overrides]
        if flags or sweep.hydra.mode == RunMode.MULTIRUN:
            swept = [f"{name}={values}" for name, values in (sweep.hydra.sweeper.get("params") or {}).items()]
            [jobs] = BasicSweeper.split_arguments(parser.parse_overrides([*swept, *overrides]), None)
        files = CachingConfigRepository(loader.repository)
        parsed = {word: parser.parse_override(word) for word in dict.fromkeys(chain.from_iterable(jobs))}
        chosen = {word for word, override in parsed.items() if files.group_exists(override.key_or_group)}
        bases: dict[tuple[str, ...], Any] = {}
        configs = []
        for job in jobs:
            loader.validate_sweep_overrides_legal([parsed[word] for word in job], RunMode.RUN, from_shell=True)
            choices = tuple(word for word in job if word in chosen)
            if choices not in bases:
                bases[choices] = _base([parsed[word] for word in choices], loader, files)
            config = deepcopy(bases[choices])
            loader._apply_overrides_to_config([parsed[word] for word in job if word not in chosen], config)
            OmegaConf.copy_cache(sweep, config)
            configs.append(_resolved(config, job))
        return configs


def _base(choices: Sequence[Override], loader: Any, files: CachingConfigRepository) -> Any:
    """What these choices of groups compose, as Hydra's loader does it, but for Hydra's own settings, which no job reads."""
    from hydra._internal.defaults_list import Overrides, _create_defaults_list
    from omegaconf import OmegaConf, open_dict

    groups = Overrides(repo=files, overrides_list=list(choices))
    defaults, _ = _create_defaults_list(files, "run", groups, prepend_hydra=False, skip_missing=False)
    for name, use in groups.override_metadata.items():
        use.used |= name.startswith("hydra/")
    groups.ensure_overrides_used()
    groups.ensure_deletions_used()

    def copied(config_path: str) -> Any:
        # OmegaConf takes the nodes that it merges, and changes them
        result = files.load_config(config_path)
        return result and replace(result, config=deepcopy(result.config))

    copies = SimpleNamespace(load_config=copied, get_schema_source=files.get_schema_source)
    config = loader._compose_config_from_defaults_list(defaults, copies)
    OmegaConf.set_struct(config, True)
    loader._apply_overrides_to_config(groups.config_overrides, config)
    with open_dict(config):
        del config["hydra"]
    return config


def _resolved(cfg: Any, overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The composed config as plain data, and the overrides that led to it, as a user would write them."""
    from omegaconf import OmegaConf

    raw = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(raw, dict)
    return {str(k): v for k, v in raw.items()}, [o.removeprefix("++") for o in overrides]


def launcher_of(words: Sequence[str]) -> dict[str, Any] | None:
    """The config of the launcher that the words choose, if it is one of ours; every other one is Hydra's."""
    if not any(word.startswith("hydra/launcher=") for word in words):
        return None
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from harness.runs.launch import TARGET

    with environment_closed(), hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        config = loader.load_configuration("run", list(filter(LAUNCHERS.match, words)), RunMode.MULTIRUN)
        fields: Any = OmegaConf.to_container(config.hydra.launcher)
    return fields if str(fields["_target_"]).startswith(TARGET) else None


def run_by_hydra(
    words: Sequence[str],
    run: Callable[[dict[str, Any], list[str]], None],
    refuse: Callable[[str, HarnessError], None],
) -> None:
    """What only Hydra's own program does: its flags, another launcher or sweeper, a folder of further configs."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    @hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="run")
    def job(cfg: Any) -> None:
        words_of_job = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
        assert isinstance(words_of_job, list)
        try:
            resolved = _resolved(cfg, words_of_job)
        except OmegaConfBaseException as error:
            refuse(" ".join(o.removeprefix("++") for o in words_of_job), explained(error))
            return
        run(*resolved)

    # hydra keeps a copy of a sweep's config, secrets and all: it goes when the sweep ends
    with TemporaryDirectory() as folder:
        argv, sys.argv = sys.argv, ["harness run", *words, f"hydra.sweep.dir={folder}"]
        try:
            with environment_closed():
                job()
        finally:
            sys.argv = argv


def readable(words: list[str]) -> list[str]:
    """The words, each of which Hydra's grammar can read; ConfigError says how to quote one that it cannot."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in split_flags(words)[1]:
        try:
            parser.parse_override(word)
        except HydraException:
            name, _, value = word.lstrip("+").partition("=")
            raise ConfigError(
                f"{name}={value}: this value has signs that mean something to Hydra",
                hint=f'quote it twice, once for the shell: "{name}={quoted(value)}"',
            ) from None
    return words
