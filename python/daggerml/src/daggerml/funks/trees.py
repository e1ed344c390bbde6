"""Parses, normalizes, copies and compares syntax trees."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEEP", "copied", "difference", "parsed", "too_deep", "united", "walk"]

#: What Python raises for source that is nested too deeply.
DEEP = (RecursionError, MemoryError)

# f-strings and template strings.
_TEXTS = {"JoinedStr", "TemplateStr"}

# Nodes with children; operators and contexts have none.
_WITH_PARTS = tuple(
    kind
    for kind in ast.AST.__subclasses__()
    if not issubclass(kind, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop))
)

# Fields that do not change the code.
_IGNORED = {"kind", "type_comment", "type_ignores"}


def parsed(text: str) -> ast.Module:
    """Returns the tree of source, without warnings, which Python gave when it first read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Not ast.parse: under -OO, that of 3.14 leaves docstrings out.
        flags = ast.PyCF_ONLY_AST
        tree: ast.Module = compile(text, "<unknown>", "exec", flags, dont_inherit=True, optimize=0)
        return tree


def walk(nodes: Iterable[ast.AST]) -> list[Any]:
    """Returns all nodes of trees, without operators and contexts."""
    found: list[Any] = []
    stack: list[Any] = list(nodes)
    while stack:
        node = stack.pop()
        found.append(node)
        for name in node._fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                stack += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, _WITH_PARTS):
                stack.append(value)
    return found


def united(values: Iterable[ast.expr]) -> list[ast.expr]:
    """Returns the pieces of an f-string in the same form on every version of Python."""
    found: list[ast.expr] = []
    for value in values:
        last = found[-1] if found else None
        if not isinstance(value, ast.Constant):
            found.append(value)
        elif isinstance(last, ast.Constant):
            found[-1] = ast.copy_location(ast.Constant(last.value + value.value), last)  # type: ignore[operator]
        elif value.value:
            found.append(value)
    return found


def difference(first: ast.AST, second: ast.AST) -> Optional[str]:
    """Returns where two trees differ; ``None`` if they are equal, apart from line numbers."""
    stack: list[tuple[Any, Any]] = [(first, second)]
    while stack:
        left, right = stack.pop()
        if left.__class__ is not right.__class__:
            return _place(left, right)
        if isinstance(left, ast.AST):
            is_text = left.__class__.__name__ in _TEXTS
            for name in left._fields:
                if name in _IGNORED:
                    continue
                one, other = getattr(left, name, None), getattr(right, name, None)
                if is_text and name == "values":
                    one, other = united(one or ()), united(other or ())
                if one is not other:
                    stack.append((one, other))
        elif isinstance(left, list):
            if len(left) != len(right):
                return _place(left, right)
            stack += zip(left, right)
        elif isinstance(left, (float, complex)):
            if repr(left) != repr(right):
                return _place(left, right)
        elif left != right:
            return _place(left, right)
    return None


def _place(left: object, right: object) -> str:
    return f"{_shown(left)} and {_shown(right)}"


def _shown(thing: object) -> str:
    if isinstance(thing, ast.AST):
        return f"{thing.__class__.__name__} in line {getattr(thing, 'lineno', '?')}"
    return f"{thing.__class__.__name__}"


def too_deep(name: str) -> InvalidError:
    """Makes the error for code that is nested too deeply."""
    text = f"the code of {name!r} is nested too deeply to be packaged"
    return InvalidError(text, hint="give parts of its longest expressions names of their own")


def copied(node: ast.AST) -> Any:
    """Returns a copy of a tree, which can be changed."""
    top = _shallow(node)
    stack = [top]
    while stack:
        each = stack.pop()
        for name, value in each.__dict__.items():
            if isinstance(value, ast.AST):
                each.__dict__[name] = new = _shallow(value)
                stack.append(new)
            elif isinstance(value, list):
                items = [_shallow(item) if isinstance(item, ast.AST) else item for item in value]
                each.__dict__[name] = items
                stack += [item for item in items if isinstance(item, ast.AST)]
    return top


def _shallow(node: ast.AST) -> Any:
    new = node.__class__.__new__(node.__class__)
    new.__dict__.update(node.__dict__)
    return new
