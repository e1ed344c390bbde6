"""What a funk uses of installed modules must be theirs: where it runs it would be the original."""

from __future__ import annotations

import functools
import importlib
import json
import math
import statistics
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from daggerml import funk
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from pathlib import Path


class Wrapper(textwrap.TextWrapper):
    def method(self) -> float:
        return 0.5


def mine(*_: Any) -> str:
    return "mine"


CASES = [
    ("builtins", "round", mine, "return round(1.4)"),
    ("posixpath", "basename", mine, "import posixpath\n    return posixpath.basename('a/b')"),
    ("xml.sax.saxutils", "escape", mine, "import xml.sax.saxutils as s\n    return s.escape('<')"),
    (
        "xml.sax.saxutils",
        "escape",
        mine,
        "import xml.sax.saxutils\n    return xml.sax.saxutils.escape('<')",
    ),
    ("math", "pi", 3, "import math\n    return math.pi"),
    ("math", "floor", math.ceil, "import math\n    return math.floor(1.5)"),
    ("string", "digits", "abc", "import string\n    return string.digits"),
    ("string", "hexdigits", "abc", "from string import hexdigits\n    return hexdigits"),
    (
        "statistics",
        "mean",
        statistics.median,
        "import statistics\n    return statistics.mean([1, 2, 9])",
    ),
    (
        "json",
        "dumps",
        functools.partial(json.dumps, indent=2),
        "import json\n    return json.dumps([1])",
    ),
    (
        "textwrap",
        "TextWrapper",
        Wrapper,
        "import textwrap\n    return textwrap.TextWrapper().width",
    ),
    ("random", "triangular", Wrapper().method, "import random\n    return random.triangular()"),
    (
        "colorsys",
        "rgb_to_hsv",
        mine,
        "import colorsys\n    return getattr(colorsys, 'rgb_to_hsv')()",
    ),
    ("bisect", "bisect", mine, "import bisect\n    b = bisect\n    return b.bisect([1], 2)"),
    (
        "keyword",
        "iskeyword",
        mine,
        "import importlib\n    return importlib.import_module('keyword').iskeyword('if')",
    ),
    ("http.client", "HTTP_PORT", 7, "from http import client\n    return client.HTTP_PORT"),
]


def made(folder: Path, name: str, body: str) -> Any:
    (folder / f"{name}.py").write_text(f"def f(dag):\n    {body}\n", "utf-8")
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name).f
    finally:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}.{case[1]}")
def test_what_was_replaced_in_this_process_is_refused(
    case: tuple[str, str, Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, value, body = case
    monkeypatch.syspath_prepend(str(tmp_path))
    function = made(tmp_path, f"replaced_{module.replace('.', '_')}_{name}", body)
    funk(function)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module(module), name, value)
        with pytest.raises(InvalidError, match="which was replaced"):
            funk(function)
    funk(function)


def test_a_method_that_was_replaced_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    function = made(tmp_path, "replaced_method", "import shlex\n    return shlex.shlex('a').lineno")
    funk(function)
    shlex = importlib.import_module("shlex")
    monkeypatch.setattr(shlex.shlex, "get_token", mine)
    with pytest.raises(InvalidError, match=r"shlex\.shlex, which was replaced"):
        funk(function)


def test_a_function_that_pretends_to_be_of_a_module_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    function = made(tmp_path, "pretending", "return mean([1, 2])")
    names: dict[str, Any] = {"__name__": "statistics"}
    exec("def mean(xs): return 42", names)  # noqa: S102
    monkeypatch.setattr(statistics, "mean", names["mean"])
    with pytest.raises(InvalidError, match="replaced"):
        funk(function, helpers=[names["mean"]])


def test_nothing_of_the_standard_library_counts_as_replaced() -> None:
    from daggerml.funks import replaced

    wrong = []
    for name in ("os", "os.path", "socket", "re", "enum", "math", "typing", "asyncio", "json"):
        module = importlib.import_module(name)
        for each, value in vars(module).items():
            if not each.startswith("_") and not replaced._is_theirs(module, each, value):
                wrong.append(f"{name}.{each}")
    assert set(wrong) <= {"typing.io", "typing.re"}


@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_without_assertions_and_docstrings_only_what_has_none_is_packaged(
    option: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import daggerml as dml\n"
        "def plain(dag): return 1\n"
        "def checks(dag):\n    assert dag is None\n    return __debug__\n"
        "def described(dag):\n    'Text.'\n"
        "for each in (plain, checks, described):\n"
        "    try: print(dml.funk(each).in_process())\n"
        "    except dml.Error as error: print('without -O' in str(error))\n",
        "utf-8",
    )
    ran = subprocess.run(
        [sys.executable, option, str(script)], check=True, capture_output=True, text=True
    )
    assert ran.stdout.split() == ["1", "True", "True" if option == "-OO" else "None"]


def test_a_builtin_that_packaging_needs_is_named_when_it_was_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import builtins

    def given(dag: Any, xs: Any) -> Any:
        return sorted(xs.value())

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "sorted", mine)
        with pytest.raises(InvalidError, match="while Python's sorted is replaced"):
            funk(given)
