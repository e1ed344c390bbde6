"""``funkify`` and dag classes under the names of DaggerML 0.1.x.

New programs write ``@daggerml.funk``, ``@daggerml.dagclass`` and ``daggerml.run``.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Optional, Union, overload

from daggerml._core import Runnable
from daggerml.dagclasses import dagclass, run
from daggerml.dagclasses.delayed import (
    SCRIPT,
    DelayedLoad,
    DelayedRef,
    DelayedRunnable,
    of_funk,
)
from daggerml.errors import InvalidError
from daggerml.funks import Funk
from daggerml.funks.packaging import is_funk
from daggerml.funks.source import packaged
from daggerml.node import Node
from daggerml.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DelayedLoad",
    "DelayedRef",
    "DelayedRunnable",
    "dagclass",
    "funkify",
    "is_node_like",
    "load",
    "ref",
    "run",
]

_OPTIONS = ("extra_objs", "post_lines", "prepop", "tags")

Input = Union["Callable[..., Any]", Runnable, DelayedRunnable, Funk]


def ref(name: str) -> DelayedRef:
    """Returns an object that stands for the node of this name in a DAG or dag class."""
    return DelayedRef(name)


def load(dagname: str, nodename: Optional[str] = None) -> DelayedLoad:
    """Returns an object that stands for the result of a committed DAG, or for a node of it.

    In a new program a field takes the node itself: ``Report(raw=daggerml.load("raw").result)``.
    """
    return DelayedLoad(dagname, nodename)


def is_node_like(x: object) -> bool:
    """Tells whether an object is a node or stands for one."""
    return isinstance(x, (Node, Projection, DelayedRef, DelayedLoad, DelayedRunnable))


@overload
def funkify(
    sub_or_fn: None = None, *, adapter: str = "local", uri: str = SCRIPT, **kwargs: Any
) -> Callable[[Input], DelayedRunnable]: ...
@overload
def funkify(
    sub_or_fn: Input, *, adapter: str = "local", uri: str = SCRIPT, **kwargs: Any
) -> DelayedRunnable: ...
def funkify(
    sub_or_fn: Optional[Input] = None, *, adapter: str = "local", uri: str = SCRIPT, **kwargs: Any
) -> Union[DelayedRunnable, Callable[[Input], DelayedRunnable]]:
    """Packages a Python function, or a runnable for another adapter. New programs use ``funk``.

    >>> import daggerml
    >>> from daggerml.contrib import api
    >>> @api.funkify(prepop={"scale": api.ref("factor")})
    ... def scaled(dag, xs):
    ...     return sum(xs.value()) * dag.scale.value()
    >>> with daggerml.temporary() as repo, repo.new("old") as dag:
    ...     dag["factor"] = 10
    ...     dag["scaled"] = scaled
    ...     dag.commit(dag.scaled([1, 2]))
    ...     repo.load("old").result.value()
    30

    :param uri: ``"script"`` for a function. For a runnable: the name of the adapter that runs
        it, which gets it as ``sub`` and the options as ``kwargs``.
    :param extra_objs: functions, classes and modules that it uses, as ``helpers`` of ``funk``.
    :param post_lines: lines of Python to add to its module.
    :param prepop: values, funks and :func:`ref` objects to put into the call's DAG, by name.
    :param tags: labels of the call's DAG.
    """
    if sub_or_fn is None:
        return functools.partial(funkify, adapter=adapter, uri=uri, **kwargs)  # type: ignore[return-value]
    given: Any = of_funk(sub_or_fn, {}) if isinstance(sub_or_fn, Funk) else sub_or_fn
    if isinstance(given, (Runnable, DelayedRunnable)):
        if uri == SCRIPT:
            text = "uri='script' is for a Python function, but this is a runnable"
            raise InvalidError(text, hint="write the name of the adapter that runs it: uri=...")
        return DelayedRunnable(uri, adapter, given, dict(kwargs))
    if not callable(given):
        text = f"a {type(given).__name__} cannot be a funk: it is neither a function nor a runnable"
        raise InvalidError(text)
    if uri != SCRIPT:
        text = f"uri={uri!r} is for a runnable, but this is a Python function"
        hint = f"make a funk of it first: @funkify(uri={uri!r}, ...) above @funkify"
        raise InvalidError(text, hint=hint)
    return _function(given, adapter, kwargs)


def _function(
    function: Callable[..., Any], adapter: str, kwargs: dict[str, Any]
) -> DelayedRunnable:
    unknown = sorted(set(kwargs) - set(_OPTIONS))
    if unknown:
        text = f"funkify has no option {unknown[0]!r} for a Python function"
        hint = f"it has: adapter, uri, {', '.join(_OPTIONS)}"
        raise InvalidError(text, hint=hint)
    lines, tags = list(kwargs.get("post_lines") or ()), kwargs.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        text = f"tags is a list of strings, not {tags!r}"
        raise InvalidError(text)
    if lines:
        text = (
            "post_lines is deprecated: assign values inside the function, list functions in "
            "@daggerml.funk(helpers=[...]), or pass values as arguments"
        )
        warnings.warn(text, DeprecationWarning, stacklevel=3)
    packed = packaged(function, list(kwargs.get("extra_objs") or ()), _is_funk, set(), lines=lines)
    made = {
        "fn": function,
        "fn_name": packed.name,
        "script": packed.text,
        "prepop": dict(kwargs.get("prepop") or {}),
        "tags": sorted(set(tags)),
    }
    return DelayedRunnable(SCRIPT, adapter, None, made)


def _is_funk(meaning: object) -> bool:
    while isinstance(meaning, functools.partial):
        meaning = meaning.func
    return meaning is funkify or is_funk(meaning)
