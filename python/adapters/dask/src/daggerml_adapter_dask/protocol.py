"""What the adapter answers: one JSON object for each JSON object asked.

An answer has a ``status``: ``done`` with a ``result``, or ``error`` with a
``code``, a ``message`` and whether trying again can help.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Callable

#: The adapter protocol that this program speaks.
PROTOCOL = 1

#: The name by which a runnable asks for this adapter.
NAME = "dask"

#: The distribution that this program comes in.
DISTRIBUTION = "daggerml-adapter-dask"

Answer = dict[str, Any]


def answer(line: bytes) -> Answer:
    """Answer one request line; whatever it holds, the answer is an object."""
    try:
        request = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        return error("invalid_request", f"the request is not JSON: {problem}")
    if not isinstance(request, dict):
        return error("invalid_request", "the request is not a JSON object")
    operation = request.get("op")
    if not isinstance(operation, str):
        return error("invalid_request", 'the request has no string "op"')
    do = OPERATIONS.get(operation)
    if do is None:
        known = ", ".join(sorted(OPERATIONS))
        return error("unsupported", f'no operation "{operation}"; this adapter has: {known}')
    return done(do(request))


def describe(_request: Answer) -> Answer:
    """Say what this adapter is and can do."""
    return {
        "name": NAME,
        "version": version(DISTRIBUTION),
        "protocol": PROTOCOL,
        "operations": sorted(OPERATIONS),
    }


#: What this version can do. Calls (invoke, poll, cancel) are not among it yet.
OPERATIONS: dict[str, Callable[[Answer], Answer]] = {"describe": describe}


def done(result: Answer) -> Answer:
    """Make the answer that carries a result."""
    return {"status": "done", "result": result}


def error(code: str, message: str) -> Answer:
    """Make the answer that says what is wrong."""
    return {"status": "error", "error": {"code": code, "message": message, "retry": False}}
