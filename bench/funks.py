"""What packaging a function costs, and how much of that the proof is, in CPU time.

With ``daggerml`` installed: ``python bench/funks.py``.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import daggerml
from daggerml.funks import definition, source

taken: dict[str, float] = {}


def timed(module: Any, name: str) -> None:
    """Adds up the time of a part."""
    inner = getattr(module, name)

    def outer(*args: Any, **kwargs: Any) -> Any:
        begun = time.process_time()
        try:
            return inner(*args, **kwargs)
        finally:
            taken[name] = taken.get(name, 0.0) + time.process_time() - begun

    setattr(module, name, outer)


def clamp(value: float, low: float = 0.0, high: float = 1.0) -> float:
    """Keeps a number in bounds."""
    return max(low, min(value, high))


def total(dag: Any, xs: Any, scale: float = 2) -> Any:  # noqa: ARG001
    """Adds numbers up: a function of ordinary size."""
    import math

    values = [clamp(x / scale) for x in xs.value()]
    if not values:
        raise ValueError("nothing to add")
    best = 0.0
    for value in values:
        if math.isfinite(value):
            best += value
    return {"sum": best, "n": len(values), "mean": best / len(values)}


def measured(times: int = 300) -> tuple[float, float]:
    """Returns the medians of packaging and of the proof, in milliseconds."""
    whole, parts = [], []
    for _ in range(times):
        taken.clear()
        begun = time.process_time()
        daggerml.funk(total, helpers=[clamp])
        whole.append(time.process_time() - begun)
        parts.append(taken.get("prove", 0.0) + taken.get("_compiled", 0.0))
    return statistics.median(whole) * 1000, statistics.median(parts) * 1000


if __name__ == "__main__":
    timed(source.proof, "prove")
    timed(definition, "_compiled")
    whole, part = measured()
    version = sys.version.split()[0]
    print(f"Python {version}: packaged in {whole:.2f} ms, of it the proof {part:.2f} ms")
