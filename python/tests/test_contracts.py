"""The contract tests of daggerml 0.1.x that ask for no part of its core pass here.

Their text comes from the released source distribution, and is nowhere else. Two things are
put in its place: what they import from the core is imported from `daggerml.api`, and the DAG
that they are given is one of a real repository, not of a double of the core.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from test_parity import PAGE

if TYPE_CHECKING:
    from pathlib import Path

FIXTURES = """
import pytest
from daggerml import api

@pytest.fixture(autouse=True)
def _no_default():
    api.clear_default_dml()
    yield
    api.clear_default_dml()

@pytest.fixture
def dag(tmp_path):
    return api.Dml.init(tmp_path / "repo").new("demo", message="msg")
"""


def listed() -> dict[str, tuple[int, list[str]]]:
    """Returns how many tests of each file pass here, and what the others ask for."""
    rows = re.findall(
        r"^\| `(test_\w+\.py)` \| (\d+) of \d+ \| (`.+?`) \| .+\|$",
        PAGE.read_text("utf-8"),
        re.MULTILINE,
    )
    return {name: (int(passed), re.findall(r"`([^`]+)`", asks)) for name, passed, asks in rows}


def functions(text: str) -> dict[str, str]:
    """Returns the source of each test of a file, by its name."""
    return {
        each.name: ast.get_source_segment(text, each) or ""
        for each in ast.parse(text).body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    }


def test_they_pass_but_for_those_that_the_guide_lists(sdist: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(FIXTURES, "utf-8")
    sources = {}
    for path in (sdist / "tests/api/contracts").glob("test_*.py"):
        text = path.read_text("utf-8")
        sources[path.name] = functions(text)
        text = re.sub(
            r"^from daggerml\._core import", "from daggerml.api import", text, flags=re.MULTILINE
        )
        (tmp_path / path.name).write_text(text, "utf-8")
    report = tmp_path / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", "."],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314  pytest wrote it
    passed = {
        (case.get("classname", "") + ".py", case.get("name", "").partition("[")[0])
        for case in cases
        if case.find("failure") is None and case.find("error") is None
    }
    rows = listed()
    assert set(rows) == set(sources)
    for name, tests in sources.items():
        expected, asks = rows[name]
        rest = [test for test in tests if (name, test) not in passed]
        assert len(tests) - len(rest) == expected, (name, rest)
        for test in rest:
            assert any(token in tests[test] for token in asks), f"{name}: {test} asks for none"
    total = sum(len(tests) for tests in sources.values())
    assert f"{len(passed)} of its {total} contract tests" in PAGE.read_text("utf-8")
