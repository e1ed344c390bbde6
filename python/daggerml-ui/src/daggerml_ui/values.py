"""Values as tables, texts, code, images and plots.

A place in a value is written as positions: ``"3.0"`` is the first element of the fourth
one. Maps are in canonical order, so a position in one is as good as its key, and is short.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from markupsafe import Markup, escape

from daggerml import Runnable
from daggerml.errors import NotFoundError
from daggerml.text import safe
from daggerml_ui import plots
from daggerml_ui.code import highlighted, is_python
from daggerml_ui.rendering import count, lines
from daggerml_ui.texts import brief, head_of, key_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daggerml._core import Data

__all__ = [
    "ROWS",
    "Cell",
    "Shown",
    "Step",
    "follow",
    "image_type",
    "is_larger",
    "keys_to",
    "place_of",
    "show",
]

#: How many elements are on one page.
ROWS = 100

#: Of longer texts, and more bytes, only the beginning is shown.
_TEXT = 20_000
_BYTES = 512

#: A table has no more columns, and a map in one no more entries.
_COLUMNS = 40

#: So many numbers of one list are drawn, and so many rows of a table.
_NUMBERS = 1_000_000
_TABLE = 5_000

#: The first bytes of the images that every browser shows, and that hold no programs.
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


class Step(NamedTuple):
    """A step on the way to an element: what it is called, and the place it leads to."""

    label: str
    at: str


class Cell(NamedTuple):
    """A value in a table: its text, and its place when more of it can be shown."""

    text: str
    at: Optional[str]


@dataclass
class Shown:
    """A value as it is shown."""

    type: str
    #: Its size in words: ``"3 elements"``.
    size: str = ""
    text: Optional[Markup] = None
    code: Optional[Markup] = None
    #: Whether it is an image, which has an address of its own.
    image: bool = False
    plots: list[Markup] = field(default_factory=list)
    #: The heads of a table and its rows; the first cell of a row is its head.
    heads: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    #: How many rows there are on all pages.
    total: int = 0
    #: Facts in words, such as how much was left out.
    notes: list[str] = field(default_factory=list)


def follow(data: Data, at: str) -> tuple[Data, list[Step]]:
    """Returns the element at a place, and the steps to it.

    :raises NotFoundError: when there is no such place.
    """
    steps: list[Step] = []
    done: list[str] = []
    for position in at.split(".") if at else ():
        missing = NotFoundError(f"the value has no element at the place {at!r}")
        if not position.isdecimal() or data.type not in {"list", "map"}:
            raise missing
        number = int(position)
        if number >= len(data):
            raise missing
        key = number if data.type == "list" else data.keys()[number]
        data = data.get(key)
        done.append(position)
        steps.append(Step(f"[{key_of(key)}]", ".".join(done)))
    return data, steps


def keys_to(data: Data, at: str) -> tuple[Any, ...]:
    """Returns the keys and indices that lead to a place.

    :raises NotFoundError: when there is no such place.
    """
    follow(data, at)
    keys: list[Any] = []
    for position in at.split(".") if at else ():
        key = int(position) if data.type == "list" else data.keys()[int(position)]
        keys.append(key)
        data = data.get(key)
    return tuple(keys)


def place_of(data: Data, keys: Sequence[Any]) -> str:
    """Returns the place that keys and indices lead to; of as many as can be followed."""
    places = []
    for key in keys:
        if data.type == "list" and isinstance(key, int):
            place = key % len(data)
        elif data.type == "map":
            same = [(other.__class__, other) for other in data.keys()]
            if (key.__class__, key) not in same:
                break
            place = same.index((key.__class__, key))
        else:
            break
        places.append(str(place))
        data = data.get(key)
    return ".".join(places)


def is_larger(data: Data, most: int) -> bool:
    """Tells whether a value takes more than about so many bytes."""
    left = most
    waiting = [data.value()]
    while waiting and left >= 0:
        value = waiting.pop()
        left -= 1
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += value
        elif isinstance(value, bytes):
            left -= len(value)
        elif isinstance(value, str):
            left -= len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, int):  # its digits may be very many
            left -= value.bit_length() // 8
        elif isinstance(value, Runnable):
            waiting += [value.kwargs, value.sub, value.uri.uri]
        else:
            left -= 8
    return left < 0


def show(data: Data, *, at: str = "", skip: int = 0) -> Shown:
    """Returns a value as it is shown, of long collections one page.

    :param at: the place of the value in the node's.
    :param skip: how many elements come before the page.
    """
    shown = Shown(data.type)
    if data.type == "list":
        _list(shown, data, at, skip)
    elif data.type == "map":
        _map(shown, data, at, skip)
    elif data.type == "set":
        _set(shown, data, skip)
    elif data.type == "string":
        _string(shown, data.value())
    elif data.type == "bytes":
        _bytes(shown, data.value())
    elif data.type == "runnable":
        _runnable(shown, data.value())
    else:
        shown.text = escape(text_of(data.value()))
    return shown


def _list(shown: Shown, data: Data, at: str, skip: int) -> None:
    shown.total = len(data)
    shown.size = count(len(data), "element")
    numbers = range(skip, min(skip + ROWS, len(data)))
    items = [data.get(number) for number in numbers]
    if items and all(item.type == "map" and len(item) <= _COLUMNS for item in items):
        _table(shown, numbers, items, at)
        if skip == 0:
            shown.plots = _column_plots(data)
        return
    shown.heads = ["Position", "Value"]
    shown.rows = [
        [Cell(str(number), None), _cell(item, at, number)] for number, item in zip(numbers, items)
    ]
    if skip == 0 and items and all(item.type in {"int", "float"} for item in items):
        found = _numbers(data)
        plot = None if found is None else plots.line(found, f"Plot of {shown.size}")
        shown.plots = [] if plot is None else [plot]


def _numbers(data: Data) -> Optional[list[float]]:
    """Returns a list's numbers; ``None`` when not all can be drawn, or they are too many."""
    if len(data) > _NUMBERS:
        return None
    found: list[float] = []
    for start in range(0, len(data), 10_000):
        part = data.get(slice(start, start + 10_000)).value()
        if not all(plots.is_number(number) for number in part):
            return None
        found.extend(float(number) for number in part)
    return found


