"""How the text of a funk is compiled where it runs: as Python's `compile` does it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from daggerml import _core
from daggerml.adapters import work

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

FILE = "<funk größe>"

TEXTS = [
    "",
    "def f(dag, x: int = 1) -> 'é':\n    'text'\n    assert x, '\\N{BULLET}'\n    return x\n",
    "x = 'no line end'",
    "x = 1\r\ny = '''a\r\nb'''\r\n",
    "# -*- coding: latin-1 -*-\nx = 'é'\n",
    "#!/bin/sh\n# vim: set fileencoding=utf-16 :\nx = 'é'\n",
    "x = 1\n# coding: latin-1\ny = 'é'\n",
]


def defined(code: CodeType) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  the texts are those of this file
    return names


def by_python(text: str) -> Any:
    return compile(text, FILE, "exec", dont_inherit=True, optimize=0)


@pytest.mark.parametrize("text", TEXTS)
def test_the_code_is_that_of_python(text: str) -> None:
    code = work._compiled(text, FILE, are_texts=False)
    expected = by_python(text)
    # Names of files and places are no part of a code's equality.
    assert (code, code.co_filename) == (expected, FILE)
    if hasattr(code, "co_positions"):
        assert list(code.co_positions()) == list(expected.co_positions())


@pytest.mark.parametrize("text", ["def f(:\n", "x = '\0'", "\ufeffx = (", "return 1", "é = $"])
def test_so_are_errors(text: str) -> None:
    with pytest.raises((SyntaxError, ValueError)) as expected:
        by_python(text)
    with pytest.raises((SyntaxError, ValueError)) as caught:
        work._compiled(text, FILE, are_texts=False)
    assert (type(caught.value), caught.value.args) == (expected.type, expected.value.args)


def test_annotations_are_texts_only_where_they_always_were() -> None:
    for are_texts, expected in ((True, "int"), (False, int)):
        names = defined(work._compiled("def f(x: int): pass", FILE, are_texts=are_texts))
        assert names["f"].__annotations__ == {"x": expected}


def test_a_comment_that_names_an_encoding_is_not_obeyed() -> None:
    """The engine's own function obeys it, which is why it is not given such a text."""
    text = "# coding: latin-1\nx = 'é'\n"
    assert defined(_core.compile_module(text, FILE))["x"] == "Ã©"
    assert defined(work._compiled(text, FILE, are_texts=False))["x"] == "é"


def test_an_interpreter_that_leaves_out_assertions_keeps_those_of_funks() -> None:
    program = (
        "from daggerml.adapters import work\n"
        "code = work._compiled('assert False', '<funk f>', are_texts=False)\n"
        "try: exec(code)\n"
        "except AssertionError: print('kept')\n"
    )
    command = [sys.executable, "-O", "-c", program]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert told.stdout == "kept\n"


def test_the_types_of_syntax_trees_are_not_made(tmp_path: Path) -> None:
    program = (
        "from daggerml.adapters import work\n"
        "work._compiled('x = 1', '<funk f>', are_texts=False)\n"
        "print(any(kind.__name__ == 'AST' for kind in object.__subclasses__()))\n"
    )
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for made in (None, "False\n"):  # the first process compiles the modules, by Python's function
        command = [sys.executable, "-c", program]
        told = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env=environment
        )
        assert made in {None, told.stdout}
