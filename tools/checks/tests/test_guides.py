"""The code blocks of every page, run as the page shows them, against the wheels in `dist/`."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from blocks import Page, parse
from repository import DIST, TARGET, files, read

pytestmark = pytest.mark.skipif(
    not shutil.which("bash"), reason="no bash to run the shell blocks with"
)

PAGES = [
    file
    for file in files(".md")
    if file in {"README.md", "CONTRIBUTING.md"} or file.startswith(("docs/", "python/"))
]


def environment(home: str) -> dict[str, str]:
    """Returns the environment of a person's first day: no configuration, no colours."""
    env = {**os.environ, "HOME": home, "USERPROFILE": home, "TERM": "dumb"}
    env.pop("XDG_CONFIG_HOME", None)
    # `wheelwright` is there as in a clone where it was built.
    env["PATH"] = os.pathsep.join([env["PATH"], str(TARGET / "tool")])
    # `pip install daggerml` is this build, not what an index has of that name.
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(DIST))
    return env


@pytest.mark.parametrize("name", PAGES)
def test_blocks_do_what_the_page_says(name: str) -> None:
    text = read(name)
    if not parse(text):
        return
    # Outside the repository, so that no page finds a repository by looking upward.
    with tempfile.TemporaryDirectory() as home:
        shutil.copytree(DIST, f"{home}/dist")
        page = Page(name, home, environment(home))
        try:
            print(page.run(text), "commands and blocks ran as printed")
        finally:
            page.close()
