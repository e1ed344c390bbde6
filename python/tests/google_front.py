"""Google's XML protocol, as far as `obstore` speaks it, in front of fake-gcs-server.

The emulator reads, lists and deletes by that protocol, but writes under a condition only by the
JSON protocol, as one multipart request. This passes everything on and says such writes in the
other protocol; whether a condition holds is always decided by the emulator.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import threading
import urllib.parse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["front"]

#: Where a part of a multipart request ends; no body of the tests holds it.
BOUNDARY = "e2a0c3b1-front-7d54"


class Front(http.server.BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    emulator = 0  # the port
    written: list[tuple[str, str]]  # the keys of writes and what they asked for

    def do_PUT(self) -> None:
        """Writes an object, under the condition that the request names."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        bucket, _, key = urllib.parse.unquote(self.path.partition("?")[0])[1:].partition("/")
        condition = self.headers.get("x-goog-if-generation-match")
        self.written.append((key, condition or ""))
        query = {"uploadType": "multipart"}
        if condition is not None:
            query["ifGenerationMatch"] = condition
        parts = [("application/json", json.dumps({"name": key}).encode())]
        parts.append(("application/octet-stream", body))
        told = b"".join(
            f"--{BOUNDARY}\r\ncontent-type: {kind}\r\n\r\n".encode() + part + b"\r\n"
            for kind, part in parts
        )
        status, _, text = self.ask(
            "POST",
            f"/upload/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}",
            told + f"--{BOUNDARY}--".encode(),
            {"content-type": f"multipart/related; boundary={BOUNDARY}"},
        )
        if status != http.client.OK:
            return self.answer(status, {}, text)
        made = json.loads(text)
        # The emulator's two protocols write etags differently; a reader sees quotes.
        told_headers = {"etag": f'"{made["etag"]}"', "x-goog-generation": made["generation"]}
        return self.answer(status, told_headers, b"")

    def pass_on(self) -> None:
        """Asks the emulator the same."""
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() in {"range", "if-none-match", "if-match", "accept"}
        }
        self.answer(*self.ask(self.command, self.path, b"", headers))

    do_GET = do_HEAD = do_DELETE = pass_on  # noqa: N815  http.server asks for these names

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            found = connection.getresponse()
            kept = {
                name: value
                for name, value in found.getheaders()
                if name.lower() not in {"connection", "date", "transfer-encoding"}
            }
            return found.status, kept, found.read()

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        if not any(name.lower() == "content-length" for name in headers):
            headers["content-length"] = str(len(body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keeps the tests' output clean."""


@contextlib.contextmanager
def front(emulator: int) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Serves in front of the emulator at a port; gives its own port and what was written."""
    written: list[tuple[str, str]] = []
    handler = type("Handler", (Front,), {"emulator": emulator, "written": written})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], written
        finally:
            server.shutdown()
            thread.join()
