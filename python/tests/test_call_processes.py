"""Calls and processes: what is stopped leaves none, and many callers share one run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dml, calls, funk

if TYPE_CHECKING:
    from collections.abc import Iterator


@funk
def sleeps(dag: Any, folder: Any) -> Any:
    import os
    import pathlib
    import time

    (pathlib.Path(folder.value()) / "pid").write_text(str(os.getpid()))
    time.sleep(600)


def gone(pid: int, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def told_pid(folder: Path) -> int:
    deadline = time.monotonic() + 60
    while not ((folder / "pid").exists() and (folder / "pid").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int((folder / "pid").read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "files"
    found.mkdir()
    return found


@pytest.mark.skipif(os.name == "nt", reason="looks for processes by their ids")
def test_a_timeout_leaves_no_process(repo: Dml, folder: Path) -> None:
    with repo.new("late") as dag:
        for limit in (1.5, 15, 60):  # a busy machine needs long to start a process
            with pytest.raises(TimeoutError) as caught:
                dag.call(sleeps, str(folder), timeout=limit)
            assert isinstance(caught.value, daggerml.ExecutionTimeoutError)
            if (folder / "pid").exists() and (folder / "pid").read_text():
                break
        assert gone(told_pid(folder))
        with pytest.raises(TimeoutError):
            dag.call(sleeps.options(timeout=0.2), str(folder))
        dag.commit(None)
    calls.release(repo.root)
    # It may have been stopped before it wrote its own.
    told = (folder / "pid").read_text()
    assert not told or gone(int(told))


INTERRUPTED = """
import sys
import daggerml
from test_call_processes import sleeps
repo = daggerml.Dml.open(sys.argv[1])
with repo.new("stopped") as dag:
    try:
        dag.call(sleeps, sys.argv[2])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        dag.commit(1)
"""


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_caller_that_is_stopped_leaves_no_process(
    repo: Dml, folder: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, repo.root, str(folder)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
    ) as caller:
        try:
            pid = told_pid(folder)
            caller.send_signal(number)
            out, _ = caller.communicate(timeout=60)
        finally:
            caller.kill()
    assert out == (b"interrupted\n" if number == signal.SIGINT else b"")
    assert gone(pid)
    [record] = repo.exec.list()
    assert record.status == ("canceled" if number == signal.SIGINT else "interrupted")
    with repo.new("after") as dag:
        with pytest.raises(TimeoutError):  # the claim is free, or taken over
            dag.call(sleeps, str(folder), timeout=0.5)
        dag.commit(None)


@pytest.mark.skipif(os.name == "nt", reason="looks for processes by their ids")
def test_cancel_from_elsewhere(repo: Dml, folder: Path) -> None:
    def cancel() -> None:
        told_pid(folder)
        [record] = [each for each in repo.exec.list() if each.finished is None]
        assert record.pid == os.getpid()
        assert repo.exec.cancel(record.key)

    thread = threading.Thread(target=cancel)
    thread.start()
    with repo.new("canceled") as dag:
        with pytest.raises(daggerml.CanceledExecutionError):
            dag.call(sleeps, str(folder))
        dag.commit(None)
    thread.join()
    assert gone(told_pid(folder))
    assert repo.exec.list()[0].status == "canceled"


CALLER = """
import sys, threading
import daggerml
from test_calls import count
repo = daggerml.Dml.open(sys.argv[1])
dag = repo.new(sys.argv[3])
found = []
threads = [
    threading.Thread(target=lambda: [found.append(dag.call(count, sys.argv[2]).value())
                                     for _ in range(25)])
    for _ in range(5)
]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == [1] * 125, found
dag.commit(None)
"""


def test_a_thousand_callers_in_eight_processes_run_it_once(repo: Dml, folder: Path) -> None:
    callers = [
        subprocess.Popen(
            [sys.executable, "-c", CALLER, repo.root, str(folder), f"caller-{number}"],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        for number in range(8)
    ]
    assert [caller.wait(240) for caller in callers] == [0] * 8
    assert len(list(folder.iterdir())) == 1
    [record] = repo.exec.list()
    assert len(repo.exec.show(record.key)) == 1


def test_warm_processes(repo: Dml, front: str) -> None:
    @funk
    def pid(dag: Any, n: Any) -> Any:
        import os

        return os.getpid()

    with repo.new("cold") as dag:
        assert len({node.value() for node in dag.map(pid, range(4), parallel=1)}) == 4
        dag.commit(None)
    subprocess.run([front, "config", "adapter.local.processes", "2"], cwd=repo.root, check=True)
    warm = Dml.open(repo.root)
    calls.release(repo.root)
    with warm.new("warm") as dag:
        pids = {node.value() for node in dag.map(pid, range(10, 30), parallel=4)}
        assert len(pids) <= 2
        dag.commit(None)
    calls.release(repo.root)
    assert all(gone(each) for each in pids)


@pytest.fixture(autouse=True)
def _no_orphans(repo: Dml) -> Iterator[None]:
    yield
    calls.release(repo.root)
