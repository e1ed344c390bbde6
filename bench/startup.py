"""Measure how soon `dml` answers, beside Python and git.

    python bench/startup.py --native target/release/dml

Runs in an environment with `daggerml` and `daggerml-cli`. Prints the wall time to the first
output, in milliseconds; the commands take turns, so that all of them meet the same load. Two
repositories, one of many commits and one of many names, are made by
`cargo bench -p daggerml --bench many`, and those of git, which are smaller, by `git fast-import`. A
million of each need about 200 MB in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Names in the repository of many commits, and commits in that of many names.
FEW = 10

#: The most commits and files of git's repositories: its import takes minutes for a million
#: commits, and hours for as many files of one folder.
MOST_COMMITS, MOST_FILES = 100_000, 10_000

#: What the installed `dml` does. Scripts of some installers also import `re`, which takes longer.
PROGRAM = "from daggerml_cli import main; main()"

MAKER = ["cargo", "bench", "-q", "-p", "daggerml", "--bench", "many", "--"]


def first_output(command: list[str], folder: Path) -> float:
    """Returns the seconds until a command has written something, or has ended without."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # noqa: S101
        os.read(process.stdout.fileno(), 1 << 12)  # a document has no end of line before its end
        taken = time.perf_counter() - started
        process.kill()
    return taken


def make_ours(folder: Path, commits: int, names: int) -> Path:
    """Makes a repository of ours, and returns its folder."""
    words = [*MAKER, str(folder), str(commits), str(names)]
    subprocess.run(words, cwd=Path(__file__).parent, check=True, stdout=subprocess.DEVNULL)
    return folder


def make_git(folder: Path, commits: int, names: int) -> Path:
    """Makes a repository of git, whose commits change so many files, and returns its folder."""
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None  # noqa: S101
        process.stdin.writelines(line.encode() + b"\n" for line in history(commits, names))
    if process.returncode:
        text = "git fast-import failed"
        raise SystemExit(text)
    return folder


def history(commits: int, names: int) -> Iterable[str]:
    """Returns the lines that `git fast-import` makes commits of: the first has all files."""
    for number in range(commits):
        message, content = f"commit {number}", str(number)
        yield "commit refs/heads/main"
        yield f"committer Somebody <somebody@example.org> {1_700_000_000 + number} +0000"
        yield f"data {len(message)}\n{message}"
        changed = itertools.count() if number == 0 else [number]
        for file in itertools.islice(changed, names):
            yield f"M 644 inline file-{file % names}\ndata {len(content)}\n{content}"


def main() -> None:
    """Makes the repositories, measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="of commits, and of names")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--native", type=Path, help="the native dml, built for release")
    arguments = parser.parse_args()

    programs = {"dml, through Python": [sys.executable, "-c", PROGRAM]}
    if arguments.native:
        programs["dml, native"] = [str(arguments.native.resolve())]
    with tempfile.TemporaryDirectory() as folder:
        count = arguments.count
        commits = make_ours(Path(folder, "commits"), count, FEW)
        names = make_ours(Path(folder, "names"), FEW, count)
        git_commits = make_git(Path(folder, "git-commits"), min(count, MOST_COMMITS), FEW)
        git_names = make_git(Path(folder, "git-names"), FEW, min(count, MOST_FILES))
        commands = {
            "a bare interpreter": ([sys.executable, "-c", "print()"], commits),
            "git --version": (["git", "--version"], git_commits),
            "git log": (["git", "--no-pager", "log"], git_commits),
            "git ls-tree HEAD": (["git", "ls-tree", "HEAD"], git_names),
        }
        for name, program in programs.items():
            for words, where in (
                (["--version"], commits),
                (["log"], commits),
                (["log", "--json"], commits),
                (["dag", "list"], names),
                (["dag", "list", "--json"], names),
            ):
                commands[f"{name}: {' '.join(words)}"] = ([*program, *words], where)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name, (command, where) in commands.items():
                times[name].append(first_output(command, where))
    bare = statistics.median(times["a bare interpreter"])
    print("| command | fastest, ms | median, ms | beside a bare interpreter |\n|---|--:|--:|--:|")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"| {name} | {min(taken) * 1e3:.1f} | {middle * 1e3:.1f} | {middle / bare:.2f} |")


if __name__ == "__main__":
    main()
