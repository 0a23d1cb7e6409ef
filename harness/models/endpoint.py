"""OpenAI-compatible servers: many requests at once, retried with patience; each gets an answer or the reason why not."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import ConfigError, EndpointError

if TYPE_CHECKING:
    import httpx

Api = Literal["chat", "completions"]

_PATHS: Mapping[Api, str] = {"chat": "chat/completions", "completions": "completions"}
_PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 that another attempt may not meet."""
_REFUSED = frozenset({400, 422})
_DROPPABLE = ("logprobs", "top_logprobs")
"""Fields that are left out when the server refuses them by name."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go and how patiently. The key itself is only ever in the environment."""

    base_url: str
    api: Api = "chat"
    api_key_env: str | None = None
    concurrency: int = 8
    timeout_s: float = 120.0
    attempts: int = 6
    backoff_s: float = 1.0
    longest_wait_s: float = 120.0

    def key(self) -> str | None:
        """The key, if the server wants one; ConfigError if its variable is not set."""
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env)
        if not key:
            raise ConfigError(
                f"the environment variable {self.api_key_env} is not set",
                hint=f"export {self.api_key_env}=...  (a server without keys: api_key_env=null)",
            )
        return key


@dataclass(frozen=True, slots=True)
class Completion:
    """What a server answered. `top_logprobs` are those of the first token by token, None where the server gives none;
    token counts are None where it reports no usage; `seconds` is the time of the attempt that succeeded."""

    text: str
    finish: str
    tokens_in: int | None
    tokens_out: int | None
    top_logprobs: Mapping[str, float] | None
    seconds: float
    attempts: int


