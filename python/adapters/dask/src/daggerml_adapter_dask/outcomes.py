"""What tasks return, and what it means when they do not."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, Optional

from daggerml.adapters import answers
from daggerml.adapters.lines import AdapterError

if TYPE_CHECKING:
    from distributed import Future

    from daggerml_adapter_dask.worker import Outcomes

__all__ = ["checked", "lost", "of", "unknown"]

#: How many seconds are waited for what a task that has ended returned.
GATHER = 60.0


def lost() -> AdapterError:
    """Returns the error of a call whose task the scheduler lost while it was submitted."""
    text = "the connection to the Dask scheduler was lost while the call was submitted"
    return AdapterError("scheduler_lost", text, transient=True)


def unknown(token: str) -> AdapterError:
    """Returns the error of a call that nothing is known of."""
    text = f"the Dask scheduler does not know {token}; it may have been restarted"
    return AdapterError("unknown_token", text)


def checked(given: object) -> dict[str, Any]:
    """Returns the answer of a worker, fit for a line."""
    answer = answers.checked(given, "a Dask worker")
    if "bundle" in answer:
        encoded = binascii.b2a_base64(answer["bundle"], newline=False)
        answer = {**answer, "bundle": encoded.decode("ascii")}
    return answer


def of(future: Future, seconds: float = GATHER) -> Optional[Outcomes]:
    """Returns what a task returns: ``None`` if a worker was lost that had begun it.

    Raises ``TimeoutError`` when it does not end in time, and an :class:`AdapterError` when it
    ends in an error.
    """
    from concurrent.futures import CancelledError

    from distributed import TimeoutError as DaskTimeoutError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        given = future.result(timeout=seconds)
    except KilledWorker as problem:
        text = f"the Dask workers of the call died, one after the other: {answers.told(problem)}"
        raise AdapterError("workers_died", text, transient=True) from None
    except ModuleNotFoundError as problem:
        text = f"a Dask worker cannot run calls: {answers.told(problem)}; "
        raise AdapterError("worker_unfit", f"{text}install daggerml where workers run") from None
    except (Exception, SystemExit, GeneratorExit) as problem:
        # What the task itself raised, even a timeout, becomes an error answer.
        if getattr(future, "status", None) != "error":
            if isinstance(problem, (TimeoutError, DaskTimeoutError)):
                raise TimeoutError from None
            if isinstance(problem, CancelledError):
                raise lost() from None
            if isinstance(problem, UnboundLocalError):
                # Dask's `sync` raises this when its task was canceled, and this connection
                # would raise it again.
                text = f"a gather was canceled ({problem})"
                raise ConnectionError(text) from None
            if isinstance(problem, CommClosedError):
                raise
        text = f"the Dask task failed: {type(problem).__name__}: {answers.told(problem)}"
        raise AdapterError("task_failed", text) from None
    return None if given is None else _sound(given)


def _sound(given: Any) -> Outcomes:
    """Returns what a task returned, if it has the form of outcomes."""
    if type(given) is not dict or not all(
        type(each) is tuple and len(each) == 2  # noqa: PLR2004
        for each in given.values()
    ):
        text = f"a Dask worker returned a {type(given).__name__} that is no outcomes of calls"
        raise AdapterError("worker_unfit", text)
    found: Outcomes = given
    return found
