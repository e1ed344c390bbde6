"""Values that are known only when they are put into a DAG.

They have the names of DaggerML 0.1.x, where :mod:`daggerml.contrib.api` made them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from daggerml._core import Runnable
from daggerml.errors import InvalidError
from daggerml.node import Node
from daggerml.projection import Projection

if TYPE_CHECKING:
    from daggerml.dag import Dag

__all__ = ["SCRIPT", "DelayedLoad", "DelayedRef", "DelayedRunnable", "of_funk"]

#: The ``uri`` of a delayed runnable of a Python function.
SCRIPT = "script"

#: The keys of a delayed function that its runnable does not hold.
_PACKAGED = {"source", "function"}
_OWN = {"fn", "fn_name", "script", "extra_objs", "post_lines"}


@dataclass(frozen=True)
class DelayedRef:
    """Stands for the node of this name in the DAG or dag class that it is put into."""

    name: str

    def _lower(self, dag: Dag) -> Any:
        return dag[self.name]


@dataclass(frozen=True)
class DelayedLoad:
    """Stands for the result of a DAG, or its node of a name, when it is put into another."""

    dagname: str
    nodename: Optional[str] = None

    def _lower(self, dag: Dag) -> Any:
        return dag.require(self.dagname, self.nodename)


@dataclass(frozen=True)
class DelayedRunnable:
    """A runnable with parts that are known only in the DAG that it is put into.

    For a Python function, ``uri`` is ``"script"``, and ``kwargs`` holds the function (``fn``),
    its source (``script``), its name (``fn_name``), ``prepop`` and ``tags``. Any other ``uri``
    is the name of an adapter, which runs ``sub``.
    """

    uri: str
    adapter: str = "local"
    sub: Any = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    #: How long a call may take, in seconds, and whether it may be answered from the cache.
    timeout: Optional[float] = field(default=None, compare=False)
    cache: bool = field(default=True, compare=False)

    @property
    def name(self) -> str:
        """The name of the function inside."""
        inner = self.sub if self.kwargs.get("fn_name") is None else None
        return str(getattr(inner, "name", None) or self.kwargs.get("fn_name") or self.uri)

    def _lower(self, dag: Dag) -> Runnable:
        from daggerml.funks import URI

        if self.uri != SCRIPT:
            adapter = self.uri if self.adapter == "local" else self.adapter
            sub = None if self.sub is None else _value(self.sub, dag)
            return Runnable(_target(self.uri), sub, _value(self.kwargs, dag), adapter)
        kwargs: dict[str, Any] = {
            "source": self.kwargs["script"],
            "function": self.kwargs["fn_name"],
        }
        rest = {name: item for name, item in self.kwargs.items() if name not in _OWN}
        kwargs.update({name: _value(item, dag) for name, item in rest.items() if item})
        return Runnable(URI, adapter=self.adapter, kwargs=kwargs)

    def __hash__(self) -> int:
        return hash((self.uri, self.adapter, self.kwargs.get("script")))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        text = (
            f"{self.name} is called in a DAG: dag.call({self.name}, ...), or by its node, "
            f"which is what dag.put({self.name}) returns"
        )
        raise TypeError(text)


def of_funk(funk: Any, prepop: dict[str, Any]) -> DelayedRunnable:
    """Returns a funk as a delayed runnable, with more values in its ``prepop``."""
    kwargs = {
        "fn": funk.function,
        "fn_name": funk.name,
        "script": funk.source,
        **{name: item for name, item in funk.runnable.kwargs.items() if name not in _PACKAGED},
        "prepop": {**funk.runnable.kwargs.get("prepop", {}), **prepop},
    }
    return DelayedRunnable(
        SCRIPT, funk.adapter, None, kwargs, timeout=funk.timeout, cache=funk.cache
    )


def _target(uri: str) -> str:
    """Returns a target as a URI, or raises an error for a name such as ``docker``."""
    return uri if ":" in uri else f"daggerml:{uri}"


def _value(thing: Any, dag: Dag) -> Any:
    """Returns a value that a runnable can hold, in which nodes are replaced by their values."""
    from daggerml.funks import Funk

    if isinstance(thing, Funk):
        return thing.runnable
    if isinstance(thing, (DelayedRef, DelayedLoad, DelayedRunnable)):
        return _value(thing._lower(dag), dag)
    if isinstance(thing, (Node, Projection)):
        return thing.value()
    if isinstance(thing, dict):
        return {key: _value(item, dag) for key, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_value(item, dag) for item in thing]
    if isinstance(thing, (set, frozenset)):
        return {_value(item, dag) for item in thing}
    if isinstance(thing, _plain()):
        return thing
    # Its codec makes a node, whose value is taken.
    from daggerml.codecs import encode

    encoded = encode(thing, dag)
    if encoded is thing:
        text = f"a runnable cannot hold a {type(thing).__name__}"
        raise InvalidError(text, hint="convert it, or register a codec for it")
    return _value(encoded, dag)


def _plain() -> tuple[type, ...]:
    from daggerml._core import Uri

    return (type(None), bool, int, float, str, bytes, Uri, Runnable)
