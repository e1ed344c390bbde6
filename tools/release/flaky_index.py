"""A package index for rehearsals: pypiserver behind a proxy that can fail.

Prints the proxy's address, then answers one line of JSON to each command on
standard input, and ends with it:

    reset COUNT HOW   empty the store; fail after COUNT accepted uploads (never, if
                      COUNT is `never`), in one of these ways:
                        refuse  every further upload is answered with 503
                        lose    the next upload is stored, and its answer is lost;
                                then as `refuse`
                        dead    no further request of any kind is answered
    heal              stop failing; the store and the record stay
    uploads           the uploads that the index accepted, in order
    spoil FILE        change one byte of a stored file

Run by `cargo checks rehearsal`; needs the group
`rehearsal` of tools/checks/pyproject.toml.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER = "releaser"
HOST = "127.0.0.1"


class State:
    """How the proxy behaves, and what it has seen."""

    def __init__(self, store: Path, upstream: int) -> None:
        """Forward to the port `upstream`, whose files are in `store`."""
        self.store = store
        self.upstream = upstream
        self.lock = threading.Lock()
        self.after: int | None = None
        self.how = "refuse"
        self.uploads: list[dict[str, str]] = []
        self.lost = False

    def reset(self, after: int | None, how: str) -> None:
        """Begin another scene with an empty index."""
        for file in self.store.iterdir():
            file.unlink()
        self.after, self.how, self.uploads, self.lost = after, how, [], False

    def failing(self) -> bool:
        """Say whether the next upload fails."""
        return self.after is not None and len(self.uploads) >= self.after


class Proxy(BaseHTTPRequestHandler):
    """Stands before the index."""

    state: State

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


def uploaded(body: bytes) -> dict[str, str]:
    """Read name and digest of the file in an upload's form."""
    boundary = body.split(b"\r\n", 1)[0]
    for part in body.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="content"[^\r]*filename="([^"]+)"', head)
        if name:
            digest = hashlib.sha256(content[: -len(b"\r\n")]).hexdigest()
            return {"file": name[1].decode(), "sha256": digest}
    return {"file": "?", "sha256": "?"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start_index(folder: Path, password: str) -> tuple[State, subprocess.Popen[bytes]]:
    store = folder / "store"
    store.mkdir(parents=True, exist_ok=True)
    # SHA-1 is what such a file may hold; the password is a rehearsal's.
    digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()  # noqa: S324
    logins = folder / "htpasswd"
    logins.write_text(f"{USER}:{{SHA}}{digest}\n")
    port = free_port()
    program = [sys.executable, "-m", "pypiserver", "run", "-i", HOST, "-p", str(port)]
    options = ["-P", str(logins), "-a", "update", "--hash-algo", "sha256"]
    rest = ["--disable-fallback", "--backend", "simple-dir", str(store)]
    log = (folder / "pypiserver.log").open("wb")
    server = subprocess.Popen([*program, *options, *rest], stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return State(store, port), server
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"pypiserver does not start; see {log.name}") from None
            time.sleep(0.05)


def obey(state: State, words: list[str]) -> object:
    with state.lock:
        if words[0] == "reset":
            state.reset(None if words[1] == "never" else int(words[1]), words[2])
        elif words[0] == "heal":
            state.after = None
        elif words[0] == "uploads":
            return state.uploads
        elif words[0] == "spoil":
            path = state.store / words[1]
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        else:
            raise SystemExit(f"no such command: {words}")
    return "ok"


def main() -> None:
    state, server = start_index(Path(sys.argv[1]), os.environ["REHEARSAL_PASSWORD"])
    Proxy.state = state
    proxy = ThreadingHTTPServer((HOST, 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print(f"http://{HOST}:{proxy.server_port}/", flush=True)
    try:
        for line in sys.stdin:
            print(json.dumps(obey(state, line.split())), flush=True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
