"""Measure what a call in a fresh process takes, beside what it consists of.

    python bench/fresh.py 40

The rows take turns. A fork is that of a process that has imported what a call needs, with its end.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import daggerml as dml
from daggerml.adapters import program

if TYPE_CHECKING:
    from collections.abc import Callable

#: A process that does what a fork server would: it forks whenever it is asked to.
SERVER = """
import os, sys, time
import daggerml.adapters.local, daggerml.adapters.work, daggerml.dag, daggerml.node
for _ in sys.stdin:
    begun = time.perf_counter()
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    print(time.perf_counter() - begun, flush=True)
"""


@dml.funk
def double(dag, number):  # noqa: ANN001, ANN201, ARG001
    """Doubles a number."""
    return 2 * number.value()


def timed(run: Callable[[], object]) -> float:
    """Returns how long something takes."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def ran(command: list[str]) -> None:
    """Runs a command that reads and writes nothing."""
    nothing = subprocess.DEVNULL
    subprocess.run(command, stdin=nothing, stdout=nothing, check=True)


def main(rounds: int) -> None:
    """Measures, and prints a table."""
    start = program("daggerml.adapters.local", "run")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None  # noqa: S101
    assert server.stdout is not None  # noqa: S101
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        repo = dml.Dml.init(folder)
        with repo.new("fresh") as dag:
            for number in range(rounds):
                found = {
                    "a bare interpreter": timed(lambda: ran([sys.executable, "-c", "pass"])),
                    "a process of `local` that gets no request": timed(lambda: ran(start)),
                    "a call in a fresh process": timed(
                        lambda number=number: dag.call(double, number).value()
                    ),
                }
                server.stdin.write("fork\n")
                server.stdin.flush()
                found["a fork of a process with these imports"] = float(server.stdout.readline())
                for name, took in found.items():
                    times.setdefault(name, []).append(took)
            dag.commit(None)
    server.stdin.close()
    server.wait()
    bare = statistics.median(times["a bare interpreter"])
    print("| what | fastest, ms | median, ms | beside a bare interpreter |\n|---|--:|--:|--:|")
    for name, each in times.items():
        middle = statistics.median(each)
        print(f"| {name} | {min(each) * 1e3:.1f} | {middle * 1e3:.1f} | {middle / bare:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]))
