"""OpenAI-compatible servers: many requests at once, retried with patience; each gets an answer or the reason why not."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich.filesize import decimal

from harness.errors import ConfigError, EndpointError
from harness.models.budget import Meter, Share
from harness.models.decisions import as_completion
from harness.models.pace import Pace
from harness.models.reasoning import thought_of
from harness.models.server_errors import OVERLOADED, Refusals, is_refusal, message_of, retry_after
from harness.models.streaming import streamed
from harness.runtime.files import encodable
from harness.runtime.secrets import LONG, without

if TYPE_CHECKING:
    import httpx

Api = Literal["chat", "completions", "systemone"]

PATHS: Mapping[Api, str] = {"chat": "chat/completions", "completions": "completions", "systemone": "systemone"}
_REFUSED = frozenset({400, 422, 500, 501})
_LARGEST = 64 * 2**20
"""Bytes of a response at which it is given up."""
_MOST_TOKENS = 2**48
"""A server that counts more has miscounted."""
_REASON = 600
"""Characters of the reason why there is no answer."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go and how patiently. The key itself is only ever in the environment.

    Fields of a request that are `optional` are left out when the server refuses one of them by name.
    """

    base_url: str
    api: Api = "chat"
    api_key_env: str | None = None
    concurrency: int = 8
    timeout_s: float = 120.0
    attempts: int = 6
    backoff_s: float = 1.0
    longest_wait_s: float = 120.0
    optional: tuple[str, ...] = ("logprobs", "top_logprobs")

    def key(self) -> str | None:
        """The key, if the server wants one; ConfigError if its variable is not set or cannot be sent."""
        if self.api_key_env is None:
            return None
        # a file that the key came from may have ended its line
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise ConfigError(
                f"the environment variable {self.api_key_env} is not set",
                hint=f"export {self.api_key_env}=...  (a server without keys: api_key_env=null)",
            )
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(f"the environment variable {self.api_key_env} holds what no HTTP header can carry")
        return key


@dataclass(frozen=True, slots=True)
class Completion:
    """What a server answered. `top_logprobs` are those of the first token by token, None where the server gives none;
    token counts are None where it reports no usage; `seconds` is the time of the attempt that succeeded; a text that is
    `refused` is the model's reason not to answer; `thought` is what the server gives apart from the answer."""

    text: str
    finish: str
    tokens_in: int | None
    tokens_out: int | None
    top_logprobs: Mapping[str, float] | None
    seconds: float
    attempts: int
    refused: bool = False
    thought: str = ""


Body = Mapping[str, Any]
"""A request's JSON."""
Outcome = Completion | EndpointError | None
"""What became of a request; None only where it was not sent: after an interrupt, or when a budget was spent."""


class _Response(NamedTuple):
    """What of a response is looked at."""

    status: int
    retry_after: str | None
    content: bytes


