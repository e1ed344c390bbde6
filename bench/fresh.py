"""Measure what a call in a fresh process takes, beside what it consists of.

    python bench/fresh.py 40

The rows take turns. A fork is that of a process that has imported what a call needs, with its end.
Processor time is the least of all rounds: of a call it is not measured, since its process is no
child of this one. The package is compiled to bytecode before, as installers do; a process that has
to compile it takes three times as long.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
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


def ran(command: list[str]) -> tuple[float, float]:
    """Runs a command that reads and writes nothing. Returns its wall time and processor time."""
    nothing = subprocess.DEVNULL
    begun = time.perf_counter()
    with subprocess.Popen(command, stdin=nothing, stdout=nothing) as process:
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - begun
        process.returncode = os.WEXITSTATUS(status)
    if status:
        raise subprocess.CalledProcessError(status, command)
    return took, usage.ru_utime + usage.ru_stime


def main(rounds: int) -> None:
    """Measures, and prints a table."""
    compileall.compile_dir(Path(dml.__file__).parent, quiet=2)
    start = program("daggerml.adapters.local", "run")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None  # noqa: S101
    assert server.stdout is not None  # noqa: S101
    times: dict[str, list[float]] = {}
    least: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        repo = dml.Dml.init(folder)
        with repo.new("fresh") as dag:
            for number in range(rounds):
                for name, command in (
                    ("a bare interpreter", [sys.executable, "-c", "pass"]),
                    ("a process of `local` that gets no request", start),
                ):
                    took, processor = ran(command)
                    times.setdefault(name, []).append(took)
                    least[name] = min(processor, least.get(name, processor))
                call = timed(lambda number=number: dag.call(double, number).value())
                times.setdefault("a call in a fresh process", []).append(call)
                server.stdin.write("fork\n")
                server.stdin.flush()
                fork = float(server.stdout.readline())
                times.setdefault("a fork of a process with these imports", []).append(fork)
            dag.commit(None)
    server.stdin.close()
    server.wait()
    bare = statistics.median(times["a bare interpreter"])
    print("| what | fastest, ms | median, ms | beside a bare interpreter | processor, ms |")
    print("|---|--:|--:|--:|--:|")
    for name, each in times.items():
        middle = statistics.median(each)
        processor = f"{least[name] * 1e3:.1f}" if name in least else "-"
        cells = [f"{min(each) * 1e3:.1f}", f"{middle * 1e3:.1f}", f"{middle / bare:.2f}", processor]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]))
