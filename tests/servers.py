"""A real HTTP server on this machine that misbehaves as told, for tests of endpoints; each test ends its own."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.batch_server import BatchServer

Behave = Callable[[str, int], str]
"""From the prompt and how often it has come (from 1) to what the server does; `say 400 TEXT` is a status and a body."""


def chat(text: str, logprobs: dict[str, float] | None = None, usage: bool = True) -> dict[str, Any]:
    """A chat completion as servers give it."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    if logprobs:
        top = [{"token": t, "logprob": v} for t, v in logprobs.items()]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    answer: dict[str, Any] = {"object": "chat.completion", "choices": [choice]}
    return answer | ({"usage": {"prompt_tokens": 100, "completion_tokens": 10}} if usage else {})


@dataclass
class Misbehaving:
    """What came in and how to reach it; `reply` makes the good answer to a request body."""

    behave: Behave
    reply: Callable[[dict[str, Any]], dict[str, Any] | bytes]
    url: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    now: int = 0
    batches: BatchServer | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


def prompt_of(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"] if "messages" in body else body.get("prompt", body.get("state")))


class _Handler(BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state: Misbehaving = self.server.state
        url = urlsplit(self.path)
        with state.lock:
            state.headers.append(dict(self.headers))
            status, content = (404, b"{}")
            if state.batches is not None:
                status, content = state.batches.get(url.path.removeprefix("/v1"), dict(parse_qsl(url.query)))
        self._send(status, content)

    def do_POST(self) -> None:
        state: Misbehaving = self.server.state
        content = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path.removeprefix("/v1")
        if path in ("/files", "/batches"):
            self._batch(state, path, content)
            return
        body = json.loads(content)
        prompt = prompt_of(body)
        with state.lock:
            state.seen[prompt] += 1
            state.bodies.append(body)
            state.headers.append(dict(self.headers))
            state.now += 1
            state.most_at_once = max(state.most_at_once, state.now)
            what = state.behave(prompt, state.seen[prompt])
        try:
            self._do(what, body, state)
        finally:
            with state.lock:
                state.now -= 1

    def _batch(self, state: Misbehaving, path: str, content: bytes) -> None:
        if state.batches is None:
            self._send(404, b'{"detail": "Not Found"}')
            return
        with state.lock:
            state.headers.append(dict(self.headers))
            response = state.batches.post(path, str(self.headers["Content-Type"]), content)
        if response is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            self._send(*response)

    def _do(self, what: str, body: dict[str, Any], state: Misbehaving) -> None:
        kind, _, detail = what.partition(" ")
        found = state.reply(body)
        good = found if isinstance(found, bytes) else json.dumps(found).encode()
        if kind == "ok":
            self._send(200, good)
        elif kind == "say":
            status, _, text = detail.partition(" ")
            self._send(int(status), text.encode())
        elif kind == "slow":
            time.sleep(float(detail))
            self._send(200, good)
        elif kind == "garbage":
            self._send(200, b"<html>\xff\xfe not json")
        elif kind == "empty":
            self._send(200, b"")
        elif kind == "shape":
            self._send(200, json.dumps({"choices": []}).encode())
        elif kind == "stream":
            self._send(200, b"data: " + good + b"\n\ndata: [DONE]\n\n", **{"Content-Type": "text/event-stream"})
        elif kind == "half":
            self._send(200, good[: len(good) // 2], **{"Content-Length": str(len(good))})
            self.close_connection = True
        elif kind == "nothing":
            state.stop.wait(20)
            self.close_connection = True
        elif kind == "drip":
            self._send(200, b"", **{"Content-Length": "1000"})
            while not state.stop.wait(0.02):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    break
        elif kind == "hangup":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            status, _, header = what.partition(" ")
            headers = {"Retry-After": header} if header else {}
            message = {"error": {"message": f"status {what} for {self.headers.get('Authorization')}"}}
            self._send(int(status), json.dumps(message).encode(), **headers)

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        return


@contextmanager
def serving(
    behave: Behave = lambda *_: "ok", reply: Callable[[dict[str, Any]], dict[str, Any] | bytes] = lambda _: chat("ok")
) -> Iterator[Misbehaving]:
    """The server, until the block ends."""
    state = Misbehaving(behave, reply)
    server: Any = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
