"""The Python programs of the courses of daggerml 0.1.x run here as they are.

Their text comes from the released source distribution, and is nowhere else.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import courses
from test_parity import PAGE

if TYPE_CHECKING:
    from pathlib import Path

# The courses have a container where this machine has none: it is told as one more adapter,
# which runs what would run inside on this machine.
DOCKER = """
from daggerml.adapters import local, work

def main():
    work._RUNNERS["daggerml:docker"] = lambda dag, runnable: work._run_funk(dag, runnable.sub)
    local.run()
"""
#: How many of the programs that need no cloud must run, in percent.
LEAST = 90


def listed() -> dict[tuple[str, int], str]:
    """Returns the programs that the guide says do not run, each with what it needs."""
    rows = re.findall(
        r"^\| `([\w/-]+)` (\d+) \| (S3|different) \| .+\|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return {(page, int(number)): needs for page, number, needs in rows}


def test_the_courses_run_but_for_those_that_the_guide_lists(sdist: Path, tmp_path: Path) -> None:
    info = tmp_path / "lib" / "docker_here-1.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "lib" / "docker_here.py").write_text(DOCKER, "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: docker-here\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[daggerml.adapters]\ndocker = docker_here:main\n")
    project = tmp_path / "research-demo"
    project.mkdir()
    done = subprocess.run(
        [sys.executable, courses.__file__, str(sdist / "docs")],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib")},
        cwd=project,
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    outcomes = {(page, number): error for page, number, error in json.loads(done.stdout)}
    failed = {program: error for program, error in outcomes.items() if error is not None}
    reasons = listed()
    assert {program: failed[program] for program in set(failed) - set(reasons)} == {}
    assert set(reasons) - set(failed) == set(), "these run, so the guide need not list them"
    local = [program for program in outcomes if reasons.get(program) != "S3"]
    passed = [program for program in local if program not in failed]
    assert len(passed) * 100 >= LEAST * len(local), f"{len(passed)} of {len(local)}"


def test_the_guide_tells_what_each_shell_command_is_here(
    sdist: Path, front: str, tmp_path: Path
) -> None:
    found = set()
    for page in courses.PAGES:
        text = (sdist / "docs" / f"{page}.qmd").read_text("utf-8")
        for block in re.findall(r"^```\{bash\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            grouped = r"\bdml ((?:config|dag|runtime|cache) [a-z-]+|[a-z-]+)"
            found |= set(re.findall(grouped, block))
    page = PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| `dml ([a-z -]+)` \| (.+) \|$", page, re.MULTILINE))
    assert set(rows) == found
    for command, ours in rows.items():
        done = subprocess.run(
            [front, *command.split(), "--help"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if f"Usage: dml {command}" not in done.stdout:  # the answer names what the guide names
            assert (done.returncode, "is a command of daggerml 0.1" in done.stderr) == (2, True)
        for program in re.findall(r"`dml ([a-z -]+[a-z])", ours):
            words = [word for word in program.split() if not word.startswith("-")]
            shown = subprocess.run(
                [front, *words, "--help"], capture_output=True, text=True, timeout=60, check=True
            )
            assert f"Usage: dml {' '.join(words)}" in shown.stdout
