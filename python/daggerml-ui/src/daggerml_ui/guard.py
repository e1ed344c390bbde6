"""Who may ask: the token, the Host, the Origin, and the headers of every answer.

The pages are for the person who started the program. Others on the machine can open the
same port, and pages of other sites can let a browser ask it. So:

- The first address has a random token. It is exchanged for a cookie at once, so that it is
  not in the addresses that follow. Who has neither is refused.
- ``Host`` must be a name of loopback with the port: otherwise the name of another site
  leads here (DNS rebinding).
- A request from a page of another origin is refused, and a change needs an ``Origin``.
- No answer runs a script or shows a style that is not a file of this package, is shown
  inside of another page, or is kept by the browser.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Optional
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Forms send an Origin that can be checked only when the referrer is not left out.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_SAFE = {"GET", "HEAD"}


class Guard:
    """Lets only the person who started the program ask ``app``."""

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app = app
        self._token = token
        self._once: set[str] = set()
        self._session = secrets.token_urlsafe(32)
        # Cookies are for a machine, not for a port: other servers have other names.
        self._cookie = f"dml-ui-{port}"
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost")}
        if port == 80:  # noqa: PLR2004  browsers leave it out
            self._hosts |= {"127.0.0.1", "localhost"}

    def once(self) -> str:
        """Returns a token that counts once.

        It is for the command line of a browser, which every user of the machine can read.
        """
        token = secrets.token_urlsafe(24)
        self._once.add(token)
        return token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] != "http":  # there are no web sockets, and nothing to start
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refusal(scope) or self._exchanged(scope)
        await (answer or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Optional[Response]:
        """Returns the answer to who may not ask."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return _refused("this server answers only under 127.0.0.1 and localhost")
        own = f"http://{hosts[0].lower()}"
        origin = headers.get("origin")
        if origin is not None and origin != own:
            return _refused("a page of another origin may not ask this server")
        if scope["method"] not in _SAFE and origin is None:
            return _refused("a change needs the header Origin")
        site = headers.get("sec-fetch-site", "none")
        if site in {"cross-site", "same-site"} and headers.get("sec-fetch-mode") != "navigate":
            return _refused("a page of another origin may not ask this server")
        return None

    def _exchanged(self, scope: Scope) -> Optional[Response]:
        """Returns the answer to a token, or to who has no cookie."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == "token"]
        if tokens and scope["method"] in _SAFE:
            if tokens[0] in self._once:
                self._once.remove(tokens[0])
            elif not _same(tokens[0], self._token):
                return _refused("the token in the address is wrong; it changes at each start")
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            # A path that begins with two slashes would lead to another machine.
            path = "/" + quote(scope["path"].lstrip("/"), safe="/")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict")
            return answer
        if not any(_same(value, self._session) for value in self._sessions(scope)):
            return _refused("open the address with the token that `dml ui` wrote when it started")
        return None

    def _sessions(self, scope: Scope) -> list[str]:
        found = []
        for text in Headers(scope=scope).getlist("cookie"):
            try:
                cookies = SimpleCookie(text)
            except CookieError:
                continue
            if self._cookie in cookies:
                found.append(cookies[self._cookie].value)
        return found


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _refused(reason: str) -> Response:
    return PlainTextResponse(f"Refused: {reason}.\n", 403)
