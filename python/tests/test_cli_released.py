"""Every command of daggerml 0.1.x that is not ours is answered by one that is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def tree(program: str, folder: Path) -> list[list[str]]:
    """Returns the commands of the released `dml`, by its help."""
    found = []
    todo: list[list[str]] = [[]]
    while todo:
        path = todo.pop()
        text = run(program, *path, "--help", folder=folder).stdout
        listed = re.search(r"\{([a-z,-]+)\}\s+\.\.\.", text)
        inner = listed[1].split(",") if listed else []
        found += [[*path, name] for name in inner]
        todo += [[*path, name] for name in inner]
    return found


def test_each_command_is_ours_or_answered(peer: str, front: str, tmp_path: Path) -> None:
    commands = tree(
        str(Path(peer).with_name("dml" + (".exe" if os.name == "nt" else ""))), tmp_path
    )
    assert len(commands) > 60
    answered = 0
    for path in commands:
        ours = run(front, *path, "--help", folder=tmp_path)
        if f"Usage: dml {' '.join(path)}" in ours.stdout:
            assert ours.returncode == 0
            continue
        answered += 1
        assert ours.returncode == 2, path
        text = ours.stderr
        assert "is a command of daggerml 0.1\nhint: " in text, path
        assert re.search(r"hint: .*(`dml |daggerml\.)", text), path
    assert answered > 35


def test_the_answer_is_json_as_well(front: str, tmp_path: Path) -> None:
    done = run(front, "--json", "dep", "list", folder=tmp_path)
    assert done.returncode == 2
    assert '"kind":"usage"' in done.stderr.replace(" ", "")
