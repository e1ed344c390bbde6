"""What blocks of a page mean, and that a page which is wrong is found."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from blocks import Block, Page, WrongError, commands, parse, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    if not shutil.which("bash"):
        pytest.skip("no bash to run the shell blocks with")
    page = Page("page.md", str(tmp_path), os.environ)
    yield page.run
    page.close()


def console(text: str) -> str:
    return f"```console\n{text}```\n"


RUNS = [
    (
        console("$ mkdir new && cd new\n$ echo hello > x\n")
        + "```python\ntext = open('x').read()\n```\n```pycon\n>>> text\n'hello\\n'\n```\n"
        + "```python file=y.py\nprint('from y')\n```\n"
        + console("$ ls\nx\ny.py\n$ python3 y.py\nfrom y\n"),
        6,
    ),
    (console("$ for x in 1 2; do\n>   echo $x\n> done\n1\n2\n"), 1),
    ("```console exit=3\n$ echo no >&2; (exit 3)\nno\n```\n", 1),
    (console("$ printf 'a b'\na b\n$ printf 'c\\n\\n'\nc\n"), 2),
    ("```console skip=needs-a-cluster\n$ exit 1\n```\n", 0),
    ("```python\nimport inspect as i\ndef f(): pass\nassert 'pass' in i.getsource(f)\n```\n", 1),
    ("1. First\n\n   ```python\n   if 1:\n       x = 2\n   ```\n", 1),
    ("````markdown\n```console\n$ x\n```\n````\n\n```toml\nx = 1\n```\n\n```\nplain\n```\n", 0),
]

WRONG = [
    (console("$ echo a\nb\n"), "line 2: `echo a`: the output differs"),
    (console("$ echo a\n"), "the output differs"),
    (console("$ false\n"), "exit status 1, not 0"),
    (console("$ true\n$ false\n$ true\n"), "line 3: `false`"),
    ("```console exit=3\n$ (exit 2)\n```\n", "exit status 2, not 3"),
    ("```python\nprint(1)\n```\n```text output\n2\n```\n", "line 1: the output differs"),
    ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
    ("```pycon\n>>> 1 + 1\n3\n```\n", "the session differs"),
    (console("$ exit 0\n"), "ended the page's shell"),
    ("```python\nimport os; os._exit(0)\n```\n", "the interpreter ended"),
    ("```text file=../x\n```\n", "leaves the page's folder"),
    ("```text output\n1\n```\n", "follows no Python block"),
    ("```console skip\n$ x\n```\n", "needs a reason"),
    ("```console norun\n$ x\n```\n", "no flag is called `norun`"),
    ("```console exit=many\n$ x\n```\n", "`exit` is a number"),
    ("```sh\ntrue\n```\n", "write `sh` blocks as"),
    ("```console\n$ x\n", "never closed"),
    (console("hello\n$ x\n"), "begins with `$ `"),
]


@pytest.mark.parametrize(("page", "count"), RUNS)
def test_blocks_run_in_order_in_one_folder(
    run: Callable[[str], int], page: str, count: int
) -> None:
    assert run(page) == count


@pytest.mark.parametrize(("page", "why"), WRONG)
def test_what_a_page_gets_wrong_is_found(run: Callable[[str], int], page: str, why: str) -> None:
    with pytest.raises(WrongError) as error:
        run(page)
    assert why in str(error.value)


def test_a_command_has_its_line_and_its_output() -> None:
    [block] = parse("# T\n\n```console\n$ dml init\nmade .dml\n$ a\n> b\n1\n```\n")
    assert commands(block) == [(4, "dml init", "made .dml\n"), (6, "a\nb", "1\n")]
    assert block == Block(3, "console", {}, block.text)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("a\nb\n", "a\nb\n\n"),
        ("a  \n", "a\n"),
        ("", "\n"),
        ("commit ... first\n", "commit 0f3a by me first\n"),
        ("...end\n", "the end\n"),
        ("a...b...c\n", "a1b2b3c\n"),
        ("first\n...\nlast\n", "first\na\nb\nlast\n"),
        ("first\n...\nlast\n", "first\nlast\n"),
        ("...\nx\n...\n", "a\nx\ny\nx\n"),
        ("...\n", ""),
        ("a.c\n", "a.c\n"),
    ],
)
def test_dots_stand_for_any_text_of_a_line_or_any_lines(said: str, printed: str) -> None:
    assert same(said, printed)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("a\nb\n", "a\n"),
        ("a\n", "a\nb\n"),
        ("", "a\n"),
        (" a\n", "a\n"),
        ("a.c\n", "abc\n"),
        ("commit ... first\n", "commit 0f3a second\n"),
        ("a ... b\n", "a\nb\n"),
        ("aa...a\n", "aa\n"),
        ("first\n...\nlast\n", "first\na\n"),
        ("...\nx\n", "a\nx\ny\n"),
    ],
)
def test_other_text_differs(said: str, printed: str) -> None:
    assert not same(said, printed)
