"""Calls of released DaggerML 0.1.x, for ``calls.py``; prints seconds by name as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time

import daggerml as dml
from daggerml.contrib import api

COLD, CACHED = 3, 10


@api.funkify
def total(dag, xs):  # noqa: ANN001, ANN201, ARG001
    """Adds them up."""
    return sum(xs.value())


def main(folder: str) -> None:
    """Measures a few of each."""
    repo = dml.Dml.init(folder)
    dml.set_default_dml(repo)
    cold, cached = [], []
    dag = dml.new("bench", "bench", dml=repo)
    node = dag.put(total, name="total")
    for number in range(COLD):
        begun = time.perf_counter()
        node([number, 1]).value()
        cold.append(time.perf_counter() - begun)
    for _ in range(CACHED):
        begun = time.perf_counter()
        node([0, 1]).value()
        cached.append(time.perf_counter() - begun)
    print(
        json.dumps(
            {
                "cold, fresh process": statistics.median(cold),
                "cached": statistics.median(cached),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
