"""What a task of the cluster gave: taken for nothing but text and bytes of bounded size.

A worker may be broken, of another version, or somebody else's. What it says of a
result is checked by whoever asked for the call; here it is seen to that there is an
answer to one question at all, and nothing else in it.
"""

from __future__ import annotations

import re
from typing import Any

from daggerml.adapters.lines import AdapterError

__all__ = ["checked", "told"]

#: The largest outcome that is passed on, in bytes; a line holds no more of it.
MAX_BUNDLE = 380 << 20

#: How much of a log is passed on: its end.
MAX_LOG = 1 << 18

#: How long the kind and the message of an error may be.
MAX_KIND, MAX_TEXT = 100, 1 << 14

#: The longest wait that is passed on, in milliseconds.
MAX_WAIT = 10**12

_ID = re.compile(r"[0-9a-f]{64}")


def checked(answer: object) -> dict[str, Any]:
    """Return the answer of a task, with nothing in it but what an answer has."""
    # The types themselves: a class of the worker's own could say anything later.
    if type(answer) is not dict:
        raise _wrong(f"a {type(answer).__name__}")
    state = answer.get("state")
    found = {"done": _done, "error": _error}.get(state if type(state) is str else "")
    if found is None:
        raise _wrong(f"the state {told(state, 40)}")
    log = answer.get("log", "")
    if type(log) is not str:
        raise _wrong(f"a log that is a {type(log).__name__}")
    return {"state": state, **found(answer), "log": log[-MAX_LOG:]}


def told(thing: object, most: int = MAX_TEXT) -> str:
    """Return the text of something, whatever its ``str`` does, not too long."""
    try:
        text = str(thing)
    except Exception:  # noqa: BLE001  the worker's own
        text = f"a {type(thing).__name__} that cannot be printed"
    return text if len(text) <= most else f"{text[:most]}..."


def _done(answer: dict[Any, Any]) -> dict[str, Any]:
    bundle, dag = answer.get("bundle"), answer.get("dag")
    if type(bundle) is not bytes:
        raise _wrong(f"a bundle that is a {type(bundle).__name__}")
    if len(bundle) > MAX_BUNDLE:
        raise _wrong(f"a bundle of {len(bundle)} bytes; {MAX_BUNDLE} are the most")
    if type(dag) is not str or not _ID.fullmatch(dag):
        raise _wrong(f"{told(dag, 80)} for the id of a DAG")
    found: dict[str, Any] = {"bundle": bundle, "dag": dag}
    # After a transient error: whether and when to try again. The executor caps the wait.
    wait = answer.get("retry_after_ms")
    if type(wait) is int and 0 <= wait <= MAX_WAIT:
        found["retry_after_ms"] = wait
    if answer.get("retried") is True:
        found["retried"] = True
    return found


def _error(answer: dict[Any, Any]) -> dict[str, Any]:
    error = answer.get("error")
    if type(error) is not dict:
        raise _wrong(f"an error that is a {type(error).__name__}")
    kind, message = error.get("kind"), error.get("message")
    if type(kind) is not str or type(message) is not str:
        raise _wrong("an error without kind or message")
    transient = error.get("transient") is True
    error = {"kind": told(kind, MAX_KIND), "message": told(message), "transient": transient}
    return {"error": error}


def _wrong(what: str) -> AdapterError:
    text = f"a Dask worker answered with {what}; does another version of daggerml run there?"
    return AdapterError("worker_unfit", text)
