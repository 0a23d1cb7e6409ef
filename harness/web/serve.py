"""Starts the labelling page on 127.0.0.1 with a random token and says where."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from harness.errors import HarnessError, nearest_hint
from harness.web.app import make_app
from harness.web.folder import LabelFolder, Mode
from harness.web.suggestions import Suggestions
from harness.web.summary_app import make_summary_app
from harness.web.summary_folder import summaries_to_label


def serve(
    folder: Path,
    annotator: str,
    mode: Mode,
    port: int,
    suggest: str | None,
    results: Path,
    announce: Callable[[str], None],
    *,
    article: str | None = None,
    summaries: bool = False,
) -> None:
    """Serves until interrupted; `announce` is given the address, token and all. `port` 0 takes any free one.

    The page opens with `article`, if there is one; HarnessError where the folder has none of that id. With `summaries` it is for
    labels of summaries, in the mode `blind` for second ones.
    """
    if annotator == "gold" or not annotator.strip():
        raise HarnessError(f"{annotator!r} is no annotator's name", hint="--annotator ada")
    if summaries:
        waiting = summaries_to_label(folder, annotator, second=mode == "blind")
        make: Callable[[int, str], ASGIApp] = partial(make_summary_app, waiting)
    else:
        labels = LabelFolder(folder, annotator, mode)
        if not labels.ids():
            raise HarnessError(f"{folder} holds no articles", hint="harness data new FILE --dataset DIR drafts one")
        if article is not None and article not in labels.ids():
            hint = nearest_hint(article, labels.ids()) + "its id is the name of its file without .yaml"
            raise HarnessError(f"{folder} has no article {article!r}", hint=hint)
        suggestions = Suggestions(results, suggest) if suggest else None
        make = partial(make_app, labels, suggestions=suggestions)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise HarnessError(f"port {port} cannot be used: {error.strerror}", hint="leave --port out") from None
        listener.listen(128)
        chosen = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        app = make(chosen, token)
        # a browser that goes away is no fault, and what fails is said on the page
        config = uvicorn.Config(app, log_level="critical", lifespan="off", server_header=False, ws="none")
        announce(f"http://127.0.0.1:{chosen}/#{token}" + (f"/{article}" if article else ""))
        # uvicorn ends cleanly on Ctrl+C and then raises it again
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
