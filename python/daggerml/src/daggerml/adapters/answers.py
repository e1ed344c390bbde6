"""Checks what another machine answered: only texts and bytes of limited size pass.

It may be broken, have another version, or belong to somebody else. The executor checks
the result itself. This checks that it has the form of one answer, and nothing else in it.
"""

from __future__ import annotations

import re
from typing import Any

from daggerml.adapters.lines import AdapterError

__all__ = ["checked", "told"]

#: The largest result that is passed on, in bytes, so that it fits into a line.
MAX_BUNDLE = 380 << 20

#: How much of the end of a log is passed on, in bytes.
MAX_LOG = 1 << 18

#: The greatest length of the kind and of the message of an error, in characters.
MAX_KIND, MAX_TEXT = 100, 1 << 14

#: The longest wait that is passed on, in milliseconds.
MAX_WAIT = 10**12

_ID = re.compile(r"[0-9a-f]{64}")

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def checked(answer: object, who: str, *, encoded: bool = False) -> dict[str, Any]:
    """Returns an answer with only the members that an answer can have.

    Its bundle is bytes; ``encoded`` means that it is base64. ``who`` answered, for the error.
    """
    try:
        return _checked(answer, encoded)
    except _WrongError as wrong:
        text = f"{who} answered with {wrong}; does another version of daggerml run there?"
        raise AdapterError("worker_unfit", text) from None


def _checked(answer: object, encoded: bool) -> dict[str, Any]:
    # Exactly these types: an object of a derived class could change later.
    if type(answer) is not dict:
        raise _WrongError(f"a {type(answer).__name__}")
    state = answer.get("state")
    if type(state) is not str or state not in {"done", "error"}:
        raise _WrongError(f"the state {told(state, 40)}")
    log = answer.get("log", "")
    if type(log) is not str:
        raise _WrongError(f"a log that is a {type(log).__name__}")
    found = _done(answer, encoded) if state == "done" else _error(answer)
    return {"state": state, **found, "log": log[-MAX_LOG:]}


class _WrongError(Exception):
    """What is wrong with an answer."""


def told(thing: object, most: int = MAX_TEXT) -> str:
    """Returns the text of an object, cut to a limit; also when its ``str`` fails."""
    try:
        text = str(thing)
    except Exception:  # noqa: BLE001  the worker's own
        text = f"a {type(thing).__name__} that cannot be printed"
    return text if len(text) <= most else f"{text[:most]}..."


def _done(answer: dict[Any, Any], encoded: bool) -> dict[str, Any]:
    bundle, dag = answer.get("bundle"), answer.get("dag")
    if type(bundle) is not (str if encoded else bytes):
        raise _WrongError(f"a bundle that is a {type(bundle).__name__}")
    if type(bundle) is str and not _BASE64.fullmatch(bundle):
        raise _WrongError("a bundle that is not base64")
    if len(bundle) > (MAX_BUNDLE * 4 // 3 if encoded else MAX_BUNDLE):
        raise _WrongError(f"a bundle of {len(bundle)} bytes; {MAX_BUNDLE} are the most")
    if type(dag) is not str or not _ID.fullmatch(dag):
        raise _WrongError(f"{told(dag, 80)} for the id of a DAG")
    found: dict[str, Any] = {"bundle": bundle, "dag": dag}
    # Whether and when to run it again after a transient error. The executor limits the wait.
    wait = answer.get("retry_after_ms")
    if type(wait) is int and 0 <= wait <= MAX_WAIT:
        found["retry_after_ms"] = wait
    if answer.get("retried") is True:
        found["retried"] = True
    return found


def _error(answer: dict[Any, Any]) -> dict[str, Any]:
    error = answer.get("error")
    if type(error) is not dict:
        raise _WrongError(f"an error that is a {type(error).__name__}")
    kind, message = error.get("kind"), error.get("message")
    if type(kind) is not str or type(message) is not str:
        raise _WrongError("an error without kind or message")
    transient = error.get("transient") is True
    error = {"kind": told(kind, MAX_KIND), "message": told(message), "transient": transient}
    return {"error": error}
