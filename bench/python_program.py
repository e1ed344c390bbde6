"""The program that ``python_peers.py`` runs in every environment: the same for all.

It uses only what released DaggerML 0.1.x and this one share, and prints one
JSON object: for every operation the wall-clock and CPU seconds of each round.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import daggerml as dml

if TYPE_CHECKING:
    from collections.abc import Callable

times: dict[str, list[tuple[float, float]]] = {}


def measure(name: str, rounds: int, prepare: Callable[[], Any], act: Callable[[Any], Any]) -> None:
    """Times ``act`` on what ``prepare`` makes, ``rounds`` times after one to warm up."""
    kept = times.setdefault(name, [])
    for number in range(rounds + 1):
        given = prepare()
        wall, cpu = time.perf_counter(), time.process_time()
        act(given)
        if number:
            kept.append((time.perf_counter() - wall, time.process_time() - cpu))


def main(folder: str, rounds: int, literals: int) -> None:
    """Measures everything in a new repository in ``folder``."""
    repo = dml.Dml.init(folder)
    numbers = iter(range(10**9))

    def begin() -> Any:
        return dml.new(f"dag-{next(numbers)}", "bench", dml=repo)

    dag = begin()
    measure("put an int", rounds, lambda: next(numbers), dag.put)

    def nested() -> Any:
        start = next(numbers)
        return {f"k{a}": {f"l{b}": start * 1000 + a * b for b in range(10)} for a in range(100)}

    dag = begin()
    measure("put a dict of 1,000 leaves", rounds, nested, dag.put)

    dag = begin()
    measure(
        "put a list of 10,000 ints",
        max(rounds // 2, 1),
        lambda: list(range(start := next(numbers), start + 10_000)),
        dag.put,
    )

    def ready() -> Any:
        dag = begin()
        return dag, dag.put(next(numbers), name="it")

    measure("commit", rounds, ready, lambda given: given[0].commit(given[1]))

    with dml.new("loaded", "bench", dml=repo) as dag:
        dag.commit(dag.put(42, name="answer"))
    with dml.new("nested", "bench", dml=repo) as dag:
        dag.commit(dag.put(nested(), name="answer"))
    many = rounds * 10
    measure("load by name", many, lambda: None, lambda _: dml.load("loaded", dml=repo))
    measure(
        "load + value", many, lambda: None, lambda _: dml.load("loaded", dml=repo).result.value()
    )
    measure(
        "load + value of 1,000 leaves",
        rounds,
        lambda: None,
        lambda _: dml.load("nested", dml=repo).result.value(),
    )

    def fill(dag: Any) -> None:
        for number in range(literals):
            dag.put([next(numbers), number])
        dag.commit(None)

    if literals:
        kept = times.setdefault(f"{literals:,} literals in one DAG, committed", [])
        dag = begin()
        wall, cpu = time.perf_counter(), time.process_time()
        fill(dag)
        kept.append((time.perf_counter() - wall, time.process_time() - cpu))
    json.dump(times, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