def _table(shown: Shown, numbers: Sequence[int], items: Sequence[Data], at: str) -> None:
    """Fills in a list of maps: a row for each, a column for each key."""
    # 1, 1.0 and True are different keys.
    columns: dict[tuple[type, Any], None] = {}
    keys = [item.keys() for item in items]
    for row in keys:
        columns.update(dict.fromkeys((key.__class__, key) for key in row))
    kept = list(columns)[:_COLUMNS]
    if len(columns) > len(kept):
        shown.notes.append(f"{len(columns) - len(kept)} more columns are left out")
    shown.heads = ["Position", *(head_of(key) for _, key in kept)]
    for number, item, row in zip(numbers, items, keys):
        inner = _place(at, number)
        places = {(key.__class__, key): place for place, key in enumerate(row)}
        cells = [Cell(str(number), inner)]
        for column in kept:
            place = places.get(column)
            cells.append(
                Cell("", None) if place is None else _cell(item.get(column[1]), inner, place)
            )
        shown.rows.append(cells)


def _column_plots(data: Data) -> list[Markup]:
    """Returns the columns of numbers of a list of maps as plots: the first four."""
    if not 2 <= len(data) <= _TABLE:  # noqa: PLR2004  a line needs two points
        return []
    rows = data.value()
    found = []
    for key in rows[0]:
        column: list[Any] = [row.get(key) for row in rows if isinstance(row, dict)]
        if len(column) == len(rows) and all(plots.is_number(number) for number in column):
            plot = plots.line([float(number) for number in column], f"Plot of {head_of(key)}")
            if plot is not None:
                found.append(
                    Markup("<figure><figcaption>{}</figcaption>{}</figure>").format(
                        safe(head_of(key)), plot
                    )
                )
    return found[:4]


def _map(shown: Shown, data: Data, at: str, skip: int) -> None:
    keys = data.keys()
    shown.total = len(keys)
    shown.size = count(len(keys), "entry", "entries")
    shown.heads = ["Key", "Value"]
    items = [data.get(key) for key in keys[skip : skip + ROWS]]
    for number, (key, item) in enumerate(zip(keys[skip : skip + ROWS], items), skip):
        shown.rows.append([Cell(key_of(key), None), _cell(item, at, number)])
    if 1 < len(keys) <= _COLUMNS and all(item.type in {"int", "float"} for item in items):
        numbers = [item.value() for item in items]
        if all(plots.is_number(number) for number in numbers):
            plot = plots.bars(
                [head_of(key) for key in keys], [float(n) for n in numbers], "The numbers as bars"
            )
            shown.plots = [] if plot is None else [plot]


def _set(shown: Shown, data: Data, skip: int) -> None:
    items = data.keys()
    shown.total = len(items)
    shown.size = count(len(items), "element")
    shown.heads = ["Element"]
    shown.rows = [[Cell(text_of(item), None)] for item in items[skip : skip + ROWS]]


def _string(shown: Shown, text: str) -> None:
    shown.size = count(len(text), "character")
    if len(text) > _TEXT:
        shown.notes.append(f"the first {_TEXT:,} characters are shown; `dml cat` writes all")
        shown.text = lines(text[:_TEXT])
    elif is_python(text):
        shown.code = highlighted(text)
    else:
        shown.text = lines(text)


def _bytes(shown: Shown, data: bytes) -> None:
    shown.size = count(len(data), "byte")
    if image_type(data) is not None:
        shown.image = True
        return
    rows = []
    for start in range(0, min(len(data), _BYTES), 16):
        part = data[start : start + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)  # noqa: PLR2004
        rows.append(f"{start:06x}  {part.hex(' '):<47}  {seen}")
    shown.text = lines("\n".join(rows))
    if len(data) > _BYTES:
        shown.notes.append(f"the first {_BYTES} bytes are shown; `dml cat` writes all")


def _runnable(shown: Shown, runnable: Any) -> None:
    shown.heads = ["Part", "Value"]
    shown.rows = [
        [Cell("what it runs", None), Cell(runnable.uri.uri, None)],
        [Cell("adapter", None), Cell(runnable.adapter or "local", None)],
    ]
    inner = runnable.innermost()
    source = inner.kwargs.get("source")
    for key, value in runnable.kwargs.items():
        if runnable is not inner or key != "source":
            shown.rows.append([Cell(key_of(key), None), Cell(text_of(value, 400), None)])
    if runnable.sub is not None:
        shown.rows.append([Cell("wraps", None), Cell(text_of(runnable.sub, 400), None)])
    if isinstance(source, str):
        shown.code = highlighted(source)


def image_type(data: bytes) -> Optional[str]:
    """Returns the media type of an image; ``None`` for other bytes."""
    for start, name in _IMAGES.items():
        if data.startswith(start):
            return name
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _cell(data: Data, at: str, number: int) -> Cell:
    more = data.type in {"list", "map", "set", "runnable", "bytes", "string"}
    text = brief(data)
    long = data.type != "string" or text.endswith("…")
    return Cell(text, _place(at, number) if more and long else None)


def _place(at: str, number: int) -> str:
    return f"{at}.{number}" if at else str(number)
