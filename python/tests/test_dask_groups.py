"""Several calls in one task of a real Dask cluster on loopback."""

from __future__ import annotations

import base64
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")
pytest.importorskip("distributed")

import distributed
from by_hand import call, outcome
from clusters import Cluster
from far_calls import until

from daggerml import funk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes by signal")


@funk(adapter="dask")
def noted(dag: Any, folder: Any, name: Any, wait: Any) -> Any:
    """Notes in a folder that it runs and where, and waits for a file there if it is to."""
    import os
    import pathlib
    import time

    place = pathlib.Path(folder.value())
    with (place / f"runs-{name.value()}").open("a") as file:
        file.write(f"{time.time_ns()} {os.getppid()}\n")
    deadline = time.monotonic() + wait.value()
    while time.monotonic() < deadline and not (place / "go").exists():
        time.sleep(0.02)
    return name.value()


@funk(adapter="dask")
def leaves(dag: Any, number: Any) -> Any:
    import os

    os._exit(7)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(folder=tmp_path_factory.mktemp("dask"))
    yield found
    found.close()


class Bench:
    """Groups on a cluster, and the names of the tasks that they submit."""

    def __init__(self, client: Any) -> None:
        from daggerml_adapter_dask import tasks, worker
        from daggerml_adapter_dask.groups import Groups

        run = tasks._by_value(worker.run)
        self.tasks: list[tuple[str, int]] = []
        submit = client.submit

        def counted(run: Any, name: str, topic: str, calls: Any, *args: Any, **more: Any) -> Any:
            self.tasks.append((name, len(calls)))
            return submit(run, name, topic, calls, *args, **more)

        client.submit = counted
        self.groups = Groups(client, lambda *given: run(*given))
        self.groups._usual = 0.001  # they are known as short

    def all_in_one_task(self) -> None:
        """Lets all that waits be put into one task, as on a cluster that is busy."""
        self.groups._slots, self.groups._slots_until = 0, time.monotonic() + 3600

    def add(self, *calls: tuple[Any, ...]) -> list[Any]:
        """Adds calls that wait at the same time."""
        made = []
        with self.groups._changed:
            for runnable, *args in calls:
                key, bundle = call(runnable, *args)
                request = {"protocol": 1, "op": "invoke", "key": key, "attempt": 1}
                request |= {"ancestors": [], "bundle": bundle}
                made.append(self.groups.add(f"daggerml-{key}-1", request))
        return made


@pytest.fixture
def bench(cluster: Cluster) -> Iterator[Bench]:
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2)
        made = Bench(client)
        yield made
        made.groups.close()


def value(made: Any) -> Any:
    until(lambda: made.ended)
    assert made.answer is not None, made.error
    return outcome(made.answer)


def runs(folder: Path, name: str) -> list[list[str]]:
    place = folder / f"runs-{name}"
    return [line.split() for line in place.read_text().splitlines()] if place.exists() else []


def test_calls_that_wait_together_are_one_task_in_order(
    bench: Bench, tmp_path: Path, monkeypatch: Any
) -> None:
    from daggerml_adapter_dask import groups, worker

    monkeypatch.setattr(worker, "PATIENCE", 60)  # also while a process starts
    monkeypatch.setattr(groups, "SILENCE", 60)  # also while the scheduler is slow
    folder = str(tmp_path)
    calls = bench.add(*((noted, folder, f"{number:02}", 0) for number in range(16)))
    assert [value(each) for each in calls] == [f"{number:02}" for number in range(16)]
    assert len(bench.tasks) < 8, bench.tasks
    assert sum(size for _, size in bench.tasks) == 16
    ran = [runs(tmp_path, f"{number:02}") for number in range(16)]
    assert all(len(each) == 1 for each in ran)
    first = 0
    for _, size in bench.tasks:  # a worker may run a later task before an earlier one
        times = [int(each[0][0]) for each in ran[first : first + size]]
        assert times == sorted(times)
        first += size


def test_a_group_is_a_fair_share_of_all_that_is_left(bench: Bench) -> None:
    from daggerml_adapter_dask.groups import Call, Group

    groups = bench.groups
    groups._usual, groups._slots = 0.01, 2
    running = [Group([Call(f"{at}-{each}", {}, 0) for each in range(10)]) for at in range(3)]
    groups._running = {group.name: group for group in running}
    groups._waiting = [Call(str(each), {}, 0) for each in range(17)]
    assert groups._counted(64) == 12  # of 47, for two places on each of two threads
    groups._waiting = groups._waiting[:5]
    assert groups._counted(64) == 5
    groups._waiting, groups._running = [], {}


def test_an_outcome_is_asked_for_when_it_should_be_there(bench: Bench) -> None:
    from daggerml_adapter_dask.groups import LATEST, Call

    groups = bench.groups
    groups._pace, groups._over = 0.01, 100
    assert 550 <= groups.again(Call("a", {}, 150)) <= 650
    assert groups.again(Call("b", {}, 100)) < 50
    assert groups.again(Call("c", {}, 10_000)) == LATEST
    groups._over = 3  # it is not known yet how fast they come
    assert groups.again(Call("d", {}, 150)) <= 110