class _PassingError(Exception):
    """An attempt failed in a way that the next one may not."""

    def __init__(
        self,
        reason: str,
        *,
        wait: float | None = None,
        unreachable: bool = False,
        status: int | None = None,
        overloaded: bool = False,
    ) -> None:
        super().__init__(reason)
        self.wait = wait
        self.unreachable = unreachable
        self.status = status
        self.overloaded = overloaded or status in OVERLOADED


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
        self._without_optional = False
        self._refusals = Refusals()
        self.pace = Pace(server.concurrency)

    def complete(self, bodies: Sequence[Body]) -> list[Completion | EndpointError]:
        """An answer to each request body, in order, or the error that stands for it; see `stream`."""
        return [o for _, outcomes in self.stream([bodies]) for o in outcomes if o is not None]

    def stream(
        self, units: Iterable[Sequence[Body]], meter: Meter | None = None
    ) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each unit of request bodies, with its number, as soon as its last request has one.

        At most `concurrency` requests are under way, of all units together, fewer where more bring nothing (`Pace`); a unit is
        taken when there is room for it.
        408, 409, 425, 429, any 5xx but a validation's, a broken connection, a timeout and an answer that cannot be read are
        tried again, up to `attempts` times, after a jittered exponential wait, or after what `Retry-After` asks for, if that
        is longer (all requests then wait). Anything else fails at once. The key is in no answer and in no error, even if the
        server quotes it; ConfigError if it is missing. On Ctrl-C what is answered comes before KeyboardInterrupt goes on, with
        None in the place of what is not; so it is before BudgetSpent, when the `meter` admits no further request, and before
        EndpointError, when the server refuses the requests about three articles with the same words and answers none.
        """
        key = self.server.key()
        return streamed(lambda ready: self._all(units, key, meter or Meter(), ready))

    async def _all(
        self,
        units: Iterable[Sequence[Body]],
        key: str | None,
        meter: Meter,
        ready: Callable[[tuple[int, list[Outcome]]], None],
    ) -> None:
        import httpx

        gate = asyncio.Semaphore(self.server.concurrency)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        begun: dict[int, tuple[int, list[asyncio.Task[Outcome]]]] = {}
        whole: list[asyncio.Task[None]] = []
        under_way: set[asyncio.Task[Outcome]] = set()

        async def one(unit: int, body: Body, share: Share) -> Outcome:
            try:
                completion = await self._with_retries(client, body, key, unit)
                meter.settle(share, completion.tokens_in, completion.tokens_out)
                return completion
            except EndpointError as error:
                reason = error.message
            except Exception as error:
                # whatever it is, it costs this request alone
                reason = f"{type(error).__name__}: {error}"
            finally:
                gate.release()
            meter.release(share)
            return EndpointError(encodable(without(reason, key))[:_REASON])

        async def finish(unit: int) -> None:
            outcomes = await asyncio.gather(*begun[unit][1])
            del begun[unit]
            ready((unit, outcomes))

        limits = httpx.Limits(max_connections=self.server.concurrency)
        # the timeout of a whole attempt is kept below: httpx's own begins anew with every byte
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=None) as client:
            try:
                for unit, bodies in enumerate(units):
                    _, requests = begun[unit] = len(bodies), []
                    for body in bodies:
                        await gate.acquire()
                        while (share := meter.admit(body)) is None and under_way:
                            # answers mostly cost less than what was set aside for them
                            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                        if share is None:
                            await asyncio.gather(*whole, *requests)
                            raise meter.spent()
                        if (verdict := self._refusals.verdict()) is not None:
                            meter.release(share)
                            await asyncio.gather(*whole, *requests)
                            raise verdict
                        requests.append(task := asyncio.create_task(one(unit, body, share)))
                        under_way.add(task)
                        task.add_done_callback(under_way.discard)
                    whole.append(asyncio.create_task(finish(unit)))
                await asyncio.gather(*whole)
            finally:
                # nothing is left to do here but after an interrupt or at the end of a budget
                left = [*whole, *(r for _, requests in begun.values() for r in requests)]
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)
                for unit, (size, requests) in begun.items():
                    outcomes = [None if r.cancelled() else r.result() for r in requests]
                    ready((unit, [*outcomes, *[None] * (size - len(requests))]))

    async def _with_retries(self, client: httpx.AsyncClient, body: Body, key: str | None, unit: int) -> Completion:
        attempt = 0
        while True:
            attempt += 1
            try:
                completion = await self._in_turn(client, body, key, attempt, unit)
            except _PassingError as error:
                reason, patience = str(error), error.wait
                if attempt >= self.server.attempts or (error.unreachable and self._unreachable):
                    self._unreachable = error.unreachable
                    if error.status is not None and error.status >= 500:
                        self._refusals.refused(reason, unit)
                    count = "1 attempt" if attempt == 1 else f"{attempt} attempts"
                    raise EndpointError(f"no answer after {count}: {reason}") from None
            else:
                self._unreachable = False
                self._refusals.answered()
                return completion
            if patience is not None and patience > self.server.longest_wait_s:
                raise EndpointError(f"{reason}; the server asks for {patience:.0f} s of patience") from None
            await self._wait(attempt, patience)

    async def _in_turn(
        self, client: httpx.AsyncClient, body: Body, key: str | None, attempt: int, unit: int
    ) -> Completion:
        async with self.pace.turn() as turn:
            if (pause := self._resume_at - time.monotonic()) > 0:
                await self._sleep(pause)
            try:
                completion = await self._attempt(client, body, key, attempt, unit)
            except _PassingError as error:
                turn.overloaded = error.overloaded
                raise
            turn.seconds = completion.seconds
            return completion

    async def _wait(self, attempt: int, patience: float | None) -> None:
        backoff = min(self.server.longest_wait_s, self.server.backoff_s * 2 ** (attempt - 1))
        wait = self._draw(backoff / 2, backoff)
        if patience is not None:
            wait = max(wait, patience + self._draw(0, min(1.0, backoff)))
            self._resume_at = max(self._resume_at, time.monotonic() + patience)
        await self._sleep(wait)

    async def _attempt(
        self, client: httpx.AsyncClient, body: Body, key: str | None, attempt: int, unit: int
    ) -> Completion:
        started = time.perf_counter()
        optional = self.server.optional
        plain = {k: v for k, v in body.items() if k not in optional}
        sent = plain if self._without_optional else body
        response = await self._post(client, sent)
        if response.status in _REFUSED and any(f in sent and f.encode() in response.content for f in optional):
            response = await self._post(client, plain)
            self._without_optional = response.status == 200
        status, header, content = response
        if status == 200:
            return read_completion(content, self.server.api, time.perf_counter() - started, attempt, key)
        reason = f"{status} {message_of(content, key)}".strip()
        if not is_refusal(status, content):
            raise _PassingError(reason, wait=retry_after(header), status=status)
        self._refusals.refused(reason, unit)
        raise EndpointError(reason)

    async def _post(self, client: httpx.AsyncClient, body: Body) -> _Response:
        import httpx

        url = f"{self.server.base_url.rstrip('/')}/{PATHS[self.server.api]}"
        sent = encodable(json.dumps(body, ensure_ascii=False, allow_nan=False)).encode()
        content = bytearray()
        try:
            async with (
                asyncio.timeout(self.server.timeout_s),
                client.stream("POST", url, content=sent, headers={"Content-Type": "application/json"}) as response,
            ):
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > _LARGEST:
                        raise EndpointError(f"the server's answer is longer than {decimal(_LARGEST)}")
                return _Response(response.status_code, response.headers.get("Retry-After"), bytes(content))
        except TimeoutError:
            raise _PassingError(f"no complete answer within {self.server.timeout_s:g} s", overloaded=True) from None
        except httpx.RequestError as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise _PassingError(what, unreachable=isinstance(error, httpx.ConnectError)) from None


def read_completion(
    content: bytes, api: Api, seconds: float = 0.0, attempts: int = 1, key: str | None = None
) -> Completion:
    """The completion in a response's body; what has no text in the right place counts as a failure that may pass.

    The text matters: counts and log-probabilities that make no sense are taken as not given.
    """
    whole = content.decode("utf-8-sig", "replace")
    try:
        answer = json.loads(whole)
    except (ValueError, RecursionError):
        start = without(whole, key)[:60]
        reason = f"the server's answer is no JSON: {start!r}" if start.strip() else "the answer is empty"
        raise _PassingError(reason) from None
    if isinstance(answer, dict) and answer.get("error"):
        raise _PassingError(f"200, but {message_of(content, key)}")
    try:
        answer = as_completion(answer) if api == "systemone" else answer
        choice = answer["choices"][0]
        message = choice["message"] if api == "chat" else choice
        refusal, thought = message.get("refusal"), thought_of(message)
        name = "content" if api == "chat" else "text"
        # some servers leave the answer out where there is none
        text = _text(message.get(name) if thought or refusal else message[name])
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _PassingError("the server's answer has not the shape of a completion") from None
    refused = not text and isinstance(refusal, str) and bool(refusal.strip())
    usage = answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Completion(
        text=_clean(refusal if refused else text, key),
        finish=_clean(finish, key)[:60] if isinstance(finish, str) else "",
        tokens_in=_count(counts.get("prompt_tokens")),
        tokens_out=_count(counts.get("completion_tokens")),
        top_logprobs=_first_token(choice.get("logprobs"), api),
        seconds=seconds,
        attempts=attempts,
        refused=refused,
        thought=_clean(thought, key),
    )


def _text(content: Any) -> str:
    """The text of a message: itself, nothing where it is null, or the text parts of a list of parts; else TypeError."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [{"text": p} if isinstance(p, str) else p for p in content]
        shown = [p.get("text") for p in parts if p.get("type", "text") in ("text", "output_text")]
        return "".join(text for text in shown if isinstance(text, str)).strip()
    if not isinstance(content, str):
        raise TypeError
    return content.strip()


def _clean(text: str, key: str | None) -> str:
    """The text as it can be stored: no half characters, no key; a short key is left, it may be a word of the text."""
    return encodable(without(text, key) if key and len(key) >= LONG else text).strip()


def _first_token(logprobs: Any, api: Api) -> dict[str, float] | None:
    """Log-probabilities of the first generated token's alternatives, None where there are none that make sense."""
    try:
        if api == "completions":
            alternatives = dict(logprobs["top_logprobs"][0])
        else:
            alternatives = {t["token"]: t["logprob"] for t in logprobs["content"][0]["top_logprobs"]}
        values = {str(token): float(value) for token, value in alternatives.items()}
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return None
    # rounding may lift a certain token a little over 0
    sound = all(value <= 1e-3 for value in values.values())
    return {token: min(value, 0.0) for token, value in values.items()} if values and sound else None


def _count(value: Any) -> int | None:
    """A number of tokens, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < _MOST_TOKENS else None
