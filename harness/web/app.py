"""The page's server: answers only this machine, this page and whoever holds the token."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.data.schema import SpeakerRow, Strict
from harness.errors import DataError, HarnessError
from harness.text.speaker_mentions import mentioned
from harness.types import PHENOMENA, STANCES, Act, Basis, Direction, Modality, SpeakerKind
from harness.web.documents import BadSpan, Document, speaker_of
from harness.web.folder import Conflict, LabelFolder, NoSuchArticle
from harness.web.suggestions import Suggestions

STATIC = Path(__file__).parent / "static"
MAX_BODY = 4_000_000
"""Bytes of one request: the labels of a hundred speakers on fifty targets fit, a text is never sent."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


ELSEWHERE: dict[Any, Any] = {
    ClientDisconnect: lambda _, e: PlainTextResponse("nobody is there", 499),
    Exception: lambda _, e: JSONResponse({"error": f"{type(e).__name__}: {e}"}, 500),
}
"""How both servers answer what is nobody's fault: a dropped connection; and what no part of the harness expected."""


class SaveBody(Strict):
    """A save: the document and the version that it was based on."""

    version: str
    document: Document
    reopen: bool = False


class MentionBody(Strict):
    """A summary and the speakers to look for in it."""

    speakers: list[SpeakerRow]
    text: str = Field(max_length=20_000)


def make_app(folder: LabelFolder, port: int, token: str, suggestions: Suggestions | None = None) -> ASGIApp:
    """The ASGI application; `port` is the one that the Host and Origin headers must name."""

    def set_(_: Request) -> Any:
        return {
            "name": folder.card.name,
            "annotator": folder.annotator,
            "mode": folder.mode,
            "suggest": suggestions.system if suggestions else None,
            "guidelines": folder.guidelines(),
            "labels": [{"name": s.value, "degree": s.degree} for s in STANCES],
            "acts": get_args(Act),
            "modalities": get_args(Modality),
            "bases": get_args(Basis),
            "kinds": get_args(SpeakerKind),
            "directions": get_args(Direction),
            "phenomena": PHENOMENA,
        }

    def articles(_: Request) -> Any:
        return folder.overview()

    def article(request: Request) -> Any:
        return _with_suggestions(folder.state(request.path_params["id"]))

    def save(request: Request, body: SaveBody) -> Any:
        state = folder.save(request.path_params["id"], body.version, body.document, reopen=body.reopen)
        return _with_suggestions(state)

    def left_out(_: Request, body: MentionBody) -> Any:
        speakers = tuple(speaker_of(s) for s in body.speakers)
        return {"left_out": [s.id for s in speakers if s.main and not mentioned(s, body.text, speakers)]}

    def _with_suggestions(state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "suggestions": suggestions.of(state["id"]) if suggestions else []}

    def page(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type="text/html")

    routes = [
        Route("/", page),
        Route("/api/set", read_endpoint(set_)),
        Route("/api/articles", read_endpoint(articles)),
        Route("/api/articles/{id}", read_endpoint(article), methods=["GET"]),
        Route("/api/articles/{id}", write_endpoint(save, SaveBody), methods=["PUT"]),
        Route("/api/left-out", write_endpoint(left_out, MentionBody), methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers: dict[Any, Any] = {
        Conflict: lambda _, e: JSONResponse({"error": str(e), "state": _with_suggestions(e.state)}, 409),
        NoSuchArticle: lambda _, e: JSONResponse({"error": str(e)}, 404),
        DataError: lambda _, e: JSONResponse({"error": str(e)}, 422),
        HarnessError: lambda _, e: JSONResponse({"error": str(e)}, 400),
        BadSpan: lambda _, e: JSONResponse({"error": str(e)}, 422),
        HTTPException: lambda _, e: JSONResponse({"error": e.detail}, e.status_code),
        **ELSEWHERE,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), port, token)


class Guard:
    """Refuses requests of other hosts (DNS rebinding) or pages, without the token, or too large; adds the safety headers."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.app = app
        self.token = token.encode()
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(413, f"more than {MAX_BODY:,} bytes")
            return message

        await self.app(scope, limited, _with_headers(send))

    def _refusal(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> Response | None:
        def one(name: bytes) -> str | None:
            return b",".join(headers[name]).decode("latin-1") if name in headers else None

        if one(b"host") not in self.hosts:
            return PlainTextResponse("this server answers to 127.0.0.1 only", 403)
        if (origin := one(b"origin")) is not None and origin not in self.origins:
            return PlainTextResponse("another page may not use this server", 403)
        length = one(b"content-length")
        if length is not None and (not length.isdecimal() or int(length) > MAX_BODY):
            return PlainTextResponse(f"more than {MAX_BODY:,} bytes", 413)
        if scope["path"].startswith("/api/"):
            if one(b"sec-fetch-site") not in {None, "same-origin", "none"}:
                return PlainTextResponse("another page may not use this server", 403)
            if not secrets.compare_digest((one(b"x-token") or "").encode(), self.token):
                return PlainTextResponse("the token is missing or wrong: open the address that was printed", 403)
            if scope["method"] not in {"GET", "HEAD"} and one(b"content-type") != "application/json":
                return PlainTextResponse("send application/json", 415)
        return None


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {n.lower() for n in HEADERS}
            kept = [(n, v) for n, v in message.get("headers", []) if n.decode("latin-1").lower() not in names]
            message["headers"] = [*kept, *((n.lower().encode(), v.encode()) for n, v in HEADERS.items())]
        await send(message)

    return wrapped


Endpoint = Callable[[Request], Awaitable[Response]]


def read_endpoint(answer: Callable[[Request], Any]) -> Endpoint:
    """Answers a request with JSON."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(answer, request))

    return endpoint


def write_endpoint(answer: Callable[[Request, Any], Any], model: type[Strict]) -> Endpoint:
    """Answers a request whose body is JSON of a model; 422 names the field that does not fit it."""

    async def endpoint(request: Request) -> Response:
        try:
            body = model.model_validate(json.loads(await request.body()))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            return JSONResponse({"error": f"{place}: {first['msg']}"}, 422)
        except (ValueError, RecursionError):
            return JSONResponse({"error": "not JSON"}, 400)
        return JSONResponse(await run_in_threadpool(answer, request, body))

    return endpoint
