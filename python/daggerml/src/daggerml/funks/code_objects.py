"""Compares code objects by everything that decides what they do."""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["different", "find", "inside", "is_same_constant", "names", "pair"]

_PARTS = (
    "co_name",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
)
_WORDS = {
    "co_name": "the name",
    "co_argcount": "the number of arguments",
    "co_posonlyargcount": "the number of arguments",
    "co_kwonlyargcount": "the number of arguments",
    "co_names": "the names that it uses",
    "co_varnames": "the variables",
    "co_freevars": "the variables from around it",
    "co_cellvars": "the variables for functions in it",
}
# Flags for how a function behaves, without those for where it was written.
_FLAGS = (
    0x04  # *args
    | 0x08  # **kwargs
    | 0x20  # a generator
    | 0x80  # a coroutine
    | 0x100  # a generator that can be awaited
    | 0x200  # an asynchronous generator
)


def different(one: CodeType, other: CodeType) -> Optional[str]:
    """Returns how two code objects differ; ``None`` if they do the same.

    Lines, files and qualified names do not count.
    """
    stack = [(one, other)]
    while stack:
        left, right = stack.pop()
        if left is right:
            continue
        for name in _PARTS:
            if getattr(left, name) != getattr(right, name):
                return _WORDS[name]
        if (left.co_flags ^ right.co_flags) & _FLAGS:
            return "the kind of function"
        if len(left.co_consts) != len(right.co_consts):
            return "a constant"
        for first, second in zip(left.co_consts, right.co_consts):
            if isinstance(first, CodeType) and isinstance(second, CodeType):
                stack.append((first, second))
            elif not is_same_constant(first, second):
                return f"the constants {_short(first)} and {_short(second)}"
        if left.co_code != right.co_code or _table(left) != _table(right):
            return "the instructions"
    return None


def _table(code: CodeType) -> object:
    return getattr(code, "co_exceptiontable", None)


def is_same_constant(one: Any, other: Any) -> bool:
    """Compares two constants: ``1`` is not ``True``, nor ``0.0`` the same as ``-0.0``."""
    if one.__class__ is not other.__class__:
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(is_same_constant, one, other))
    if isinstance(one, frozenset):
        return len(one) == len(other) and sorted(map(_typed, one)) == sorted(map(_typed, other))
    if isinstance(one, (float, complex)):
        return repr(one) == repr(other)
    if isinstance(one, slice):
        return is_same_constant(_sliced(one), _sliced(other))
    return bool(one == other)


def _sliced(one: slice) -> tuple[Any, ...]:
    return (one.start, one.stop, one.step)


def _typed(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(_typed, value))}"
    if isinstance(value, tuple):
        return f"tuple{list(map(_typed, value))}"
    text = hex(value) if value.__class__ is int else repr(value)
    return f"{value.__class__.__name__} {text}"


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # the number has too many digits
        text = f"a {value.__class__.__name__} with a large number"
    return text if len(text) < 40 else f"{text[:36]} ..."  # noqa: PLR2004


def inside(code: CodeType) -> Iterator[CodeType]:
    """Returns the code objects inside a code object, at any depth."""
    stack = [code]
    while stack:
        for constant in stack.pop().co_consts:
            if isinstance(constant, CodeType):
                yield constant
                stack.append(constant)


def names(code: CodeType) -> set[str]:
    """Returns the globals and attributes that a code object uses, and those inside it."""
    return {name for each in (code, *inside(code)) for name in each.co_names}


def find(code: CodeType, name: str, line: int) -> Optional[CodeType]:
    """Returns the code object with that name and first line."""
    for each in inside(code):
        if each.co_name == name and each.co_firstlineno == line:
            return each
    return None


def pair(code: CodeType, other: CodeType, pairs: dict[int, CodeType]) -> None:
    """Pairs the code objects of two definitions that differ at most in annotations."""
    stack = [(code, other)]
    while stack:
        left, right = stack.pop()
        pairs[id(left)] = right
        inner = _children(left), _children(right)
        if [each.co_name for each in inner[0]] == [each.co_name for each in inner[1]]:
            stack += zip(*inner)


def _children(code: CodeType) -> list[CodeType]:
    return [
        each
        for each in code.co_consts
        if isinstance(each, CodeType) and each.co_name != "__annotate__"
    ]
