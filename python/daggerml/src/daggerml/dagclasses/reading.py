"""What a method of a dag class needs, read from its parameters and its code."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daggerml.dag import Dag
from daggerml.errors import DmlRepoError, InvalidError
from daggerml.funks import definition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RESERVED", "Needs", "in_order", "is_method", "needs"]

#: Names that a DAG uses itself: `self` is a DAG while a method runs.
RESERVED = frozenset(name for name in dir(Dag) if not name.startswith("_"))

_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Needs:
    """What a method needs."""

    #: Its parameters after ``self``; those with a default are also in ``optional``.
    parameters: tuple[str, ...]
    optional: frozenset[str]
    #: Whether it takes any number of arguments, or some by keyword only.
    open: bool
    #: The members that its code reads as ``self.name``.
    reads: tuple[str, ...]


def is_method(thing: Any) -> bool:
    """Tells whether the first parameter of a function is ``self``."""
    function = definition.unwrapped(thing)
    code = getattr(function, "__code__", None)
    return code is not None and code.co_argcount > 0 and code.co_varnames[0] == "self"


def needs(function: Callable[..., Any], where: str) -> Needs:
    """Reads what a method needs."""
    tree = definition.of_function(definition.unwrapped(function)).node  # type: ignore[arg-type]
    reads: dict[str, None] = {}
    assigned: set[str] = set()
    for node in ast.walk(ast.Module(body=tree.body, type_ignores=[])):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        if node.value.id != "self":
            continue
        if isinstance(node.ctx, ast.Load):
            reads[node.attr] = None
        else:
            assigned.add(node.attr)
    bad = sorted(assigned & RESERVED)
    if bad:
        text = f"{where} assigns to reserved dagclass names: {', '.join(bad)}"
        hint = "self is the DAG of the call there, which uses that name; choose another one"
        raise InvalidError(text, hint=hint)
    signature = inspect.signature(definition.unwrapped(function))  # type: ignore[arg-type]
    parameters = list(signature.parameters.values())[1:]
    named = [each for each in parameters if each.kind in _NAMED]
    return Needs(
        parameters=tuple(each.name for each in named),
        optional=frozenset(each.name for each in named if each.default is not each.empty),
        open=len(named) != len(parameters),
        reads=tuple(name for name in reads if name not in assigned and name not in RESERVED),
    )


def in_order(named: Mapping[str, set[str]], owner: str) -> list[str]:
    """Returns the names, each after those that it needs.

    :raises InvalidError: when they need each other in a circle.
    """
    found: dict[str, None] = {}
    for start in named:
        way: list[str] = []  # the path from the start to this name
        todo = [(start, iter(sorted(named[start])))]
        while todo:
            name, rest = todo[-1]
            if name not in way and name not in found:
                way.append(name)
            inner = next((each for each in rest if each in named and each not in found), None)
            if inner is None or name in found:
                todo.pop()
                if name in way:
                    way.remove(name)
                found[name] = None
                continue
            if inner in way:
                path = " -> ".join([*way[way.index(inner) :], inner])
                text = f"the members of {owner} have a dependency cycle: {path}"
                raise DmlRepoError(text, kind="invalid")
            todo.append((inner, iter(sorted(named[inner]))))
    return list(found)
