"""The Batch API of OpenAI-compatible servers: many requests as one file, answered within a day for less, paid once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EndpointError, StoreError
from harness.models.budget import Meter, Share
from harness.models.server import PATHS, Body, Completion, Outcome, Server, read_completion
from harness.models.server_errors import PASSING, message_of, retry_after
from harness.runtime.files import encodable, write_text
from harness.runtime.secrets import without

if TYPE_CHECKING:
    import httpx

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_MOST_REQUESTS, _MOST_BYTES = 50_000, 100 * 2**20
"""Of one batch; OpenAI takes 200 MB."""
_MARK = "stance_harness"
"""Where a batch's metadata hold the hash of its requests."""
_PAGES = 20
"""Pages of 100 batches that are looked through for one that this machine began."""


@dataclass(frozen=True)
class Note:
    """What this machine knows of a batch that it began: it is written before the batch exists, and goes when its answers
    are stored. `requests` are the names of those that are not stored yet; `batch` is its id, once the server has given one.
    """

    path: Path | None
    digest: str
    base_url: str
    requests: tuple[str, ...]
    begun: str
    batch: str | None = None

    def write(self) -> None:
        """On disk, whole; without requests it goes."""
        if self.path is None:
            return
        if not self.requests:
            self.path.unlink(missing_ok=True)
            return
        content = {n: getattr(self, n) for n in ("digest", "base_url", "batch", "begun", "requests")}
        write_text(self.path, json.dumps(content, indent=1) + "\n")

    def having(self, **changes: Any) -> Note:
        """The note with these changes, written."""
        note = Note(**{**{name: getattr(self, name) for name in self.__dataclass_fields__}, **changes})
        note.write()
        return note


