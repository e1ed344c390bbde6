"""Layers: runnables that say how another runnable is run, such as in which container.

A layer is a runnable of :data:`URI`: its adapter runs its ``sub``, and its kwargs are options
of that. Layers can be in layers: the outermost adapter is asked first. A call travels as it
is, and the member ``depth`` of a request says how many layers are done
(``docs/spec/execution.md``).
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, NamedTuple

from daggerml._core import Runnable
from daggerml.adapters import options
from daggerml.adapters.depths import URI, depth_of, inner
from daggerml.adapters.lines import AdapterError
from daggerml.errors import DmlRepoError, InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[object], Any]

__all__ = ["URI", "Layer", "inner", "on", "read"]

#: The options that each adapter can take or refuse; others have checks of their own.
_COMMON: dict[str, Check] = {
    "env": options.environment,
    "gpus": lambda given: options.count("gpus", given),
}


def on(adapter: str, function: Any, **given: Any) -> Runnable:
    """Makes a runnable that runs a function on an adapter, with options.

    The options are part of the key of its calls. All adapters know ``env``, a dict of
    environment variables; each says which others it has.

    :param adapter: the name of the adapter.
    :param function: a funk, or another runnable, which may be made by ``on`` itself.
    :raises InvalidError: when an option cannot be one of a runnable, or has a wrong value.

    >>> import daggerml
    >>> from daggerml.adapters.layers import on
    >>> @daggerml.funk
    ... def zone(dag):
    ...     import os
    ...     return os.environ["TZ"]
    >>> on("ssh", zone, env={"TZ": "UTC"}).sub.kwargs["function"]
    'zone'
    """
    runnable = getattr(function, "runnable", function)
    if not isinstance(runnable, Runnable):
        text = f"only a funk or another runnable runs on an adapter, not {function!r}"
        raise InvalidError(text)
    for name, value in given.items():
        if name in options.RESOURCES and name not in _COMMON:
            text = f"{name} cannot change a result, so it is no option of a runnable"
            hint = f"give it to the adapter's command: adapter.NAME.command ...,--{name},VALUE"
            raise InvalidError(text, hint=hint)
        if name in _COMMON:
            _COMMON[name](value)
    return Runnable(URI, adapter=adapter, kwargs=given, sub=runnable)


class Layer(NamedTuple):
    """What an adapter has to do for a call."""

    #: The options of the layer, checked.
    options: dict[str, Any]
    #: The adapter that runs the rest: ``local`` for a function.
    adapter: str
    #: How many layers are done when that adapter gets the call.
    depth: int
    #: What that adapter gets to run.
    runnable: Runnable


def read(request: Mapping[str, Any], checks: Mapping[str, Check]) -> Layer:
    """Returns what the call in a request asks of this adapter.

    ``checks`` has the options that the adapter takes besides ``env``, each with a function that
    returns its value or raises an ``InvalidError``.
    """
    from daggerml import _core
    from daggerml.dml import Dml

    try:
        bundle = binascii.a2b_base64(request["bundle"])
        depth = depth_of(request)
        with Dml.temporary() as scratch:
            _, runnable = _core.begin_call(scratch._handle, bundle, [])
    except (KeyError, TypeError, ValueError) as problem:
        raise AdapterError("invalid_request", f"the request lacks {problem}") from None
    except DmlRepoError as problem:
        raise AdapterError(problem.kind, str(problem)) from None
    runnable = inner(runnable, depth)
    if runnable.uri.uri != URI:
        return Layer({}, "local", depth, runnable)
    if runnable.sub is None:
        raise AdapterError("invalid", f"the runnable {URI} says nothing to run: it has no sub")
    known: dict[str, Check] = {"env": options.environment, **checks}
    found = {}
    for name, value in runnable.kwargs.items():
        if name not in known:
            text = f"{name!r} is no option of {runnable.adapter!r}; it has {', '.join(known)}"
            raise AdapterError("invalid", text)
        try:
            found[name] = known[name](value)
        except InvalidError as problem:
            raise AdapterError("invalid", str(problem)) from None
    return Layer(found, runnable.sub.adapter or "local", depth + 1, runnable.sub)
