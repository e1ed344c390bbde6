"""What others do at the worst moment: between any two instructions, or in a signal handler."""

from __future__ import annotations

import contextvars
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dag, Dml, DmlRepoError

if TYPE_CHECKING:
    from collections.abc import Callable


def interleaved(look: Callable[[Any], Any], begin: Callable[[], Any], change: Any) -> list[Any]:
    """Looks at something that is changed meanwhile: before each instruction of ours, in turn.

    Each time `begin` makes it anew. Returns what was seen, also the exceptions.
    """
    found: list[Any] = []
    package = str(Path(daggerml.__file__).parent)
    while True:
        subject = begin()
        left = len(found)

        def trace(frame: Any, event: str, _: Any, subject: Any = subject) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.startswith(package):
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                left -= 1
                if left == -1:
                    change(subject)
            return trace

        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # else CPython 3.12 tells of none the first time
        sys.settrace(trace)
        try:
            seen = look(subject)
        except Exception as problem:  # noqa: BLE001  the caller judges it
            seen = problem
        finally:
            sys.settrace(before)
        if left >= 0:
            return found
        found.append(seen)


@pytest.mark.parametrize("what", ["token", "error", "ref", "tags", "repr", "put", "result", "in"])
def test_a_draft_is_committed_at_any_moment(repo: Dml, what: str) -> None:
    def begin() -> Dag:
        dag = repo.new("any moment")
        dag["x"] = 42
        return dag

    def look(dag: Dag) -> Any:
        if what == "repr":
            return repr(dag)
        if what == "put":
            return dag.put(1).type
        return "x" in dag if what == "in" else getattr(dag, what)

    found = interleaved(look, begin, lambda dag: dag.commit(1))
    assert len(found) >= 3
    for problem in found:
        if isinstance(problem, DmlRepoError):
            # A draft has no result; one that was committed a moment ago is closed.
            assert problem.kind == "closed" or what == "result"
        else:
            assert not isinstance(problem, Exception), problem


def test_the_default_repository_is_cleared_at_any_moment(
    repo: Dml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.root)
    other = Dml.init(tmp_path / "other")

    try:
        # In an empty context, so that the fixture's `use_default_dml` has no say.
        found = contextvars.Context().run(
            interleaved,
            lambda _: daggerml.get_default_dml().root,
            lambda: daggerml.set_default_dml(other),
            lambda _: daggerml.clear_default_dml(),
        )
    finally:
        daggerml.clear_default_dml()
    assert set(found) == {repo.root, other.root}


REENTRANT = """
import signal, sys, threading, time
import daggerml

@daggerml.funk
def slow(dag, x):
    import time
    time.sleep(2)
    return x.value()

with daggerml.temporary() as repo:
    dag = repo.new("signals")
    thread = threading.Thread(target=lambda: dag.call(slow, 1))
    thread.start()
    while not any(record.finished is None for record in repo.exec.list()):
        time.sleep(0.01)
    seen = []
    signal.signal(signal.SIGALRM, lambda *_: seen.append(dag.call(slow, 1).value()))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    seen.append(dag.call(slow, 1).value())
    thread.join()
    print(seen)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no such signal here")
def test_a_signal_handler_may_make_the_call_that_is_waited_for(tmp_path: Path) -> None:
    program = tmp_path / "reentrant.py"
    program.write_text(REENTRANT)
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[1, 1]\n", "", 0)
