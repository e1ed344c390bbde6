"""Measure how soon `dml` answers, beside Python and git.

    python bench/startup.py --commits 100000 --native target/release/dml

Runs in an environment with `daggerml` and `daggerml-cli`. Prints medians of the wall
time to the first line of output, in milliseconds; the commands take turns, so that all of
them meet the same load. git's repository has the same number of commits. Ours are durable:
a folder in memory (`TMPDIR=/dev/shm`) saves hours.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import daggerml as dml

#: DAGs that the commits take turns to change.
NAMES = 1000

#: What the installed `dml` does. Scripts of some installers also import `re`, which takes longer.
PROGRAM = "from daggerml_cli import main; main()"


def first_line(command: list[str], folder: Path) -> float:
    """Returns the seconds until a command has written a line, or has ended without one."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            process.stdout.readline()
        taken = time.perf_counter() - started
        process.kill()
    return taken


def make_ours(folder: Path, commits: int) -> None:
    """Makes a repository of `commits` commits of one DAG each."""
    repo = dml.init(folder)
    for number in range(commits):
        with repo.new(f"dag-{number % NAMES}", message=f"commit {number}") as dag:
            dag.commit(number)


def make_git(folder: Path, commits: int) -> None:
    """Makes a git repository of `commits` commits of one file each."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    lines = []
    for number in range(commits):
        message, content = f"commit {number}", str(number)
        lines += [
            "commit refs/heads/main",
            f"committer Somebody <somebody@example.org> {1_700_000_000 + number} +0000",
            f"data {len(message)}\n{message}",
            f"M 644 inline file-{number % NAMES}",
            f"data {len(content)}\n{content}\n",
        ]
    text = "\n".join(lines) + "\n"
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=text.encode(), check=True)


def main() -> None:
    """Makes the repositories, measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--native", type=Path, help="the native dml, built for release")
    arguments = parser.parse_args()

    programs = {"dml, through Python": [sys.executable, "-c", PROGRAM]}
    if arguments.native:
        programs["dml, native"] = [str(arguments.native.resolve())]
    with tempfile.TemporaryDirectory() as folder:
        ours, git = Path(folder, "ours"), Path(folder, "git")
        ours.mkdir()
        git.mkdir()
        make_ours(ours, arguments.commits)
        make_git(git, arguments.commits)
        commands = {
            "a bare interpreter": ([sys.executable, "-c", "print()"], ours),
            "git --version": (["git", "--version"], git),
            "git log": (["git", "--no-pager", "log"], git),
            "git ls-tree HEAD": (["git", "ls-tree", "HEAD"], git),
        }
        for name, program in programs.items():
            commands[f"{name}: --version"] = ([*program, "--version"], ours)
            commands[f"{name}: log"] = ([*program, "log"], ours)
            commands[f"{name}: dag list"] = ([*program, "dag", "list"], ours)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for name, (command, where) in commands.items():
                times[name].append(first_line(command, where))
    print("| command | first line, ms |\n|---|--:|")
    for name, taken in times.items():
        print(f"| {name} | {statistics.median(taken) * 1000:.1f} |")


if __name__ == "__main__":
    main()
