"""Codecs for the standard library and the usual scientific packages.

Nothing is imported for them: a value can only be of a type whose module is
loaded already.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from daggerml.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from daggerml.dag import Dag

__all__ = ["MAX_ELEMENTS", "STANDARD"]

# Larger arrays are packed where that is possible; else they are data, which belongs in a file.
MAX_ELEMENTS = 10_000


class TypeCodec:
    """Encodes the instances of one type by a function."""

    def __init__(self, module: str, names: str, function: Callable[[Any], Any]) -> None:
        self.module = module
        self.names = names.split()
        self.function = function

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is of the type, whose module must be loaded then."""
        module = sys.modules.get(self.module)
        return module is not None and any(
            isinstance(value, getattr(module, name, ())) for name in self.names
        )

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns what the function makes of ``value``."""
        return self.function(value)


def _runnable(value: Any) -> Any:
    return value.runnable


class DelayedCodec:
    """Encodes a delayed value as what it stands for in the DAG."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is known only in the DAG that it is put into."""
        return hasattr(value.__class__, "_lower")

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns the node or the runnable."""
        return value._lower(dag)


class DagclassCodec:
    """Encodes an instance of a dag class as the runnable of its entrypoint."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is an instance of a dag class."""
        return "_dagclass_compiled" in getattr(value, "__dict__", ())

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns its entrypoint."""
        from daggerml.dagclasses.compiled import entry

        return entry(value)


class DataclassCodec:
    """Encodes dataclasses as maps of their fields."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is an instance of a dataclass."""
        return hasattr(value.__class__, "__dataclass_fields__")

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns the fields by name."""
        import dataclasses

        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


class ArrayCodec:
    """Encodes small arrays of any library as lists, and packs large ones of numpy."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` has a shape and elements, as arrays do."""
        return hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "tolist")

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns the elements as a scalar or as nested lists; those of large arrays packed."""
        size = 1
        for length in value.shape:
            size *= length
        if size > MAX_ELEMENTS:
            from daggerml import packed

            if packed.is_numpy(value):
                return packed.pack(value)
            text = (
                f"an array of {size:,} elements is too large for a value (at most "
                f"{MAX_ELEMENTS:,}); store it in a file or object store and put its Uri, or "
                "put numpy.asarray(array) if it really belongs in the repository"
            )
            raise CodecError(text)
        if getattr(value.dtype, "kind", "") in _TIMES:  # its list may hold bare numbers
            return list(value) if value.shape else value[()]
        return value.tolist()


#: The kinds of numpy's types for times and durations.
_TIMES = ("M", "m")


def _duration(value: Any) -> Any:
    """Returns a timedelta as an ISO 8601 duration, exact to its last digit."""
    if _is_no_time(value):
        return None
    micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    nanos = getattr(value, "nanoseconds", 0)  # pandas has them
    return _seconds(micros * 1000 + nanos, 9) if nanos else _seconds(micros, 6)


def _seconds(count: int, digits: int) -> str:
    """Returns a number of seconds with so many decimal digits as a duration."""
    sign = "-" if count < 0 else ""
    seconds, rest = divmod(abs(count), 10**digits)
    return f"{sign}PT{seconds}.{rest:0{digits}}S" if rest else f"{sign}PT{seconds}S"


def _isoformat(value: Any) -> Any:
    return None if _is_no_time(value) else str(value.isoformat())


def _is_no_time(value: Any) -> bool:
    """Tells whether it is pandas' NaT, the missing time, which alone does not equal itself."""
    return bool(value != value)  # noqa: PLR0124


def _posix(value: Any) -> str:
    return str(value.as_posix())


def _item(value: Any) -> Any:
    """Returns a numpy scalar as an equal Python object, where there is one."""
    item = value.item()
    if isinstance(item, type(value)):  # longdouble
        raise CodecError.unsupported(value)
    if value.dtype.kind not in _TIMES or not isinstance(item, int):
        return item
    # Python's types have no nanoseconds, months or years: numpy makes bare numbers of them.
    if value.dtype.kind == "M":
        return str(value)
    unit, size = sys.modules["numpy"].datetime_data(value.dtype)
    digits = {"ns": 9, "ps": 12, "fs": 15, "as": 18}.get(unit)
    if digits is not None:
        return _seconds(item * size, digits)
    return f"P{item * size}{unit}" if unit in {"Y", "M"} else item


def _as_py(value: Any) -> Any:
    return value.as_py()


def _refuse_frame(value: Any) -> Any:
    name = value.__class__.__name__
    text = (
        f"a {name} is too large for a value; write it to Parquet or CSV and put the file's Uri, "
        "or put daggerml.codecs.pack(it) if it really belongs in the repository"
    )
    raise CodecError(text)


def _from_abc(value: Any) -> Any:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    if isinstance(value, Mapping):
        return dict(value)
    return set(value) if isinstance(value, AbstractSet) else list(value)


class ArrowCodec:
    """Encodes arrays and tables of pyarrow, packed."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is an array or a table of pyarrow."""
        from daggerml import packed

        return packed.is_arrow(value)

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns the packed value."""
        from daggerml import packed

        return packed.pack(value)


def _from_memoryview(view: Any) -> Any:
    if view.format not in {"B", "b", "c"}:
        text = (
            f"a memoryview with elements of format {view.format!r} cannot be put, as bytes do not "
            "say what is in them; put view.cast('B') for its bytes, or view.tolist()"
        )
        raise CodecError(text)
    return view.tobytes()


class CollectionCodec:
    """Encodes any mapping, sequence or set as the built-in one."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is a collection that is not a built-in one or derived from it."""
        from collections.abc import Mapping, Sequence
        from collections.abc import Set as AbstractSet

        return isinstance(value, (Mapping, Sequence, AbstractSet)) and not isinstance(
            value, (str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset)
        )

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns the built-in collection with the same elements."""
        return _from_abc(value)


STANDARD: tuple[Any, ...] = (
    TypeCodec("daggerml.funks", "Funk", _runnable),
    TypeCodec("pathlib", "PurePath", _posix),
    TypeCodec("datetime", "datetime date time", _isoformat),
    TypeCodec("datetime", "timedelta", _duration),
    TypeCodec("decimal", "Decimal", str),
    TypeCodec("uuid", "UUID", str),
    TypeCodec("array", "array", list),  # a sequence only since CPython 3.10
    TypeCodec("builtins", "memoryview", _from_memoryview),
    TypeCodec("mmap", "mmap", memoryview),
    TypeCodec("numpy", "generic", _item),
    TypeCodec("pyarrow", "Buffer", memoryview),
    TypeCodec("pyarrow", "Scalar", _as_py),
    ArrowCodec(),
    TypeCodec("pandas", "DataFrame Series Index", _refuse_frame),
    TypeCodec("polars", "DataFrame LazyFrame Series", _refuse_frame),
    DelayedCodec(),
    DagclassCodec(),
    DataclassCodec(),
    ArrayCodec(),
    CollectionCodec(),
)
