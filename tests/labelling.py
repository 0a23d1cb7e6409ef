"""The labelling page for tests: a dataset to label, the real server in a process of its own, calls with its token."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEXT = (
    "The river council meets\n\n"
    "Minister Ada Brandt 👩🏽‍⚖️ demanded that the gates be shut. General Olm warned that shutting them would bring war.\n\n"
    "In the cafe\u0301 of Ferris nobody asked for war. “No,” said Brandt, “and again no.”\n"
)

FRESH = """\
# drafted by hand
id: {id}
title: The river council meets
text: |
{text}
event: {id}   # one event an article
source: {{kind: fictional}}
targets:
- {{id: escalation, proposition: "The speaker's own side should raise the conflict's intensity or scope."}}
speakers: []
"""


def write_fresh(folder: Path, ids: tuple[str, ...] = ("fresh-one",)) -> Path:
    """A dataset of articles that nobody has labelled: text, the target `escalation`, no speakers."""
    (folder / "articles").mkdir(parents=True)
    (folder / "dataset.yaml").write_text("name: river\nversion: 1\nlicence: CC0-1.0\n", encoding="utf-8")
    (folder / "GUIDELINES.md").write_text(
        "# Rules\n\nLabel what the **text** says.\n\n- one\n- two\n", encoding="utf-8"
    )
    indented = "".join(f"  {line}\n" if line else "\n" for line in TEXT.rstrip("\n").split("\n"))
    for name in ids:
        content = FRESH.format(id=name, text=indented.rstrip("\n"))
        (folder / "articles" / f"{name}.yaml").write_text(content, encoding="utf-8")
    return folder


class Server:
    """A running `harness label`; `url` is what it printed, `call` speaks to it as the page does."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        self.base, self.token = url.split("/#")
        self.port = int(self.base.rsplit(":", 1)[1])

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Exactly these headers (and Host, unless given); status, body, headers in lower case."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read(), {k.lower(): v for k, v in response.getheaders()}
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """JSON there and back, with the token."""
        raw = None if body is None else json.dumps(body).encode()
        sent = {"X-Token": self.token, "Content-Type": "application/json", **headers}
        status, answer, _ = self.request(method, path, raw, sent)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer.decode()


@contextmanager
def label_server(folder: Path, *args: str) -> Iterator[Server]:
    """`harness label FOLDER ...` until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "label", str(folder), *args],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder.parent,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), url
        yield Server(process, url)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def span(text: str, words: str) -> dict[str, Any]:
    """Evidence as the page sends it."""
    start = text.index(words)
    return {"start": start, "end": start + len(words), "text": words}
