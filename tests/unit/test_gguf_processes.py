"""Two processes that need one GGUF file converted, with an empty cache: one conversion stands, whole, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LOADER = """
import os, sys, time
from pathlib import Path

from harness.models import gguf
from harness.models.source import resolve

log, release = Path(sys.argv[2]), Path(sys.argv[3])

def convert(source, folder):
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"half")
    with log.open("a") as stream:
        stream.write(f"{os.getpid()}\\n")
    while not release.exists():
        time.sleep(0.01)
    (folder / "model.safetensors").write_bytes(b"whole, by %d" % os.getpid())

gguf._convert = convert
print("ready", flush=True)
sys.stdin.readline()
print("asks", flush=True)
folder = resolve(sys.argv[1]).folder()
print(folder)
print((folder / "model.safetensors").read_text())
"""

Loader = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[Loader]:
    """Starts a process that is ready to load the file, and waits for a line to do it."""
    # big enough for its hash to be remembered: that memory is raced for, too
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF" + bytes(1 << 20))
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", LOADER, "tiny.gguf", "log", "release"],
            cwd=tmp_path,
            env={**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert said(process) == "ready"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ask(*processes: subprocess.Popen[str]) -> None:
    """All at once."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        assert said(process) == "asks"


def converters(tmp_path: Path, n: int) -> list[int]:
    """Process ids of the first conversions that began, as soon as there are `n`."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        log = tmp_path / "log"
        found = [int(line) for line in log.read_text().split()] if log.exists() else []
        if len(found) >= n:
            return found
        time.sleep(0.01)
    raise AssertionError("no conversion began")


def cached(tmp_path: Path) -> list[str]:
    """What is in the cache folder, locks apart."""
    names = (str(p.relative_to(tmp_path / "cache")) for p in (tmp_path / "cache").rglob("*") if p.is_file())
    return sorted(name for name in names if not name.endswith(".lock"))


def test_one_of_two_processes_converts_and_both_get_the_whole_folder(loader: Loader, tmp_path: Path) -> None:
    processes = [loader(), loader()]
    ask(*processes)
    converters(tmp_path, 1)
    # the other has time to come to the door, and to walk in if it were open
    time.sleep(0.5)
    (tmp_path / "release").touch()
    [one, other] = [process.communicate(timeout=60)[0].split("\n") for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    [winner] = converters(tmp_path, 1)
    assert one == other
    folder = Path(one[0])
    assert one[1] == f"whole, by {winner}"
    inside = folder.relative_to(tmp_path / "cache")
    assert cached(tmp_path) == [f"{inside}/config.json", f"{inside}/model.safetensors", "hashes.json"]


@pytest.mark.parametrize("waiting", [True, False], ids=["while another waits", "before another comes"])
def test_a_killed_conversion_leaves_the_cache_usable(loader: Loader, tmp_path: Path, waiting: bool) -> None:
    first, second = loader(), loader()
    ask(first)
    assert converters(tmp_path, 1) == [first.pid]
    if waiting:
        ask(second)
    first.send_signal(signal.SIGKILL)
    first.wait()
    if not waiting:
        [half] = (tmp_path / "cache" / "converted").glob(".*/model.safetensors")
        assert half.read_bytes() == b"half"
        ask(second)
    assert converters(tmp_path, 2) == [first.pid, second.pid]
    (tmp_path / "release").touch()
    found = second.communicate(timeout=60)[0].split("\n")
    assert second.returncode == 0
    assert found[1] == f"whole, by {second.pid}"
    inside = Path(found[0]).relative_to(tmp_path / "cache")
    assert cached(tmp_path) == [f"{inside}/config.json", f"{inside}/model.safetensors", "hashes.json"]
