"""Measure short calls on a Dask cluster beside Dask alone, and who spends the processor time.

    python bench/dask_calls.py --items 1000

Starts clusters of one and of two workers on this machine. Each row is a map of new calls of one
function, by ours (`dag.map`) and by Dask (`client.map` and `client.gather`) in turns. Prints
medians of the rounds: milliseconds an item, by the clock and of the processor, and for ours the
processor time of each kind of process.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import daggerml as dml
from daggerml import calls

TICKS = os.sysconf("SC_CLK_TCK")

numbers = iter(range(10**9))


@dml.funk(adapter="dask")
def sums(dag, xs):  # noqa: ANN001, ANN201, ARG001
    """Adds them up."""
    return sum(xs.value())


@dml.funk(adapter="dask")
def sleeps(dag, number):  # noqa: ANN001, ANN201, ARG001
    """Waits for 10 ms, without the processor."""
    import time

    time.sleep(0.01)
    return number.value()


@dml.funk(adapter="dask")
def works(dag, number):  # noqa: ANN001, ANN201, ARG001
    """Uses the processor for 10 ms."""
    import time

    until = time.process_time() + 0.01
    while time.process_time() < until:
        pass
    return number.value()


def plain_sums(xs: list[int]) -> int:
    """Adds them up."""
    return sum(xs)


def plain_sleeps(number: int) -> int:
    """Waits for 10 ms, without the processor."""
    import time

    time.sleep(0.01)
    return number


def plain_works(number: int) -> int:
    """Uses the processor for 10 ms."""
    import time

    until = time.thread_time() + 0.01
    while time.thread_time() < until:
        pass
    return number


def all_of(function: Any, items: list[Any]) -> list[Any]:
    """Runs the items of a batch."""
    return [function(item) for item in items]


KINDS: dict[str, tuple[Any, Any, int]] = {
    # ours, Dask's, and which share of the items
    "a small sum": (sums, plain_sums, 1),
    "10 ms of sleep": (sleeps, plain_sleeps, 3),
    "10 ms of work": (works, plain_works, 3),
}


class Cluster:
    """A scheduler and workers of one thread on loopback."""

    def __init__(self, workers: int, folder: str) -> None:
        """Starts them, and waits for the workers."""
        self.processes: list[subprocess.Popen[bytes]] = []
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0"]
        self.address = self._started(rb"Scheduler at:\s+(tcp://\S+)", *scheduler)
        for _ in range(workers):
            self._started(
                rb"Registered to:\s+(tcp://\S+)", "worker", self.address, "--nworkers", "1",
                "--nthreads", "1", "--no-nanny", "--local-directory", folder,
            )  # fmt: skip

    def _started(self, pattern: bytes, *arguments: str) -> str:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.processes.append(process)
        assert process.stderr is not None  # noqa: S101
        while line := process.stderr.readline():
            if found := re.search(pattern, line):
                return found[1].decode()
        raise SystemExit(f"{' '.join(arguments)} did not start")

    def close(self) -> None:
        """Ends them."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait()

    def times(self) -> dict[str, float]:
        """Returns the processor time so far, in seconds, by kind of process."""
        workers = {process.pid for process in self.processes[1:]}
        found = dict.fromkeys(["program", "adapter", "scheduler", "workers", "functions"], 0.0)
        for place in Path("/proc").iterdir():
            if not place.name.isdigit():
                continue
            try:
                stat = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            number, parent = int(place.name), int(stat[1])
            if number == os.getpid():
                kind = "program"
            elif number == self.processes[0].pid:
                kind = "scheduler"
            elif number in workers:
                kind = "workers"
            elif parent in workers:
                kind = "functions"
            elif parent == os.getpid():
                kind = "adapter"
            else:
                continue
            found[kind] += sum(map(int, stat[11:13])) / TICKS
        return found


def item(kind: str) -> Any:
    """Returns a new argument of a function."""
    return [next(numbers)] if kind == "a small sum" else next(numbers)


def ours(repo: dml.Dml, kind: str, items: int) -> float:
    """Returns the time of a map over new calls."""
    given = [item(kind) for _ in range(items)]
    with repo.new(f"map-{next(numbers)}") as dag:
        begun = time.perf_counter()
        nodes = dag.map(KINDS[kind][0], given)
        took = time.perf_counter() - begun
        dag.commit(nodes)
    return took


def theirs(client: Any, kind: str, items: int, batch: int) -> float:
    """Returns the time of the same with Dask alone, ``batch`` items in a task."""
    function = KINDS[kind][1]
    given = [item(kind) for _ in range(items)]
    begun = time.perf_counter()
    if batch > 1:
        parts = [given[first : first + batch] for first in range(0, items, batch)]
        made = [client.submit(all_of, function, part, pure=False) for part in parts]
    else:
        made = client.map(function, given, pure=False)
    client.gather(made)
    return time.perf_counter() - begun


def measured(workers: int, kinds: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """Returns lists of (seconds an item, processor times an item), by kind and who."""
    from distributed import Client

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(workers, folder)
        os.environ["DAGGERML_DASK_SCHEDULER"] = cluster.address
        repo = dml.Dml.init(f"{folder}/repo")
        try:
            for kind in kinds:
                ours(repo, kind, 20 * workers)
                items = options.items // KINDS[kind][2]
                for _ in range(options.rounds):
                    for who in ("ours", "Dask", "Dask, batches"):
                        if who == "ours":
                            before = cluster.times()
                            took = ours(repo, kind, items)
                            after = cluster.times()
                        else:
                            with Client(cluster.address, set_as_default=False) as client:
                                client.gather(client.map(abs, range(10)))
                                batch = 1 if who == "Dask" else options.batch
                                before = cluster.times()
                                took = theirs(client, kind, items, batch)
                                after = cluster.times()
                        spent = {name: (after[name] - before[name]) / items for name in after}
                        found.setdefault((kind, who), []).append((took / items, spent))
        finally:
            calls.release(repo.root)
            cluster.close()
    return found


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1000, help="of the maps of small sums")
    parser.add_argument("--rounds", type=int, default=3, help="how often each map is made")
    parser.add_argument("--batch", type=int, default=64, help="items of a task of Dask's batches")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}")
    found = {count: measured(count, options.kinds, options) for count in options.workers}
    print("| map of | workers | who | ms an item | processor, ms | of it |")
    print("|---|--:|---|--:|--:|---|")
    middle: dict[tuple[str, str, int], float] = {}
    for kind in options.kinds:
        for who in ("ours", "Dask", "Dask, batches"):
            for workers in options.workers:
                rounds = found[workers][kind, who]
                clock = statistics.median(took for took, _ in rounds) * 1000
                middle[kind, who, workers] = clock
                parts = {
                    name: statistics.median(spent[name] for _, spent in rounds) * 1000
                    for name in rounds[0][1]
                }
                of_it = ", ".join(f"{name} {each:.2f}" for name, each in parts.items() if each)
                total = statistics.median(sum(spent.values()) for _, spent in rounds) * 1000
                print(f"| {kind} | {workers} | {who} | {clock:.2f} | {total:.2f} | {of_it} |")
    for kind, who in dict.fromkeys(each[:2] for each in middle):
        few, many = options.workers[0], options.workers[-1]
        if few != many:
            times = middle[kind, who, few] / middle[kind, who, many]
            print(f"{kind}, {who}: {many} workers make {times:.2f} times the calls of {few}")


if __name__ == "__main__":
    main()
