"""The adapter protocol's lines: requests on standard input, answers on standard output.

Both get file descriptors of their own, so that the output of a function, or of a process
that it starts, cannot mix with the answers. What is written to standard output afterwards
goes to standard error, which is the adapter log.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    Message = dict[str, Any]
    Handler = Callable[[Message], Message]

__all__ = ["PROTOCOL", "AdapterError", "describing", "serve", "streams", "token_of"]

#: The version of the protocol.
PROTOCOL = 1

#: The longest line that is read.
MAX_LINE = 1 << 30


class AdapterError(Exception):
    """An error that is answered with the state ``error``."""

    def __init__(self, kind: str, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.answer: Message = {
            "state": "error",
            "error": {"kind": kind, "message": message, "transient": transient},
        }


def serve(handlers: Mapping[str, Handler]) -> None:
    """Answers the requests on standard input, one at a time, until it is closed.

    If it is closed in the middle of a request, this process and all that it started are
    ended; only ``describe`` is still answered.
    """
    requests, answers = _private()
    inbox = _Inbox(requests)
    pid = os.getpid()
    while (line := inbox.next()) is not None:
        answer = _answered(line, handlers, inbox)
        if os.getpid() != pid:  # this is a child that a function forked
            os._exit(0)
        _flush()
        data = json.dumps(answer).encode("ascii") + b"\n"
        with inbox.idle_after():
            try:
                while data:
                    data = data[os.write(answers, data) :]
            except BrokenPipeError:  # the reader of the answers is gone
                return


def describing(name: str, distribution: str) -> Handler:
    """Returns what answers ``describe`` for the adapter ``name`` of the package ``distribution``.

    It is for adapters with the operations ``invoke``, ``poll`` and ``cancel``.
    """

    def describe(_request: Message) -> Message:
        from importlib.metadata import version

        return {
            "state": "description",
            "name": name,
            "version": version(distribution),
            "protocols": [PROTOCOL],
            "operations": ["cancel", "describe", "invoke", "poll"],
        }

    return describe


def token_of(request: Message) -> str:
    """Returns the token of a request to poll or cancel."""
    token = request.get("token")
    if not isinstance(token, str):
        raise AdapterError("invalid_request", 'the request has no string "token"')
    return token


def _answered(line: bytes, handlers: Mapping[str, Handler], inbox: _Inbox) -> Message:
    number: Any = None
    try:
        request = _parsed(line)
        number = request.get("id")
        handler = _handler(request["op"], handlers)
        if request["op"] != "describe":  # it starts nothing, so it can be answered
            inbox.work()
        answer = handler(request)
    except AdapterError as error:
        answer = error.answer
    except Exception as problem:  # noqa: BLE001  the caller waits for an answer
        text = f"{type(problem).__name__}: {problem}"
        answer = AdapterError("internal", text).answer
    return {"id": number, **answer}


def _handler(operation: str, handlers: Mapping[str, Handler]) -> Handler:
    handler = handlers.get(operation)
    if handler is None:
        raise AdapterError("unsupported", f"this adapter has no operation {operation!r}")
    return handler


def _parsed(line: bytes) -> Message:
    try:
        request = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise AdapterError("invalid_request", f"the request is not JSON: {problem}") from None
    if not isinstance(request, dict):
        raise AdapterError("invalid_request", "the request is not a JSON object")
    if not isinstance(request.get("op"), str):
        raise AdapterError("invalid_request", 'the request has no string "op"')
    if request.get("protocol", PROTOCOL) != PROTOCOL:
        text = f"the request is of protocol {request['protocol']!r}; this adapter has {PROTOCOL}"
        raise AdapterError("unsupported", text)
    return request


class _Inbox:
    """Reads lines in a thread, so that the end of the input is noticed at once."""

    def __init__(self, requests: BinaryIO) -> None:
        self._requests = requests
        self._lines: deque[Optional[bytes]] = deque()
        self._changed = threading.Condition()
        self._busy = False
        threading.Thread(target=self._read, name="daggerml-requests", daemon=True).start()

    def next(self) -> Optional[bytes]:
        """Returns the next line; ``None`` when the input is closed."""
        with self._changed:
            while not self._lines:
                self._changed.wait()
            return self._lines.popleft()

    def work(self) -> None:
        """Lets the end of the input end this process, from now on."""
        with self._changed:
            self._busy = True
            if self._lines and self._lines[-1] is None:
                _stop()

    def idle_after(self) -> threading.Condition:
        """Returns the lock for writing an answer, so that the process cannot end halfway."""
        self._busy = False
        return self._changed

    def _read(self) -> None:
        for line in self._requests:
            if line.strip():
                self._add(line)
        self._add(None)

    def _add(self, line: Optional[bytes]) -> None:
        with self._changed:
            if line is None and self._busy:
                _stop()
            self._lines.append(line)
            self._changed.notify()


def _stop() -> None:
    """Ends this process and all processes that it started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # closed by a function


#: What the log is written to, kept for :func:`streams`.
_log: list[int] = []


def _private() -> tuple[BinaryIO, int]:
    """Moves standard input and output to descriptors that only the adapter uses."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    _log.append(os.dup(2))
    streams()
    return requests, answers


def streams() -> None:
    """Sets ``sys.stdin``, ``stdout`` and ``stderr`` for a function, as if none ran before.

    The input is empty, and the output goes to the log.
    """
    if not _log:  # this is not a process of an adapter
        return
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, source in ((0, nothing), (1, _log[0]), (2, _log[0])):
        os.dup2(source, number)
    if nothing > 2:  # noqa: PLR2004  it did not take the place of a closed one
        os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, number, errors in (("stdout", 1, "replace"), ("stderr", 2, "backslashreplace")):
        stream = open(  # noqa: SIM115
            number, "w", encoding="utf-8", errors=errors, closefd=False, buffering=1
        )
        setattr(sys, name, stream)
