"""Values in one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daggerml import Runnable, Uri
from daggerml_ui.rendering import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daggerml._core import Data

__all__ = ["brief", "head_of", "key_of", "text_of"]


def brief(data: Data, room: int = 60, depth: int = 3) -> str:
    """Returns a value in one line. Of a long or deep one, only its beginning is read."""
    text = "".join(_pieces(data, room, depth))
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _pieces(data: Data, room: int, depth: int) -> Iterator[str]:
    opening = {"list": "[]", "map": "{}"}.get(data.type)
    if opening is None:
        if data.type == "set":
            yield f"set of {count(len(data), 'element')}"
        else:
            yield text_of(data.value(), room)
        return
    yield opening[0]
    used = 1
    keys = range(len(data)) if data.type == "list" else data.keys()[:9]
    for at, key in enumerate(keys):
        before = ", " if at else ""
        if used > room or at == 8 or depth == 0:  # noqa: PLR2004  as many as fit a line
            yield f"{before}…"
            break
        label = f"{before}{key_of(key)}: " if data.type == "map" else before
        piece = label + brief(data.get(key), max(8, room - used), depth - 1)
        used += len(piece)
        yield piece
    yield opening[1]


def head_of(key: Any) -> str:
    """Returns a key of a map as the head of a column."""
    return key if isinstance(key, str) else text_of(key)


def key_of(key: Any) -> str:
    """Returns a key of a map in one line."""
    return text_of(key, 60)


def text_of(value: Any, room: int = 200) -> str:  # noqa: PLR0911  one for each kind of value
    """Returns a Python object as one line of text."""
    from daggerml.html import abridged

    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and value.bit_length() > 10_000:  # noqa: PLR2004
        return f"an integer of {value.bit_length():,} bits"  # its digits would take too long
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= room else f'"{value[:room]}…'
    if isinstance(value, bytes):
        return f"{count(len(value), 'byte')}: {value[:16].hex(' ')}{'…' if value[16:] else ''}"
    if isinstance(value, Uri):
        return value.uri
    if isinstance(value, Runnable):
        name = value.innermost().kwargs.get("function")
        return f"funk {name}" if isinstance(name, str) else f"runnable {value.uri.uri}"
    return abridged(value, room)
