"""Imports point one way, heavy libraries stay off the fast path, and no folder shadows another package."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "harness"

LAYERS = [
    {"types", "errors", "files", "secrets"},
    {"config", "metrics", "stats", "records", "store", "paths", "environment", "progress"},
    {"data", "models"},
    {"systems"},
    {"selection", "predict", "preserve", "found", "scoring", "verify", "executors", "curate"},
    {"job", "dry", "rescore", "report", "listing", "results"},
    {"runs"},
    {"web", "cli_base", "cli_data", "cli_results", "cli"},
]
"""A module imports from its own layer and those before it; `report` and `models` have rules of their own below."""

RANK = {name: i for i, layer in enumerate(LAYERS) for name in layer}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_share" not in p.parts)


def imports_of(path: Path, *, top_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(n)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for n in ast.walk(node)
    }
    nodes = tree.body if top_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def unit(path: Path) -> str:
    return _family("harness." + path.relative_to(PACKAGE).parts[0].removesuffix(".py"))


def _family(name: str) -> str:
    own = name.split(".")[1]
    return next((family for family in ("verify", "results") if own.startswith(f"{family}_")), own)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    own = unit(path)
    if own == "__init__":
        return
    assert own in RANK, f"{own} has no layer: add it to LAYERS and to docs/architecture.md"
    for name in imports_of(path):
        if name.startswith("harness.") and (other := _family(name)) != own:
            assert RANK[other] <= RANK[own], f"{own} imports {other}"


def test_only_run_imports_hydra() -> None:
    users = {unit(p) for p in modules() if any(i.split(".")[0] in {"hydra", "omegaconf"} for i in imports_of(p))}
    assert users == {"runs"}


def test_report_reads_records_and_never_torch() -> None:
    for path in modules():
        if unit(path) == "report":
            for name in imports_of(path):
                assert name.split(".")[0] not in {"torch", "transformers"}, path
                assert not name.startswith(("harness.systems", "harness.models", "harness.job", "harness.predict")), (
                    path
                )


def test_pure_packages_do_no_io() -> None:
    for path in modules():
        if unit(path) in {"metrics", "stats"}:
            assert not imports_of(path) & {"os", "pathlib", "subprocess", "requests", "httpx"}, path


def test_heavy_libraries_are_imported_inside_functions() -> None:
    light = {
        "cli",
        "runs",
        "job",
        "predict",
        "config",
        "records",
        "store",
        "data",
        "systems",
        "report",
        "types",
        "errors",
    }
    heavy = {"torch", "transformers", "sklearn", "scipy", "datasets", "pandas", "sumy", "vaderSentiment"}
    for path in modules():
        if unit(path) in light:
            assert not {i.split(".")[0] for i in imports_of(path, top_only=True)} & heavy, path


def test_data_folders_are_no_packages() -> None:
    for name in ("datasets", "seeds"):
        assert not list((PACKAGE.parent / name).rglob("*.py")), "a package called datasets would shadow Hugging Face's"


def test_the_package_offers_functions_whatever_was_imported_before() -> None:
    for module in ("harness.report.compare", "harness.runs"):
        import_module(module)
    for _ in range(2):
        from harness import compare, load_dataset, load_runs, run

        assert all(callable(f) for f in (compare, load_dataset, load_runs, run))
