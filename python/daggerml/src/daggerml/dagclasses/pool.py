"""The steps of one run of a dag class, several at once."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Optional

from daggerml import log
from daggerml.errors import DmlRepoError, Error, NodeError

if TYPE_CHECKING:
    from daggerml._core import Ref
    from daggerml.dag import Dag
    from daggerml.dagclasses.compiled import Compiled
    from daggerml.progress import Progress

__all__ = ["Pool", "StepError"]

#: How many steps run at once on adapters other than ``local``.
_FAR = 64

#: How often signals are handled while steps run, in seconds.
_EVERY = 0.1

#: How long steps may take to stop after an interrupt, in seconds.
_PATIENCE = 5.0


class StepError(NodeError):
    """A step of a dag class failed. ``step`` is the name of its method."""

    step: str

    @classmethod
    def _of(cls, error: NodeError, step: str, owner: str) -> StepError:
        self = cls(error, node_ref=error.node_ref, dag=error.dag)
        self.message = f"step {step!r} of {owner}: {error.message}"
        self.args = (self.message,)
        self.dag_ref = error.dag_ref
        self.hint = error.hint
        self.step = step
        return self


@dataclass
class Pool:
    """Runs the steps, each in its own thread, which begins when what it needs is there.

    They run in a draft that is thrown away. Then their calls are recorded in another draft,
    always in the same order, so that the same run makes the same DAG.
    """

    #: The DAG to run them in.
    scratch: Dag
    made: Compiled
    #: The steps, each after those that it needs.
    wanted: list[str]
    options: dict[str, Any]
    parallel: Optional[int]
    #: The arguments of the call, when ``run`` was given some.
    given: dict[str, list[Any]] = field(default_factory=dict)
    bar: Optional[Progress] = None
    #: The nodes of steps and values in the DAG that they are run or recorded in.
    nodes: dict[str, Any] = field(default_factory=dict)
    #: The DAGs that the calls made.
    dags: dict[str, Ref] = field(default_factory=dict)
    failed: dict[str, BaseException] = field(default_factory=dict)
    #: The running calls: the step of each, and its key once that is known.
    running: dict[str, Optional[str]] = field(default_factory=dict)
    ended: SimpleQueue[tuple[str, Any, Optional[BaseException]]] = field(
        default_factory=SimpleQueue
    )

    def run(self) -> None:
        """Runs the steps. After one fails, no more begin, and it waits for those that run."""
        try:
            self._put_values(self.scratch)
            self._run()
        except BaseException:
            self._stop()
            raise
        finally:
            self.scratch._writer().discard()
            self.scratch._open = None

    def record(self, dag: Dag) -> dict[str, Any]:
        """Records the steps in ``dag`` and returns their nodes, or raises the first error."""
        from daggerml.calls import record

        self.nodes = {}
        self._put_values(dag)
        for name in self.wanted:
            if name in self.dags:
                method, made = self.made.methods[name], self.dags[name]
                try:
                    self.nodes[name] = record(dag, method, self._args(name), made, name)
                except NodeError as error:
                    self.failed[name] = error
        for name in self.wanted:
            if name in self.failed:
                raise self._named(self.failed[name], name)
        return {name: self.nodes[name] for name in self.wanted}

    def _run(self) -> None:
        waiting = {name: set(self._needs(name)) & set(self.wanted) for name in self.wanted}
        while waiting or self.running:
            if not self.failed:
                self._begin(waiting)
            if not self.running:
                return
            name, node, error = self._next()
            del self.running[name]
            if error is not None:
                self.failed[name] = error
                made = error.dag_ref if isinstance(error, NodeError) else None
            else:
                self.nodes[name] = node
                made = node.context(root=False).ref
                for needs in waiting.values():
                    needs.discard(name)
            if made is not None:
                self.dags[name] = made

    def _put_values(self, dag: Dag) -> None:
        """Puts the values that steps take, under their names."""
        for name in dict.fromkeys(need for step in self.wanted for need in self._needs(step)):
            if name in self.made.values:
                self.nodes[name] = dag.put(self.made.values[name], name=name)

    def _needs(self, name: str) -> tuple[str, ...]:
        return () if name in self.given else self.made.steps[name].arguments

    def _args(self, name: str) -> list[Any]:
        if name in self.given:
            return self.given[name]
        return [self.nodes[need] for need in self._needs(name)]

    def _begin(self, waiting: dict[str, set[str]]) -> None:
        for name in [name for name, needs in waiting.items() if not needs]:
            if not self._has_room(name):
                continue
            del waiting[name]
            self.running[name] = None
            # A daemon, so that an interrupt can end the process.
            work = threading.Thread(target=self._call, args=(name,), daemon=True)
            work.start()

    def _has_room(self, name: str) -> bool:
        limit = self.parallel
        near = self._is_near(name)
        if limit is None:
            limit = (os.cpu_count() or 1) if near else _FAR
        return sum(self._is_near(each) == near for each in self.running) < limit

    def _is_near(self, name: str) -> bool:
        method = self.made.methods[name]
        return method.adapter == "local" and method.sub is None

    def _call(self, name: str) -> None:
        from daggerml.calls import call

        method, args = self.made.methods[name], self._args(name)
        try:
            node = call(
                self.scratch,
                method,
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
            try:  # On Windows, a wait without a timeout cannot be interrupted.
                return self.ended.get(timeout=_EVERY)
            except Empty:
                continue

    def _stop(self) -> None:
        """Stops the steps that this process runs, and waits for them for a moment."""
        calls = self.scratch.dml.exec
        for key in self.running.values():
            try:
                if key is not None and any(
                    record.finished is None and record.pid == os.getpid()
                    for record in calls.show(key)
                ):
                    calls.cancel(key)
            except DmlRepoError as problem:  # it may have just ended
                log.debug("call %s was not stopped: %s", key, problem)
        for _ in range(len(self.running)):
            try:
                self.ended.get(timeout=_PATIENCE)
            except Empty:
                return

    def _named(self, error: BaseException, step: str) -> BaseException:
        """Returns an error that names the step."""
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
