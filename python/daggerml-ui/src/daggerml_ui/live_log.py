"""The log of a call that runs, told part by part as server-sent events."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from daggerml.text import safe

if TYPE_CHECKING:
    from daggerml.dml import Dml

__all__ = ["LogReader", "Part", "event", "position"]


class Part(NamedTuple):
    """What came since the part before."""

    #: Fit to be shown: controls and changes of direction are written as their escapes.
    text: str
    #: Whether another run of the call began with it.
    begins: bool
    #: Whether more may come.
    live: bool


class LogReader:
    """Reads the log of a call from a place in it."""

    def __init__(self, dml: Dml, key: str, place: str = "") -> None:
        """Begins at a place that :attr:`place` told; with none, at the beginning."""
        self._handle = dml._handle
        self._key = key
        self._after = position(place)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def place(self) -> str:
        """Up to where the log was read, as text."""
        if self._after is None:
            return ""
        started, offset = self._after
        # The bytes of a character that is not whole yet were not shown.
        return f"{started}-{offset - min(offset, len(self._decoder.getstate()[0]))}"

    def read(self) -> Part:
        """Returns what came since it was last asked."""
        content, self._after, begins, live = self._handle.exec_log_part(self._key, self._after)
        if begins:
            self._decoder.reset()
        text = self._decoder.decode(content, final=not live)
        return Part(safe(text, keep="\n\t"), begins, live)


def position(text: str) -> Optional[tuple[int, int]]:
    """Returns the place that a text tells; ``None`` for any other text."""
    started, _, offset = text.partition("-")
    digits = started.isascii() and started.isdigit() and offset.isascii() and offset.isdigit()
    if not digits or max(len(started), len(offset)) > 18:  # noqa: PLR2004  64 bits
        return None
    return int(started), int(offset)


def event(name: str, told: Any, place: str = "") -> str:
    """Returns a server-sent event. A browser that comes again says the last ``place``."""
    number = f"id: {place}\n" if place else ""
    return f"event: {name}\n{number}data: {json.dumps(told)}\n\n"
