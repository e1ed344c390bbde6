"""What differs between two values, two DAGs and two revisions."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from daggerml import Runnable
from daggerml_ui.texts import brief, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daggerml._core import Data

__all__ = ["Difference", "differences"]

#: Longer texts are not compared line by line: that would take too long.
_TEXT = 100_000

#: Lists of more elements are compared position by position, for the same reason.
_ALIGNED = 1_000


class Difference(NamedTuple):
    """A place at which two values differ."""

    #: The path to it, such as ``[3]["lr"]``.
    path: str
    #: The value there in one line; ``None`` where there is nothing.
    before: Optional[str]
    after: Optional[str]
    #: Of texts of several lines, the lines that differ.
    lines: Optional[list[str]] = None


def differences(before: Data, after: Data, path: str = "") -> Iterator[Difference]:
    """Yields where two values differ, the first places first."""
    if before.type != after.type:
        yield Difference(path, brief(before), brief(after))
    elif before.type == "map":
        yield from _of_maps(before, after, path)
    elif before.type == "list":
        yield from _of_lists(before, after, path)
    elif before.type == "set":
        yield from _of_sets(before, after, path)
    else:
        yield from _of_scalars(before.value(), after.value(), path)


def _of_maps(before: Data, after: Data, path: str) -> Iterator[Difference]:
    # The engine compares keys: to it 1, 1.0 and True differ, and NaN is one key.
    for key in before.keys():
        inner = f"{path}[{text_of(key, 60)}]"
        if after.contains(key):
            yield from differences(before.get(key), after.get(key), inner)
        else:
            yield Difference(inner, brief(before.get(key)), None)
    for key in after.keys():
        if not before.contains(key):
            yield Difference(f"{path}[{text_of(key, 60)}]", None, brief(after.get(key)))


def _of_lists(before: Data, after: Data, path: str) -> Iterator[Difference]:
    for _, start, end, other, other_end in _aligned(before, after):
        shared = min(end - start, other_end - other)
        for at in range(shared):
            old, new = start + at, other + at
            where = f"[{old}]" if old == new else f"[{old} → {new}]"
            yield from differences(before.get(old), after.get(new), f"{path}{where}")
        for at in range(start + shared, end):
            yield Difference(f"{path}[{at}]", brief(before.get(at)), None)
        for at in range(other + shared, other_end):
            yield Difference(f"{path}[{at}]", None, brief(after.get(at)))


def _aligned(before: Data, after: Data) -> Sequence[tuple[str, int, int, int, int]]:
    """Returns which part of one list belongs to which part of the other, as difflib does."""
    if max(len(before), len(after)) > _ALIGNED:
        return [("replace", 0, len(before), 0, len(after))]
    # Parts that look the same are compared all the same: their lines may be abridged.
    old, new = ([brief(data.get(at), 200) for at in range(len(data))] for data in (before, after))
    return difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()


def _of_sets(before: Data, after: Data, path: str) -> Iterator[Difference]:
    for item in before.keys():
        if not after.contains(item):
            yield Difference(path, text_of(item), None)
    for item in after.keys():
        if not before.contains(item):
            yield Difference(path, None, text_of(item))


def _of_scalars(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if old == new or (old != old and new != new):  # noqa: PLR0124  NaN is not equal to itself
        return
    before, after = _code(old), _code(new)
    lines = None
    if before is not None and after is not None and before != after:
        both = before.splitlines(), after.splitlines()
        lines = list(difflib.unified_diff(*both, lineterm=""))[2:]
    yield Difference(path, text_of(old), text_of(new), lines)


def _code(value: Any) -> Optional[str]:
    """Returns text of several lines: of a string, or the source of a funk."""
    if isinstance(value, Runnable):
        value = value.innermost().kwargs.get("source")
    return value if isinstance(value, str) and "\n" in value and len(value) <= _TEXT else None
