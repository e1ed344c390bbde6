"""Packed arrays and tables: values that hold the bytes which their elements have in memory.

A packed array is a map with a header and one byte string, as ``docs/spec/packed.md`` says.
Use :func:`daggerml.codecs.pack`, :func:`daggerml.codecs.unpack` and :meth:`Node.unpack
<daggerml.node.Node.unpack>`.
"""

from __future__ import annotations

import math
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from daggerml.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["pack", "unpack"]

ARRAY = "daggerml.array"
ARROW = "daggerml.arrow"
VERSION = 1

#: The largest array: what the largest value holds, but for the header.
MAX_BYTES = (64 << 20) - 4096

#: The types of elements: fixed sizes, little-endian, nothing that points elsewhere.
_DTYPE = re.compile(
    r"\|b1|\|[iu]1|<[iu][248]|<f[248]|<c(8|16)|\|S[1-9]\d{0,8}|<U[1-9]\d{0,8}"
    r"|<[mM]8(\[[1-9]?\d{0,8}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
)


def pack(value: Any) -> dict[str, Any]:
    """Returns what :func:`daggerml.codecs.pack` returns."""
    if is_numpy(value):
        return _pack_array(value)
    if is_arrow(value):
        return _pack_arrow(value)
    if hasattr(value.__class__, "__arrow_c_stream__"):
        return _pack_arrow(_from_stream(value))
    text = (
        f"a {_name(value)} cannot be packed; make a numpy array or a table of pyarrow of it, "
        "or put it as it is"
    )
    raise CodecError(text)


def unpack(value: Any) -> Any:
    """Returns what :func:`daggerml.codecs.unpack` returns."""
    top = [value]
    holders: list[Any] = [top]
    while holders:
        holder = holders.pop()
        parts: Iterable[tuple[Any, Any]] = (
            holder.items() if isinstance(holder, dict) else enumerate(holder)
        )
        for place, part in parts:
            if isinstance(part, dict):
                if ARRAY in part:
                    holder[place] = _unpack_array(part)
                    continue
                if ARROW in part:
                    holder[place] = _unpack_arrow(part)
                    continue
            elif not isinstance(part, list):
                continue
            copy = part.copy()
            holder[place] = copy
            holders.append(copy)
    return top[0]


def is_numpy(value: Any) -> bool:
    """Tells whether ``value`` is an array of numpy."""
    return _is_any(value, "numpy", "ndarray")


def is_arrow(value: Any) -> bool:
    """Tells whether ``value`` is an array or a table of pyarrow."""
    return _is_any(value, "pyarrow", "Table RecordBatch Array ChunkedArray")


def _is_any(value: Any, module: str, names: str) -> bool:
    """Tells whether ``value`` is of a class of a module, which is loaded then."""
    loaded = sys.modules.get(module)
    return any(isinstance(value, getattr(loaded, name, ())) for name in names.split())


def _name(value: Any) -> str:
    return str(value.__class__.__qualname__)


def _library(name: str, purpose: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        text = f"the package {name} is needed {purpose}; install it"
        raise CodecError(text) from error


def _pack_array(array: Any) -> dict[str, Any]:
    numpy = sys.modules["numpy"]
    if type(array) not in {numpy.ndarray, numpy.memmap}:
        text = (
            f"a {_name(array)} cannot be packed, as it may be more than its elements; "
            "put numpy.asarray(it), and beside it what else it has"
        )
        raise CodecError(text)
    dtype = array.dtype.newbyteorder("<")
    if not _DTYPE.fullmatch(dtype.str) or dtype.fields:
        text = (
            f"an array with elements of type {array.dtype} cannot be packed: only bools, ints, "
            "floats of at most 64 bits, complex numbers of two such, times, and strings of one "
            "length have the same bytes everywhere; convert it with astype(), put its fields one "
            "by one, or put array.tolist()"
        )
        raise CodecError(text)
    if array.nbytes > MAX_BYTES:
        text = (
            f"an array of {array.nbytes:,} bytes is too large for a value (at most "
            f"{MAX_BYTES:,}); store it in a file or object store and put its Uri"
        )
        raise CodecError(text)
    elements = array.astype(dtype, copy=False)
    if dtype.kind == "b":  # other bytes than 0 and 1, which only views have, are true too
        elements = elements.view("u1") != 0
    return {
        ARRAY: VERSION,
        "data": elements.tobytes(),
        "dtype": dtype.str,
        "shape": list(array.shape),
    }


def _unpack_array(packed: dict[Any, Any]) -> Any:
    data = _header(packed, ARRAY, {"data", "dtype", "shape"})
    numpy = _library("numpy", "for a packed array")
    dtype, shape = packed["dtype"], packed["shape"]
    if not (isinstance(dtype, str) and _DTYPE.fullmatch(dtype)):
        raise _malformed(ARRAY, f"its dtype is {_shown(dtype)}")
    if not (
        isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape)
    ):
        raise _malformed(ARRAY, f"its shape is {_shown(shape)}")
    try:
        kind = numpy.dtype(dtype)
        expected = math.prod(shape) * kind.itemsize
        if expected != len(data):
            text = (
                f"shape {_shown(shape)} and dtype {dtype} need other than its {len(data):,} bytes"
            )
            raise _malformed(ARRAY, text)
        array = numpy.ndarray(tuple(shape), kind, data)
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise _malformed(ARRAY, str(error)) from error
    if kind.kind == "b" and array.size and array.view("u1").max() > 1:
        raise _malformed(ARRAY, "it has bools that are neither 0 nor 1")
    return array


