"""A program that runs the Python blocks of the courses of daggerml 0.1.x, page after page.

``python courses.py FOLDER`` runs them in the current folder, which is where the course
has its project, and prints a JSON list of `[page, number of the block, error or null]`.
A block that fails does not stop those after it, which may fail for the lack of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import re
import sys
import types
from pathlib import Path
from typing import Optional

import daggerml

# In the order of the course.
PAGES = [
    "start-here/dags",
    "start-here/funks",
    "start-here/dagclasses",
    "use/projects",
    "use/artifacts",
    "use/execution",
    "use/inspection",
    "use/runtimes",
    "extend/codecs",
    "extend/adapters",
    "extend/executors",
]


def blocks(text: str) -> list[str]:
    """Returns the Python blocks of a page that its build runs."""
    return re.findall(r"^```\{python\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_page(page: str, text: str) -> list[tuple[str, int, Optional[str]]]:
    """Runs the blocks of a page, which share their names."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    found: list[tuple[str, int, Optional[str]]] = []
    for number, source in enumerate(blocks(text), 1):
        file = f"<{page} {number}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        error = None
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102
        except Exception as problem:  # noqa: BLE001  it is what is asked for
            error = f"{type(problem).__name__}: {problem}"
        found.append((page, number, error))
    return found


def main() -> None:
    """Runs all pages."""
    folder = Path(sys.argv[1])
    daggerml.init()
    found = []
    for page in PAGES:
        found += run_page(page, (folder / f"{page}.qmd").read_text("utf-8"))
        if page == "start-here/dags":
            # Its last blocks build a container image, which the pages after it only name.
            with daggerml.new("docs-image") as dag:
                dag.commit(daggerml.Uri("docker://docs"))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
