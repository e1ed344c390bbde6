"""A package index for rehearsals: pypiserver behind a proxy that can fail."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Who may upload; the password must never be in anything that is printed.
USER = "releaser"
PASSWORD = "sesame-9f31c0"  # noqa: S105 - a rehearsal's
HOST = "127.0.0.1"


class Index:
    """A running index that keeps its files below a folder."""

    def __init__(self, folder: Path) -> None:
        """Start pypiserver, and a proxy that passes everything on."""
        self.store = folder / "store"
        self.store.mkdir()
        self.lock = threading.Lock()
        self.reset()
        self.server, self.upstream = start_pypiserver(folder, self.store)
        handler = type("Handler", (Proxy,), {"state": self})
        self.proxy = ThreadingHTTPServer((HOST, 0), handler)
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        self.address = f"http://{HOST}:{self.proxy.server_port}/"
        self.simple = f"{self.address}simple/"

    def close(self) -> None:
        """Ends both."""
        self.proxy.shutdown()
        self.server.terminate()
        self.server.wait()

    def reset(self, after: int | None = None, how: str = "refuse") -> None:
        """Empties the store; fails after so many accepted uploads in one of these ways.

        refuse: every further upload is answered with 503; lose: the next upload is stored,
        and its answer is lost, then as `refuse`; dead: no further request is answered.
        """
        for file in self.store.iterdir():
            file.unlink()
        self.after, self.how, self.lost = after, how, False
        #: Name and SHA-256 of each file that was accepted, in order.
        self.uploads: list[tuple[str, str]] = []

    def heal(self) -> None:
        """Stops failing; the store and the record stay."""
        self.after = None

    def failing(self) -> bool:
        """Returns whether the next upload fails."""
        return self.after is not None and len(self.uploads) >= self.after


class Proxy(BaseHTTPRequestHandler):
    """Stands before the index."""

    state: Index

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """Pass on, unless dead."""
        if self.state.failing() and self.state.how == "dead":
            self.hang_up()
            return
        self.forward(b"")

    do_HEAD = do_GET  # noqa: N815 - the base class calls it so

    def do_POST(self) -> None:
        """Pass an upload on, or fail it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self.chunks()
        with self.state.lock:
            if not self.state.failing():
                self.forward(body)
            elif self.state.how == "lose" and not self.state.lost:
                self.state.lost = True
                self.forward(body, answer=False)
                self.hang_up()
            elif self.state.how == "dead":
                self.hang_up()
            else:
                self.answer(503, b"a failure", "text/plain", "9")

    def chunks(self) -> bytes:
        """Read a body of unknown length."""
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def forward(self, body: bytes, *, answer: bool = True) -> None:
        """Ask the index, note an accepted upload, and pass its answer on."""
        upstream = http.client.HTTPConnection(HOST, self.state.upstream, timeout=60)
        drop = {"host", "content-length", "transfer-encoding", "connection"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in drop}
        upstream.request(self.command, self.path, body or None, headers)
        response = upstream.getresponse()
        content = response.read()
        if self.command == "POST" and response.status == HTTPStatus.OK:
            self.state.uploads.append(uploaded(body))
        if answer:
            kind = response.headers.get("Content-Type", "application/octet-stream")
            length = response.headers.get("Content-Length") or str(len(content))
            self.answer(response.status, content, kind, length)

    def answer(self, status: int, content: bytes, kind: str, length: str) -> None:
        """Answer the client."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def hang_up(self) -> None:
        """End the connection without an answer."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def uploaded(body: bytes) -> tuple[str, str]:
    """Reads name and digest of the file in an upload's form."""
    boundary = body.split(b"\r\n", 1)[0]
    for part in body.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="content"[^\r]*filename="([^"]+)"', head)
        if name:
            return name[1].decode(), hashlib.sha256(content[: -len(b"\r\n")]).hexdigest()
    return "?", "?"


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start_pypiserver(folder: Path, store: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Starts the index itself; returns its process and port."""
    # SHA-1 is what such a file may hold; the password is a rehearsal's.
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()  # noqa: S324
    logins = folder / "htpasswd"
    logins.write_text(f"{USER}:{{SHA}}{digest}\n")
    port = free_port()
    program = [sys.executable, "-m", "pypiserver", "run", "-i", HOST, "-p", str(port)]
    options = ["-P", str(logins), "-a", "update", "--hash-algo", "sha256"]
    rest = ["--disable-fallback", "--backend", "simple-dir", str(store)]
    with (folder / "pypiserver.log").open("wb") as log:
        server = subprocess.Popen([*program, *options, *rest], stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"pypiserver does not start; see {log.name}") from None
            time.sleep(0.05)
        else:
            return server, port