def _pack_arrow(value: Any) -> dict[str, Any]:
    arrow = sys.modules["pyarrow"]
    if value.nbytes > MAX_BYTES:
        text = (
            f"a {_name(value)} of {value.nbytes:,} bytes is too large for a value (at most "
            f"{MAX_BYTES:,}); write it to Parquet and put the file's Uri"
        )
        raise CodecError(text)
    # One batch, whatever the chunks were: they are no part of what is in it.
    if isinstance(value, arrow.RecordBatch):
        kind, batches = "batch", [value]
    elif isinstance(value, arrow.Table):
        kind, batches = "table", value.combine_chunks().to_batches()
    else:
        if isinstance(value, arrow.ChunkedArray):
            value = arrow.concat_arrays(value.chunks or [arrow.array([], value.type)])
        kind, batches = "array", [arrow.record_batch([value], names=[""])]
    schema = batches[0].schema if kind == "array" else value.schema
    sink = arrow.BufferOutputStream()
    options = arrow.ipc.IpcWriteOptions(compression=None, use_threads=False)
    with arrow.ipc.new_stream(sink, schema, options=options) as writer:
        for batch in batches:
            if batch.num_rows or kind != "table":
                writer.write_batch(batch)
    return {ARROW: VERSION, "data": sink.getvalue().to_pybytes(), "kind": kind}


def _from_stream(value: Any) -> Any:
    """Returns what an object exports: a table of columns, or one column."""
    arrow = _library("pyarrow", f"to pack a {_name(value)}")
    try:
        return arrow.table(value)
    except (ValueError, TypeError):
        pass
    try:
        return arrow.chunked_array(value)
    except (ValueError, TypeError) as error:
        text = f"a {_name(value)} cannot be packed: {error}"
        raise CodecError(text) from error


def _unpack_arrow(packed: dict[Any, Any]) -> Any:
    data = _header(packed, ARROW, {"data", "kind"})
    arrow = _library("pyarrow", "for a packed Arrow table")
    kind = packed["kind"]
    if kind not in ("table", "batch", "array"):
        raise _malformed(ARROW, f"its kind is {_shown(kind)}")
    try:
        with arrow.ipc.open_stream(arrow.py_buffer(data)) as reader:
            if kind == "table":
                found = reader.read_all()
            else:
                found = reader.read_next_batch()
                if kind == "array":
                    (found,) = found.columns
        # Lengths and offsets that lead elsewhere would be found when elements are read, too late.
        found.validate(full=True)
    except Exception as error:
        raise _malformed(ARROW, str(error)) from error
    return found


def _header(packed: dict[Any, Any], kind: str, keys: set[str]) -> bytes:
    """Checks what all packed values have, and returns the bytes."""
    if packed.keys() != {kind, *keys}:
        raise _malformed(kind, f"its keys are not {', '.join(sorted({kind, *keys}))}")
    version, data = packed[kind], packed["data"]
    if type(version) is not int or version != VERSION:
        raise _malformed(kind, f"its version is {_shown(version)}; this package knows {VERSION}")
    if not isinstance(data, bytes):
        raise _malformed(kind, f"its data is a {_name(data)}")
    return data


def _shown(value: Any) -> str:
    """Returns the beginning of ``repr(value)``, where there is one."""
    try:
        return f"{value!r:.60}"
    except (ValueError, RecursionError):  # thousands of digits, nested very deeply
        return f"a {_name(value)}"


def _malformed(kind: str, detail: str) -> CodecError:
    text = f"a map with the key {kind!r} is not a packed value: {detail}; read it with value()"
    return CodecError(text)
