"""Calls: a runnable and arguments, run once and cached."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from math import inf
from operator import index

from daggerml import _core, log
from daggerml.adapters import program
from daggerml.call_events import CallEvents, unrun
from daggerml.errors import InvalidError, NodeError
from daggerml.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Optional, Union

    from daggerml._core import Executor
    from daggerml.dag import Dag
    from daggerml.dml import Dml
    from daggerml.node import Node

    Command = tuple[Sequence[str], int, bool]

__all__ = ["GROUP", "call", "executor", "map_items", "parts_of", "release"]

#: The entry point group in which packages offer adapters.
GROUP = "daggerml.adapters"

#: How many idle processes of an installed adapter are kept for the next call.
_WARM = 4

#: The entry point group with the names of the adapters that need one process for all calls.
_SINGLE = "daggerml.adapters.single"

#: A timeout of this many seconds or more is no limit.
_FOR_EVER = 1e9

#: How many calls a map runs at once on an adapter other than ``local``.
_FAR = 64

#: The same for an adapter that gathers calls: what waits together is sent together.
_GATHERED = 256


class _Executors:
    """The executors of this process, one for a repository."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._local: dict[str, Executor] = {}
        self._all: dict[str, Executor] = {}
        self._paths: dict[str, list[str]] = {}

    def of(self, dml: Dml, adapter: str) -> Executor:
        """Returns the executor of the repository that knows the adapter, if there is one.

        Entry points are looked up only when an adapter other than ``local`` is first used.
        """
        root = dml.root
        with self._lock:
            if self._paths.get(root) != sys.path:
                # Calls must be able to import what this process can import. Those that
                # run now keep their executor.
                self._local.pop(root, None)
                self._all.pop(root, None)
                self._paths[root] = list(sys.path)
            found = self._all.get(root)
            if found is None and adapter in {"", "local"}:
                found = self._local.get(root)
            if found is None:
                local = {"local": _local()}
                if adapter in {"", "local"}:
                    found = self._local[root] = _core.Executor(dml._handle, local)
                else:
                    found = _core.Executor(dml._handle, {**_installed(), **local})
                    self._all[root] = found
            return found

    def release(self, root: str) -> None:
        with self._lock:
            mine = [self._local.pop(root, None), self._all.pop(root, None)]
        for each in mine:
            if each is not None:
                each.close()

    def close(self) -> None:
        with self._lock:
            roots = [*self._local, *self._all]
        for root in roots:
            self.release(root)


_executors = _Executors()
release = _executors.release


def executor(dml: Dml, adapter: str = "local") -> Executor:
    """Returns the executor that runs the calls of a repository in this process."""
    return _executors.of(dml, adapter)


def _local() -> Command:
    if not sys.executable:
        text = (
            "the adapter 'local' needs to know the Python interpreter, and sys.executable is empty"
        )
        raise InvalidError(text)
    return program("daggerml.adapters.local", "run"), 0, True


def _installed() -> dict[str, Command]:
    """Returns the commands of the adapters that installed packages offer, by name."""
    from daggerml.codecs import entry_points

    found: dict[str, Command] = {}
    single = _single()
    for point in entry_points(GROUP):
        module, _, attribute = point.value.partition(":")
        words = f"{module}.{attribute or 'main'}".split(".")
        if not all(word.isidentifier() for word in words):
            log.info("the adapter %r is not used: %r is no function", point.name, point.value)
            continue
        warm = 1 if point.name in single else _WARM
        found.setdefault(point.name, (program(module, words[-1]), warm, False))
    return found


def _single() -> set[str]:
    """Returns the names of the adapters that need one process for all calls."""
    from daggerml.codecs import entry_points

    return {point.name for point in entry_points(_SINGLE)}


def _at_once(adapter: str) -> int:
    """Returns how many calls a map runs at once on an adapter, unless it is told."""
    if adapter in {"", "local"}:
        return os.cpu_count() or 1
    return _GATHERED if adapter in _single() else _FAR


def parts_of(fn: Any, dag: Optional[Dag] = None) -> tuple[Any, str, dict[str, Any]]:
    """Returns the runnable (or its node), the name of its adapter, and its own options."""
    from daggerml.node import Node
    from daggerml.projection import Projection

    if dag is not None and hasattr(fn, "_lower"):
        # A delayed runnable: the nodes that it names are in the DAG now.
        options = {"timeout": getattr(fn, "timeout", None), "cache": getattr(fn, "cache", True)}
        runnable, adapter, _ = parts_of(fn._lower(dag))
        return runnable, adapter, options
    if isinstance(fn, (Node, Projection)):
        if fn.type != "runnable":
            text = f"only a runnable can be called, not a {fn.type}"
            raise InvalidError(text)
        return fn, fn.value().adapter, {}
    if isinstance(fn, _core.Runnable):
        return fn, fn.adapter, {}
    runnable = getattr(fn, "runnable", None)
    if isinstance(runnable, _core.Runnable):
        return runnable, runnable.adapter, {"timeout": fn.timeout, "cache": fn.cache}
    text = f"only a runnable can be called, not a {type(fn).__name__}"
    hint = "decorate the function with @daggerml.funk" if callable(fn) else None
    raise InvalidError(text, hint=hint)


