"""Codecs: how objects of other types become values.

A codec has two methods. ``can_encode(value)`` tells whether it knows the object, and
``encode(value, dag)`` returns an object of another type in its place: a value, a node, or
something that another codec knows.

A package offers codecs by an entry point of the group ``daggerml.codecs`` that
names a function without arguments; it returns pairs of a priority and a codec.
Codecs of higher priority are asked first. :func:`register` adds one by hand.

>>> import daggerml, fractions
>>> class FractionCodec:
...     def can_encode(self, value):
...         return isinstance(value, fractions.Fraction)
...     def encode(self, value, dag):
...         return {"numerator": value.numerator, "denominator": value.denominator}
>>> remove = register(FractionCodec())
>>> with daggerml.temporary() as repo, repo.new("codec") as dag:
...     dag.put(fractions.Fraction(3, 4)).value()
...     dag.cancel()
Traceback (most recent call last):
daggerml.errors.CancellationError: the DAG 'codec' was cancelled
>>> remove()
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional, Protocol

from daggerml.errors import CodecError, DmlRepoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from daggerml.dag import Dag

__all__ = ["GROUP", "CodecError", "LiteralCodec", "codecs", "pack", "register", "unpack"]

GROUP = "daggerml.codecs"


class LiteralCodec(Protocol):
    """The methods of a codec."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether the codec knows ``value``."""

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns another object, of another type, in the place of ``value``."""


_lock = threading.RLock()
_registered: list[tuple[int, LiteralCodec]] = []
_plugins: Optional[list[tuple[int, LiteralCodec]]] = None


def register(codec: LiteralCodec, *, priority: int = 0) -> Callable[[], None]:
    """Adds a codec for this process. Returns a function that removes it again.

    :param priority: codecs of higher priority are asked first.
    """
    entry = (priority, codec)
    with _lock:
        _registered.append(entry)

    def remove() -> None:
        with _lock:
            if entry in _registered:
                _registered.remove(entry)

    return remove


def pack(value: Any) -> dict[str, Any]:
    """Returns the value that stands for an array or a table, with its elements in one byte string.

    Large arrays of numpy and all tables of pyarrow are put like that anyway.

    :param value: a numpy array; a table, record batch or array of pyarrow; or an object that
        exports one through Arrow's C interface, such as a data frame of polars or pandas. At
        most 64 MiB.
    :raises CodecError: when it is another object, has elements that cannot be packed, or is
        too large.
    """
    from daggerml.packed import pack

    return pack(value)


def unpack(value: Any) -> Any:
    """Returns ``value`` with each packed array and table in it as what it stands for.

    Lists and dicts are copied; what is neither these nor packed is the same object. Arrays and
    tables are read-only, and use the bytes in ``value`` without a copy.

    :raises CodecError: when something packed in it is malformed, or the library is missing
        that has such arrays.

    >>> unpack([1, {"a": b"b"}])
    [1, {'a': b'b'}]
    """
    from daggerml.packed import unpack

    return unpack(value)


def codecs() -> list[LiteralCodec]:
    """Returns all codecs, in the order in which they are asked."""
    from daggerml.standard_codecs import STANDARD

    with _lock:
        found = [*_registered, *_load_plugins()]
    found.sort(key=lambda entry: -entry[0])
    return [*(codec for _, codec in found), *STANDARD]


def _load_plugins() -> list[tuple[int, LiteralCodec]]:
    """Loads the entry points, once. If one fails, all are loaded again the next time."""
    global _plugins  # noqa: PLW0603
    if _plugins is None:
        found: list[tuple[int, LiteralCodec]] = []
        for point in entry_points(GROUP):
            try:
                found.extend((int(priority), codec) for priority, codec in point.load()())
            except Exception as error:
                text = f"the codec plug-in {point.name!r} ({point.value}) failed to load: {error}"
                raise CodecError(text) from error
        _plugins = found
    return _plugins


def entry_points(group: str) -> Iterable[Any]:
    """Returns the entry points of a group, in the order of their names."""
    from importlib import metadata

    points: Any = metadata.entry_points()
    # CPython 3.9 has a dict of lists here.
    found = points.select(group=group) if hasattr(points, "select") else points.get(group, ())
    return sorted(set(found), key=lambda point: (point.name, point.value))


def encode(value: Any, dag: Dag) -> Any:
    """Returns what stands for ``value`` in ``dag``; ``value`` itself when no codec knows it."""
    from daggerml.node import Node
    from daggerml.projection import Projection

    if isinstance(value, Node):
        return dag._import(value).ref
    if isinstance(value, Projection):
        return value._put_into(dag).ref
    for codec in codecs():
        try:
            if not codec.can_encode(value):
                continue
            encoded = codec.encode(value, dag)
        except (CodecError, DmlRepoError):
            raise
        except Exception as error:
            text = f"the codec {_name(codec)} failed on a {_name(value)}: {error}"
            raise CodecError(text) from error
        if isinstance(encoded, value.__class__):
            text = f"the codec {_name(codec)} made a {_name(encoded)} of a {_name(value)}"
            raise CodecError(text)
        return encoded
    return value


def _name(value: Any) -> str:
    return str(value.__class__.__qualname__)
