"""What a funk imports: whether it is what it will be where the funk runs."""

from __future__ import annotations

import ast
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError
from daggerml.funks import installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["check", "imported"]


def check(name: str, nodes: list[ast.AST]) -> None:
    """Refuse imports that mean something else where the funk runs."""
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
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None:
                _refuse_replaced(name, module, node.attr)


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Return the modules that source imports, wherever it does."""
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
    """Refuse what somebody put into an installed module in this process only."""
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
            return  # made by the package itself
    text = f"the funk {name!r} uses {module}.{attribute}, which was replaced in this process"
    raise InvalidError(text, hint="it would be the original where the funk runs: put that back")
