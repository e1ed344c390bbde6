"""``daggerml.run``: a DAG of an instance of a dag class, its steps side by side."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Optional

from daggerml import log
from daggerml.dagclasses.compiled import Compiled, compiled
from daggerml.errors import DmlRepoError, Error, InvalidError, NodeError, NotFoundError
from daggerml.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daggerml.dag import Dag
    from daggerml.dml import Dml
    from daggerml.node import Node

__all__ = ["StepError", "run"]

#: How many steps are under way on adapters that are not this machine.
_FAR = 64

#: How often signals are looked for while steps run, in seconds.
_EVERY = 0.1

#: How long steps may take to stop after an interrupt, in seconds.
_PATIENCE = 5.0


class StepError(NodeError):
    """A step of a dag class ended in an error; ``step`` is its name."""

    step: str

    @classmethod
    def _of(cls, error: NodeError, step: str, owner: str) -> StepError:
        self = cls(error, node_ref=error.node_ref, dag=error.dag)
        self.message = f"step {step!r} of {owner}: {error.message}"
        self.args = (self.message,)
        self.dag_ref = error.dag_ref
        self.step = step
        return self


def run(
    instance: Any,
    *args: Any,
    name: Optional[str] = None,
    message: Optional[str] = None,
    tags: Optional[Iterable[str]] = None,
    entrypoint: Optional[str] = None,
    dml: Optional[Dml] = None,
    parallel: Optional[int] = None,
    timeout: Optional[float] = None,
    cache: Optional[bool] = None,
    retries: Optional[int] = None,
    progress: Optional[bool] = None,
) -> Dag:
    """Make a DAG of an instance of a :func:`daggerml.dagclass`, commit it, and return it.

    Every step is a call, under the name of its method, and the fields that steps
    take are nodes under theirs. Steps that do not need each other run at once. The first that
    fails ends it when those under way have ended: a :class:`StepError` that names it,
    which is the DAG's error too. ``dml dag graph`` draws it.

    With ``args``, the entrypoint is called with them, and the DAG has this one call.

    :param name: the name of the DAG; by default that of the class.
    :param entrypoint: another method than that of the class, to stop at.
    :param dml: the repository; by default the one of :func:`daggerml.get_default_dml`.
    :param parallel: how many steps run on this machine at most; by default the number of
        processors.
    :param timeout: seconds that a step may take, unless it says so itself.
    :param cache: with ``False`` all steps are run again.
    :param retries: how often a step is tried again when what runs it fails.
    :param progress: whether to show a bar on standard error; by default if that is a
        terminal. Otherwise the log of ``daggerml`` tells.
    """
    from daggerml.session import get_default_dml

    made = compiled(instance)
    title = made.owner if name is None else name
    options = {"timeout": timeout, "cache": cache, "retries": retries}
    entry = made.entrypoint if entrypoint is None else entrypoint
    explicit = entrypoint is not None or entry in made.methods
    if explicit and entry not in made.methods:
        text = f"{made.owner} has no method {entry!r} to run"
        raise NotFoundError(text, hint=f"it has: {', '.join(made.methods) or 'no methods'}")
    alone = bool(args) or (explicit and entry not in made.steps)
    if alone and not explicit:
        text = f"{made.owner} has no method {entry!r} to call with arguments"
        hint = "run it without arguments, or name a method by entrypoint=..."
        raise InvalidError(text, hint=hint)
    if alone:
        _check_arguments(made, entry, len(args))
    elif not made.steps:
        text = f"{made.owner} has no method that runs by itself"
        hint = "a parameter of such a method is the name of a field or of another method"
        raise InvalidError(text, hint=hint)
    repository = get_default_dml() if dml is None else dml
    with repository.new(title, title if message is None else message, tags=tags) as dag:
        if alone:
            pool = _Pool(dag, made, [entry], options, parallel, {entry: list(args)})
        else:
            pool = _Pool(dag, made, _wanted(made, entry if explicit else None), options, parallel)
        with Progress(len(pool.wanted), title, shown=progress) as bar:
            pool.bar = bar
            nodes = pool.run()
        dag.commit(_result(made, nodes, entry if explicit else None))
    return dag


def _check_arguments(made: Compiled, entry: str, given: int) -> None:
    need = made.needs[entry]
    least = len([name for name in need.parameters if name not in need.optional])
    if given < least or (given > len(need.parameters) and not need.open):
        wants = ", ".join(need.parameters) or "none"
        text = f"{made.owner}.{entry} takes the arguments: {wants}; {given} were given"
        hint = f"write run({made.owner}(...), {wants}), or make them members of the class"
        raise InvalidError(text, hint=hint)


def _wanted(made: Compiled, entry: Optional[str]) -> list[str]:
    """Return the steps to run, each after those that it needs."""
    if entry is None:
        return list(made.steps)
    found = {entry}
    for name in reversed(list(made.steps)):
        if name in found:
            found.update(made.steps[name].arguments)
    return [name for name in made.steps if name in found]


def _result(made: Compiled, nodes: dict[str, Node], entry: Optional[str]) -> Any:
    if entry is not None:
        return nodes[entry]
    needed = {name for step in nodes for name in made.steps[step].arguments}
    last = {name: node for name, node in nodes.items() if name not in needed}
    return next(iter(last.values())) if len(last) == 1 else last


@dataclass
class _Pool:
    """The steps of one run: each begins when what it needs is there, in a thread of its own."""

    dag: Dag
    made: Compiled
    wanted: list[str]
    options: dict[str, Any]
    parallel: Optional[int]
    #: The arguments of a call that is no step.
    given: dict[str, list[Any]] = field(default_factory=dict)
    bar: Optional[Progress] = None
    nodes: dict[str, Any] = field(default_factory=dict)
    #: The calls under way: the step of each, and its key when that is known.
    running: dict[str, Optional[str]] = field(default_factory=dict)
    ended: SimpleQueue[tuple[str, Any, Optional[BaseException]]] = field(
        default_factory=SimpleQueue
    )

    def run(self) -> dict[str, Any]:
        """Run the steps, and return their nodes."""
        waiting = {name: set(self._arguments(name)) & set(self.wanted) for name in self.wanted}
        for name in dict.fromkeys(each for step in self.wanted for each in self._arguments(step)):
            if name not in waiting:
                self.nodes[name] = self.dag.put(self.made.values[name], name=name)
        failed: Optional[BaseException] = None
        try:
            while waiting or self.running:
                if failed is None:
                    self._begin(waiting)
                if not self.running:
                    break
                name, node, error = self._next()
                del self.running[name]
                if error is None:
                    self.nodes[name] = node
                    for needs in waiting.values():
                        needs.discard(name)
                elif failed is None:
                    failed = self._named(error, name)
        except BaseException:
            self._stop()
            raise
        if failed is not None:
            raise failed
        return {name: self.nodes[name] for name in self.wanted}

    def _arguments(self, name: str) -> tuple[str, ...]:
        return () if name in self.given else self.made.steps[name].arguments

    def _begin(self, waiting: dict[str, set[str]]) -> None:
        for name in [name for name, needs in waiting.items() if not needs]:
            if not self._has_room(name):
                continue
            del waiting[name]
            self.running[name] = None
            # Not one that the process waits for at its end: an interrupt is to end it.
            threading.Thread(
                target=self._call, args=(name,), name=f"dml-{name}", daemon=True
            ).start()

    def _has_room(self, name: str) -> bool:
        limit = self.parallel
        near = self._is_near(name)
        if limit is None:
            limit = (os.cpu_count() or 1) if near else _FAR
        return sum(self._is_near(each) == near for each in self.running) < max(int(limit), 1)

    def _is_near(self, name: str) -> bool:
        method = self.made.methods[name]
        return method.adapter == "local" and method.sub is None

    def _call(self, name: str) -> None:
        from daggerml.calls import call

        try:
            if name in self.given:
                args = self.given[name]
            else:
                args = [self.nodes[each] for each in self._arguments(name)]
            node = call(
                self.dag,
                self.made.methods[name],
                args,
                name=name,
                on_event=lambda event: self._event(name, event),
                **self.options,
            )
        except BaseException as error:  # noqa: BLE001  it is raised where the steps are awaited
            self.ended.put((name, None, error))
        else:
            self.ended.put((name, node, None))

    def _event(self, name: str, event: dict[str, Any]) -> None:
        if name in self.running:
            self.running[name] = event["key"]
        log.debug("step %s: %s", name, event["state"])
        if self.bar is not None:
            self.bar.event({**event, "item": self.wanted.index(name)})

    def _next(self) -> tuple[str, Any, Optional[BaseException]]:
        while True:
            try:  # On Windows a wait without an end cannot be interrupted.
                return self.ended.get(timeout=_EVERY)
            except Empty:
                continue

    def _stop(self) -> None:
        """Stop the steps under way that this process runs, and wait for them a little."""
        calls = self.dag.dml.exec
        for key in self.running.values():
            try:
                if key is not None and any(
                    record.finished is None and record.pid == os.getpid()
                    for record in calls.show(key)
                ):
                    calls.cancel(key)
            except DmlRepoError as problem:  # it has just ended, say
                log.debug("call %s was not stopped: %s", key, problem)
        for _ in range(len(self.running)):
            try:
                self.ended.get(timeout=_PATIENCE)
            except Empty:
                return

    def _named(self, error: BaseException, step: str) -> BaseException:
        """Return an error that tells the step."""
        owner = self.made.owner
        if isinstance(error, NodeError):
            named = StepError._of(error, step, owner)
            named.__cause__ = error
            return named
        if isinstance(error, Error):
            error.message = f"step {step!r} of {owner}: {error.message}"
            error.args = (error.message,)
        elif hasattr(error, "add_note"):
            error.add_note(f"in step {step!r} of {owner}")
        return error
