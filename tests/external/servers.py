"""Real annotation servers for a check outside `make test`: an environment, a process, requests, and what changed."""

from __future__ import annotations

import http.cookiejar
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.data.load import load_dataset
from harness.types import Annotation

WAIT = 300
"""Seconds until a server answers or a job is done."""


def venv(folder: Path, *packages: str, python: str = sys.executable) -> Path:
    """The Python of a new environment with the packages."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *packages], check=True)
    return folder / "bin" / "python"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def until(ready: Callable[[], Any]) -> Any:
    """The first value that is not None; TimeoutError after `WAIT` seconds."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        value = ready()
        if value is not None:
            return value
        time.sleep(0.5)
    raise TimeoutError(f"not ready in {WAIT} s")


class Client:
    """Requests to one server, with its cookies."""

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self._base, self._headers = base, headers
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def bytes(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> bytes:
        """The answer's body; urllib.error.HTTPError for a refusal."""
        headers = {**self._headers, "Content-Type": content_type, "Referer": self._base}
        for cookie in self._cookies:
            if cookie.name == "csrftoken":
                headers["X-CSRFToken"] = str(cookie.value)
        request = urllib.request.Request(self._base + path, method=method, data=body, headers=headers)
        with self._opener.open(request) as answer:
            return bytes(answer.read())

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer to a JSON body."""
        return json.loads(self.bytes(method, path, None if body is None else json.dumps(body).encode()))


def form(field: str, name: str, content: bytes) -> tuple[bytes, str]:
    """A form with one file, and its content type."""
    border = uuid.uuid4().hex
    head = f'--{border}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"


@contextmanager
def started(
    command: list[str], environment: dict[str, str], client: Client | None = None, path: str = "/"
) -> Iterator[None]:
    """A server while the block runs, once it answers at `path`."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool | None:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}")
        try:
            return client is None or bool(client.bytes("GET", path))
        except urllib.error.HTTPError:
            return True
        except OSError:
            return None

    try:
        until(answers)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def changes(before: Path, after: Path) -> int:
    """How many gold stances differ, with a line that says so."""
    back = {article.id: article for article in load_dataset(after)}

    def stances(layer: Annotation | None) -> dict[tuple[str, str], str]:
        return {(s.speaker, s.target): str(s.stance) for s in layer.stances} if layer else {}

    total = changed = turned = 0
    for article in load_dataset(before):
        now = stances(back[article.id].gold) if article.id in back else {}
        for pair, stance in stances(article.gold).items():
            total += 1
            changed += now.get(pair) != stance
            turned += stance != "no_stance" and now.get(pair) == "no_stance"
    print(f"gold {total}: {changed} stances changed, {turned} of them became no_stance")
    return changed
