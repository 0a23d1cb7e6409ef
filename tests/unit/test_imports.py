"""Imports point one way and in no circle, heavy libraries stay off the fast path, no folder shadows another package."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

PACKAGE = Path(__file__).parents[2] / "harness"

LAYERS = [
    {"errors"},
    {"runtime"},
    {"types"},
    {"config", "text", "metrics", "stats"},
    {"data", "models", "results"},
    {"scoring"},
    {"systems"},
    {"verify", "curate"},
    {"runs"},
    {"report"},
    {"web", "cli"},
]
"""A module imports from its own layer and those before it, also where only a type checker looks; `report` may import
less, see below. A name is a folder's, or a file's at the top of the package."""

RANK = {name: i for i, layer in enumerate(LAYERS) for name in layer}

MOST_ENTRIES, MOST_LINES = 18, 400
"""Of the top of the package, and of a module: what a stranger can still take in."""

HYDRA_HOMES = {"runs/composition.py", "runs/interpolations.py"}
HEAVY = {"torch", "transformers", "sklearn", "scipy", "datasets", "pandas", "sumy", "vaderSentiment"}
EFFECTS = {"os", "pathlib", "subprocess", "requests", "httpx"}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_share" not in p.parts)


def dotted(path: Path) -> str:
    return ".".join(("harness", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def imports_of(path: Path, *, when_loaded: bool = False) -> set[str]:
    """Dotted names of all that a module imports: at its top, in its functions and for the type checker alone.

    `from a import b` counts as `a` and `a.b`, whichever of the two is the module. With `when_loaded`, only what is
    imported as soon as the module is.
    """
    names: set[str] = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), when_loaded=when_loaded):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: an import relative to the folder"
            assert not node.level, f"{path}: an import relative to the folder"
            names |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return names


def _nodes(node: ast.AST, *, when_loaded: bool) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not (when_loaded and (typing_only or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))):
            yield from _nodes(child, when_loaded=when_loaded)


def units_of(names: Set[str]) -> set[str]:
    """Folders and top files of the package among imported names; `harness` alone is its public face."""
    return {name.split(".")[1] for name in names if name.startswith("harness.")} - {"__version__"}


def unit(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def import_graph() -> dict[str, set[str]]:
    """Which modules of the package each one imports; the package's own face, which offers what is far below, is left out."""
    names = {dotted(p): p for p in modules()}
    edges: dict[str, set[str]] = {name: set() for name in names if name != "harness"}
    for name in edges:
        for imported in imports_of(names[name]):
            module = imported if imported in edges else imported.rpartition(".")[0]
            if module in edges and module != name:
                edges[name].add(module)
    return edges


def circles(graph: Mapping[str, Set[str]]) -> list[set[str]]:
    """Sets of modules of which each reaches every other along imports."""
    names = sorted(graph)
    index = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), dtype=np.int8)
    for name, imported in graph.items():
        matrix[index[name], [index[i] for i in imported]] = 1
    count, labels = connected_components(csr_array(matrix), directed=True, connection="strong")
    components = [{names[i] for i in np.flatnonzero(labels == k)} for k in range(count)]
    return [component for component in components if len(component) > 1]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    home = unit(path)
    if home == "__init__":
        return
    assert home in RANK, f"{home} has no layer: add it to LAYERS and to docs/architecture.md"
    for other in units_of(imports_of(path)) - {home}:
        assert other in RANK, f"{path} imports {other}, which has no layer"
        assert RANK[other] <= RANK[home], f"{home} imports {other}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = [sorted(circle) for circle in circles(import_graph())]
    assert not found, f"these import each other, so that none can be read or moved alone: {found}"


def test_a_stranger_can_take_in_the_top_and_every_module() -> None:
    top = [p.name for p in PACKAGE.iterdir() if p.name not in {"__init__.py", "__pycache__", "_share", "py.typed"}]
    assert len(top) <= MOST_ENTRIES, sorted(top)
    long = {dotted(p): n for p in modules() if (n := len(p.read_text(encoding="utf-8").splitlines())) > MOST_LINES}
    assert not long


def test_a_circle_is_told_from_a_way_with_two_ends() -> None:
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": {"d"}, "d": {"b"}, "e": {"a", "d"}}
    assert circles(graph) == [{"b", "c", "d"}]
    assert circles(graph | {"d": set()}) == []


def test_two_modules_alone_import_hydra() -> None:
    users = {
        p.relative_to(PACKAGE).as_posix()
        for p in modules()
        if {i.split(".")[0] for i in imports_of(p)} & {"hydra", "omegaconf"}
    }
    assert users == HYDRA_HOMES


def test_reports_show_what_is_stored_and_ask_and_score_nothing() -> None:
    for path in modules():
        if unit(path) == "report":
            imported = imports_of(path)
            assert not {i.split(".")[0] for i in imported} & {"torch", "transformers"}, path
            assert not units_of(imported) & {"runs", "systems", "models", "scoring"}, path


def test_pure_packages_do_no_io() -> None:
    for path in modules():
        if unit(path) in {"metrics", "stats", "text"}:
            assert not {i.split(".")[0] for i in imports_of(path)} & EFFECTS, path


def test_heavy_libraries_are_imported_inside_functions() -> None:
    for path in modules():
        assert not {i.split(".")[0] for i in imports_of(path, when_loaded=True)} & HEAVY, path


def test_data_folders_are_no_packages() -> None:
    for name in ("datasets", "seeds"):
        assert not list((PACKAGE.parent / name).rglob("*.py")), "a package called datasets would shadow Hugging Face's"


def test_the_package_offers_functions_whatever_was_imported_before() -> None:
    for module in ("harness.report.compare", "harness.runs.sweep"):
        import_module(module)
    for _ in range(2):
        from harness import compare, load_dataset, load_runs, run

        assert all(callable(f) for f in (compare, load_dataset, load_runs, run))
