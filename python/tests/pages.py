"""The pages of daggerml-ui, served, and asked for as a browser does."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple, Optional
from urllib.parse import urlsplit

from daggerml_ui.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import daggerml


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Site:
    """A server that runs, and whoever has its cookie."""

    def __init__(self, server: Server) -> None:
        self.port = server.port
        self.address = server.address
        self.base = f"http://127.0.0.1:{self.port}"
        parts = urlsplit(self.address)
        entered = self.ask(f"{parts.path}?{parts.query}", cookie=False)
        assert entered.status == 303, entered.text
        self.cookie = entered.headers["Set-Cookie"].partition(";")[0]

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Optional[Mapping[str, str]] = None,
        cookie: bool = True,
        body: Optional[str] = None,
    ) -> Answer:
        """Asks for a page; ``headers`` replace those of a browser."""
        sent = {"Host": f"127.0.0.1:{self.port}"}
        if cookie:
            sent["Cookie"] = self.cookie
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            data = (body or "").encode()
            if method == "POST":
                connection.putheader("Content-Type", "application/x-www-form-urlencoded")
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data or None)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def page(self, path: str) -> str:
        """Returns a page that must be there."""
        answer = self.ask(path)
        assert answer.status == 200, (path, answer.status, answer.text[-2000:])
        return answer.text

    def change(self, path: str, body: str = "") -> Answer:
        """Sends a form, as a page of the server itself does."""
        return self.ask(path, method="POST", headers={"Origin": self.base}, body=body)


@contextmanager
def served(dml: daggerml.Dml, *, allow_changes: bool = False) -> Iterator[Site]:
    """Serves the pages of a repository as long as ``with`` lasts."""
    server = Server(dml, allow_changes=allow_changes)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Site(server)
    finally:
        server.stop()
        thread.join(30)


class Page(HTMLParser):
    """The elements of a page, its links and what is read on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, Optional[str]]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        href = given.get("href")
        if tag == "a" and href and href.startswith("/"):
            self.links.append(href)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
