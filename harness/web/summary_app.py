"""The page for labels of summaries: what its server answers."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from harness.errors import HarnessError
from harness.types import STANCES
from harness.web.app import ELSEWHERE, STATIC, Guard, read_endpoint, write_endpoint
from harness.web.folder import Conflict, NoSuchArticle
from harness.web.summary_folder import SummaryBody, SummaryFolder


def make_summary_app(folder: SummaryFolder, port: int, token: str) -> ASGIApp:
    """The ASGI application; `port` is the one that the Host and Origin headers must name."""

    def set_(_: Request) -> Any:
        return {
            "name": folder.name,
            "annotator": folder.annotator,
            "second": folder.second,
            "guidelines": folder.guidelines(),
            "labels": [{"name": s.value, "degree": s.degree} for s in STANCES],
        }

    def summaries(_: Request) -> Any:
        return folder.overview()

    def summary(request: Request) -> Any:
        return folder.state(request.path_params["article"], request.path_params["hash"])

    def save(request: Request, body: SummaryBody) -> Any:
        return folder.save(request.path_params["article"], request.path_params["hash"], body)

    def page(_: Request) -> Response:
        return FileResponse(STATIC / "summaries.html", media_type="text/html")

    one = "/api/summaries/{article}/{hash}"
    routes = [
        Route("/", page),
        Route("/api/set", read_endpoint(set_)),
        Route("/api/summaries", read_endpoint(summaries)),
        Route(one, read_endpoint(summary), methods=["GET"]),
        Route(one, write_endpoint(save, SummaryBody), methods=["PUT"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers: dict[Any, Any] = {
        Conflict: lambda _, e: JSONResponse({"error": "another window changed this label", "state": e.state}, 409),
        NoSuchArticle: lambda _, e: JSONResponse({"error": str(e)}, 404),
        HarnessError: lambda _, e: JSONResponse({"error": str(e)}, 400),
        HTTPException: lambda _, e: JSONResponse({"error": e.detail}, e.status_code),
        **ELSEWHERE,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), port, token)
