"""What commits write to the disk: ``python commit_writes.py FOLDER``.

Makes a repository in ``FOLDER``, which must not be there, of 1,000 commits (or ``--commits``) of
1,000 literal nodes each, and counts the time of each commit without its puts, the processor time
and the bytes that the process wrote. It asks Linux for those. The folder should be on a real disk.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import daggerml

NODES = 1000


class Commit(NamedTuple):
    """Seconds, seconds of processor, bytes written, and how much longer the file became."""

    wall: float
    processor: float
    written: int
    grown: int


def written() -> int:
    """Returns how many bytes this process wrote to disks so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def measured(repo: daggerml.Dml, number: int) -> Commit:
    """Makes a commit."""
    file = Path(repo.root, ".dml", "data.mdb")
    dag = repo.new(f"dag-{number}")
    nodes = [dag.put(value) for value in range(number * NODES, (number + 1) * NODES)]
    size, before = file.stat().st_size, written()
    wall, processor = time.perf_counter(), time.process_time()
    dag.commit(nodes[-1])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Commit(wall, processor, written() - before, file.stat().st_size - size)


def row(what: str, commits: list[Commit]) -> None:
    """Prints the sums of some commits."""
    wall, processor, bytes_written = (sum(each[at] for each in commits) for at in range(3))
    print(
        f"{what:<28} {len(commits):>5} {wall:>9.3f} s {processor:>9.3f} s of processor "
        f"{bytes_written / 1e6:>8.1f} MB"
    )


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description="What commits write to the disk.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--commits", type=int, default=1000)
    given = parser.parse_args()
    repo = daggerml.Dml.init(given.folder)
    commits = [measured(repo, number) for number in range(given.commits)]
    middle = Commit(*(statistics.median(column) for column in zip(*commits)))
    row("all", commits)
    row("the median", [middle])
    row("that made the file shorter", [each for each in commits if each.grown < 0])
    row("that wrote the most", [max(commits, key=lambda each: each.written)])
    for each in commits:
        if each.grown < 0:
            print(f"shorter by {-each.grown / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
