"""The record of calls: those that run now, and every run that ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Optional

from daggerml.calls import executor

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """One run of a call, which runs now or has ended."""

    #: The call's key: the hash of the runnable and its arguments, in hexadecimal.
    key: str
    #: ``claimed``, ``running`` or ``pending`` while it runs; ``ok``, ``error`` or ``canceled``
    #: when it has ended; ``interrupted`` when the process that ran it died (the next caller
    #: runs it again).
    status: str
    #: The adapter that ran it.
    adapter: str
    #: When it began, in UTC.
    started: datetime
    #: When it ended, in UTC; ``None`` while it runs.
    finished: Optional[datetime] = None
    #: The ref of the DAG that it made; ``None`` if it did not get to its end.
    dag: Optional[Ref] = None
    #: Whether its DAG is in the cache, so that equal calls are answered by it.
    cached: bool = False
    #: Whether it failed in a way that may not come again, so that nothing is cached.
    transient: bool = False
    #: The machine and the process id that run it; ``None`` when it has ended.
    host: Optional[str] = None
    pid: Optional[int] = None


# Inside the class, the name `list` means its method.
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
        """Returns the newest run of every call: first those that run now, then the newest first."""
        found = []
        for call in self._dml._handle.execs():
            if call["running"] is not None:
                found.append(_running(call))
            elif call["newest"] is not None:
                found.append(_ended(call["key"], call["newest"], call["dag"]))
        return found

    def show(self, key: str) -> Records:
        """Returns all runs of a call, newest first. ``key`` is its key, or the first digits of it.

        :raises NotFoundError: when there is no such call.
        """
        handle = self._dml._handle
        call = handle.exec_state(key)
        found = [] if call["running"] is None else [_running(call)]
        attempts = handle.exec_attempts(call["key"])
        return found + [_ended(call["key"], attempt, call["dag"]) for attempt in attempts]

    def explain(self, call: Any, *args: Any) -> Explanation:
        """Explains why a call is a hit or a miss: how it differs from the nearest earlier call.

        ``call`` is the key of a call (or its first digits), or a funk or runnable with the
        arguments ``args``. It calls nothing, so the call need not exist.

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
        """Returns the adapter log of a run: what it wrote to standard error.

        :param attempt: the number of the run, from 1; by default the newest. If that still
            runs, it is what was written so far.
        """
        handle = self._dml._handle
        if attempt is None:
            return str(handle.exec_log_part(key)[0], "utf-8", "replace")
        return str(handle.exec_log(key, attempt), "utf-8", "replace")

    def follow(self, key: str, *, pause: float = 0.05) -> Iterator[str]:
        r"""Yields the adapter log of a call as it comes, until the call has ended.

        It begins with what :meth:`log` returns, and goes on with the runs that follow when one
        fails. Any process can follow a call that runs.

        :param pause: how long to wait before it looks again, in seconds.
        :raises NotFoundError: when there is no such call.

        >>> import daggerml
        >>> @daggerml.funk
        ... def double(dag, x):
        ...     print("working")
        ...     return x.value() * 2
        >>> with daggerml.temporary() as repo, repo.new("calls") as dag:
        ...     dag.commit(dag.call(double, 21))
        ...     "".join(repo.exec.follow(repo.exec.list()[0].key))
        'working\n'
        """
        import codecs
        import time

        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        after, live = None, True
        while live:
            part, after, _, live = self._dml._handle.exec_log_part(key, after)
            text = decode(part, final=not live)
            if text:
                yield text
            elif live:
                time.sleep(pause)

    def dag(self, key: str) -> Dag:
        """Returns the DAG of the newest run that made one.

        :raises NotFoundError: when no run made one.
        """
        from daggerml.errors import NotFoundError

        for record in self.show(key):
            if record.dag is not None:
                return self._dml.load(record.dag)
        text = f"no run of the call {key} made a DAG"
        raise NotFoundError(text)

    def run_again(self, key: str) -> ExecutionRecord:
        """Runs a call again in this process, though it may be cached, and returns the run.

        It needs no program that makes the call: the repository has the function and, until they
        are collected, the arguments. What the call makes is in the cache afterwards, and in no
        DAG until a program makes the call. An error of the function is no error here.

        :raises InvalidError: when the function or the arguments are not there any more.
        :raises BadExecutionStatusError: when the adapter failed.

        >>> import daggerml
        >>> @daggerml.funk
        ... def double(dag, x):
        ...     return x.value() * 2
        >>> with daggerml.temporary() as repo, repo.new("calls") as dag:
        ...     dag.commit(dag.call(double, 21))
        ...     key = repo.exec.list()[0].key
        ...     print(repo.exec.run_again(key).status, len(repo.exec.show(key)))
        ok 2
        """
        executor(self._dml).run_again(key)
        return self.show(key)[0]

    def invalidate(self, key: str) -> bool:
        """Removes a call from the cache, so that it runs again. Returns whether it was there."""
        return bool(executor(self._dml).invalidate(key))

    def cancel(self, key: str) -> bool:
        """Asks the process that runs a call to stop it. Returns whether it is running."""
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
