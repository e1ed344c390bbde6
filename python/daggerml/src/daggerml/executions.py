"""What is known of calls: those under way, and the attempts that were made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Optional

from daggerml.calls import executor

if TYPE_CHECKING:
    from daggerml._core import Ref
    from daggerml.dag import Dag
    from daggerml.dml import Dml
    from daggerml.explanations import Explanation

__all__ = ["ExecutionRecord", "Executions"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


@dataclass(frozen=True)
class ExecutionRecord:
    """One attempt at a call: under way, or ended."""

    #: The call's key: the hash of runnable and arguments.
    key: str
    #: ``claimed``, ``running`` or ``pending`` while it is under way; ``interrupted`` when the
    #: process that ran it died, and the next caller takes it over; ``ok``, ``error`` or
    #: ``canceled`` when it ended.
    status: str
    #: The adapter that ran it.
    adapter: str
    #: When it began.
    started: datetime
    #: When it ended; ``None`` while it is under way.
    finished: Optional[datetime] = None
    #: The DAG that it made; ``None`` if it was not run to its end.
    dag: Optional[Ref] = None
    #: Whether calls are answered by its DAG.
    cached: bool = False
    #: Whether its function failed in a way that may not come again, so that nothing is cached.
    transient: bool = False
    #: The machine and the process that run it.
    host: Optional[str] = None
    pid: Optional[int] = None


# Inside the class, `list` is its method.
Records = list[ExecutionRecord]


class Executions:
    """The calls of a repository: ``repo.exec``.

    >>> import daggerml
    >>> @daggerml.funk
    ... def double(dag, x):
    ...     print("working")
    ...     return x.value() * 2
    >>> with daggerml.temporary() as repo, repo.new("calls") as dag:
    ...     dag.commit(dag.call(double, 21))
    ...     [record] = repo.exec.list()
    ...     print(record.status, record.adapter, record.cached)
    ...     print(repo.exec.log(record.key))
    ...     repo.exec.invalidate(record.key), repo.exec.list()[0].cached
    ok local True
    working
    <BLANKLINE>
    (True, False)
    """

    __slots__ = ("_dml",)

    def __init__(self, dml: Dml) -> None:
        self._dml = dml

    def list(self) -> Records:
        """Return the newest attempt at every call: those under way, then the newest first."""
        found = []
        for call in self._dml._handle.execs():
            if call["running"] is not None:
                found.append(_running(call))
            elif call["newest"] is not None:
                found.append(_ended(call["key"], call["newest"], call["dag"]))
        return found

    def show(self, key: str) -> Records:
        """Return all attempts at a call (its key, or the first digits of it), newest first."""
        handle = self._dml._handle
        call = handle.exec_state(key)
        found = [] if call["running"] is None else [_running(call)]
        attempts = handle.exec_attempts(call["key"])
        return found + [_ended(call["key"], attempt, call["dag"]) for attempt in attempts]

    def explain(self, call: Any, *args: Any) -> Explanation:
        """Say why a call is a hit or a miss: what differs from the nearest earlier one.

        ``call`` is a call's key (or its first digits), or what can be called, with its
        arguments: then the call need not have been made, and is not made.

        >>> import daggerml
        >>> @daggerml.funk
        ... def double(dag, x):
        ...     return x.value()["n"] * 2
        >>> with daggerml.temporary() as repo, repo.new("calls") as dag:
        ...     dag.commit(dag.call(double, {"n": 20}))
        ...     same = repo.exec.explain(double, {"n": 20})
        ...     other = repo.exec.explain(double, {"n": 21})
        >>> same.hit, other.verdict
        (True, 'new')
        >>> [(it.part, it.path, it.before, it.after) for it in other.differences]
        [('argument 1', '["n"]', 20, 21)]
        """
        from daggerml.explanations import explain

        return explain(self._dml, call, args)

    def log(self, key: str, attempt: Optional[int] = None) -> str:
        """Return what an attempt (from 1; the newest by default) wrote to standard error."""
        return str(self._dml._handle.exec_log(key, attempt), "utf-8", "replace")

    def dag(self, key: str) -> Dag:
        """Return the DAG of the newest attempt that made one: its nodes, result or error."""
        from daggerml.errors import NotFoundError

        for record in self.show(key):
            if record.dag is not None:
                return self._dml.load(record.dag)
        text = f"no attempt at the call {key} made a DAG"
        raise NotFoundError(text)

    def invalidate(self, key: str) -> bool:
        """Let a call be run again the next time; return whether it was cached."""
        return bool(executor(self._dml).invalidate(key))

    def cancel(self, key: str) -> bool:
        """Ask whoever runs a call to stop it; return whether it is under way."""
        return bool(executor(self._dml).cancel(key))

    def __repr__(self) -> str:
        return f"<the calls of {self._dml!r}>"


def _running(call: dict[str, Any]) -> ExecutionRecord:
    claim = call["running"]
    return ExecutionRecord(
        key=call["key"],
        status="interrupted" if claim["dead"] else claim["state"],
        adapter=claim["adapter"],
        started=_time(claim["since"]),
        cached=call["dag"] is not None,
        host=claim["host"],
        pid=claim["pid"],
    )


def _ended(key: str, attempt: dict[str, Any], answer: Optional[Ref]) -> ExecutionRecord:
    return ExecutionRecord(
        key=key,
        status=attempt["status"],
        adapter=attempt["adapter"],
        started=_time(attempt["started"]),
        finished=_time(attempt["finished"]),
        dag=attempt["dag"],
        cached=answer is not None and attempt["dag"] == answer,
        transient=attempt["transient"],
    )
