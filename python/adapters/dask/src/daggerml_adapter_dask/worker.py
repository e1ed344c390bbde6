"""The code that the machines of the cluster run. It is sent there: they need only ``daggerml``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ask_to_secede", "begin", "run", "stop"]

#: How long a call may run before those behind it are given back, in seconds.
PATIENCE = 0.5

#: The most of outcomes that is told at once while their group still runs, in bytes: the scheduler
#: keeps the last 1,000 messages that it passed on.
MOST_TOLD = 1 << 14

#: How long an outcome waits for others, to be told with them, in seconds.
GATHER = 0.05

#: How many calls are known as stopped that have not begun here.
MOST_STOPPED = 1000

#: Answers by token, and the seconds that each call took, where that tells something.
Outcomes = dict[str, tuple[dict[str, Any], Optional[float]]]


class Telling:
    """What a caller is told of its group: outcomes that come soon one after the other together."""

    def __init__(self, worker: Any, topic: str, group: str) -> None:
        """Tells nothing yet."""
        self._worker, self._topic, self._group = worker, topic, group
        self._outcomes: list[tuple[str, dict[str, Any], Optional[float]]] = []
        self._size = 0
        self._since = time.monotonic()

    def tell(self, what: str, told: Any) -> None:
        """Tells something at once."""
        self._worker.log_event(self._topic, {"group": self._group, what: told})

    def outcome(self, token: str, answer: dict[str, Any], took: Optional[float]) -> bool:
        """Lets an outcome be told soon. Returns whether it is small enough for that."""
        size = len(answer.get("bundle", b"")) + len(answer.get("log", ""))
        if size > MOST_TOLD:
            return False
        if self._size + size > MOST_TOLD:
            self.flush()
        self._outcomes.append((token, answer, took))
        self._size += size
        self.look()
        return True

    def look(self) -> None:
        """Tells the outcomes if they have waited for long enough."""
        if time.monotonic() - self._since > GATHER:
            self.flush()

    def flush(self) -> None:
        """Tells the outcomes that were not told yet."""
        if self._outcomes:
            self.tell("outcomes", self._outcomes)
        self._outcomes, self._size, self._since = [], 0, time.monotonic()


def begin(code: bytes, *given: Any) -> Optional[Outcomes]:
    """Calls :func:`run`, which a worker loads from its ``code`` once and not for every task."""
    import pickle

    import distributed

    known = distributed.get_worker().__dict__.setdefault("_daggerml_code", {})
    if code not in known:
        known.clear()
        known[code] = pickle.loads(code)  # noqa: S301  it came as a pickle, like all of Dask's
    found: Optional[Outcomes] = known[code](*given)
    return found


def run(  # noqa: C901  what it does in between belongs together
    group: str, topic: str, calls: list[tuple[str, dict[str, Any]]], scheduler: str
) -> Optional[Outcomes]:
    """Runs the calls of a group, one after the other, in processes of this machine.

    Returns the adapter's answer for each call that was run, and how long that took.
    Those that are behind a slow call, or one that waits for another call, are given back. What
    happens is told on the topic: outcomes that come soon one after the other are told together.
    Returns nothing when a worker that was lost began the group before: then only its caller
    knows which calls have an outcome.
    """
    import distributed

    worker = distributed.get_worker()
    waiting = worker.__dict__.setdefault("_daggerml_waiting", set())
    stopped = worker.__dict__.setdefault("_daggerml_stopped", {})
    if not first(worker, group, len(calls)):
        return None
    outcomes: Outcomes = {}
    left = list(calls)
    seceded: list[str] = []
    telling = Telling(worker, topic, group)
    begun = time.monotonic()

    def give_back() -> None:
        telling.flush()
        if left:
            telling.tell("returned", [token for token, _ in left])
            left.clear()

    def on_wait(token: str) -> None:
        # A call that waits for a nested call lets its worker run another task.
        if token in waiting and not seceded:
            seceded.append(token)
            give_back()  # it may wait for one of these
            distributed.secede()
        elif time.monotonic() - begun > PATIENCE:
            give_back()
        else:
            telling.look()

    while left:
        token, request = left.pop(0)
        if stopped.pop((group, token), False):
            continue
        warm = worker.__dict__.get("_daggerml_warm", False)
        worker.__dict__["_daggerml_warm"] = True  # a process starts for the first call
        begun = time.monotonic()
        answer = answered(token, request, scheduler, on_wait)
        waiting.discard(token)
        took = time.monotonic() - begun if warm else None
        outcomes[token] = answer, took
        if not telling.outcome(token, answer, took):
            give_back()  # the end of the task brings this outcome
    telling.flush()
    if len(calls) > 1:
        worker.loop.add_callback(worker.scheduler.event_clear, name=group)
    return outcomes


def answered(
    token: str, request: dict[str, Any], scheduler: str, on_wait: Callable[[str], None]
) -> dict[str, Any]:
    """Runs a call, and returns the adapter's answer; an error answer when that fails."""
    from daggerml.adapters.process import run_call

    try:
        return run_call(token, request, {"DAGGERML_DASK_SCHEDULER": scheduler}, on_wait)
    except Exception as problem:  # noqa: BLE001  the other calls of the group go on
        text = f"the Dask task failed: {type(problem).__name__}: {problem}"
        error = {"kind": "task_failed", "message": text, "transient": False}
        return {"state": "error", "error": error}


def first(worker: Any, group: str, number: int) -> bool:
    """Notes at the scheduler that a group has begun. Returns whether it had not before.

    A call alone may begin again: there is nothing to find out about it.
    """
    from distributed.utils import sync

    if number == 1:
        return True

    async def noted() -> bool:
        if await worker.scheduler.event_is_set(name=group):
            return False
        await worker.scheduler.event_set(name=group)
        return True

    return bool(sync(worker.loop, noted))


def stop(token: str, group: Optional[str] = None, dask_worker: Any = None) -> bool:
    """Stops a call on this machine, and returns whether it was running.

    One of several in a ``group`` does not begin here from then on.
    """
    from daggerml.adapters.process import stop_call

    if stop_call(token):
        return True
    stopped = dask_worker.__dict__.setdefault("_daggerml_stopped", {})
    if group is not None:
        stopped[group, token] = True
    while len(stopped) > MOST_STOPPED:
        stopped.pop(next(iter(stopped)), None)
    return False


def ask_to_secede(key: str, dask_worker: Any = None) -> None:
    """Records that the call of that key, if it runs here, waits for another one."""
    from daggerml.adapters.process import running

    names = [name for name in running() if name.startswith(f"daggerml-{key}-")]
    dask_worker.__dict__.setdefault("_daggerml_waiting", set()).update(names)
