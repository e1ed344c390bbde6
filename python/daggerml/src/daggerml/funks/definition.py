"""Finding the definition of a function or class: in a module, a script or a notebook.

All of them have their lines in :mod:`linecache`: files by their path, cells by
names that IPython makes, blocks of doctest and of documentation likewise.
"""

from __future__ import annotations

import ast
import copy
import linecache
import os
import sys
import sysconfig
from types import FunctionType
from typing import TYPE_CHECKING, Optional, Union

from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Definition", "find", "is_installed", "unwrapped"]

Definition = Union[ast.FunctionDef, ast.ClassDef]


def find(thing: object) -> Definition:
    """Return the syntax tree of the definition of a function or class."""
    found = _of_class(thing) if isinstance(thing, type) else _of_function(thing)
    return copy.deepcopy(found)  # the tree is kept for the next time


def is_installed(thing: object) -> bool:
    """Tell whether a function or class is of the standard library or an installed package."""
    name = getattr(thing, "__module__", None)
    if name is None or getattr(sys.modules.get(name), "__dict__", {}).get(_named(thing)) is None:
        return False
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return bool(name != "__main__")
    folders = _installed()
    return any(form(file).startswith(folders) for form in _FORMS)


# Folders of links to what is elsewhere, as Nix and Bazel make them: both count.
_FORMS = (os.path.abspath, os.path.realpath)


def _installed() -> tuple[str, ...]:
    """Return the folders of the standard library and of installed packages."""
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {sysconfig.get_path(kind) for kind in kinds} | {os.path.dirname(os.__file__)}
    # Those of the user, of a virtual environment's parent, of a .pth file ...
    names = {"site-packages", "dist-packages"}
    folders |= {folder for folder in sys.path if os.path.basename(folder) in names}
    return tuple({os.path.join(form(it), "") for it in folders if it for form in _FORMS})


def _of_function(thing: object) -> Definition:
    function = unwrapped(thing)
    if not isinstance(function, FunctionType):
        text = f"{_named(thing)} is not a function written in Python"
        hint = "write a function with `def` that calls it"
        if isinstance(thing, str):
            hint = f"options have names, such as @funk(adapter={thing!r})"
        raise InvalidError(text, hint=hint)
    name = function.__name__
    if name == "<lambda>":
        raise InvalidError("a lambda cannot be a funk", hint="give it a name with `def`")
    code = function.__code__
    tree = _parsed(code.co_filename, function.__globals__)
    if tree is None:
        text = f"the source of {name!r} cannot be found: there is no {code.co_filename!r} to read"
        raise InvalidError(text, hint="write it in a file or a notebook cell, not at a prompt")
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and _is_at(node, name, code.co_firstlineno):
            text = f"the async function {name!r} cannot be a funk"
            raise InvalidError(text, hint="write a plain one that calls asyncio.run(...)")
        if isinstance(node, ast.FunctionDef) and _is_at(node, name, code.co_firstlineno):
            return node
    text = f"the source of {name!r} is not where it was: {code.co_filename!r} has changed"
    raise InvalidError(text, hint="import it again, or start the program anew")


def unwrapped(thing: object) -> object:
    """Return the function that decorators of ``functools.wraps`` are around."""
    while True:
        inner = getattr(thing, "__wrapped__", None)
        if inner is None:
            return thing
        thing = inner


def _is_at(
    node: Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef], name: str, line: int
) -> bool:
    return node.name == name and _first_line(node) == line


def _first_line(node: Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]) -> int:
    """Return where its code object begins: at the first decorator."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _of_class(cls: type) -> Definition:
    """Return the definition of a class, which knows no line of its own before Python 3.13."""
    lines = [
        (code.co_filename, code.co_firstlineno)
        for member in vars(cls).values()
        for code in [getattr(unwrapped(member), "__code__", None)]
        if code is not None
    ]
    for file in _files_of_class(cls, [file for file, _ in lines]):
        tree = _parsed(file, vars(sys.modules.get(cls.__module__, ast)))
        own = [line for name, line in lines if name == file]
        for node in _classes(tree, cls.__name__):
            # Before Python 3.14 only methods have lines; there annotations begin at a decorator.
            first, last = _first_line(node), node.end_lineno or 0
            if not own or any(first <= line <= last for line in own):
                return node
    text = f"the source of the class {cls.__qualname__!r} cannot be found"
    raise InvalidError(text, hint="write it in a file or a notebook cell, or import it inside")


def _files_of_class(cls: type, known: list[str]) -> Iterator[str]:
    yield from known
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file is not None:
        yield file
    else:  # cells, newest first
        yield from reversed([name for name in linecache.cache if not name.endswith(".py")])


def _classes(tree: Optional[ast.Module], name: str) -> Iterator[ast.ClassDef]:
    for node in () if tree is None else ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield node


_last: tuple[list[str], Optional[ast.Module]] = ([], None)


def _parsed(file: str, module: dict[str, object]) -> Optional[ast.Module]:
    """Return the tree of a file; ``None`` where there is none."""
    global _last  # noqa: PLW0603
    linecache.checkcache(file)
    lines = linecache.getlines(file, module)
    if lines != _last[0]:
        try:
            _last = (lines, ast.parse("".join(lines)))
        except SyntaxError:
            _last = (lines, None)
    return _last[1] if lines else None


def _named(thing: object) -> str:
    name: str = getattr(thing, "__qualname__", None) or repr(thing)
    return name
