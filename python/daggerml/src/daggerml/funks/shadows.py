"""Refuses names that mean something else to a definition than where the funk runs.

The source has one module. A builtin's name means Python's own there, unless the source
defines it; to a helper of another module, or of a function, it may mean something else.
"""

from __future__ import annotations

import builtins
import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any

from daggerml.funks import code_objects, installed, names
from daggerml.funks.definition import named
from daggerml.funks.statements import printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType

    from daggerml.funks.parts import Part

__all__ = ["refuse"]


def refuse(what: str, parts: list[Part], source: str) -> None:
    """Raises an error for such a name, in any of the definitions of a funk's source."""
    assigned = names.assigned(source)
    for part in parts:
        if part.found is None:
            continue
        suspects: dict[str, Any] = {}
        for code, around in _contexts(part.thing, part.found.code):
            called = {
                name
                for each in (code, *code_objects.inside(code))
                for name in (*each.co_names, *each.co_freevars)
            }
            for name in sorted(called):
                if name in around and _is_other(name, around[name], assigned):
                    suspects.setdefault(name, around)
        if not suspects:
            continue
        used = names.free(printed(part.statements))
        for name in sorted(suspects.keys() & used.keys() - _defined(parts)):
            names.refuse_outside(what, {name: named(part.thing)}, suspects[name])


def _is_other(name: str, means: object, assigned: set[str]) -> bool:
    if name in assigned:
        return True
    return not name.startswith("__") and means is not vars(builtins).get(name, means)


def _defined(parts: list[Part]) -> set[str]:
    return {name for part in parts for name in part.names}


def _contexts(thing: object, code: CodeType) -> Iterator[tuple[CodeType, Mapping[str, Any]]]:
    """Returns the code of a definition by parts, each with what names mean to it."""
    if isinstance(thing, type):
        yield code, names.meanings(thing)
    for function in _functions(thing):
        yield function.__code__, names.surroundings(function)


_OF_FUNC = (functools.partial, functools.partialmethod, functools.cached_property)


def _functions(thing: object) -> Iterator[FunctionType]:
    """Returns the author's functions in a function, a wrapper or a class."""
    stack, seen = [thing], set()
    while stack:
        each: Any = stack.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, type):
            is_inner = isinstance(thing, type) and each.__qualname__.startswith(thing.__qualname__)
            stack += vars(each).values() if is_inner else ()
        elif isinstance(each, property):
            stack += [each.fget, each.fset, each.fdel]
        elif isinstance(each, (staticmethod, classmethod)):
            stack.append(each.__func__)
        elif isinstance(each, _OF_FUNC):
            stack.append(each.func)
        elif isinstance(each, (FunctionType, functools._lru_cache_wrapper)) or each is thing:
            stack.append(getattr(each, "__dict__", {}).get("__wrapped__"))
            if isinstance(each, FunctionType) and not _is_of_package(each):
                yield each


def _is_of_package(function: FunctionType) -> bool:
    file = function.__code__.co_filename
    return file.startswith("<string") or installed.has_file_of_package(file)
