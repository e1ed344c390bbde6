"""A call as a Dask task.

The name of the task is made of the call's key and attempt, so that the same
attempt, asked for twice, is one task. A call that is not done in a moment is
published under that name, which is also its token: the task then belongs to the
scheduler, and any process can collect it.
"""

from __future__ import annotations

import binascii
import functools
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from daggerml.adapters.lines import PROTOCOL, AdapterError
from daggerml_adapter_dask import cluster, worker

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["collect", "stop", "submit"]

Message = dict[str, Any]
T = TypeVar("T")

#: How long a request waits for the end of a call, in seconds.
MOMENT = 0.25

_futures: dict[str, Future] = {}


def _answering(ask: Callable[[Any], Message]) -> Callable[[Any], Message]:
    """Answer with an error when the scheduler is lost on the way."""

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
    """Submit the call in a request."""
    try:
        key, attempt = str(request["key"]), int(request["attempt"])
        bundle = binascii.a2b_base64(request["bundle"])
        ancestors = list(request.get("ancestors", ()))
    except (KeyError, TypeError, ValueError) as problem:
        raise AdapterError("invalid_request", f"the request lacks {problem}") from None
    client = cluster.connected()
    if ancestors:
        client.run(_by_value(worker.ask_to_secede), ancestors[-1])
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
    text = "the Dask scheduler was lost while it was told of the call"
    lost = AdapterError("scheduler_lost", text, transient=True)
    answer = _waited(future, lost)
    if answer is None:
        client.publish_dataset(future, name=token, override=True)
        _futures[token] = future
        return {"state": "pending", "token": token, "retry_after_ms": 50}
    return answer


@_answering
def collect(token: str) -> Message:
    """Collect the outcome of a call, if it is there."""
    client = cluster.connected()
    future = _found(client, token)
    answer = _waited(future, _unknown(token))
    if answer is None:
        return {"state": "pending", "token": token, "retry_after_ms": 200}
    _forget(client, token)
    return answer


@_answering
def stop(token: str) -> Message:
    """Stop a call wherever it runs."""
    client = cluster.connected()
    try:
        future = _found(client, token)
    except AdapterError:
        return {"state": "canceled"}  # it is at its end, or its scheduler
    client.cancel([future], force=True)
    client.run(_by_value(worker.stop), token)
    _forget(client, token)
    return {"state": "canceled"}


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
    text = f"the Dask scheduler knows nothing of {token}; it was started anew since, perhaps"
    return AdapterError("unknown_token", text)


def _waited(future: Future, lost: AdapterError) -> Optional[Message]:
    """Return the answer if the task ends in a moment; ``lost`` if nobody knows of it any more."""
    from concurrent.futures import CancelledError

    from distributed import TimeoutError as DaskTimeoutError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        answer: Message = future.result(timeout=MOMENT)
    except (TimeoutError, DaskTimeoutError):
        return None
    except CancelledError:
        raise lost from None
    except UnboundLocalError as problem:
        # Not of the task, whose own errors are answers: Dask's `sync` ends like this when
        # what it waits for is canceled, and that connection would do so again.
        raise ConnectionError(f"a gather was canceled ({problem})") from None
    except KilledWorker as problem:
        text = f"the call's Dask workers died, one after the other: {problem}"
        raise AdapterError("workers_died", text, transient=True) from None
    except ModuleNotFoundError as problem:
        text = f"a Dask worker cannot run calls: {problem}; install daggerml where workers run"
        raise AdapterError("worker_unfit", text) from None
    except (AdapterError, CommClosedError):  # the latter is the connection's, not the task's
        raise
    except Exception as problem:  # noqa: BLE001  whatever the task raised is answered
        text = f"the Dask task failed: {type(problem).__name__}: {problem}"
        raise AdapterError("task_failed", text) from None
    if "bundle" in answer:
        encoded = binascii.b2a_base64(answer["bundle"], newline=False)
        answer = {**answer, "bundle": encoded.decode("ascii")}
    return answer


def _by_value(function: Callable[..., T]) -> Callable[..., T]:
    """Return the function so that workers get its code: they may lack this package."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(worker)
    return function
