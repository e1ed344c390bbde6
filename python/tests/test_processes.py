"""Threads, forks and memory."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import daggerml
from daggerml import Dml

# The full run: DML_TEST_PUTS=1000000.
PUTS = int(os.environ.get("DML_TEST_PUTS", "50000"))


def test_many_threads_put_into_one_dag(repo: Dml) -> None:
    dag = repo.new("threads")

    def work(worker: int) -> None:
        for number in range(200):
            node = dag.put([worker, number], name=f"{worker}-{number}")
            assert node.value() == [worker, number]
            assert dag.put({"of": node})["of"].value() == [worker, number]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(dag) == 1600
    dag.commit(None)
    loaded = repo.load("threads")
    assert all(loaded[f"{w}-{n}"].value() == [w, n] for w in range(8) for n in range(0, 200, 50))


def test_many_threads_commit_their_own_dags(repo: Dml) -> None:
    def work(worker: int) -> None:
        for number in range(20):
            with repo.new(f"{worker}-{number}") as dag:
                dag.commit(dag.put(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(repo.dags()) == 160


def test_one_commit_wins(repo: Dml) -> None:
    dag = repo.new("race")
    node = dag.put(1)
    barrier = threading.Barrier(4)

    def work(_: int) -> str:
        barrier.wait()
        try:
            dag.commit(node)
        except daggerml.DmlRepoError as error:
            return error.kind
        return "won"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == ["closed", "closed", "closed", "won"]


def test_the_store_works_without_pythons_lock(repo: Dml) -> None:
    """While one thread hashes and stages 32 MiB, another one gets on with its work."""
    dag = repo.new("big")
    data = os.urandom(32 << 20)
    ticks, stop = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            time.sleep(0.0005)

    # So long that nothing but a release of the lock lets the other thread run.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    thread = threading.Thread(target=tick)
    thread.start()
    ticked = 0
    try:
        for number in range(120):  # a busy machine lets the other thread run seldom
            before = ticks
            dag.put([number, data])
            ticked += ticks - before
            if ticked >= 12:
                break
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    assert ticked >= 12, ticked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_after_a_fork_a_clear_error(repo: Dml) -> None:
    dag = repo.new("fork")
    node = dag.put(1)
    with repo.new("before") as before:
        before.commit(1)

    def attempts() -> Any:
        yield lambda: dag.commit(node)
        yield lambda: repo.load("before")
        yield lambda: before.result.value()
        yield lambda: repo.status()
        yield lambda: Dml.open(repo.root).load("before")

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        told = []
        for attempt in attempts():
            try:
                attempt()
                told.append("worked")
            except daggerml.DmlRepoError as error:
                told.append(f"{error.kind} {'spawn' in str(error)}")
            except BaseException as error:  # noqa: BLE001  told to the parent
                told.append(repr(error))
        os.write(writer, "\n".join(told).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read().splitlines()
    os.waitpid(child, 0)
    assert told == ["closed True"] * 5
    dag.commit(node)
    assert repo.load("fork").result.value() == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove what is open")
def test_a_repository_that_is_removed_takes_nothing_more(repo: Dml) -> None:
    """`rm -rf .dml` and begin again, in a notebook that has it open."""
    with repo.new("first") as first:
        first.commit(1)
    dag = repo.new("lost")
    dag.put(1)
    shutil.rmtree(repo.root)
    for attempt in (
        lambda: dag.commit(1),
        lambda: repo.new("more").commit(1),
        lambda: Dml.init(repo.root),
        lambda: repo.branch.create("b"),
    ):
        with pytest.raises(daggerml.DmlRepoError, match="was removed while") as caught:
            attempt()
        assert caught.value.kind == "closed"


def test_two_processes_author_at_once(repo: Dml) -> None:
    program = (
        "import sys, daggerml\n"
        "repo = daggerml.Dml.open(sys.argv[1])\n"
        "for number in range(30):\n"
        "    with repo.new(f'{sys.argv[2]}-{number}') as dag:\n"
        "        dag.commit(dag.put(number))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, repo.root, str(worker)])
        for worker in range(3)
    ]
    assert [process.wait(300) for process in running] == [0, 0, 0]
    assert len(repo.dags()) == 90


def test_a_crash_loses_nothing_that_was_flushed(repo: Dml) -> None:
    program = (
        "import os, sys, daggerml\n"
        "dag = daggerml.Dml.open(sys.argv[1]).new('crashed', 'why')\n"
        "dag.put([1, 2], name='kept')\n"
        "dag.flush()\n"
        "print(dag.token, flush=True)\n"
        "dag.put(3, name='lost')\n"
        "os._exit(9)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, repo.root], stdout=subprocess.PIPE, text=True, check=False
    )
    token = daggerml.Ref(ended.stdout.strip())
    [info] = repo.indexes()
    assert (info["index"], info["name"], info["state"]) == (token, "crashed", "open")
    dag = daggerml.resume(token)
    assert (dag.name, dag.message, dag.keys()) == ("crashed", "why", ["kept"])
    with pytest.raises(daggerml.DmlRepoError, match="begun with the name 'crashed'"):
        repo.resume(token, name="other")
    dag = repo.resume(token, name="crashed", message="why")
    dag.commit(dag.kept)
    assert repo.load("crashed").result.value() == [1, 2]
    assert repo.indexes() == []


def test_discarding(repo: Dml) -> None:
    dag = repo.new("d")
    dag.flush()
    token = dag.token
    assert token is not None
    repo.discard(token)
    with pytest.raises(daggerml.NotFoundError):
        repo.resume(token)


STATUS = Path("/proc/self/status")


def _anonymous() -> int:
    """Returns the bytes of memory that are this process's own: not the store's file, mapped."""
    [line] = [line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
def test_memory_stays_flat(repo: Dml) -> None:
    """Python and the engine keep nothing of DAGs that are done, nor of values that were read."""

    def some(begin: int, count: int) -> None:
        with repo.new("flat") as dag:
            for number in range(begin, begin + count):
                dag.put({"n": number, "of": [str(number), number * 0.5]}).value()
            dag.commit(None)

    each = 500  # LMDB keeps the pages of its largest transaction for the next one
    for number in range(10):
        some(-number * each - each, each)
    before = _anonymous()
    for begin in range(0, PUTS, each):
        some(begin, each)
    grown = _anonymous() - before
    assert grown < 16 << 20, f"{grown / PUTS:.0f} bytes a put"


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
def test_an_open_dag_keeps_ids_only(repo: Dml) -> None:
    dag = repo.new("open")
    before, objects = _anonymous(), len(gc.get_objects())
    for number in range(PUTS):
        dag.put({"n": number, "of": [str(number), number * 0.5]})
    grown = _anonymous() - before
    # What is staged until the next flush is a constant; an id and its place stay.
    assert grown < 200 * PUTS + (48 << 20), f"{grown / PUTS:.0f} bytes a put"
    assert len(gc.get_objects()) < objects + PUTS // 10


def test_nothing_is_kept_alive(repo: Dml) -> None:
    gc.collect()
    gc.disable()  # no cycles: everything must go by reference counts alone
    try:
        dag = repo.new("gone")
        node = dag.put({"a": [1]})
        dag.commit(node)
        element = repo.load("gone").result["a"]
        marks = [weakref.ref(thing) for thing in (dag, node, element.dag)]
        del dag, node, element
        assert [mark() for mark in marks] == [None] * 3
    finally:
        gc.enable()


def test_a_runnable_in_a_cycle_is_collected() -> None:
    class Mark:
        pass

    mark = Mark()
    gone = weakref.ref(mark)
    cycle: list[Any] = [mark]
    cycle.append(daggerml.Runnable("a:b", kwargs={"cycle": cycle}))
    del cycle, mark
    gc.collect()
    assert gone() is None


def test_a_dict_that_changes_while_it_is_put(repo: Dml) -> None:
    from daggerml import codecs

    value: dict[str, Any] = {}

    class Changer:
        def can_encode(self, item: Any) -> bool:
            return isinstance(item, complex)

        def encode(self, item: Any, dag: daggerml.Dag) -> Any:
            for number in range(100):
                value[f"new {number}"] = number
            return str(item)

    remove = codecs.register(Changer())
    try:
        value.update(a=1j, b=2j)
        assert repo.new("changing").put(value).value() == {"a": "1j", "b": "2j"}
    finally:
        remove()
