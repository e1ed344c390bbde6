"""The variables that a function closes over: their values, and whether they can change."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError
from daggerml.funks import code_objects
from daggerml.funks.definition import Found, named

if TYPE_CHECKING:
    from types import CodeType, FunctionType

__all__ = ["cells", "is_made_by_call", "refuse_changes", "refuse_method", "text_of"]


def cells(function: FunctionType) -> dict[str, Any]:
    """Returns the variables that a function closes over, by name."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            text = f"the variable {name!r} around {named(function)} has no value yet"
            raise InvalidError(text, hint="make the funk after it is assigned") from None
    return found


def is_made_by_call(function: FunctionType, found: Found) -> bool:
    """Tells whether another function made it, as decorators make wrappers."""
    params = {name for each in found.around for name in _parameters(each)}
    return any(name in params for name in function.__code__.co_freevars)


def _parameters(node: Any) -> set[str]:
    if isinstance(node, ast.ClassDef):
        return set()
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg for arg in every if arg is not None}


def refuse_changes(function: FunctionType, found: Found) -> None:
    """Raises an error for closed-over variables whose value can change later."""
    around = set(function.__code__.co_freevars)
    for node in found.around:
        for name, number in _assignments(node).items():
            if name in around and number > 1 - (name in _parameters(node)):
                text = (
                    f"the variable {name!r} around {named(function)} is assigned more than once, "
                    "so it may be another by the time of a call"
                )
                raise InvalidError(text, hint="assign it once, or pass it as an argument")


def _assignments(scope: Any) -> dict[str, int]:
    """Returns how often each variable of a function is assigned; a loop counts as many times."""
    found: dict[str, int] = {}
    stack: list[tuple[ast.AST, int]] = [(child, 1) for child in scope.body]
    while stack:
        node, times = stack.pop()
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            times = 2
        name = None
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            name = node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = node.name
        elif isinstance(node, (ast.Nonlocal, ast.Global)):
            for each in node.names:
                found[each] = found.get(each, 0) + 2
        if name is not None:
            found[name] = found.get(name, 0) + times
        stack += [(child, times) for child in ast.iter_child_nodes(node)]
    return found


def refuse_method(function: FunctionType, found: Found) -> None:
    """Raises an error for a method that needs its class, for ``super()`` or private names."""
    cls = next((each for each in reversed(found.around) if isinstance(each, ast.ClassDef)), None)
    if cls is None:
        return
    private = f"_{cls.name.lstrip('_')}__"
    code = function.__code__
    used = {name for each in (code, *code_objects.inside(code)) for name in _names_in(each)}
    if "__class__" in used or any(each.startswith(private) for each in used):
        text = f"{named(function)} is a method that needs its class"
        raise InvalidError(text, hint=f"list the class {cls.name} in helpers=[...] instead")


def _names_in(code: CodeType) -> tuple[str, ...]:
    return code.co_names + code.co_varnames + code.co_freevars + code.co_cellvars


def text_of(value: Any) -> Optional[str]:
    """Returns the source text of an immutable value; ``None`` for any other."""
    kind = value.__class__
    if value is None or value is ... or kind is bool:
        return repr(value)
    if kind is int:
        return hex(value) if abs(value) > 1 << 128 else repr(value)
    if kind is float:
        return None if math.isnan(value) else repr(value).replace("inf", "1e309")
    if kind in {str, bytes}:
        return repr(value)
    if kind is tuple:
        parts = [text_of(item) for item in value]
        if any(part is None for part in parts):
            return None
        return f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"
    return None
