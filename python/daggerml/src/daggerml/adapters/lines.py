"""The adapter protocol's lines: requests on standard input, answers on standard output.

Both get file descriptors of their own, so that the output of a function, or of a process
that it starts, cannot mix with the answers. What is written to standard output afterwards
goes to standard error, which is the adapter log.

A fresh process imports this, so it imports nothing that takes long: no ``json``, no
``threading``.
"""

from __future__ import annotations

import os
import sys

from daggerml import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Message = dict[str, Any]
    Handler = Callable[[Message], Message]

__all__ = ["PROTOCOL", "AdapterError", "describing", "serve", "streams", "token_of"]

#: The version of the protocol.
PROTOCOL = 1


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
    pid = os.getpid()
    while (line := requests.next()) is not None:
        answer = _answered(line, handlers, requests)
        if os.getpid() != pid:  # this is a child that a function forked
            os._exit(0)
        _flush()
        data = _core.json_write(answer) + b"\n"
        requests.set_busy(False)  # the process must not end in the middle of an answer
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


def _answered(line: bytes, handlers: Mapping[str, Handler], requests: _core.Requests) -> Message:
    number: Any = None
    try:
        request = _parsed(line)
        number = request.get("id")
        handler = _handler(request["op"], handlers)
        if request["op"] != "describe":  # it starts nothing, so it can be answered
            requests.set_busy(True)
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
        request = _core.json_read(line)
    except ValueError as problem:
        raise AdapterError("invalid_request", f"the request is not JSON: {problem}") from None
    if not isinstance(request, dict):
        raise AdapterError("invalid_request", "the request is not a JSON object")
    if not isinstance(request.get("op"), str):
        raise AdapterError("invalid_request", 'the request has no string "op"')
    if request.get("protocol", PROTOCOL) != PROTOCOL:
        text = f"the request is of protocol {request['protocol']!r}; this adapter has {PROTOCOL}"
        raise AdapterError("unsupported", text)
    return request


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # closed by a function


#: What the log is written to, kept for :func:`streams`.
_log: list[int] = []


def _private() -> tuple[_core.Requests, int]:
    """Moves standard input and output to descriptors that only the adapter uses."""
    requests, answers = _core.Requests(), os.dup(1)
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
