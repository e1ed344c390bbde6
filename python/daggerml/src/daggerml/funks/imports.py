"""Checks that the imports of a funk mean the same where it runs."""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError
from daggerml.funks import installed, replaced, trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["check", "refuse_twice", "warn"]


def check(name: str, nodes: list[ast.AST]) -> None:
    """Refuses imports that mean something else where the funk runs."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            text = f"the funk {name!r} has the relative import of {node.module or '.'!r}"
            hint = "where it runs it is in no package: write the whole name of the module"
            raise InvalidError(text, hint=hint)
    if "__main__" in _imported(nodes):
        text = f"the funk {name!r} imports '__main__', which is another program where it runs"
        raise InvalidError(text, hint="list what it uses of this one in helpers=[...]")
    replaced.refuse(name, nodes)


def refuse_twice(things: list[Any], nodes: list[Any]) -> None:
    """Refuses a class that would be there twice: brought along, and in an imported module."""
    roots = {each.partition(".")[0] for each in _imported(nodes)}
    for thing in things:
        module = thing.__module__ if isinstance(thing, type) else ""
        if module.partition(".")[0] in roots and installed.is_own(module):
            text = f"{thing.__qualname__} is brought along, and its module {module!r} imported"
            hint = f"they would be two classes where it runs: use modules=[{module!r}]"
            raise InvalidError(text, hint=hint)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Returns the modules that source imports, also inside functions."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and node.args and _is_import(node.func):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _is_import(node: ast.expr) -> bool:
    names = {"__import__", "import_module"}
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    return name in names


# The author's own modules.

_warned: set[str] = set()
_lock = threading.Lock()


def warn(name: str, nodes: Iterable[ast.AST], sources: dict[str, str]) -> None:
    """Warns, once for each, about imported modules that are not brought along."""
    if sources:
        nodes = [*nodes, *trees.walk([trees.parsed(text) for text in sources.values()])]
    roots = {each.partition(".")[0] for each in sources}
    for module in dict.fromkeys(_imported(nodes)):
        root = module.partition(".")[0]
        if root in roots or root in _warned or not installed.is_own(root):
            continue
        with _lock:
            if root in _warned:
                continue
            _warned.add(root)
        text = (
            f"the funk {name!r} imports {root!r}, which is neither of the standard library nor "
            "installed: its source is not part of the key, so a call after a change of it gets "
            f"the old result; bring it along with modules=[{root!r}]"
        )
        warnings.warn(text, UserWarning, stacklevel=_level())


def _level() -> int:
    """Returns the ``stacklevel`` of the caller outside of this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in {"daggerml", "functools"}:
            break
        level, frame = level + 1, frame.f_back
    return level
