"""The examples in docstrings run, and the package documents itself."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import pydoc
import runpy
from pathlib import Path

import pytest

import daggerml

# Type checkers have the imports instead.
ALL: list[str] = vars(daggerml)["__all__"]
MODULES = [
    "daggerml",
    *(module.name for module in pkgutil.walk_packages(daggerml.__path__, "daggerml.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.failed == 0


@pytest.mark.parametrize("cls", [daggerml.Ref, daggerml.Runnable, daggerml.Uri])
def test_examples_of_the_extension_run(cls: type) -> None:
    text = inspect.cleandoc(cls.__doc__ or "")
    test = doctest.DocTestParser().get_doctest(text, {}, cls.__name__, None, None)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_every_public_name_is_there_and_documented() -> None:
    assert set(ALL) <= set(dir(daggerml))
    for name in set(ALL) - {"__version__"}:
        assert inspect.getdoc(getattr(daggerml, name)), name


def test_type_checkers_see_the_public_names() -> None:
    """What `import daggerml` offers is what its imports for type checkers say."""
    source = Path(daggerml.__file__).read_text(encoding="utf-8")
    seen = {"__version__"}
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.ImportFrom):
            seen |= {name.asname for name in statement.names if name.asname}
    assert seen == set(ALL)


def test_the_program_for_type_checkers_runs() -> None:
    """`cargo checks mypy pyright` check its types; here it is shown to be a true program."""
    runpy.run_path(str(Path(__file__).parent / "typed" / "program.py"), run_name="__main__")


def test_help_reads() -> None:
    text = pydoc.plain(pydoc.render_doc(daggerml))
    assert "Version control for computations" in text
    for name in ("class Dag", "class Dml", "load(", "new("):
        assert name in text, name


def test_unknown_names_are_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = daggerml.nope  # type: ignore[attr-defined]
