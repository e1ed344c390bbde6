"""The program of a helper: reads requests, asks a store, and writes the answers."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Optional

from daggerml.remotes import messages
from daggerml.remotes.messages import PROTOCOL, Broken
from daggerml.remotes.secrets import without_secrets
from daggerml.remotes.store import (
    MAX_BODY,
    MAX_ETAG,
    UNCHANGED,
    HelperError,
    Store,
    checked_key,
    checked_prefix,
)

if TYPE_CHECKING:
    from typing import BinaryIO

    from daggerml.remotes.messages import Body, Message

    Answer = tuple[Message, Optional[Body]]

__all__ = ["serve"]

#: How many seconds requests have to end when the input has ended.
GRACE = 2.0

#: The longest message of an error, in characters.
MAX_TEXT = 4096


def serve(store: Store, *, workers: int = 8) -> None:
    """Answers the requests on standard input until it is closed.

    What anything else writes to standard output goes to standard error from now on.

    :param workers: how many requests are worked on at once. Those that come after are read
        when one of these is answered.
    """
    requests, answers = _private()
    _Helper(store, requests, answers, workers).run()


class _Helper:
    def __init__(self, store: Store, requests: BinaryIO, answers: BinaryIO, workers: int) -> None:
        self._store, self._requests, self._answers = store, requests, answers
        self._writing = threading.Lock()
        self._free = threading.Semaphore(workers)
        self._workers = workers

    def run(self) -> None:
        self._write({
            "helper": self._store.name,
            "version": self._store.version,
            "protocols": [PROTOCOL],
        })  # fmt: skip
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="daggerml-helper")
        broken: Optional[str] = None
        try:
            while (request := messages.read(self._requests)) is not None:
                self._take(pool, request)
        except Broken as problem:
            broken = f"what came on standard input is not a request: {problem}"
        # Those that are worked on may end; the threads of others must not keep the process.
        for _ in range(self._workers):
            if not self._free.acquire(timeout=GRACE):
                break
        if broken is not None:
            self._write({"id": None, **_error("invalid", broken)})
        sys.stderr.flush()
        os._exit(0 if broken is None else 1)

    def _take(self, pool: ThreadPoolExecutor, request: Message) -> None:
        """Reads the body of a request, and lets a thread answer."""
        try:
            work = self._checked(request)
        except HelperError as problem:
            messages.skip(self._requests, request)
            self._write({"id": request.get("id"), **_told(problem)})
            return
        self._free.acquire()
        request["data"] = messages.body(self._requests, request)
        pool.submit(self._answer, request, work)

    def _checked(self, request: Message) -> Any:
        """Returns the method that answers a request whose members are right."""
        if type(request.get("id")) is not int:
            raise HelperError("invalid", 'the request has no integer "id"')
        if request.get("protocol") != PROTOCOL:
            text = f"the request is not of protocol {PROTOCOL}, which this helper speaks"
            raise HelperError("unsupported", text)
        verb = request.get("verb")
        work = _VERBS.get(verb) if isinstance(verb, str) else None
        if work is None:
            text = f"this helper does not know the verb {verb!r}"
            raise HelperError("unsupported", text[:MAX_TEXT])
        if verb not in {"describe", "list"}:
            checked_key(request.get("key"))
        return work

    def _answer(self, request: Message, work: Any) -> None:
        number: int = request["id"]
        message: Message
        data: Optional[Body] = None
        try:
            message, data = work(self._store, request)
        except HelperError as problem:
            message = _told(problem)
        except FileNotFoundError as problem:
            message = _error("missing", str(problem))
        except PermissionError as problem:
            message = _error("denied", str(problem))
        except OSError as problem:
            message = _error("unavailable", f"{type(problem).__name__}: {problem}")
        except Exception as problem:  # noqa: BLE001  the caller waits for an answer
            message = _error("internal", f"{type(problem).__name__}: {problem}")
        request.clear()  # its body may be long
        try:
            self._write({"id": number, **message}, data)
        finally:
            self._free.release()

    def _write(self, message: Message, data: Optional[Body] = None) -> None:
        with self._writing:
            try:
                messages.write(self._answers, message, data)
            except OSError:  # the reader of the answers is gone
                os._exit(1)


def _describe(store: Store, _request: Message) -> Answer:
    found = store.describe()
    return {
        "state": "description",
        **found._asdict(),
        "address": without_secrets(found.address),
    }, None


def _list(store: Store, request: Message) -> Answer:
    after = request.get("after")
    prefix = checked_prefix(request.get("prefix", ""))
    entries = store.list(prefix, None if after is None else checked_prefix(after))
    return {"state": "entries", "entries": [entry._asdict() for entry in entries]}, None


def _get(store: Store, request: Message) -> Answer:
    span, limit = request.get("range"), request.get("limit", MAX_BODY)
    if span is not None:
        whole = isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)  # noqa: PLR2004
        if not whole or not 0 <= span[0] <= span[1]:
            raise HelperError("invalid", "a range is two positions, the first not after the last")
        span = (span[0], span[1])
    if type(limit) is not int or limit < 0:
        raise HelperError("invalid", "a limit is a number of bytes")
    found = store.get(request["key"], span, _etag(request.get("known")), limit)
    if found is None:
        return {"state": "missing"}, None
    if found is UNCHANGED:
        return {"state": "unchanged"}, None
    if len(found.data) > min(limit, MAX_BODY):
        text = f"there are {len(found.data)} bytes, and the limit is {limit}"
        raise HelperError("too_large", text)
    return {"state": "found", "etag": found.etag, "size": found.size}, found.data


def _put(store: Store, request: Message) -> Answer:
    created = store.put(request["key"], request["data"])
    return {"state": "created" if created else "exists"}, None


def _swap(store: Store, request: Message) -> Answer:
    etag = store.swap(request["key"], request["data"], _etag(request.get("expected")))
    return ({"state": "changed"} if etag is None else {"state": "swapped", "etag": etag}), None


def _delete(store: Store, request: Message) -> Answer:
    store.delete(request["key"])
    return {"state": "deleted"}, None


_VERBS = {
    "describe": _describe,
    "list": _list,
    "get": _get,
    "put": _put,
    "swap": _swap,
    "delete": _delete,
}


def _etag(etag: object) -> Optional[str]:
    if etag is None or (isinstance(etag, str) and 0 < len(etag.encode()) <= MAX_ETAG):
        return etag
    raise HelperError("invalid", f"an etag is a text of 1 to {MAX_ETAG} bytes")


def _told(problem: HelperError) -> Message:
    told = _error(problem.kind, str(problem))
    if problem.retry_after is not None:
        told["error"]["retry_after_ms"] = int(problem.retry_after * 1000)
    return told


def _error(kind: str, message: str) -> Message:
    text = without_secrets(message)[:MAX_TEXT]
    return {"state": "error", "error": {"kind": kind, "message": text}}


def _private() -> tuple[BinaryIO, BinaryIO]:
    """Moves standard input and output to descriptors that only the helper uses."""
    sys.stdout.flush()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    if nothing > 2:  # noqa: PLR2004  it did not take the place of a closed one
        os.close(nothing)
    return requests, answers
