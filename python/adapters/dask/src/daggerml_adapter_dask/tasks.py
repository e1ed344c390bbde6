"""A call as a Dask task.

The name of the task is made of the call's key and the number of the run, so that
submitting a run twice makes one task. A call that takes longer than a moment is published
under this name, which is also its run token: the task then belongs to the scheduler, and any
process can collect it.
"""

from __future__ import annotations

import binascii
import functools
import re
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from daggerml.adapters import answers
from daggerml.adapters.lines import PROTOCOL, AdapterError
from daggerml_adapter_dask import cluster, worker

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["collect", "stop", "submit"]

Message = dict[str, Any]
T = TypeVar("T")

#: How many seconds a request waits for the end of a call.
MOMENT = 0.25

#: The form of the names of tasks, which are the run tokens.
_TOKEN = re.compile(r"daggerml-[0-9a-f]+-[0-9]+")

_futures: dict[str, Future] = {}


def _answering(ask: Callable[[Any], Message]) -> Callable[[Any], Message]:
    """Makes an error answer of a lost connection to the scheduler."""

    @functools.wraps(ask)
    def guarded(given: Any) -> Message:
        try:
            return ask(given)
        except AdapterError:
            raise
        except (OSError, TimeoutError) as problem:
            cluster.forget()
            _futures.clear()
            text = f"the Dask scheduler was lost: {str(problem) or type(problem).__name__}"
            raise AdapterError("scheduler_lost", text, transient=True) from None

    return guarded


@_answering
def submit(request: Message) -> Message:
    """Submits the call in a request, and returns the answer."""
    try:
        key, attempt = str(request["key"]), int(request["attempt"])
        bundle = binascii.a2b_base64(request["bundle"])
        ancestors = list(request.get("ancestors", ()))
    except (KeyError, TypeError, ValueError) as problem:
        raise AdapterError("invalid_request", f"the request lacks {problem}") from None
    client = cluster.connected()
    if ancestors:
        client.run(_by_value(worker.ask_to_secede), ancestors[-1], on_error="ignore")
    token = f"daggerml-{key}-{attempt}"
    task = {
        "protocol": PROTOCOL,
        "op": "invoke",
        "key": key,
        "attempt": attempt,
        "ancestors": ancestors,
        "bundle": bundle,
    }
    future = client.submit(
        _by_value(worker.run),
        token,
        task,
        client.scheduler.address,
        key=token,
        pure=False,
    )
    text = "the connection to the Dask scheduler was lost while the call was submitted"
    lost = AdapterError("scheduler_lost", text, transient=True)
    answer = _waited(future, lost)
    if answer is None:
        client.publish_dataset(future, name=token, override=True)
        _futures[token] = future
        return {"state": "pending", "token": token, "retry_after_ms": 50}
    return answer


@_answering
def collect(token: str) -> Message:
    """Returns the answer for a call: its result, if it has ended."""
    _check(token)
    client = cluster.connected()
    future = _found(client, token)
    answer = _waited(future, _unknown(token))
    if answer is None:
        return {"state": "pending", "token": token, "retry_after_ms": 200}
    _forget(client, token)
    return answer


@_answering
def stop(token: str) -> Message:
    """Stops a call on any machine of the cluster."""
    _check(token)
    client = cluster.connected()
    try:
        future = _found(client, token)
    except AdapterError:
        return {"state": "canceled"}  # the task or its scheduler has ended
    client.cancel([future], force=True)
    client.run(_by_value(worker.stop), token, on_error="ignore")
    _forget(client, token)
    return {"state": "canceled"}


def _check(token: str) -> None:
    """Raises an error for a token that is not ours: others use the scheduler too."""
    if not _TOKEN.fullmatch(token):
        raise AdapterError("invalid_request", f"{answers.told(token, 100)} is no token")


def _found(client: Client, token: str) -> Future:
    future = _futures.get(token)
    if future is not None and future.client is client:
        return future
    try:
        found: Future = client.get_dataset(token)
    except KeyError:
        raise _unknown(token) from None
    _futures[token] = found
    return found


def _forget(client: Client, token: str) -> None:
    _futures.pop(token, None)
    client.unpublish_dataset(token)


def _unknown(token: str) -> AdapterError:
    text = f"the Dask scheduler does not know {token}; it may have been restarted"
    return AdapterError("unknown_token", text)


def _waited(future: Future, lost: AdapterError) -> Optional[Message]:
    """Returns the answer if the task ends in a moment; ``lost`` if the scheduler lost it."""
    from concurrent.futures import CancelledError

    from distributed import TimeoutError as DaskTimeoutError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        given = future.result(timeout=MOMENT)
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
                return None
            if isinstance(problem, CancelledError):
                raise lost from None
            if isinstance(problem, UnboundLocalError):
                # Dask's `sync` raises this when its task was canceled, and this connection
                # would raise it again.
                text = f"a gather was canceled ({problem})"
                raise ConnectionError(text) from None
            if isinstance(problem, CommClosedError):
                raise
        text = f"the Dask task failed: {type(problem).__name__}: {answers.told(problem)}"
        raise AdapterError("task_failed", text) from None
    answer = answers.checked(given, "a Dask worker")
    if "bundle" in answer:
        encoded = binascii.b2a_base64(answer["bundle"], newline=False)
        answer = {**answer, "bundle": encoded.decode("ascii")}
    return answer


def _by_value(function: Callable[..., T]) -> Callable[..., T]:
    """Returns a function that is pickled with its code, for workers without this package."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(worker)
    return function
