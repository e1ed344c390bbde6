"""The events of a call while it runs, and the hint for its error."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Optional

from daggerml import log
from daggerml.errors import DmlRepoError
from daggerml.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from daggerml.dml import Dml
    from daggerml.errors import NodeError

__all__ = ["CallEvents", "unrun"]

#: The events that a call can begin with.
_FIRST = {"cached", "claimed", "waiting", "failed"}


class CallEvents:
    """The events of calls that are made together, for the hints of their errors."""

    __slots__ = ("_began", "_cached", "_keys", "_then")

    def __init__(self, then: Optional[Callable[[dict[str, Any]], object]] = None) -> None:
        self._began = time.time_ns() // 1000
        #: The key of each call, 32 bytes at 32 times its number: a map may have many.
        self._keys = bytearray()
        self._cached = bytearray()
        self._then = then

    def event(self, event: dict[str, Any]) -> None:
        """Records an event of a call, and passes it on."""
        item, state = event["item"] or 0, event["state"]
        if state in _FIRST or len(self._cached) <= item:
            self._note(item, event["key"], cached=state == "cached")
        if state == "notice":
            log.warning("call %s: %s", event["key"][:12], safe(event["reason"]))
        if self._then is not None:
            self._then(event)
        elif state == "retrying":
            log.info("call %s: %s; trying again", event["key"][:12], event["reason"])
        else:
            log.debug("call %s: %s", event["key"][:12], state)

    def _note(self, item: int, key: str, *, cached: bool) -> None:
        lacking = item + 1 - len(self._cached)
        if lacking > 0:
            self._keys.extend(bytes(32 * lacking))
            self._cached.extend(bytes(lacking))
        self._keys[32 * item : 32 * item + 32] = bytes.fromhex(key)
        self._cached[item] = cached

    def hint(self, dml: Dml, error: NodeError, item: int) -> Optional[str]:
        """Returns the hint for the error of a call: what to do about it."""
        key = self._keys[32 * item : 32 * item + 32].hex()
        if not key.strip("0"):
            return None
        try:
            if error.transient:
                return self._of_transient(dml, key)
            return _of_cached(dml, error, key) if self._cached[item] else None
        except DmlRepoError as problem:  # the error itself says more
            log.debug("call %s: no hint: %s", key[:12], problem)
            return None

    def _of_transient(self, dml: Dml, key: str) -> str:
        state = dml._handle.exec_state(key)
        made = [it for it in dml._handle.exec_attempts(key) if it["finished"] >= self._began]
        kept = "nothing is cached" if state["dag"] is None else "what was cached before stays"
        return (
            f"a transient failure, after {_times(max(len(made), 1))}; {kept}, so a later call "
            f"runs it again (`retries=` says how often); `dml exec show {key[:12]}` lists the "
            "attempts"
        )


def _times(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"


def _of_cached(dml: Dml, error: NodeError, key: str) -> Optional[str]:
    from datetime import datetime, timezone

    handle = dml._handle
    for attempt in handle.exec_attempts(key):
        if attempt["dag"] == error.dag_ref:
            made = datetime.fromtimestamp(attempt["finished"] / 1e6, timezone.utc)
            when = made.strftime("%Y-%m-%d %H:%M:%S UTC")
            break
    else:
        return None
    said = f"this error was recorded on {when} and is answered from the cache; to run it again, "
    # The error may come from a nested call, which the cache would answer again.
    within = handle.failed_within(attempt["dag"])
    keys = " ".join(each[:12] for each in [key, *within])
    if within:
        return f"{said}and the call within that failed, run `dml exec invalidate {keys}` before"
    return f"{said}call it with cache=False, or run `dml exec invalidate {keys}` before"


@contextlib.contextmanager
def unrun() -> Iterator[None]:
    """Marks errors of adapters as transient: they are not failures of the function."""
    try:
        yield
    except DmlRepoError as problem:
        # The adapter may be installed later.
        problem.transient |= problem.kind == "not_found"
        raise
