"""The adapter for Dask, as a program, on a real cluster of processes on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")
pytest.importorskip("distributed")

from by_hand import Adapter, outcome
from clusters import Cluster
from far_calls import ended, gone, polled, until

from daggerml import NodeError, funk

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "daggerml-adapter-dask"
on_cluster = pytest.mark.skipif(os.name == "nt", reason="kills processes by signal")


@funk(adapter="dask")
def total(dag: Any, *xs: Any) -> Any:
    return sum(x.value() for x in xs)


@funk(adapter="dask")
def told(dag: Any, folder: Any, wait: Any) -> Any:
    """Tells which processes ran it, and how often, in a folder."""
    import os
    import pathlib
    import time

    place = pathlib.Path(folder.value())
    (place / f"{time.monotonic_ns()}").write_text(str(os.getppid()))
    deadline = time.monotonic() + wait.value()
    while time.monotonic() < deadline and not (place / "go").exists():
        time.sleep(0.02)
    return len([each for each in place.iterdir() if each.name != "go"])


def runs(folder: Path) -> list[int]:
    """Returns the worker of every run of `told`."""
    found = sorted(each for each in folder.iterdir() if each.name != "go")
    return [int(each.read_text() or 0) for each in found]


def outlives(token: str, cluster: Cluster) -> bool:
    """Tells whether a call belongs to the scheduler. Until then it may end with its caller."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        return token in client.list_datasets()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(folder=tmp_path_factory.mktemp("dask"))
    yield found
    found.close()


def started(program: str, address: str) -> Adapter:
    return Adapter(program, "--scheduler", address)


@pytest.fixture
def dask(adapter: str, cluster: Cluster) -> Iterator[Adapter]:
    with started(adapter, cluster.address) as process:
        yield process


