"""Measure what a map keeps for each of its items: anonymous memory of the calling process.

    python bench/map_memory.py 100000

The calls are run by two warm processes. Prints bytes an item at the most while the map runs, and
how many of them are the nodes that it returns, the record of the DAG, and the map's own, without
the list of items that it was given. What the C library keeps for later use counts as the map's own.
"""

from __future__ import annotations

import ctypes
import gc
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import daggerml as dml
from daggerml import calls


@dml.funk
def same(dag, number):  # noqa: ANN001, ANN201, ARG001
    """Returns what it is given."""
    return number.value()


def anonymous() -> int:
    """Returns the memory of this process that no file backs, in bytes."""
    told = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"RssAnon:\s+(\d+) kB", told)
    assert found is not None  # noqa: S101  Linux tells it
    return int(found[1]) << 10


def trim() -> None:
    """Gives free memory back to the system, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def main(items: int) -> None:
    """Measures two maps of fresh items, the first to warm up."""
    with tempfile.TemporaryDirectory() as folder:
        repo = dml.Dml.init(folder)
        set_it = "import sys; from daggerml import _core; sys.exit(_core.run_cli(sys.argv))"
        subprocess.run(
            [sys.executable, "-c", set_it, "config", "adapter.local.processes", "2"],
            cwd=repo.root, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        with repo.new("first") as dag:
            dag.commit(dag.map(same, range(-1000, 0)))
        numbers = list(range(items))
        most = [0]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.05):
                most[0] = max(most[0], anonymous())

        with repo.new("map") as dag:
            gc.collect()
            before = anonymous()
            threading.Thread(target=watch, daemon=True).start()
            begun = time.perf_counter()
            nodes = dag.map(same, numbers)
            took = time.perf_counter() - begun
            ended.set()
            gc.collect()
            trim()
            after = anonymous()
            print(f"{items:,} items by a map: {took / items * 1000:.3f} ms an item")
            nodes.clear()
            gc.collect()
            trim()
            dags = anonymous()
            top = max(most[0], after)
            print(f"at the most: {(top - before) / items:.0f} bytes an item")
            print(f"the map itself: {(top - after) / items:.0f} bytes an item")
            print(f"the list of nodes: {(after - dags) / items:.0f} bytes an item")
            print(f"the record of the DAG: {(dags - before) / items:.0f} bytes an item")
            dag.commit(None)
        calls.release(repo.root)


if __name__ == "__main__":
    main(int(sys.argv[1]))
