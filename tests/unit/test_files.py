"""Files are read within bounds and written whole: devices, pipes, full disks, and folders that cannot be read."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.data.formats.base import parse_json
from harness.data.load import read_dataset
from harness.errors import DataError, HarnessError, Place, StoreError
from harness.results.contents import contents
from harness.results.records import read_records
from harness.runtime.files import listed, read_regular, write_text
from tests.conftest import ROOT, write_dataset

BAD_JSON = [b"9" * 5000, b"[" * 100_000, b'{"a":' * 5000, b"\xff", b'{"a": 1, "a": 2}', b"{", b""]


def test_only_regular_files_are_read_and_not_too_much_of_them(tmp_path: Path) -> None:
    (tmp_path / "device").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"x" * 11)
    (tmp_path / "link").symlink_to("long")
    for name in ("device", "pipe"):
        with pytest.raises(DataError, match="no regular file"):
            read_regular(tmp_path / name, 10)
    with pytest.raises(DataError, match="more than 10 bytes"):
        read_regular(tmp_path / "long", 10)
    assert read_regular(tmp_path / "link", 11) == b"x" * 11
    with pytest.raises(DataError, match="cannot be read"):
        read_regular(tmp_path / "nowhere", 10)


def test_devices_and_pipes_in_a_dataset_are_named(tmp_path: Path) -> None:
    river = write_dataset(tmp_path / "river")
    (river / "articles" / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(river / "articles" / "pipe.yaml")
    dataset, errors = read_dataset(river)
    assert len(dataset) == 3
    assert sorted(Path(e.place.file).name for e in errors) == ["pipe.yaml", "zero.yaml"]
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match="no regular file"):
        read_dataset(tmp_path / "pipe.jsonl")


@pytest.mark.parametrize("raw", BAD_JSON)
def test_json_that_decoders_stumble_over_is_refused(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        parse_json(raw, Place("a.json"))
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw + b"\n")
    assert read_dataset(path)[1], "each line is refused by its number"


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="runs cannot be read"):
        read_records(tmp_path)
    with pytest.raises(StoreError, match="runs cannot be read"):
        contents(tmp_path)
    assert listed(tmp_path / "nowhere") == []


def test_a_folder_without_permission_is_not_an_empty_one() -> None:
    me = os.geteuid()
    # not pytest's folder, which nobody else may enter
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        (Path(place) / "runs").mkdir(mode=0)
        if me == 0:
            # root may read everything: nobody may not
            os.seteuid(65534)
        try:
            with pytest.raises(StoreError, match="runs cannot be read: Permission denied"):
                read_records(Path(place))
        finally:
            os.seteuid(me)


def test_a_write_that_fails_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(StoreError, match=r"folder\.txt cannot be written"):
        write_text(tmp_path / "folder.txt", "x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="file cannot be made"):
        write_text(tmp_path / "file" / "below.txt", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.txt"]


WRITERS = [
    ["run", "summariser=lead3", "stance=none", "dataset.path=river", "split=all", "results=out"],
    ["data", "export", "-f", "jsonl", "river", "--out", "out.jsonl"],
    ["data", "export", "-f", "dna", "river", "--out", "out.dna"],
    ["data", "export", "-f", "huggingface", "river", "--out", "out"],
    ["data", "import", "-f", "jsonl", "whole.jsonl", "--out", "out"],
]


@pytest.mark.parametrize("words", WRITERS, ids=lambda words: "-".join(words[:4]))
def test_a_full_disk_is_said_without_a_traceback(words: list[str], tmp_path: Path) -> None:
    from harness.data.formats import format_named
    from harness.data.load import load_dataset

    river = write_dataset(tmp_path / "river")
    format_named("jsonl").save(load_dataset(river), tmp_path / "whole.jsonl", {})

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    command = [sys.executable, "-m", "harness.cli", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, preexec_fn=full, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
    assert issubclass(StoreError, HarnessError)


def bound_by_permissions() -> None:
    """Takes from root what lets it write everywhere; others are bound as they are."""
    drop_from_bounding_set, write_everywhere = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, write_everywhere, 0, 0, 0)


READ_ONLY = [
    *WRITERS,
    ["run", "summariser=lexrank", "stance=none", "dataset.path=river", "split=all", "results=done"],
    ["report", "--results", "done"],
    ["rescore", "--results", "done"],
    ["compare", "--results", "done", "lead3+majority", "lead3+sentiment", "--csv", "x.csv"],
    ["results", "merge", "done", "--into", "out"],
    ["data", "new", "note.txt", "--dataset", "river"],
    ["data", "order", "river"],
]


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a dataset, a table and results, in which nobody may write."""
    from harness.data.formats import format_named
    from harness.data.load import load_dataset
    from harness.runs import run

    folder = tmp_path_factory.mktemp("read_only")
    river = write_dataset(folder / "river")
    format_named("jsonl").save(load_dataset(river), folder / "whole.jsonl", {})
    (folder / "note.txt").write_text('A note\n\nAda Brandt said: "No."\n', encoding="utf-8")
    fields = {"dataset.path": str(river), "results": str(folder / "done"), "metrics.resamples": 100}
    run(summariser="lead3", stance=["majority", "sentiment"], judge=None, split="all", **fields)
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    yield folder
    for path in folders:
        path.chmod(0o755)


@pytest.mark.parametrize("words", READ_ONLY, ids=lambda words: "-".join(words[:4]).replace("/", "_"))
def test_a_read_only_folder_is_said_without_a_traceback(words: list[str], read_only: Path) -> None:
    before = sorted(read_only.rglob("*"))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=read_only,
        env=env,
        capture_output=True,
        text=True,
        preexec_fn=bound_by_permissions,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr or "cannot be made" in done.stderr
    assert sorted(read_only.rglob("*")) == before