def name_of(body: Body) -> str:
    """A request's name in every batch: a hash of its body, so that an answer is found again whoever asked for it."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(encodable(text).encode()).hexdigest()[:40]


class Batches:
    """Sends requests as batches and waits for them, as long as that takes; a later process finds what an earlier one began.

    Notes in `folder` say which requests are in which batch. Without one nothing is found again.
    """

    def __init__(
        self,
        server: Server,
        folder: Path | None,
        poll_s: float = 30.0,
        *,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.server = server
        self.folder = folder
        self.poll_s = poll_s
        self._sleep = sleep
        self._tell = tell
        self._key: str | None = None

    def stream(
        self, units: Iterable[Sequence[Body]], meter: Meter | None = None
    ) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each unit of request bodies, with its number, when the batches with its requests have ended.

        Batches of earlier processes come first; what is in none of them makes a new one, or several where the `meter` admits
        some requests only when others have shown their true cost. A request that the server refused, or did not reach before
        the batch expired, has that as its error. Errors of the server itself (EndpointError) end the work: the notes stay,
        and the same command goes on. BudgetSpent comes after what was answered, with None for what was not sent.
        """
        import httpx

        meter = meter or Meter()
        self._key = self.server.key()
        named = [[(name_of(body), body) for body in unit] for unit in units]
        wanted = {name: body for unit in named for name, body in unit}
        outcomes: dict[str, Outcome] = {}
        left = dict(enumerate(named))

        def whole() -> Iterator[tuple[int, list[Outcome]]]:
            for number in [n for n, unit in left.items() if all(name in outcomes for name, _ in unit)]:
                yield number, [outcomes[name] for name, _ in left.pop(number)]

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        spent, notes = False, list[Note]()
        with closing(httpx.Client(headers=headers, timeout=self.server.timeout_s)) as client:
            for note in self._begun(client, wanted):
                outcomes |= self._collect(client, note, wanted)
                yield from whole()
                # the caller has stored what it was given when it asks for more
                notes = _forgetting([*notes, note], outcomes, left)
            while rest := [name for name in wanted if name not in outcomes]:
                shares = self._admitted(rest, wanted, meter)
                if not shares:
                    spent = True
                    break
                note = self._submit(client, {name: wanted[name] for name in shares})
                answered = self._collect(client, note, wanted)
                for name, share in shares.items():
                    outcome = answered[name]
                    if isinstance(outcome, Completion):
                        meter.settle(share, outcome.tokens_in, outcome.tokens_out)
                    else:
                        meter.release(share)
                outcomes |= answered
                yield from whole()
                notes = _forgetting([*notes, note], outcomes, left)
            for number, unit in left.items():
                yield number, [outcomes.get(name) for name, _ in unit]
            _forgetting(notes, outcomes, {})
        if spent:
            raise meter.spent()

    def _admitted(self, names: Sequence[str], wanted: Mapping[str, Body], meter: Meter) -> dict[str, Share]:
        """The requests of the next batch: as many as one file and the meter take."""
        shares: dict[str, Share] = {}
        size = 0
        for name in names[:_MOST_REQUESTS]:
            size += len(self._line(name, wanted[name]))
            if shares and size > _MOST_BYTES:
                break
            if (share := meter.admit(wanted[name])) is None:
                break
            shares[name] = share
        return shares

    # notes

    def _notes(self) -> dict[Path, Note]:
        notes = {}
        for path in sorted(self.folder.glob("batch-*.json")) if self.folder else []:
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                notes[path] = Note(path, **{**content, "requests": tuple(content["requests"])})
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise StoreError(
                    f"{path}: no readable note of a batch: {error}",
                    hint="if no batch of yours is under way at the server, delete the file",
                ) from None
        return notes

    def _begun(self, client: httpx.Client, wanted: Collection[str]) -> Iterator[Note]:
        """The batches of earlier processes that hold wanted requests; a note whose batch never came to be goes."""
        for note in self._notes().values():
            if note.base_url != self.server.base_url or not set(note.requests) & set(wanted):
                continue
            batch = note.batch or self._find(client, note.digest)
            if batch is None or self._call(client, "GET", f"batches/{batch}", missing_ok=True) is None:
                note.having(requests=())
                continue
            self._tell(f"batch {batch}, begun {note.begun}: found again")
            yield note.having(batch=batch)

    # what the server is asked

    def _submit(self, client: httpx.Client, requests: Mapping[str, Body]) -> Note:
        """A new batch of these requests; its note is there before it, so that a crash in between loses nothing."""
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        # the time is in it: a batch that was cancelled is not taken for the one that replaces it
        digest = sha256(" ".join([begun, str(time.time_ns()), *sorted(requests)]).encode()).hexdigest()[:32]
        path = self.folder / f"batch-{digest}.json" if self.folder else None
        note = Note(path, digest, self.server.base_url, tuple(requests), begun)
        note.write()
        content = b"".join(self._line(name, body) for name, body in requests.items())
        file = self._call(
            client,
            *("POST", "files"),
            files={"file": (f"{digest}.jsonl", content, "application/jsonl")},
            data={"purpose": "batch"},
        )
        wish = {
            "input_file_id": _id(file),
            "endpoint": f"/v1/{PATHS[self.server.api]}",
            "completion_window": "24h",
            "metadata": {_MARK: digest},
        }
        # an attempt whose answer was lost may have begun it all the same
        batch = self._call(client, "POST", "batches", json=wish, instead=lambda: self._find(client, digest))
        return note.having(batch=batch if isinstance(batch, str) else _id(batch))

    def _line(self, name: str, body: Body) -> bytes:
        url = f"/v1/{PATHS[self.server.api]}"
        line = {"custom_id": name, "method": "POST", "url": url, "body": body}
        return encodable(json.dumps(line, ensure_ascii=False, allow_nan=False)).encode() + b"\n"

    def _find(self, client: httpx.Client, digest: str) -> str | None:
        """The id of the batch with that hash in its metadata, None if the server has none."""
        after: dict[str, str] = {}
        for _ in range(_PAGES):
            page = self._call(client, "GET", "batches", params={"limit": "100", **after})
            batches = [b for b in (page.get("data") if isinstance(page, dict) else None) or [] if isinstance(b, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get(_MARK) == digest:
                    return _id(batch)
            if not batches or not page.get("has_more"):
                return None
            after = {"after": _id(batches[-1])}
        return None

    def _collect(self, client: httpx.Client, note: Note, wanted: Collection[str]) -> dict[str, Outcome]:
        """What became of the wanted requests of a batch, when it has ended."""
        shown = None
        while (batch := self._call(client, "GET", f"batches/{note.batch}")).get("status") not in _ENDED:
            counts = batch.get("request_counts") or {}
            done, total = counts.get("completed") or 0, counts.get("total") or len(note.requests)
            state = (batch.get("status"), 10 * done // total)
            if state != shown:
                self._tell(
                    f"batch {note.batch}: {state[0]}, {done} of {total} answered; it goes on without this process"
                )
            shown = state
            self._sleep(self.poll_s)
        outcomes: dict[str, Outcome] = {}
        for field in ("error_file_id", "output_file_id"):
            if batch.get(field):
                outcomes |= self._outcomes(self._call(client, "GET", f"files/{batch[field]}/content", raw=True))
        none = EndpointError(_why(batch, self._key))
        return {name: outcomes.get(name, none) for name in note.requests if name in wanted}

    def _outcomes(self, content: bytes) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        for line in content.split(b"\n"):
            try:
                answer = json.loads(line)
                name, response = answer["custom_id"], answer.get("response")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                # whose it was is not known: its request has no outcome
                continue
            try:
                outcomes[name] = self._outcome(response, answer.get("error"))
            except Exception as error:
                # whatever it is, it costs this request alone
                outcomes[name] = EndpointError(encodable(without(str(error) or repr(error), self._key)))
        return outcomes

    def _outcome(self, response: Any, error: Any) -> Outcome:
        if response is None or error:
            return EndpointError(
                f"not answered in the batch: {message_of(json.dumps({'error': error}).encode(), self._key)}"
            )
        body = json.dumps(response["body"]).encode()
        if response["status_code"] != 200:
            return EndpointError(f"{response['status_code']} {message_of(body, self._key)}")
        return read_completion(body, self.server.api, key=self._key)

    def _call(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        *,
        missing_ok: bool = False,
        raw: bool = False,
        instead: Callable[[], str | None] = lambda: None,
        **more: Any,
    ) -> Any:
        """The JSON of a response (its bytes if `raw`), tried again while the failure may pass.

        `instead` is asked before another attempt, and what it finds is returned. EndpointError says why there is no answer;
        None for what is not there, if that is `missing_ok`.
        """
        import httpx

        url = f"{self.server.base_url.rstrip('/')}/{path}"
        for attempt in range(1, self.server.attempts + 1):
            wait = None
            try:
                response = client.request(method, url, **more)
                if response.is_success:
                    return response.content if raw else response.json()
                reason = f"{response.status_code} {message_of(response.content, self._key)}".strip()
                wait = retry_after(response.headers.get("Retry-After"))
                if response.status_code == 404 and missing_ok:
                    return None
                if response.status_code in (404, 405, 501) and path in ("files", "batches"):
                    raise EndpointError(f"{url}: {reason}", hint="this server has no Batch API: send=live")
                if response.status_code < 500 and response.status_code not in PASSING:
                    raise EndpointError(f"{url}: {reason}")
            except httpx.HTTPError as error:
                reason = without(f"{type(error).__name__}: {error}", self._key)
            except ValueError:
                reason = "the answer is no JSON"
            if attempt < self.server.attempts:
                backoff = min(self.server.longest_wait_s, self.server.backoff_s * 2 ** (attempt - 1))
                self._sleep(max(backoff, min(wait or 0.0, self.server.longest_wait_s)))
                if (known := instead()) is not None:
                    return known
        raise EndpointError(
            f"{url}: no answer after {self.server.attempts} attempts: {reason}",
            hint="the same command goes on where this one ended",
        )


def _forgetting(
    notes: Sequence[Note], outcomes: Collection[str], left: Mapping[int, Sequence[tuple[str, Body]]]
) -> list[Note]:
    """The notes without the requests whose outcomes the caller has, so that they are asked again if they failed."""
    waiting = {name for unit in left.values() for name, _ in unit}
    return [n.having(requests=tuple(r for r in n.requests if r not in outcomes or r in waiting)) for n in notes]


def _id(thing: Any) -> str:
    if isinstance(thing, dict) and isinstance(thing.get("id"), str):
        return str(thing["id"])
    raise EndpointError("the server's answer has no id: it is no file and no batch")


def _why(batch: Mapping[str, Any], key: str | None) -> str:
    """Why a request of an ended batch has no answer."""
    errors = (batch.get("errors") or {}).get("data") or []
    reasons = [
        f"line {e['line']}: {e.get('message')}" if e.get("line") else str(e.get("message"))
        for e in errors
        if isinstance(e, dict)
    ]
    what = "the batch " + {"completed": "has no answer to this request"}.get(
        str(batch.get("status")), f"{batch.get('status')} before this request was answered"
    )
    return encodable(without(": ".join([what, *reasons[:2]]), key))[:600]
