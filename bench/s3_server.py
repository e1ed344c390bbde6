"""An S3 on loopback that counts what it is asked; `remote_peers.py` runs it.

It needs `moto[server]`. Its first line of output is its port. `GET /--counts` answers the requests
and the bytes of bodies since it was last asked, as JSON.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterable

counts: Counter[str] = Counter()
lock = threading.Lock()
moto = DomainDispatcherApplication(create_backend_app)


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log(self, *_: object) -> None:
        """Does nothing."""


def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers a request, and counts it."""
    if environ["PATH_INFO"] == "/--counts":
        with lock:
            told = json.dumps(counts).encode()
            counts.clear()
        start_response("200 OK", [("Content-Length", str(len(told)))])
        return [told]
    answer = b"".join(moto(environ, start_response))
    with lock:
        counts[environ["REQUEST_METHOD"]] += 1
        # Bodies that come in chunks, as those of 0.1.7 do, do not tell their length.
        counts["up"] += int(environ.get("CONTENT_LENGTH") or 0)
        counts["down"] += len(answer)
    return [answer]


def main() -> None:
    """Serves until it is killed."""
    server = make_server("127.0.0.1", 0, counted, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
