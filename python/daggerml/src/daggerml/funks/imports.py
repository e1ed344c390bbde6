"""Checks that the imports of a funk mean the same where it runs."""

from __future__ import annotations

import ast
import sys
import warnings
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError
from daggerml.funks import installed, trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["check", "warn"]


def check(name: str, nodes: list[ast.AST]) -> None:
    """Raises an error for imports that mean something else where the funk runs."""
    modules: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            text = f"the funk {name!r} has the relative import of {node.module or '.'!r}"
            hint = "where it runs it is in no package: write the whole name of the module"
            raise InvalidError(text, hint=hint)
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.asname is not None or "." not in each.name:
                    modules[each.asname or each.name] = each.name
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                _refuse_replaced(name, node.module or "", each.name)
    if "__main__" in _imported(nodes):
        text = f"the funk {name!r} imports '__main__', which is another program where it runs"
        raise InvalidError(text, hint="list what it uses of this one in helpers=[...]")
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None:
                _refuse_replaced(name, module, node.attr)


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


def _refuse_replaced(name: str, module: str, attribute: str) -> None:
    """Raises an error for functions of installed modules that were replaced in this process."""
    found = sys.modules.get(module)
    if not isinstance(found, ModuleType) or not installed.is_of_package(found):
        return
    value: Any = vars(found).get(attribute)
    is_mock = type(value).__module__ == "unittest.mock" and module != "unittest.mock"
    if not is_mock:
        if not isinstance(value, FunctionType):
            return
        file = value.__code__.co_filename
        if file.startswith("<frozen") or installed.has_file_of_package(file):
            return
        if file.startswith("<") and value.__globals__.get("__name__") != "__main__":
            return  # the package made it
    text = f"the funk {name!r} uses {module}.{attribute}, which was replaced in this process"
    raise InvalidError(text, hint="it would be the original where the funk runs: put that back")


# The author's own modules.

_warned: set[str] = set()


def warn(name: str, nodes: Iterable[ast.AST], sources: dict[str, str]) -> None:
    """Warns, once for each, about imported modules that are not brought along."""
    if sources:
        nodes = [*nodes, *trees.walk([trees.parsed(text) for text in sources.values()])]
    roots = {each.partition(".")[0] for each in sources}
    for module in dict.fromkeys(_imported(nodes)):
        root = module.partition(".")[0]
        if root in roots or root in _warned or not installed.is_own(root):
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
