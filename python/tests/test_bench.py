"""The command that makes all tables of benchmarks: what it reads and compares."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "bench" / "all.py"


@pytest.fixture(scope="module")
def bench() -> Any:
    spec = importlib.util.spec_from_file_location("bench_all", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_all"] = module
    spec.loader.exec_module(module)
    return module


def test_tables_are_read(bench: Any) -> None:
    text = """said before
| value | ours, us | `pickle` | ratio | ratio |
|---|--:|--:|--:|--:|
| map of 1,000 leaves | 1,341 | 80 | 4.25 | 4.82 |
| nothing | - | - | - | - |

| place | items | ms an item | beside `dask` |
|---|--:|--:|--:|
| `ssh` | 200 | 144 | 2.7 |
"""
    assert bench.read_tables(text, 0.001) == {
        "map of 1,000 leaves: ours, us, in units": pytest.approx(1.341),
        "map of 1,000 leaves: ratio": 4.25,
        "map of 1,000 leaves: ratio (4)": 4.82,
        "ssh: ms an item, in units": pytest.approx(144),
        "ssh: beside dask": 2.7,
    }


def test_lines_are_read(bench: Any) -> None:
    text = """put 2,000 objects      0.92 ms   median 0.95 ms  (1,560,000/s)
  private memory:     66.5 bytes a node
  private memory:     70 bytes a node
| no: | 7 ms |
no number here
"""
    assert bench.read_lines(text, 0.001) == {
        "put 2,000 objects, in units": pytest.approx(0.92),
        "put 2,000 objects (2), in units": pytest.approx(0.95),
        "private memory, bytes a node": 66.5,
        "private memory, bytes a node, line 2": 70,
    }


def test_what_got_worse_is_marked(bench: Any) -> None:
    lower = bench.Bench("x", [])
    lines, worse = bench.compared(
        lower, {"a": 1.2, "b": 1.05, "c": 0.5, "d": 7.0}, {"a": 1.0, "b": 1.0, "c": 1.0}
    )
    assert worse == 1
    assert [line.rsplit("|", 2)[1].strip() for line in lines[2:]] == [
        "**worse**", "", "better", "new",
    ]  # fmt: skip
    _, worse = bench.compared(lower._replace(more=True), {"n: ratio": 50}, {"n: ratio": 100})
    assert worse == 1
