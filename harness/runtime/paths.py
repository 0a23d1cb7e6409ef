"""Where configs and datasets are found: the working folder first, then the checkout, then what the wheel carries."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ConfigError, nearest_hint

PACKAGE = Path(__file__).parents[1]
CHECKOUT = PACKAGE.parent


def is_checkout() -> bool:
    """Whether the harness runs from a checkout of the project, and not from an installed wheel."""
    return (CHECKOUT / "pyproject.toml").exists()


def shared_roots() -> list[Path]:
    """Folders that may hold `configs/` and `datasets/`, best first."""
    roots = [Path.cwd()]
    if is_checkout():
        roots.append(CHECKOUT)
    roots.append(PACKAGE / "_share")
    return roots


def config_dir() -> Path:
    """The folder of the Hydra configs that come with the harness (a working folder of one's own adds to it by --config-dir)."""
    for root in shared_roots()[1:]:
        if (root / "configs" / "run.yaml").exists():
            return (root / "configs").resolve()
    raise ConfigError("the harness's configs are missing", hint="reinstall stance-harness")


def home_path(text: str) -> Path:
    """The path that a text names, with the home folder for `~`; a home that nobody has is taken as it is written."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder: none of a name that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def dataset_path(name: str) -> Path:
    """A path as given if it exists, else `datasets/<name>` under the shared roots."""
    path = Path(name)
    if is_there(path):
        return path
    for root in shared_roots():
        folder = root / "datasets" / name
        if is_there(folder):
            return folder
    names = sorted({p.name for root in shared_roots() for p in (root / "datasets").glob("*") if p.is_dir()})
    raise ConfigError(
        f"no dataset at {name!r}: no such file or folder",
        hint=nearest_hint(name, names) + f"known: {', '.join(names) or 'none'}; or give a path",
    )
