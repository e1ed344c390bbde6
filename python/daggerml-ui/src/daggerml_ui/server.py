"""The pages as an ASGI application, and serving it on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import socket
from typing import TYPE_CHECKING, Any, Callable, Optional

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from daggerml.errors import DmlRepoError, Error, InvalidError, NotFoundError
from daggerml_ui.guard import Guard
from daggerml_ui.links import Links
from daggerml_ui.live_log import LogReader, Part, event
from daggerml_ui.pages import (
    calls,
    dag,
    dags,
    diff,
    drafts,
    history,
    node,
    origin,
    search,
    state,
)
from daggerml_ui.rendering import Page, Renderer
from daggerml_ui.runs import Runs
from daggerml_ui.sources import Source, ref_of
from daggerml_ui.static_files import STATIC, static

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from daggerml.dml import Dml

__all__ = ["Server", "application"]

#: How often a page that shows a call that runs is told of it, in seconds.
_PAUSE = 0.05


class _Pages:
    """The pages of a repository as functions from a request to an answer."""

    def __init__(
        self, dml: Dml, *, allow_changes: bool, is_ending: Callable[[], bool] = lambda: False
    ) -> None:
        self.is_ending = is_ending
        self.links = Links()
        self.source = Source(dml)
        self.runs = Runs(dml)
        self.renderer = Renderer(self.links, root=dml.root, allow_changes=allow_changes)
        self.allow_changes = allow_changes

    def routes(self) -> list[Route]:
        shown = {
            "/": self.history,
            "/dags": self.dags,
            "/dags/{revision:path}": self.dags,
            "/dag/{dag}": self.dag,
            "/node/{dag}/{node}": self.node,
            "/origin/{dag}/{node}": self.origin,
            "/diff": self.diff,
            "/dags-diff/{old}/{new}": self.dags_diff,
            "/search": self.search,
            "/calls": self.calls,
            "/call/{key}": self.call,
            "/drafts": self.drafts,
            "/draft/{draft}": self.draft,
            "/state": self.state,
        }
        changes = {
            "/call/{key}/cancel": self.cancel,
            "/call/{key}/invalidate": self.invalidate,
            "/call/{key}/run": self.run_again,
            "/drafts/{draft}/discard": self.discard,
            "/state/gc": self.gc,
        }
        return [
            *(Route(path, self._answering(page)) for path, page in shown.items()),
            *(
                Route(path, self._changing(change), methods=["POST"])
                for path, change in changes.items()
            ),
            Route("/events/{key}", self.events),
            Route("/bytes/{dag}/{node}", self.bytes),
            Route("/static/{name}", self.static),
        ]

    def _answering(self, page: Callable[[Request], Page]) -> Callable[[Request], Response]:
        @functools.wraps(page)
        def answer(request: Request) -> Response:
            try:
                made = page(request)
            except Error as error:
                made = _failed(error)
            return HTMLResponse(self.renderer.page(made), made.status)

        return answer

    def _changing(self, change: Callable[[Request], str]) -> Callable[[Request], Response]:
        """Returns the answer to a form: where the browser goes when the change was made."""

        def answer(request: Request) -> Response:
            if not self.allow_changes:
                message = "nothing can be changed: `dml ui` was started without --allow-changes"
                page = Page("failed", "Refused", {"message": message, "hint": None}, 403)
                return HTMLResponse(self.renderer.page(page), 403)
            try:
                return RedirectResponse(change(request), 303)
            except Error as error:
                failed = _failed(error)
                return HTMLResponse(self.renderer.page(failed), failed.status)

        return answer

    def history(self, request: Request) -> Page:
        return history.history(
            self.source, self.links, revision=_text(request, "rev"), skip=_number(request, "skip")
        )

    def dags(self, request: Request) -> Page:
        revision = request.path_params.get("revision", "")
        return dags.dags(self.source, self.links, revision=revision, skip=_number(request, "skip"))

    def dag(self, request: Request) -> Page:
        chosen = {name: _text(request, name) for name in ("focus", "side", "named", "find")}
        return dag.dag(
            self.source,
            self.links,
            request.path_params["dag"],
            **chosen,
            skip=_number(request, "skip"),
        )

    def node(self, request: Request) -> Page:
        return node.node(
            self.source,
            self.links,
            request.path_params["dag"],
            request.path_params["node"],
            at=_text(request, "at"),
            skip=_number(request, "skip"),
        )

    def origin(self, request: Request) -> Page:
        path = request.path_params
        return origin.origin(
            self.source, self.links, path["dag"], path["node"], at=_text(request, "at")
        )

    def diff(self, request: Request) -> Page:
        return diff.diff(
            self.source,
            self.links,
            before=_text(request, "before").strip(),
            after=_text(request, "after").strip(),
            skip=_number(request, "skip"),
        )

    def dags_diff(self, request: Request) -> Page:
        return diff.dags_diff(self.source, request.path_params["old"], request.path_params["new"])

    def search(self, request: Request) -> Page:
        return search.search(
            self.source,
            self.links,
            query=_text(request, "q"),
            revision=_text(request, "rev"),
            begin=_text(request, "begin"),
        )

    def calls(self, request: Request) -> Page:
        return calls.calls(self.source, self.links, skip=_number(request, "skip"))

    def call(self, request: Request) -> Page:
        return calls.call(
            self.source, self.links, request.path_params["key"], run=_number(request, "run") or None
        )

    def drafts(self, request: Request) -> Page:
        return drafts.drafts(self.source, self.links, skip=_number(request, "skip"))

    def draft(self, request: Request) -> Page:
        return drafts.draft(
            self.source, self.links, request.path_params["draft"], skip=_number(request, "skip")
        )

    def state(self, request: Request) -> Page:
        return state.state(self.source, check=_text(request, "check") == "yes")

    def cancel(self, request: Request) -> str:
        key = self._call(request)
        self.source.dml.exec.cancel(key)
        return f"/call/{key}"

    def invalidate(self, request: Request) -> str:
        key = self._call(request)
        self.source.dml.exec.invalidate(key)
        return f"/call/{key}"

    def run_again(self, request: Request) -> str:
        key = self._call(request)
        self.runs.begin(key)
        return f"/call/{key}"

    def _call(self, request: Request) -> str:
        """Returns the whole key of the call that a request is about."""
        return str(self.source.dml._handle.exec_state(request.path_params["key"])["key"])

    def discard(self, request: Request) -> str:
        self.source.dml.discard(ref_of("index", request.path_params["draft"]))
        return "/drafts"

    def gc(self, _request: Request) -> str:
        self.source.dml.gc()
        return "/state?check=yes"

    async def events(self, request: Request) -> Response:
        """Tells what changes while a call runs, and its log, as server-sent events."""
        key = request.path_params["key"]
        place = request.headers.get("last-event-id") or _text(request, "after")
        log = LogReader(self.source.dml, key, place)

        def look() -> tuple[Part, dict[str, Any]]:
            # In this order: the state at the end is that after the last part.
            return log.read(), calls.state(self.source, key)

        async def told() -> AsyncIterator[str]:
            before = None
            # The server waits for its answers when it is stopped.
            while not self.is_ending():
                try:
                    part, now = await run_in_threadpool(look)
                except Error:
                    part, now = Part("", begins=False, live=False), {"status": "unknown"}
                if now != before:
                    before = now
                    yield event("state", now)
                if part.text:
                    yield event("log", {"text": part.text, "begins": part.begins}, log.place)
                if not part.live:
                    yield event("ended", {})
                    return
                await asyncio.sleep(_PAUSE)

        return StreamingResponse(told(), media_type="text/event-stream")

    def bytes(self, request: Request) -> Response:
        path = request.path_params
        try:
            content, media = node.image(
                self.source, path["dag"], path["node"], _text(request, "at")
            )
        except Error as error:
            return HTMLResponse(self.renderer.page(_failed(error)), _failed(error).status)
        return Response(content, media_type=media)

    def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            return Response(status_code=404)
        return Response(static(name), media_type=STATIC[name])


def _text(request: Request, name: str) -> str:
    return str(request.query_params.get(name, ""))


def _number(request: Request, name: str) -> int:
    text = _text(request, name)
    # Nothing has more elements, and larger numbers do not fit the engine's.
    return int(text) if text.isdecimal() and len(text) <= 12 else 0  # noqa: PLR2004


def _failed(error: Error) -> Page:
    if isinstance(error, NotFoundError):
        status, title = 404, "Not found"
    elif isinstance(error, InvalidError):
        status, title = 400, "Not understood"
    else:
        status, title = 500, "Failed"
    hint = getattr(error, "hint", None) if isinstance(error, DmlRepoError) else None
    return Page("failed", title, {"message": error.message, "hint": hint}, status)


def application(
    dml: Dml,
    *,
    port: int,
    token: str,
    allow_changes: bool = False,
    is_ending: Callable[[], bool] = lambda: False,
) -> Guard:
    """Returns the pages of a repository as an ASGI application.

    :param port: the port of loopback that it is served on.
    :param token: what the first address must have as ``token``.
    :param is_ending: tells whether answers that go on should end.
    """
    return _guarded(
        _Pages(dml, allow_changes=allow_changes, is_ending=is_ending), port=port, token=token
    )


def _guarded(pages: _Pages, *, port: int, token: str) -> Guard:

    def missing(_request: Request, _error: Exception) -> Response:
        message = "there is no such page"
        page = Page("failed", "Not found", {"message": message, "hint": None}, 404)
        return HTMLResponse(pages.renderer.page(page), 404)

    handlers: dict[Any, Any] = {404: missing}
    return Guard(
        Starlette(routes=pages.routes(), exception_handlers=handlers), port=port, token=token
    )


class Server:
    """The pages of a repository, served on a port of loopback."""

    def __init__(self, dml: Dml, *, port: int = 0, allow_changes: bool = False) -> None:
        """Opens the port.

        :param port: 0 for one that is free.
        :raises OSError: when the port is not free.
        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            # On Windows others could open the same port, and would get the requests.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        # A browser that comes before the server runs has to wait, and is not refused.
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self._token = secrets.token_urlsafe(24)
        self._pages = _Pages(
            dml, allow_changes=allow_changes, is_ending=lambda: self._server.should_exit
        )
        self._guard = _guarded(self._pages, port=self.port, token=self._token)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._guard,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def address(self) -> str:
        """The address of the first page, with the token."""
        return f"http://127.0.0.1:{self.port}/?token={self._token}"

    def address_once(self) -> str:
        """Returns an address of the first page that counts once: see :meth:`Guard.once`."""
        return f"http://127.0.0.1:{self.port}/?token={self._guard.once()}"

    def run(self) -> None:
        """Serves until it is stopped: by :meth:`stop`, or by Ctrl-C."""
        # uvicorn ends in order on Ctrl-C, and then raises it once more.
        with contextlib.suppress(KeyboardInterrupt):
            try:
                self._server.run(sockets=[self._socket])
            finally:
                self._pages.runs.end()

    def stop(self) -> None:
        """Lets :meth:`run` end soon."""
        self._server.should_exit = True


def open_browser(address: str) -> Optional[str]:
    """Shows an address in a browser; returns why not when that fails."""
    import webbrowser

    try:
        return None if webbrowser.open(address) else "no browser was found"
    except webbrowser.Error as error:
        return str(error)
