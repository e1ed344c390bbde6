"""Make the tables of docs/benchmarks.md that a command can make, and compare them with the last.

    python bench/all.py --quick

Needs a Python with our packages, and cargo. What is there only for some tables (wheels in `dist`,
valgrind, `distributed`) is skipped by name when it is missing. The readings are kept in
target/bench/readings.json, which is not committed, since they depend on the machine. Only what is
comparable is compared: ratios within one run, counts and sizes; a time is divided by that of a
fixed piece of work, measured right before and after. What got worse by more than 10 % is marked.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple, Optional

HERE = Path(__file__).parent
ROOT = HERE.parent
KEPT = ROOT / "target" / "bench" / "readings.json"

#: From which change on a reading counts as worse.
WORSE = 0.10

Readings = dict[str, float]


class Bench(NamedTuple):
    """A command that makes a table."""

    name: str
    command: list[str]
    #: The same in less time; `None` when there is no such way.
    quick: Optional[list[str]] = None
    environment: Optional[dict[str, str]] = None
    #: Says what is missing for it, if something is.
    lacks: Callable[[], str] = str
    #: Whether a larger ratio is better.
    more: bool = False


def lacking_wheels() -> str:
    """Says whether there are no wheels of ours."""
    return "" if any((ROOT / "dist").glob("daggerml-*.whl")) else "no wheels in dist/"


def lacking(module: str) -> Callable[[], str]:
    """Returns what says whether a module is not installed."""
    return lambda: "" if importlib.util.find_spec(module) else f"{module} is not installed"


def lacking_valgrind() -> str:
    """Says whether valgrind is missing."""
    return "" if shutil.which("valgrind") else "valgrind is not installed"


def ours(program: str, *words: str) -> list[str]:
    """Returns the command of a program in this folder."""
    return [sys.executable, str(HERE / program), *words]


def cargo(bench: str) -> list[str]:
    """Returns the command of a benchmark of the engine."""
    return ["cargo", "bench", "-q", "-p", "daggerml", "--bench", bench]


CALLS = ours("calls_program.py", "FOLDER", "300")
PEERS = ["--find-links", str(ROOT / "dist")]

BENCHES = [
    Bench("instructions", ["cargo", "checks", "instructions"], ["cargo", "checks", "instructions"],
          lacks=lacking_valgrind),
    Bench("store", cargo("store")),
    Bench("dag", cargo("dag"), cargo("dag"), {"DML_BENCH_NODES": "20000"}),
    Bench("remote", cargo("remote")),
    Bench("blob", cargo("blob"), cargo("blob"), {"DML_BENCH_GIB": "0.25"}, more=True),
    Bench("loads", ours("loads.py"), ours("loads.py"), lacks=lacking("daggerml")),
    Bench("startup", ours("startup.py"),
          ours("startup.py", "--count", "5000"), lacks=lacking("daggerml")),
    Bench("calls", CALLS, [*CALLS[:-1], "100"], lacks=lacking("distributed")),
    Bench("dask", ours("dask_calls.py"), ours("dask_calls.py", "--items", "300", "--rounds", "1"),
          lacks=lacking("distributed")),
    Bench("fresh process", ours("fresh.py", "40"), ours("fresh.py", "20"),
          lacks=lacking("daggerml")),
    Bench("memory of maps", ours("map_memory.py", "100000"), ours("map_memory.py", "20000"),
          lacks=lacking("daggerml")),
    Bench("funks", ours("funks.py"), ours("funks.py"), lacks=lacking("daggerml")),
    Bench("places", ours("places.py", "--items", "200", "dask"), lacks=lacking("pytest")),
    Bench("python peers", ours("python_peers.py", *PEERS), lacks=lacking_wheels, more=True),
    Bench("calls beside 0.1.7", ours("calls.py", *PEERS), lacks=lacking_wheels, more=True),
    Bench("remote peers", ours("remote_peers.py", *PEERS), lacks=lacking_wheels, more=True),
    Bench("ui", ours("ui.py", "--nodes", "100000"), lacks=lacking("daggerml_ui")),
]  # fmt: skip


def unit() -> float:
    """Returns the time of a fixed piece of work, which times are divided by."""
    times = []
    data = bytes(100_000)
    for _ in range(400):  # so short that others seldom come between
        begun = time.perf_counter()
        hashlib.sha256(data).digest()
        sum(number * number for number in range(2_000))
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


#: A number with its unit; `us` and `ms` become seconds.
_NUMBER = re.compile(
    r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)\s?(ms|us|µs|MiB|MB|bytes(?: a node)?|/s|s)(?![\w])"
)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}


def number(text: str) -> Optional[float]:
    """Returns the number that a cell begins with."""
    found = re.match(r"-?\d[\d,]*(\.\d+)?(e-?\d+)?", text.strip())
    return float(found[0].replace(",", "")) if found else None


def read_tables(text: str, per: float) -> Readings:
    """Returns the readings of tables in Markdown. ``per`` is the fixed work, in seconds."""
    found: Readings = {}
    head: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            head = []
            continue
        cells = [re.sub("[`*]", "", cell).strip() for cell in line.strip("|").split("|")]
        if not head:
            head = [
                cell if cells.index(cell) == place else f"{cell} ({place})"
                for place, cell in enumerate(cells)
            ]
            continue
        for column, cell in zip(head[1:], cells[1:]):
            value = number(cell)
            if value is None:
                continue
            kind = column.lower()
            if "ratio" in kind or "beside" in kind:
                found[f"{cells[0]}: {column}"] = value
            else:
                named = re.search(r"(?<!/)\b(ms|us|s)\b", f"{kind} {head[0].lower()}")
                if named:
                    found[f"{cells[0]}: {column}, in units"] = value * _SECONDS[named[1]] / per
    return found


def read_lines(text: str, per: float) -> Readings:
    """Returns the readings of lines with a text and numbers with units."""
    found: Readings = {}
    for line in text.splitlines():
        if line.startswith("|"):
            continue
        first = _NUMBER.search(line)
        if first is None:
            continue
        label = " ".join(line[: first.start()].split()).rstrip(":,(")
        for place, (value, kind) in enumerate(_NUMBER.findall(line)):
            reading = float(value.replace(",", ""))
            name = label if place == 0 else f"{label} ({place + 1})"
            if kind in _SECONDS:
                found[_unused(f"{name}, in units", found)] = reading * _SECONDS[kind] / per
            elif kind != "/s":
                found[_unused(f"{name}, {kind}", found)] = reading
    return found


def _unused(name: str, found: Readings) -> str:
    """Returns the name of a reading, with a number where an earlier line had the same one."""
    names = itertools.chain([name], (f"{name}, line {number}" for number in itertools.count(2)))
    return next(each for each in names if each not in found)


def read_calls(text: str, per: float) -> Readings:
    """Returns the readings of `calls_program.py`: items beside a bare interpreter."""
    told = json.loads(text.splitlines()[-1])
    bare = told["calls"].pop("a bare interpreter")
    found = {f"{name}, of a bare interpreter": took / bare for name, took in told["calls"].items()}
    for name, (items, took) in told["maps"].items():
        found[f"{name}, an item, of a bare interpreter"] = took / items / bare
    del per
    return found


def read_instructions() -> Readings:
    """Returns the counts that `cargo checks instructions` wrote down."""
    place = ROOT / "target" / "bench" / "instructions.toml"
    lines = [line.partition("=") for line in place.read_text("utf-8").splitlines()]
    return {name.strip(): float(count) for name, mark, count in lines if mark}


def measured(bench: Bench, command: list[str], *, quick: bool) -> tuple[str, Readings]:
    """Runs a benchmark. Returns what it printed, and the readings."""
    before = unit()
    environment = {**os.environ, **((bench.environment or {}) if quick else {})}
    with tempfile.TemporaryDirectory() as folder:
        words = [folder if word == "FOLDER" else word for word in command]
        ended = subprocess.run(
            words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    per = (before + unit()) / 2
    if bench.name == "instructions":
        return ended.stdout, read_instructions()
    if bench.name == "calls":
        return ended.stdout, read_calls(ended.stdout, per)
    return ended.stdout, {**read_tables(ended.stdout, per), **read_lines(ended.stdout, per)}


def compared(bench: Bench, now: Readings, last: Readings) -> tuple[list[str], int]:
    """Returns the lines of a table of readings beside the last, and how many got worse."""
    lines = ["| reading | last | now | change | |", "|---|--:|--:|--:|---|"]
    worse = 0
    for name, value in now.items():
        before = last.get(name)
        if not before:
            lines.append(f"| {name} | - | {value:.4g} | - | new |")
            continue
        change = value / before - 1
        larger_is_better = bench.more and name.endswith("ratio")
        bad = -change if larger_is_better else change
        worse += bad > WORSE
        mark = "**worse**" if bad > WORSE else "better" if bad < -WORSE else ""
        lines.append(f"| {name} | {before:.4g} | {value:.4g} | {change:+.1%} | {mark} |")
    return lines, worse


def main() -> int:
    """Runs what was asked for. Returns 1 when a command failed, or one got worse if strict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="what takes less than five minutes")
    parser.add_argument("--strict", action="store_true", help="fail when a reading got worse")
    parser.add_argument("--keep", action="store_true", help="leave the last readings as they are")
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(b.name for b in BENCHES))
    options = parser.parse_args()
    unknown = set(options.names) - {bench.name for bench in BENCHES}
    if unknown:
        parser.error(f"there is no benchmark {min(unknown)!r}")
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    worse = failed = 0
    for bench in BENCHES:
        if options.names and bench.name not in options.names:
            continue
        command = bench.quick if options.quick else bench.command
        missing = bench.lacks()
        if command is None or missing:
            print(f"\n## {bench.name}: skipped, {missing or 'it takes long'}", flush=True)
            continue
        print(f"\n## {bench.name}", flush=True)
        begun = time.monotonic()
        try:
            text, now = measured(bench, command, quick=options.quick)
        except (subprocess.CalledProcessError, OSError, ValueError) as problem:
            print(f"failed: {problem}", flush=True)
            failed += 1
            continue
        # Different amounts of work are not compared.
        place = f"{bench.name}, quick" if options.quick else bench.name
        lines, found = compared(bench, now, kept.get(place, {}))
        worse += found
        print(f"{text}\n" + "\n".join(lines), flush=True)
        print(f"{time.monotonic() - begun:.0f} s", flush=True)
        kept[place] = now
    if not options.keep:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=1), "utf-8")
    print(f"\n{worse} readings are worse by more than {WORSE:.0%}; {failed} commands failed")
    return 1 if failed or (options.strict and worse) else 0


if __name__ == "__main__":
    sys.exit(main())
