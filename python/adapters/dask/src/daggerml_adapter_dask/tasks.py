"""Calls as Dask tasks: submit, collect, stop.

The name of a task that runs one call is made of the call's key and the number of the run, so
that submitting a run twice makes one task. A task that takes longer than a moment is published
under its name: it then belongs to the scheduler, and any process can collect its calls. A
run token is the name of the call's own task, and after that the part of the name of the group
that runs it, once that is published.
"""

from __future__ import annotations

import binascii
import functools
import re
import time
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from daggerml.adapters import answers
from daggerml.adapters.lines import PROTOCOL, AdapterError
from daggerml_adapter_dask import cluster, outcomes, worker
from daggerml_adapter_dask.groups import MOMENT, Call, Group, Groups

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["collect", "stop", "submit"]

Message = dict[str, Any]
T = TypeVar("T")

#: After how many milliseconds a call of another process is asked for again.
LATER_MS = 200

#: How often a call that waits for nested ones is told to let its worker run others, in seconds.
ASK = 1.0

#: The form of run tokens.
_TOKEN = re.compile(r"(daggerml-[0-9a-f]+-[0-9]+)(?:-([0-9a-f]{16}))?")

#: The calls of the connection to the scheduler.
_groups: list[Groups] = []

#: Tasks that other processes submitted, by name; what was collected of them; whom it was asked
#: to let others run.
_futures: dict[str, Future] = {}
_collected: dict[str, set[str]] = {}
_asked: dict[str, float] = {}


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
            for groups in _groups:
                groups.close()
            _groups.clear()
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
    groups = _current()
    if ancestors and time.monotonic() - _asked.get(ancestors[-1], -ASK) >= ASK:
        _asked.clear()  # a process runs one function at a time
        _asked[ancestors[-1]] = time.monotonic()
        groups.client.run(_by_value(worker.ask_to_secede), ancestors[-1], on_error="ignore")
    task = {
        "protocol": PROTOCOL,
        "op": "invoke",
        "key": key,
        "attempt": attempt,
        "ancestors": ancestors,
        "bundle": bundle,
    }
    call = groups.add(f"daggerml-{key}-{attempt}", task)
    # What else waits for this process may be put together with it.
    return _answer(groups, call, 0 if request.get("waiting") else MOMENT)


@_answering
def collect(token: str) -> Message:
    """Returns the answer for a call: its result, if it has ended."""
    name, _ = _read(token)
    groups = _current()
    call = groups.find(name)
    return _foreign(groups.client, token) if call is None else _answer(groups, call, MOMENT)


@_answering
def stop(token: str) -> Message:
    """Stops a call on any machine of the cluster."""
    name, of = _read(token)
    group = None if of is None else f"daggerml-{of}"
    groups = _current()
    call = groups.find(name)
    if call is None:
        try:
            future = _found(groups.client, token)
        except AdapterError:
            return {"state": "canceled"}  # the task or its scheduler has ended
        if of is None:
            groups.client.cancel([future], force=True)
            _forget(groups.client, name)
    else:
        if call.group is not None and call.group.name != name:
            group = call.group.name
        emptied = groups.drop(call)
        if emptied is not None:
            _release(groups.client, emptied, cancel=True)
    groups.client.run(_by_value(worker.stop), name, group, on_error="ignore")
    return {"state": "canceled"}


def _current() -> Groups:
    """Returns the calls of the connection that there is now."""
    if _groups and _groups[0].lost:
        cluster.forget()
    client = cluster.connected()
    if not _groups or _groups[0].client is not client or _groups[0].lost:
        for before in _groups:
            before.close()
        import cloudpickle

        code, begin = cloudpickle.dumps(_by_value(worker.run)), _by_value(worker.begin)
        # In a graph, Dask pickles a function by its name if it can. It cannot with this one.
        _groups[:] = [Groups(client, lambda *given: begin(code, *given))]
        _futures.clear()
    return _groups[0]


def _answer(groups: Groups, call: Call, seconds: float) -> Message:
    """Returns the answer for a call of this process."""
    if not groups.wait(call, seconds):
        token = call.token
        group = call.group
        if group is not None and time.monotonic() - group.since >= group.moment:
            if not group.published and group.future is not None:
                groups.client.publish_dataset(group.future, name=group.name, override=True)
                group.published = True
            if group.published and group.name != token:
                token = f"{token}-{group.name.rpartition('-')[2]}"
        return {"state": "pending", "token": token, "retry_after_ms": groups.again(call)}
    emptied = groups.drop(call)
    if emptied is not None:
        _release(groups.client, emptied)
    if call.error is not None:
        raise call.error
    assert call.answer is not None  # noqa: S101  the call has ended
    return call.answer


def _release(client: Client, group: Group, *, cancel: bool = False) -> None:
    """Lets go of a task that no call is left of."""
    if cancel and group.future is not None:
        client.cancel([group.future], force=True)
    group.future = None
    if group.published:
        client.unpublish_dataset(group.name)


def _foreign(client: Client, token: str) -> Message:
    """Returns the answer for a call that another process submitted."""
    name, of = _read(token)
    future = _found(client, token)
    try:
        found = outcomes.of(future, MOMENT)
    except TimeoutError:
        return {"state": "pending", "token": token, "retry_after_ms": LATER_MS}
    except AdapterError as problem:
        if problem.answer["error"]["kind"] == "scheduler_lost":
            raise outcomes.unknown(token) from None
        raise
    given = (found or {}).get(name)
    task = name if of is None else f"daggerml-{of}"
    taken = _collected.setdefault(task, set())
    taken.add(name)
    if of is None or taken >= set(found or {}):
        _forget(client, task)
    if given is None:  # a worker was lost, or gave it back
        raise outcomes.unknown(token)
    return outcomes.checked(given[0])


def _read(token: str) -> tuple[str, Optional[str]]:
    """Returns the parts of a token. It may be no token of ours: others use the scheduler too."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise AdapterError("invalid_request", f"{answers.told(token, 100)} is no token")
    return found[1], found[2]


def _found(client: Client, token: str) -> Future:
    name, of = _read(token)
    task = name if of is None else f"daggerml-{of}"
    if task not in _futures:
        try:
            _futures[task] = client.get_dataset(task)
        except KeyError:
            raise outcomes.unknown(token) from None
    return _futures[task]


def _forget(client: Client, task: str) -> None:
    _futures.pop(task, None)
    _collected.pop(task, None)
    client.unpublish_dataset(task)


def _by_value(function: Callable[..., T]) -> Callable[..., T]:
    """Returns a function that is pickled with its code, for workers without this package."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(worker)
    return function
