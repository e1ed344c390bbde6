"""Our calls, for ``calls.py``; prints seconds as JSON."""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import daggerml as dml
from daggerml import calls

if TYPE_CHECKING:
    from collections.abc import Iterator

numbers = iter(range(10**9))


@dml.funk
def total(dag, xs):  # noqa: ANN001, ANN201, ARG001
    """Adds them up."""
    return sum(xs.value())


@dml.funk(adapter="dask")
def sleeps(dag, number, seconds):  # noqa: ANN001, ANN201, ARG001
    """Waits for a while, without the processor."""
    import time

    time.sleep(seconds.value())
    return number.value()


@dml.funk(adapter="dask")
def works(dag, number, seconds):  # noqa: ANN001, ANN201, ARG001
    """Uses the processor for a while."""
    import time

    until = time.process_time() + seconds.value()
    while time.process_time() < until:
        pass
    return number.value()


def median(repo: dml.Dml, rounds: int, *, fresh: bool) -> float:
    """Returns the median time of a call and its value."""
    times = []
    with repo.new(f"calls-{next(numbers)}") as dag:
        dag.call(total, [0])
        for _ in range(rounds):
            xs = [next(numbers) if fresh else 0]
            begun = time.perf_counter()
            dag.call(total, xs).value()
            times.append(time.perf_counter() - begun)
        dag.commit(None)
    return statistics.median(times)


def bare(rounds: int) -> float:
    """Returns the median time of an interpreter that does nothing."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], stdin=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def dask_alone(items: int, *, at_once: bool) -> tuple[int, float]:
    """Returns the number of Dask's own smallest tasks, and their time."""
    from distributed import Client

    with Client(os.environ["DAGGERML_DASK_SCHEDULER"], set_as_default=False) as client:
        begun = time.perf_counter()
        made = []
        for number in range(items):
            made.append(client.submit(max, number, 0, key=f"alone-{next(numbers)}", pure=False))
            if not at_once:
                made[-1].result()
        client.gather(made)
        return items, time.perf_counter() - begun


def mapped(repo: dml.Dml, funk: Any, items: int, *args: Any, **options: Any) -> tuple[int, float]:
    """Returns the number of items and the time of a map over new ones."""
    with repo.new(f"map-{next(numbers)}") as dag:
        begun = time.perf_counter()
        nodes = dag.map(funk, [[next(numbers)] for _ in range(items)], *args, **options)
        took = time.perf_counter() - begun
        dag.commit(nodes)
    return items, took


def configure(repo: dml.Dml, processes: int) -> None:
    """Sets how many processes of `local` stay warm."""
    calls.release(repo.root)
    set_it = "import sys; from daggerml import _core; sys.exit(_core.run_cli(sys.argv))"
    subprocess.run(
        [sys.executable, "-c", set_it, "config", "adapter.local.processes", str(processes)],
        cwd=repo.root,
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[None]:
    """Runs a scheduler and workers on loopback."""
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        stderr=subprocess.PIPE,
        **quiet,
    )
    assert scheduler.stderr is not None  # noqa: S101
    address = ""
    while not address:
        found = re.search(rb"Scheduler at:\s+(tcp://\S+)", scheduler.stderr.readline())
        address = found[1].decode() if found else ""
    arguments = ["--nworkers", str(workers), "--nthreads", "1", "--no-dashboard"]
    worker = subprocess.Popen(
        [*dask, "worker", address, *arguments], stderr=subprocess.DEVNULL, **quiet
    )
    os.environ["DAGGERML_DASK_SCHEDULER"] = address
    try:
        yield
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()


def main(folder: str, items: int) -> None:
    """Measures everything in a new repository in ``folder``."""
    repo = dml.Dml.init(folder)
    times = {"cached": median(repo, 1000, fresh=False)}
    times["cold, fresh process"] = median(repo, 20, fresh=True)
    times["a bare interpreter"] = bare(20)
    maps = {"`local`, a fresh process each": mapped(repo, total, items // 10)}
    configure(repo, 2)
    times["new, warm process"] = median(repo, 200, fresh=True)
    maps["`local`, 2 warm processes"] = mapped(repo, total, items * 10)
    for workers in (1, 2):
        with cluster(workers):
            on_dask = total.options(adapter="dask")
            mapped(repo, on_dask, 10)
            name = f"`dask`, {workers} worker" + ("s" if workers > 1 else "")
            maps[name] = mapped(repo, on_dask, items)
            maps[f"{name}, 10 ms of sleep each"] = mapped(repo, sleeps, items // 4, 0.01)
            maps[f"{name}, 50 ms of work each"] = mapped(repo, works, items // 10, 0.05)
            calls.release(repo.root)
            if workers == 1:
                for at_once in (False, True):
                    how = "all at once" if at_once else "one by one"
                    alone = dask_alone(items // 4, at_once=at_once)
                    maps[f"Dask alone, 1 worker, tasks that do nothing, {how}"] = alone
    print(json.dumps({"calls": times, "maps": maps}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
