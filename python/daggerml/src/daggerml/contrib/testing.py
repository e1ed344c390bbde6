"""Runs the function of a funk without a repository, as DaggerML 0.1.x did."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from daggerml.dagclasses.delayed import DelayedRunnable
from daggerml.errors import InvalidError
from daggerml.funks import Funk
from daggerml.node import Node
from daggerml.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MockNode", "defunkify", "wrap_node"]


@dataclass(frozen=True)
class MockNode:
    """A value with the method ``value()``, as a node has it."""

    _value: Any

    def value(self) -> Any:
        """Returns the value."""
        return self._value

    @classmethod
    def from_value(cls, value: Any) -> Any:
        """Returns a node as it is, and any other object as the value of a mock node."""
        return wrap_node(value)


def wrap_node(arg: Any) -> Any:
    """Returns a node as it is, and any other object as the value of a mock node."""
    return arg if isinstance(arg, (Node, Projection, MockNode)) else MockNode(arg)


def defunkify(value: Union[DelayedRunnable, Funk]) -> Callable[..., Any]:
    """Returns the function of a funk. It takes a DAG (or ``None``), and plain values for nodes.

    ``funk.in_process(...)`` is better: it gives the function a DAG.

    >>> from daggerml.contrib import api
    >>> @api.funkify
    ... def double(dag, x):
    ...     return x.value() * 2
    >>> defunkify(double)(None, 21)
    42
    """
    thing: Any = value
    while isinstance(thing, DelayedRunnable):
        thing = thing.kwargs.get("fn") if thing.sub is None else thing.sub
    function = thing.function if isinstance(thing, Funk) else thing
    if not callable(function):
        text = f"a {type(value).__name__} has no Python function inside"
        raise InvalidError(text)
    signature = inspect.signature(function)
    first = next(iter(signature.parameters), None)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, given in bound.arguments.items():
            kind = signature.parameters[name].kind
            if name == first:
                continue
            if kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(map(wrap_node, given))
            elif kind is inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = {key: wrap_node(item) for key, item in given.items()}
            else:
                bound.arguments[name] = wrap_node(given)
        return function(*bound.args, **bound.kwargs)

    return wrapped