class _PassingError(Exception):
    """An attempt failed in a way that the next one may not."""

    def __init__(self, reason: str, *, wait: float | None = None, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.unreachable = unreachable


class Client:
    """Sends requests to one server. Once it could not be reached at all, later requests are tried once each."""

    def __init__(
        self,
        server: Server,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.server = server
        self._sleep = sleep
        self._draw = draw
        self._unreachable = False
        self._resume_at = 0.0
        self._refused = False

    def complete(self, bodies: Sequence[Mapping[str, Any]]) -> list[Completion | EndpointError]:
        """An answer to each request body, in order, or the error that stands for it; ConfigError if the key is missing.

        At most `concurrency` requests are under way. 408, 409, 425, 429, any 5xx, a broken connection, a timeout and an
        answer that cannot be read are tried again, up to `attempts` times, after a jittered exponential wait, or after
        what `Retry-After` asks for (all requests then wait). Anything else fails at once.
        """
        key = self.server.key()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._all(bodies, key))
        # a notebook has a loop of its own
        found: list[Completion | EndpointError] = []
        thread = threading.Thread(target=lambda: found.extend(asyncio.run(self._all(bodies, key))))
        thread.start()
        thread.join()
        if len(found) != len(bodies):
            raise EndpointError("the requests were interrupted")
        return found

    async def _all(self, bodies: Sequence[Mapping[str, Any]], key: str | None) -> list[Completion | EndpointError]:
        import httpx

        gate = asyncio.Semaphore(self.server.concurrency)
        headers = {"Authorization": f"Bearer {key}"} if key else {}

        async def one(body: Mapping[str, Any]) -> Completion | EndpointError:
            async with gate:
                try:
                    return await self._patiently(client, body)
                except EndpointError as error:
                    return EndpointError(_without(error.message, key))

        limits = httpx.Limits(max_connections=self.server.concurrency)
        # the timeout of a whole attempt is kept below: httpx's own begins anew with every byte
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=None) as client:
            return list(await asyncio.gather(*(one(body) for body in bodies)))

    async def _patiently(self, client: httpx.AsyncClient, body: Mapping[str, Any]) -> Completion:
        attempt = 0
        while True:
            attempt += 1
            if (pause := self._resume_at - time.monotonic()) > 0:
                await self._sleep(pause)
            try:
                completion = await self._attempt(client, body, attempt)
            except _PassingError as error:
                reason, asked = str(error), error.wait
                if attempt >= self.server.attempts or (error.unreachable and self._unreachable):
                    self._unreachable = error.unreachable
                    count = "1 attempt" if attempt == 1 else f"{attempt} attempts"
                    raise EndpointError(f"no answer after {count}: {reason}") from None
            else:
                self._unreachable = False
                return completion
            if asked is not None and asked > self.server.longest_wait_s:
                raise EndpointError(f"{reason}; the server asks for {asked:.0f} s of patience") from None
            await self._wait(attempt, asked)

    async def _wait(self, attempt: int, asked: float | None) -> None:
        backoff = min(self.server.longest_wait_s, self.server.backoff_s * 2 ** (attempt - 1))
        wait = self._draw(backoff / 2, backoff)
        if asked is not None:
            wait = asked + self._draw(0, min(1.0, backoff))
            self._resume_at = max(self._resume_at, time.monotonic() + asked)
        await self._sleep(wait)

    async def _attempt(self, client: httpx.AsyncClient, body: Mapping[str, Any], attempt: int) -> Completion:
        started = time.perf_counter()
        plain = {k: v for k, v in body.items() if k not in _DROPPABLE}
        sent = plain if self._refused else body
        response = await self._post(client, sent)
        if response.status_code in _REFUSED and any(f in sent and f in response.text for f in _DROPPABLE):
            response = await self._post(client, plain)
            self._refused = response.status_code == 200
        status = response.status_code
        if status >= 500 or status in _PASSING:
            wait = retry_after(response.headers.get("Retry-After"))
            raise _PassingError(f"{status} {_message(response.text)}".strip(), wait=wait)
        if status != 200:
            raise EndpointError(f"{status} {_message(response.text)}".strip())
        return read_completion(response.content, self.server.api, time.perf_counter() - started, attempt)

    async def _post(self, client: httpx.AsyncClient, body: Mapping[str, Any]) -> httpx.Response:
        import httpx

        url = f"{self.server.base_url.rstrip('/')}/{_PATHS[self.server.api]}"
        try:
            async with asyncio.timeout(self.server.timeout_s):
                return await client.post(url, json=body)
        except TimeoutError:
            raise _PassingError(f"no complete answer within {self.server.timeout_s:g} s") from None
        except httpx.RequestError as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise _PassingError(what, unreachable=isinstance(error, httpx.ConnectError)) from None


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as a number or an HTTP date; None where it says neither."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", header):
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def read_completion(content: bytes, api: Api, seconds: float = 0.0, attempts: int = 1) -> Completion:
    """The completion in a response's body; what cannot be read counts as a failure that may pass."""
    try:
        answer = json.loads(content)
    except ValueError:
        start = content[:60].decode("utf-8", "replace")
        raise _PassingError(f"the server's answer is no JSON: {start!r}" if start else "the answer is empty") from None
    if isinstance(answer, dict) and answer.get("error"):
        raise _PassingError(f"200, but {_message(content.decode('utf-8', 'replace'))}")
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"] if api == "chat" else choice["text"]
        if not isinstance(text, str | None):
            raise TypeError
        usage = answer.get("usage") or {}
        return Completion(
            text=(text or "").strip(),
            finish=str(choice.get("finish_reason") or ""),
            tokens_in=_count(usage.get("prompt_tokens")),
            tokens_out=_count(usage.get("completion_tokens")),
            top_logprobs=_first_token(choice.get("logprobs"), api),
            seconds=seconds,
            attempts=attempts,
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise _PassingError("the server's answer has not the shape of a completion") from None


def _first_token(logprobs: Any, api: Api) -> dict[str, float] | None:
    """Log-probabilities of the first generated token's alternatives, None where there are none."""
    if not logprobs:
        return None
    if api == "completions":
        [first, *_] = logprobs.get("top_logprobs") or [None]
        return {str(token): float(value) for token, value in first.items()} if first else None
    [first, *_] = logprobs.get("content") or [None]
    found = {str(t["token"]): float(t["logprob"]) for t in first.get("top_logprobs") or ()} if first else {}
    return found or None


def _count(value: Any) -> int | None:
    return int(value) if value is not None else None


def _message(text: str) -> str:
    """What an error response says, in at most 300 characters."""
    try:
        body = json.loads(text)
        found = body.get("error") or body.get("detail") or body.get("message") or body
        found = found.get("message") or found if isinstance(found, dict) else found
        text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    except (ValueError, AttributeError):
        pass
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:299] + "…"


def _without(text: str, secret: str | None) -> str:
    """Servers quote a wrong key in their errors."""
    return text.replace(secret, "***") if secret else text