def test_version(adapter: str) -> None:
    found = subprocess.run([adapter, "--version"], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == f"{PROGRAM} {version(PROGRAM)}"


def test_it_is_registered() -> None:
    entries = distribution(PROGRAM).entry_points
    [entry] = [entry for entry in entries if entry.group == "daggerml.adapters"]
    assert entry.name == "dask"
    assert callable(entry.load())


def test_describe(adapter: str) -> None:
    with Adapter(adapter) as process:
        assert process.ask("describe") == {
            "id": 1,
            "state": "description",
            "name": "dask",
            "version": version(PROGRAM),
            "protocols": [1],
            "operations": ["cancel", "describe", "invoke", "poll"],
        }
        assert process.close() == ""


BAD = [b"not json", b"[]", b"{}", b'{"op": 1}', b"\xff\xfe", b"[" * 100_000, b"\x00"]


def test_bad_lines_are_answered_and_the_next_request_too(adapter: str) -> None:
    with Adapter(adapter) as process:
        assert process.process.stdin is not None
        for line in BAD:
            process.process.stdin.write(line + b"\n\n")
            process.process.stdin.flush()
            process.number = None  # type: ignore[assignment]
            assert process.answer()["error"]["kind"] == "invalid_request"
        process.number = 0
        assert process.ask("describe")["name"] == "dask"
        assert process.ask("invoke")["error"]["kind"] == "invalid_request"
        assert process.ask("poll")["error"]["kind"] == "invalid_request"


def test_no_scheduler(adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGGERML_DASK_SCHEDULER", raising=False)
    with Adapter(adapter) as process:
        error = process.invoke(total, 1)["error"]
        assert (error["kind"], error["transient"]) == ("no_scheduler", False)
        assert "DAGGERML_DASK_SCHEDULER" in error["message"]
    with started(adapter, "tcp://127.0.0.1:1") as process:
        error = process.invoke(total, 1)["error"]
        assert (error["kind"], error["transient"]) == ("no_scheduler", True)
        assert "no Dask scheduler answers at tcp://127.0.0.1:1" in error["message"]
        assert "dask scheduler" in error["message"]


@on_cluster
def test_calls_run_on_the_workers(dask: Adapter, cluster: Cluster, tmp_path: Path) -> None:
    assert outcome(ended(dask, dask.invoke(total, 1, 2))) == 3
    assert outcome(ended(dask, dask.invoke(total, "x")))["type"] == "TypeError"
    answer = ended(dask, dask.invoke(told, str(tmp_path), 0.0))
    assert outcome(answer) == 1
    assert runs(tmp_path)[0] in {worker.pid for worker in cluster.workers}


@on_cluster
def test_the_log_comes_along(dask: Adapter) -> None:
    @funk(adapter="dask")
    def noisy(dag: Any) -> Any:
        print("far away")

    assert "far away" in ended(dask, dask.invoke(noisy))["log"]


@on_cluster
def test_a_function_that_ends_its_process_is_not_the_end_of_the_worker(dask: Adapter) -> None:
    @funk(adapter="dask")
    def leaves(dag: Any) -> Any:
        import os

        os._exit(7)

    error = ended(dask, dask.invoke(leaves))["error"]
    assert (error["kind"], error["transient"]) == ("died", True)
    assert "exit code 7" in error["message"]
    assert outcome(ended(dask, dask.invoke(total, 1))) == 1


@on_cluster
def test_another_process_collects_what_the_first_submitted(
    adapter: str, cluster: Cluster, tmp_path: Path
) -> None:
    with started(adapter, cluster.address) as first:
        answer = first.invoke(told, str(tmp_path), 30.0)
        assert answer["state"] == "pending"
        again = first.invoke(told, str(tmp_path), 30.0)
        assert again["token"] == answer["token"]
        until(lambda: polled(first, answer) and outlives(answer["token"], cluster))
    # It was killed. The call goes on, and whoever knows the token gets its result.
    (tmp_path / "go").touch()
    with started(adapter, cluster.address) as second:
        assert outcome(ended(second, answer)) == 1
    assert len(runs(tmp_path)) == 1


@on_cluster
def test_cancel_stops_the_call_on_its_worker(dask: Adapter, tmp_path: Path) -> None:
    @funk(adapter="dask")
    def hangs(dag: Any, told: Any) -> Any:
        import os
        import pathlib
        import time

        pathlib.Path(told.value()).write_text(str(os.getpid()))
        time.sleep(600)

    place = tmp_path / "pid"
    answer = dask.invoke(hangs, str(place))
    until(lambda: place.exists() and place.read_text())
    assert dask.ask("cancel", token=answer["token"])["state"] == "canceled"
    until(lambda: gone(int(place.read_text())))
    answer = dask.ask("poll", token=answer["token"])
    assert answer["error"]["kind"] == "unknown_token"
    assert dask.ask("cancel", token=f"daggerml-{'0' * 64}-1")["state"] == "canceled"
    assert dask.ask("cancel", token="never")["error"]["kind"] == "invalid_request"  # noqa: S106


@on_cluster
def test_a_worker_that_is_killed_is_replaced_by_another(
    dask: Adapter, cluster: Cluster, tmp_path: Path
) -> None:
    answer = dask.invoke(told, str(tmp_path), 30.0)
    until(lambda: runs(tmp_path) and runs(tmp_path)[0])
    [pid] = runs(tmp_path)
    [victim] = [worker for worker in cluster.workers if worker.pid == pid]
    victim.kill()
    until(lambda: len(runs(tmp_path)) == 2)
    (tmp_path / "go").touch()
    assert outcome(ended(dask, answer)) == 2
    cluster.workers[cluster.workers.index(victim)] = cluster.start_worker()
    victim.wait()


@on_cluster
def test_after_a_restart_of_the_scheduler_a_call_is_submitted_again(
    adapter: str, tmp_path: Path
) -> None:
    place = Cluster(workers=1, folder=tmp_path)
    runs_in = tmp_path / "runs"
    runs_in.mkdir()
    try:
        with started(adapter, place.address) as dask:
            answer = dask.invoke(told, str(runs_in), 30.0)
            assert answer["state"] == "pending"
            until(lambda: runs(runs_in))
            for process in (place.scheduler, *place.workers):
                process.kill()
                process.wait()
            error = dask.ask("poll", token=answer["token"])["error"]
            # Older Dask forgets its futures when the connection is lost: it is the same to us.
            assert error["transient"] or error["kind"] == "unknown_token", error
            assert error["kind"] in {"no_scheduler", "scheduler_lost", "unknown_token"}
            place.scheduler = place.start_scheduler()
            place.workers = [place.start_worker()]
            # It may take a moment until the adapter has a connection to it.
            until(lambda: polled(dask, answer)["error"]["kind"] == "unknown_token")
            (runs_in / "go").touch()
            assert outcome(ended(dask, dask.invoke(told, str(runs_in), 30.0))) == 2
    finally:
        place.close()


def test_a_caller_that_goes_away_is_no_traceback(adapter: str) -> None:
    with Adapter(adapter) as process:
        assert process.process.stdout is not None
        process.process.stdout.close()
        process.send("describe")
        assert process.process.stderr is not None
        assert process.process.stderr.read() == b""
        assert process.process.wait(30) in {0, 1}


@pytest.fixture
def on_dask(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, repo: Any) -> Iterator[Any]:
    """Gives a repository whose calls find the cluster."""
    from daggerml import calls

    monkeypatch.setenv("DAGGERML_DASK_SCHEDULER", cluster.address)
    yield repo
    calls.release(repo.root)


@on_cluster
def test_a_sweep(on_dask: Any, tmp_path: Path) -> None:
    @funk(adapter="dask")
    def power(dag: Any, x: Any, n: Any, folder: Any) -> Any:
        import os
        import pathlib
        import time

        place = pathlib.Path(folder.value())
        (place / str(os.getppid())).touch()
        deadline = time.monotonic() + 60
        while len(list(place.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)  # the other worker may be slower
        return {"power": x.value() ** n.value(), "by": os.getppid()}

    (tmp_path / "workers").mkdir()
    with on_dask.new("sweep") as dag:
        nodes = dag.map(power, range(20), 3, str(tmp_path / "workers"))
        dag.commit(nodes)
    rows = on_dask.load("sweep").result.value()
    assert [row["power"] for row in rows] == [x**3 for x in range(20)]
    assert len({row["by"] for row in rows}) == 2, "both workers"
    records = on_dask.exec.list()
    assert {(record.adapter, record.status) for record in records} == {("dask", "ok")}


@on_cluster
def test_errors_come_back(on_dask: Any) -> None:
    @funk(adapter="dask")
    def divide(dag: Any, x: Any) -> Any:
        return 1 / x.value()

    with on_dask.new("errors") as dag:
        with pytest.raises(NodeError, match="division by zero") as caught:
            dag.call(divide, 0)
        assert caught.value.stack[-1]["line"] == "return 1 / x.value()"
        dag.commit(None)


@on_cluster
def test_nested_calls_on_the_cluster_do_not_wait_for_each_other(on_dask: Any) -> None:
    @funk(adapter="dask")
    def leaf(dag: Any, x: Any) -> Any:
        return x.value() + 1

    @funk(adapter="dask", prepop={"leaf": leaf})
    def branch(dag: Any, x: Any) -> Any:
        return dag.leaf(x)

    with on_dask.new("nested") as dag:
        # As many as there are places on the workers, twice over: all wait for leaves.
        nodes = dag.map(branch, range(4), timeout=60)
        assert [node.value() for node in nodes] == [1, 2, 3, 4]
        # The inner calls are cached here as well.
        assert dag.call(leaf, 3).value() == 4
        dag.commit(None)
    assert len(on_dask.exec.list()) == 8


@on_cluster
def test_a_caller_that_dies_is_followed_by_one_that_finds_the_call(
    on_dask: Any, cluster: Cluster, tmp_path: Path
) -> None:
    place = tmp_path / "runs"
    place.mkdir()
    program = (
        "import sys, daggerml; from test_adapter_dask import told;"
        "daggerml.Dml.open(sys.argv[1]).new('x').call(told, sys.argv[2], 30.0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, on_dask.root, str(place)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ) as caller:
        until(lambda: any(each.status == "pending" for each in on_dask.exec.list()))
        until(lambda: runs(place))
        [record] = on_dask.exec.list()
        until(lambda: outlives(f"daggerml-{record.key}-1", cluster))
        caller.kill()
    (place / "go").touch()
    with on_dask.new("after") as dag:
        assert dag.call(told, str(place), 30.0, timeout=60).value() == 1
        dag.commit(None)
    assert len(runs(place)) == 1


@on_cluster
def test_a_timeout_stops_the_call_on_the_worker(on_dask: Any, tmp_path: Path) -> None:
    @funk(adapter="dask")
    def hangs(dag: Any, told: Any) -> Any:
        import os
        import pathlib
        import time

        pathlib.Path(told.value()).write_text(str(os.getpid()))
        time.sleep(600)

    place = tmp_path / "pid"
    with on_dask.new("late") as dag:
        for limit in (4, 15, 60, 240):  # a busy machine needs long to start a process
            with pytest.raises(TimeoutError):
                dag.call(hangs, str(place), timeout=limit)
            if place.exists() and place.read_text():
                break
        dag.commit(None)
    pid = int(place.read_text())
    until(lambda: gone(pid))


@on_cluster
def test_a_cluster_on_this_machine_is_shared_by_the_processes_of_a_caller(adapter: str) -> None:
    with started(adapter, "local") as first:
        assert outcome(ended(first, first.invoke(total, 1))) == 1
        with started(adapter, "local") as second:
            assert outcome(ended(second, second.invoke(total, 2))) == 2
            assert second.close() == ""
        first.close()


@on_cluster
def test_transient_errors_on_the_cluster(on_dask: Any, tmp_path: Path) -> None:
    @funk(adapter="dask", transient=[OSError])
    def flaky(dag: Any, place: Any) -> Any:
        import pathlib

        with pathlib.Path(place.value()).open("a+") as file:
            file.write("x")
            file.seek(0)
            if len(file.read()) < 3:
                raise ConnectionRefusedError("not yet")
        return "up"

    @funk(adapter="dask", prepop={"flaky": flaky})
    def outer(dag: Any, place: Any) -> Any:
        return dag.call(dag.flaky, place, retries=0)

    place = tmp_path / "runs"
    with on_dask.new("transient") as dag:
        with pytest.raises(NodeError, match="after 1 attempt; nothing is cached") as caught:
            dag.call(outer, str(place))
        assert (caught.value.transient, place.read_text()) == (True, "x")
        assert dag.call(flaky, str(place)).value() == "up"  # tried twice
        assert place.read_text() == "xxx"
        dag.commit(None)
