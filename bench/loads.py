"""Measure loads of values beside `pickle` and `marshal`, in one run.

    python bench/loads.py

Uses the `daggerml` of this interpreter; numpy and pyarrow, where they are installed. The others
read the same values from memory, and check nothing: that is what making the Python objects takes
at least.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import pickle
import statistics
import tempfile
import time
from typing import TYPE_CHECKING, Any

import daggerml as dml

if TYPE_CHECKING:
    from collections.abc import Callable

NESTED = {f"k{a}": {f"l{b}": 5000 + a * b for b in range(10)} for a in range(100)}
FLOATS = [number * 1.1 for number in range(10_000)]


def median(act: Callable[[], Any], rounds: int) -> float:
    """Returns the median time in microseconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def large(repo: dml.Dml) -> None:
    """Measures bytes, arrays and tables, and prints a table."""
    rows: list[tuple[str, Any]] = [
        (f"{size} MiB of bytes", os.urandom(size << 20)) for size in (1, 16, 60)
    ]
    if importlib.util.find_spec("numpy"):
        import numpy as np

        rows.append(("numpy array, 60 MiB", np.frombuffer(rows[-1][1], "f8")))
    if importlib.util.find_spec("pyarrow"):
        import pyarrow as pa

        columns = {f"x{n}": pa.array(range(n, 1_900_000 + n)) for n in range(4)}
        rows.append(("pyarrow table, 58 MiB", pa.table(columns)))
    print("\n| value | load by name and value, ms | value alone | ratio | pickle | ratio |")
    print("|---|--:|--:|--:|--:|--:|")
    for what, value in rows:
        with repo.new("large") as dag:
            dag.commit(value)
        node = repo.load("large").result
        act = node.value if isinstance(value, bytes) else node.unpack
        pickled = pickle.dumps(value, -1)

        def by_name(read: str = act.__name__) -> Any:
            return getattr(repo.load("large").result, read)()

        named, ours, other = (
            median(act, 31) / 1e3
            for act in (by_name, act, lambda: pickle.loads(pickled))  # noqa: S301, B023
        )
        cells = [f"{named:.2f}", f"{ours:.2f}", f"{named / ours:.2f}"]
        cells += [f"{other:.2f}", f"{ours / other:.2f}"]
        print(f"| {what} | {' | '.join(cells)} |")


def main() -> None:
    """Measures, and prints a table."""
    with tempfile.TemporaryDirectory() as folder:
        repo = dml.Dml.init(folder)
        for name, value in (("nested", NESTED), ("floats", FLOATS)):
            with repo.new(name) as dag:
                dag.commit(value)
        nodes = {name: repo.load(name).result for name in ("nested", "floats")}
        rows: list[tuple[str, Callable[[], Any], Any, int]] = [
            ("map of 1,000 leaves", nodes["nested"].value, NESTED, 2000),
            ("list of 10,000 floats", nodes["floats"].value, FLOATS, 500),
        ]
        print("| value | ours, us | pickle | ratio | marshal | ratio |\n|---|--:|--:|--:|--:|--:|")
        for what, act, value, rounds in rows:
            ours = median(act, rounds)
            pickled, marshaled = pickle.dumps(value, -1), marshal.dumps(value)
            cells = [f"{ours:.0f}"]
            for loads, data in ((pickle.loads, pickled), (marshal.loads, marshaled)):
                other = median(lambda loads=loads, data=data: loads(data), rounds)
                cells += [f"{other:.0f}", f"{ours / other:.2f}"]
            print(f"| {what} | {' | '.join(cells)} |")

        def leaf() -> Any:
            return repo.load("nested").result["k50"]["l5"].value()

        print(f"\nload by name, and one of the 1,000 leaves: {median(leaf, 2000):.0f} us")
        large(repo)


if __name__ == "__main__":
    main()
