"""The repository that the checks look at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
DIST = ROOT / "dist"


def files(ending: str = "", root: Path = ROOT) -> list[str]:
    """Returns the files that git tracks or would add and whose names end so, sorted."""
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    git = ["git", "-c", "safe.directory=*", *listing]
    names = subprocess.run(git, cwd=root, check=True, stdout=subprocess.PIPE).stdout.decode()
    return sorted({n for n in names.split("\0") if n.endswith(ending) and (root / n).is_file()})


def read(path: str) -> str:
    """Returns the text of a file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")