def test_a_call_alone_does_not_wait_for_others(bench: Bench, tmp_path: Path) -> None:
    [first] = bench.add((noted, str(tmp_path), "first", 0))
    assert value(first) == "first"
    assert bench.tasks == [(first.token, 1)]


def test_outcomes_come_while_the_task_runs_and_what_is_behind_is_given_back(
    bench: Bench, tmp_path: Path
) -> None:
    bench.all_in_one_task()
    folder = str(tmp_path)
    names = ["a", "slow", "b", "c"]
    calls = bench.add(*((noted, folder, name, 60 * (name == "slow")) for name in names))
    first, slow, *behind = calls
    assert value(first) == "a"
    for each, name in zip(behind, "bc"):
        assert value(each) == name  # they do not wait for the slow one
    assert not slow.ended
    (tmp_path / "go").touch()
    assert value(slow) == "slow"
    assert [len(runs(tmp_path, name)) for name in names] == [1, 1, 1, 1]


def test_a_failure_is_of_one_call_only(bench: Bench, tmp_path: Path) -> None:
    folder = str(tmp_path)
    before, bad, after = bench.add(
        (noted, folder, "before", 0), (leaves, 1), (noted, folder, "after", 0)
    )
    assert (value(before), value(after)) == ("before", "after")
    until(lambda: bad.ended)
    assert bad.answer["error"]["kind"] == "died"
    assert bad.answer["error"]["transient"]


def test_one_call_of_a_task_is_stopped(bench: Bench, tmp_path: Path, monkeypatch: Any) -> None:
    from daggerml_adapter_dask import tasks

    monkeypatch.setattr(tasks, "_current", lambda: bench.groups)
    folder = str(tmp_path)
    calls = bench.add(*((noted, folder, str(number), 60) for number in range(6)))
    until(lambda: runs(tmp_path, "0"))
    assert tasks.stop(calls[0].token) == {"state": "canceled"}
    assert tasks.stop(calls[5].token) == {"state": "canceled"}
    (tmp_path / "go").touch()
    assert [value(each) for each in calls[1:5]] == ["1", "2", "3", "4"]
    assert not calls[0].ended
    assert not calls[5].ended
    assert bench.groups.find(calls[0].token) is None
    # The same call can be made again at once.
    before = len(bench.tasks)
    [again] = bench.add((noted, folder, "5", 0))
    assert value(again) == "5"
    assert len(bench.tasks) == before + 1


def test_after_a_lost_worker_only_what_had_no_outcome_runs_again(
    bench: Bench, cluster: Cluster, tmp_path: Path
) -> None:
    folder = str(tmp_path)
    victim = cluster.workers[1]
    victim.kill()
    victim.wait()
    names = ["a", "b", "slow", "c"]
    until(lambda: len(bench.groups.client.nthreads()) == 1)
    bench.all_in_one_task()
    calls = bench.add(*((noted, folder, name, 60 * (name == "slow")) for name in names))
    until(lambda: runs(tmp_path, "slow"))
    assert [value(each) for each in calls[:2]] == ["a", "b"]
    cluster.workers[0].kill()
    cluster.workers[0].wait()
    cluster.workers = [cluster.start_worker()]
    until(lambda: len(runs(tmp_path, "slow")) == 2)
    (tmp_path / "go").touch()
    assert [value(each) for each in calls[2:]] == ["slow", "c"]
    assert [len(runs(tmp_path, name)) for name in names] == [1, 1, 2, 1]


def test_another_process_collects_the_calls_of_a_task(
    cluster: Cluster, tmp_path: Path, monkeypatch: Any
) -> None:
    from daggerml_adapter_dask import cluster as connection
    from daggerml_adapter_dask import tasks, worker

    monkeypatch.setattr(worker, "PATIENCE", 60)  # also while a process starts
    monkeypatch.setattr(tasks, "_groups", [])
    monkeypatch.setattr(tasks, "_futures", {})
    first = distributed.Client(cluster.address, set_as_default=False)
    monkeypatch.setattr(connection, "connected", lambda: first)
    made = Bench(first)
    tasks._groups[:] = [made.groups]
    made.all_in_one_task()
    with made.groups._changed:
        answers = []
        for number in range(3):
            key, bundle = call(noted, str(tmp_path), str(number), 60)
            request = {"key": key, "attempt": 1, "bundle": base64.b64encode(bundle).decode()}
            answers.append(tasks.submit({**request, "waiting": 1}))
    assert {answer["state"] for answer in answers} == {"pending"}
    alone = [answer["token"] for answer in answers]
    # A token changes when the task is published: from then on it outlives this process.
    until(lambda: not {tasks.collect(token)["token"] for token in alone} & set(alone))
    tokens = [tasks.collect(token)["token"] for token in alone]
    first.close()
    with distributed.Client(cluster.address, set_as_default=False) as second:
        monkeypatch.setattr(connection, "connected", lambda: second)
        assert tasks.collect(tokens[0])["state"] == "pending"
        (tmp_path / "go").touch()
        for number, token in enumerate(tokens):
            answer = tasks.collect(token)
            while answer["state"] == "pending":
                answer = tasks.collect(token)
            assert outcome(answer) == str(number)
        assert second.list_datasets() == ()
    assert [len(runs(tmp_path, str(number))) for number in range(3)] == [1, 1, 1]