def _options(
    own: dict[str, Any], timeout: Optional[float], cache: Optional[bool], retries: Optional[int]
) -> dict[str, Any]:
    limit = own.get("timeout") if timeout is None else timeout
    if limit is not None:
        limit = _checked("timeout", limit, "a number of seconds", float, -inf)
    if retries is not None:
        retries = _checked("retries", retries, "a whole number, 0 or more", index, 0)
    return {
        # As in 0.1.x, what is not positive is no limit.
        "timeout": limit if limit is not None and 0 < limit < _FOR_EVER else None,
        "cache": own.get("cache", True) if cache is None else bool(cache),
        "retries": retries,
    }


def _checked(name: str, given: Any, what: str, convert: Callable[[Any], Any], least: float) -> Any:
    """Returns an option as a number, or raises an error that says what it must be."""
    try:
        number = None if isinstance(given, str) else convert(given)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not number >= least:  # NaN is refused too
        text = f"{name} is {what}, not {given!r}"
        raise InvalidError(text)
    return number


def call(
    dag: Dag,
    fn: Any,
    args: Iterable[Any],
    *,
    name: Optional[str] = None,
    timeout: Optional[float] = None,
    cache: Optional[bool] = None,
    retries: Optional[int] = None,
    on_event: Optional[Callable[[dict[str, Any]], None]] = None,
) -> Node:
    """Makes a call. Returns its node; see :meth:`daggerml.Dag.call`."""
    runnable, adapter, own = parts_of(fn, dag)
    options = _options(own, timeout, cache, retries)
    core = dag._writer()
    events = CallEvents(on_event)
    with unrun():
        ref, type_name = executor(dag.dml, adapter).call(
            core, [runnable, *args], options, name, dag._codec, events.event
        )
    return _node(dag, ref, type_name, events, 0)


def record(dag: Dag, fn: Any, args: Iterable[Any], made: _core.Ref, name: str) -> Node:
    """Records a call whose DAG, ``made``, is there already. Returns its node."""
    runnable, adapter, _ = parts_of(fn, dag)
    ref, type_name = executor(dag.dml, adapter).record(
        dag._writer(), [runnable, *args], made, name, dag._codec
    )
    return _node(dag, ref, type_name, CallEvents(), 0)


def map_items(
    dag: Dag,
    fn: Any,
    items: Iterable[Any],
    args: Iterable[Any],
    *,
    parallel: Optional[int] = None,
    timeout: Optional[float] = None,
    cache: Optional[bool] = None,
    retries: Optional[int] = None,
    on_error: str = "raise",
    progress: Optional[bool] = None,
) -> list[Union[Node, NodeError]]:
    """Makes a call for every item; see :meth:`daggerml.Dag.map`."""
    from daggerml.progress import Progress

    if on_error not in {"raise", "keep"}:
        text = f"on_error is 'raise' or 'keep', not {on_error!r}"
        raise InvalidError(text)
    runnable, adapter, own = parts_of(fn, dag)
    options = _options(own, timeout, cache, retries)
    more = list(args)
    given = list(items)
    if parallel is None:
        parallel = _at_once(adapter)
    parallel = _checked("parallel", parallel, "a whole number, 1 or more", index, 1)
    what = getattr(fn, "name", None) or "calls"
    with Progress(len(given), str(what), shown=progress) as bar, unrun():
        events = CallEvents(bar.event)
        made = executor(dag.dml, adapter).map(
            dag._writer(), runnable, given, more, options, parallel, on_error == "raise",
            dag._codec, events.event,
        )  # fmt: skip
    found: list[Union[Node, NodeError]] = []
    failed: list[NodeError] = []
    made.reverse()  # nothing is kept twice
    for item in range(len(made)):
        each = made.pop()
        if each is None:  # it did not begin, because another one failed
            continue
        try:
            found.append(_node(dag, *each, events, item))
        except NodeError as error:
            found.append(error)
            failed.append(error)
    if failed and on_error == "raise":
        raise failed[0]
    return found


def _node(
    dag: Dag, ref: _core.Ref, type_name: Optional[str], events: CallEvents, item: int
) -> Node:
    from daggerml.node import node_class

    if type_name is not None:
        return node_class(type_name)(dag, ref, type_name)
    try:
        return dag._node(ref)  # raises the error of the call
    except NodeError as error:
        error.hint = events.hint(dag.dml, error, item)
        if hasattr(error, "add_note") and error.stack:
            lines = "".join(
                f'\n  File "{frame.get("filename")}", line {frame.get("lineno")}, '
                f"in {frame.get('name')}\n    {frame.get('line')}"
                for frame in error.stack[-10:]
            )
            # A traceback writes it to a terminal, and it may be of a call that others made.
            error.add_note(safe(f"{error.type} raised in the call, at:{lines}", keep="\n"))
        raise


atexit.register(_executors.close)
