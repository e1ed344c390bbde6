"""Functions, wrappers, classes and modules that are easily packaged as something else.

Each case is a module with the funk ``f`` and perhaps its ``ARGS``. What runs must give what
``in_process`` gives, or packaging must be refused with the words after ``::``.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Optional

import pytest

from daggerml import Dml, Funk, funk
from daggerml.adapters import modules
from daggerml.adapters.work import function_of
from daggerml.errors import InvalidError
from daggerml.node import Node

FILES = sorted((Path(__file__).parent / "funk_cases").glob("*.txt"))
if sys.version_info < (3, 12):
    FILES = [file for file in FILES if file.stem != "python_3_12"]


def cases() -> list[Any]:
    found = []
    for file in FILES:
        for part in file.read_text("utf-8").split("\n#### ")[1:]:
            head, text = part.split("\n", 1)
            name, _, words = head.partition(" :: ")
            case = (text, words.strip() or None)
            found.append(pytest.param(*case, id=f"{file.stem}-{name.replace(' ', '_')}"))
    return found


def there(made: Funk, *args: Any) -> Any:
    """Returns what the function gives as it is run for a call."""
    with Dml.temporary() as repo, modules.brought(made.runnable.kwargs.get("modules", {})):
        dag = repo.new("there")
        result = function_of(made.runnable)(dag, *(dag.put(arg) for arg in args))
        node = result if isinstance(result, Node) else dag.put(result)
        return node.value()


def outcome(run: Any, *args: Any) -> str:
    try:
        return repr(run(*args))
    except InvalidError:
        raise
    except Exception as problem:  # noqa: BLE001  it is compared
        return f"{type(problem).__name__}: {problem}"


@pytest.mark.filterwarnings("ignore:the funk")
@pytest.mark.parametrize(("text", "words"), cases())
def test_what_runs_is_what_was_given(
    text: str,
    words: Optional[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    name = f"funk_case_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.invalidate_caches()
    before = set(sys.modules)
    try:
        refusal: Optional[InvalidError] = None
        try:
            case = importlib.import_module(name)
            args = getattr(case, "ARGS", ())
            here, run = outcome(case.f.in_process, *args), outcome(there, case.f, *args)
        except InvalidError as problem:
            refusal = problem
        else:
            assert here == run, case.f.source
        assert (words is None) == (refusal is None), refusal
        assert words is None or words in str(refusal)
    finally:
        for each in set(sys.modules) - before:
            if getattr(sys.modules[each], "__file__", None) is None or str(tmp_path) in str(
                sys.modules[each].__file__
            ):
                del sys.modules[each]


def plain(dag: Any) -> Any:
    return 1


class Hostile:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_helpers_that_are_none_are_refused_and_nothing_else_is_raised() -> None:
    import collections
    import functools
    import operator
    import types
    from unittest import mock

    point = collections.namedtuple("point", "x y")  # noqa: PYI024
    things = [
        object(),
        3,
        "text",
        None,
        ...,
        Hostile(),
        iter(()),
        mock.MagicMock(),
        [].append,
    ]
    things += [functools.partial(plain), operator.itemgetter(1), property(), staticmethod(plain)]
    things += [type("Made", (), {}), point, types.ModuleType("nowhere"), sys.modules["__main__"]]
    for thing in things:
        with pytest.raises(InvalidError):
            funk(plain, helpers=[thing])
    with pytest.raises(InvalidError, match="not its name") as caught:
        funk(plain, helpers=["plain"])
    assert "helpers=[plain]" in str(caught.value.hint)
