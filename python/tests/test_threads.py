"""Objects that several threads share: what comes out is what one thread would have made.

The plans are drawn from a seed: `DML_TEST_SEED=7` draws others, `DML_TEST_THREADS=16` and
`DML_TEST_STEPS=2000` make more work of it. On a CPython without a global interpreter lock
the threads run at the same time; with one, they change places as often as it lets them.
"""

from __future__ import annotations

import contextvars
import copy
import os
import pickle
import random
import subprocess
import sys
import sysconfig
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dag, Dml, DmlRepoError, Runnable, Uri, codecs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEED = int(os.environ.get("DML_TEST_SEED", "1"))
THREADS = int(os.environ.get("DML_TEST_THREADS", "8"))
STEPS = int(os.environ.get("DML_TEST_STEPS", "150"))

#: One step of a plan: what is done, to which part, and under which name.
Step = tuple[str, Any, str]


@pytest.fixture(autouse=True)
def _changing_places() -> Iterator[None]:
    """Lets threads that share a global interpreter lock change places very often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Runs `work` in several threads that begin together. Returns what they return."""
    barrier = threading.Barrier(threads)

    def one(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def drawn(draw: random.Random, depth: int = 0) -> Any:
    """Returns a value, in which equal parts occur often."""

    def parts(most: int = 5) -> range:
        return range(draw.randrange(most))

    scalars: list[Callable[[], Any]] = [
        lambda: draw.randrange(50),
        lambda: f"text {draw.randrange(50)}",
        draw.random,
        lambda: bytes([draw.randrange(8)]) * draw.randrange(2000),
        lambda: Uri(f"s3://bucket/{draw.randrange(9)}"),
        lambda: draw.choice([None, True, False, 2**70]),
    ]
    collections: list[Callable[[], Any]] = [
        lambda: [drawn(draw, depth + 1) for _ in parts()],
        lambda: {f"k{number}": drawn(draw, depth + 1) for number in parts()},
        lambda: {draw.randrange(20) for _ in parts()},
    ]
    return draw.choice(scalars if depth == 3 else scalars + collections)()


def plan(number: int) -> list[Step]:
    """Returns the steps of one thread: they share parts with those of others, but no names."""
    draw = random.Random(f"{SEED} {number}")  # noqa: S311
    kinds = ["put", "put", "get", "append", "length", "update", "around", "tag"]
    return [(draw.choice(kinds), drawn(draw), f"t{number}.{step}") for step in range(STEPS)]


def begin(dag: Dag) -> None:
    """Puts the nodes that all threads use."""
    dag["numbers"] = list(range(50))
    dag["table"] = {f"k{number}": [number] for number in range(50)}


def follow(dag: Dag, steps: list[Step]) -> None:
    """Does the steps, and looks at what came of each."""
    numbers, table = dag["numbers"], dag["table"]
    node: Any
    for kind, value, name in steps:
        if kind == "put":
            node = dag.put(value, name=name)
            assert node.value() == value
        elif kind == "get":
            node = table.get(f"k{len(repr(value)) % 50}", name=name)
            assert node.value() == [len(repr(value)) % 50]
        elif kind == "append":
            node = numbers.append(value, name=name)
            assert node.value() == [*range(50), value]
        elif kind == "length":
            node = dag.put(len(numbers), name=name)
            assert node.value() == 50
        elif kind == "update":
            node = table.update({"k1": value}, name=name)
            assert node.value()["k1"] == value
        elif kind == "around":
            node = dag.put({"table": table, "list": [numbers, value]}, name=name)
            assert node.value()["list"] == [list(range(50)), value]
        else:
            dag.add_tag(f"tag{len(repr(value)) % 9}")
            node = dag.put(name, name=name)
        assert dag[name] == node
        assert name in dag
        assert dag.token is not None


def content(dag: Dag) -> tuple[Any, ...]:
    """Returns all that a committed DAG holds, but the order of its nodes."""
    names = {name: (node.ref.to, node.type, repr(node.value())) for name, node in dag.items()}
    return names, sorted(node.ref.to for node in dag.nodes()), dag.tags, dag.result.value()


def test_one_draft(repo: Dml) -> None:
    plans = [plan(number) for number in range(THREADS)]
    with repo.new("one") as one:
        begin(one)
        for steps in plans:
            follow(one, steps)
        one.commit(one["numbers"])
    with repo.new("several") as several:
        begin(several)
        at_once(lambda number: follow(several, plans[number]))
        several.commit(several["numbers"])
    assert content(repo.load("several")) == content(repo.load("one"))
    assert repo.fsck() == []


def test_one_repository(repo: Dml) -> None:
    """Each thread opens the same folder anew, makes a DAG of its own and reads another's."""

    def work(number: int) -> Any:
        own = Dml(repo.root)
        for step in range(4):
            with own.new(f"dag {number} {step}") as dag:
                begin(dag)
                follow(dag, plan(number)[: STEPS // 4])
                dag.commit(dag["table"])
            names = own.dags()
            assert f"dag {number} {step}" in names
            for name in list(names)[:3]:
                assert own.load(name).result.value()["k7"] == [7]
        return own.load(f"dag {number} 3").ref

    refs = at_once(work)
    assert len(repo.dags()) == THREADS * 4
    assert len(repo.log(limit=None)) == THREADS * 4
    assert repo.fsck() == []
    with daggerml.temporary() as alone:
        for number, ref in enumerate(refs):
            with alone.new(f"dag {number} 3") as dag:
                begin(dag)
                follow(dag, plan(number)[: STEPS // 4])
                dag.commit(dag["table"])
            assert dag.ref == ref


def test_opening_and_letting_go(tmp_path: Path) -> None:
    """A store closes in one thread while another opens it."""
    root = tmp_path / "repo"
    with Dml.init(root).new("kept") as dag:
        dag.commit(42)
    del dag

    def work(_: int) -> None:
        for _ in range(30):
            assert Dml(root).load("kept").result.value() == 42

    at_once(work)


def test_one_node(repo: Dml) -> None:
    """All threads read the same node, projections and values that stand for something."""
    value = {"rows": [{"n": number, "text": str(number)} for number in range(200)]}
    run = Runnable(Uri("python:f"), adapter="local", kwargs={"a": [1, 2]})
    with repo.new("data") as dag:
        dag.put(run, name="run")
        dag.commit(dag.put(value))
    loaded = repo.load("data")
    node, rows = loaded.result, loaded.result["rows"]
    runnable = loaded["run"]

    def work(number: int) -> Any:
        draw = random.Random(number)  # noqa: S311
        for _ in range(STEPS):
            row = draw.randrange(200)
            assert rows[row]["n"].value() == row
            assert len(rows) == 200
            assert {"n": row, "text": str(row)} in rows
        assert runnable.value() == run
        assert pickle.loads(pickle.dumps(run)) == run  # noqa: S301
        assert copy.copy(node.ref) == node.ref
        return node.value(), node.keys(), repr(run), hash(run), node.ref.to, hash(node.ref)

    found = at_once(work)
    assert found[0][0] == value
    assert all(each == found[0] for each in found)


def test_one_commit_wins_while_others_look(repo: Dml) -> None:
    """Whoever looks at a draft that is committed now sees it open or committed, or is told."""
    for round_ in range(20):
        dag = repo.new(f"race {round_}")
        node = dag.put(round_)

        def work(number: int, dag: Dag = dag, node: Any = node) -> str:
            if number < 2:
                try:
                    dag.commit(node)
                except DmlRepoError as problem:
                    return problem.kind
                return "won"
            told = set()
            for _ in range(50):
                seen = [dag.ref, dag.token, dag.error, repr(dag), dag.tags, dag.name]
                assert len(seen) == 6
                try:
                    dag.put(1)
                except DmlRepoError as problem:
                    told.add(problem.kind)
            assert told <= {"closed"}
            return "looked"

        counts = Counter(at_once(work))
        assert counts == {"won": 1, "closed": 1, "looked": THREADS - 2}
        assert dag.result.value() == round_


@pytest.mark.parametrize("kind", ["list", "dict", "set", "bytearray"])
def test_values_that_change_meanwhile(repo: Dml, kind: str) -> None:
    """What is put is what the object held at one moment, while another thread changes it."""
    changing: Any = {
        "list": [0] * 200,
        "dict": dict.fromkeys(range(200), 0),
        "set": {(0, number) for number in range(200)},
        "bytearray": bytearray(200),
    }[kind]
    over = threading.Event()

    def change() -> None:
        number = 0
        while not over.is_set():
            number = number % 250 + 1
            if kind == "list":
                changing[:] = [number] * (100 + number)
            elif kind == "dict":
                changing.update(dict.fromkeys(range(200), number))
            elif kind == "set":
                changing.symmetric_difference_update({(number, 0), (number, 1)})  # both or none
            else:
                changing[:] = bytes([number]) * (100 + number)

    with ThreadPoolExecutor(1) as pool:
        changer = pool.submit(change)
        try:
            with repo.new("changing") as dag:
                for _ in range(STEPS):
                    seen: Any = dag.put(changing).value()
                    if kind == "set":
                        pairs = Counter(first for first, second in seen if first and second < 2)
                        assert set(pairs.values()) <= {2}
                    else:
                        assert len(set(seen.values() if kind == "dict" else seen)) == 1
                dag.commit(None)
        finally:
            over.set()
        changer.result()


def test_codecs_come_and_go(repo: Dml) -> None:
    """One thread registers and removes a codec while others put what it knows."""

    class Own:
        pass

    class OwnCodec:
        def can_encode(self, value: Any) -> bool:
            return isinstance(value, Own)

        def encode(self, value: Any, dag: Dag) -> Any:
            return [type(value).__name__, dag.name]

    keep = codecs.register(OwnCodec())
    dag = repo.new("codecs")
    try:

        def work(number: int) -> None:
            for _ in range(STEPS):
                if number == 0:
                    codecs.register(OwnCodec(), priority=1)()
                else:
                    assert dag.put({"own": [Own()]}).value() == {"own": [["Own", "codecs"]]}

        at_once(work)
    finally:
        keep()


def test_the_default_repository_comes_and_goes(
    repo: Dml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.root)
    other = Dml.init(tmp_path / "other")

    def work(number: int) -> set[str]:
        found = set()
        for _ in range(STEPS):
            if number == 0:
                daggerml.set_default_dml(other)
                daggerml.clear_default_dml()
            else:
                found.add(daggerml.get_default_dml().root)
        return found

    try:
        roots = set().union(*contextvars.Context().run(at_once, work))
    finally:
        daggerml.clear_default_dml()
    assert roots <= {repo.root, other.root}


def add(dag: Dag, a: Any, b: Any) -> Any:
    """Adds two numbers."""
    return a.value() + b.value()


def test_calls_of_one_draft(repo: Dml) -> None:
    """Threads that make the same calls in one draft get the same nodes, and run each once."""
    funk = daggerml.funk(add)
    dag = repo.new("calls")

    def work(number: int) -> list[Any]:
        nodes = [dag.call(funk, a, number % 2) for a in range(2)]
        assert [node.value() for node in nodes] == [number % 2, number % 2 + 1]
        assert [node.value() for node in dag.map(funk, [5, 6], 0)] == [5, 6]
        return nodes

    found = at_once(work, 4)
    assert found[0] == found[2]
    assert found[1] == found[3]
    dag.commit(None)
    assert all(len(repo.exec.show(record.key)) == 1 for record in repo.exec.list())


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this CPython has its lock always"
)
def test_the_lock_stays_off() -> None:
    """Importing the extension does not switch the global interpreter lock on again."""
    code = "import sys, daggerml._core; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
