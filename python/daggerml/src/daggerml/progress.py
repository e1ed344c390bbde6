"""The progress of many calls: a bar on a terminal, log messages elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time

from daggerml import log
from daggerml.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional, TextIO

__all__ = ["Progress"]

#: How often the bar is drawn, in seconds.
_EVERY = 0.1

#: The greatest length of the bar, and the least that is still drawn, in characters.
_WIDTH, _LEAST = 30, 5

#: The width of a terminal that does not report one, in characters.
_COLUMNS = 80


class Progress:
    """Counts the calls that end, and shows a bar on standard error when it is a terminal."""

    def __init__(
        self,
        total: int,
        what: str,
        *,
        shown: Optional[bool] = None,
        stream: Optional[TextIO] = None,
    ) -> None:
        self.total = total
        self.what = safe(what)
        self.stream = stream if stream is not None else sys.stderr
        self.shown = _is_terminal(self.stream) if shown is None else shown
        self.states: dict[str, int] = {}
        self.running: set[int] = set()
        #: Whether each call has ended, a byte each: a map may have many.
        self._ended = bytearray(total)
        self.done = 0
        self._begun = time.monotonic()
        self._told = 0
        self._length = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._clock = threading.Thread(target=self._tick, name="daggerml-progress", daemon=True)

    def __enter__(self) -> Progress:
        if self.shown:
            self._clock.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self.shown:
            self._over.set()
            self._clock.join()
            if self._length:
                self._draw("\n")

    def event(self, event: dict[str, Any]) -> None:
        """Counts an event of a call."""
        item, state = event["item"], event["state"]
        with self._lock:
            if state in {"cached", "done", "failed"}:
                self.running.discard(item)
                if not self._ended[item]:
                    self._ended[item] = True
                    self.done += 1
                    self.states[state] = self.states.get(state, 0) + 1
            else:
                self.running.add(item)
            tenth = self.done * 10 // max(self.total, 1)
            is_told = tenth <= self._told or self.shown
            self._told = max(tenth, self._told)
            text = "" if is_told else self._text()
        if state == "retrying":
            log.info("%s %d: %s; trying again", self.what, item, safe(event["reason"]))
        if not is_told:
            log.info("%s: %s", self.what, text)

    def _text(self) -> str:
        parts = [f"{self.done}/{self.total}"]
        parts += [
            f"{self.states[state]} {state}"
            for state in ("cached", "failed")
            if state in self.states
        ]
        if self.running:
            parts.append(f"{len(self.running)} running")
        parts.append(f"{time.monotonic() - self._begun:.0f} s")
        return ", ".join(parts)

    def _tick(self) -> None:
        """Draws the bar every tenth of a second, so that its clock runs."""
        while not self._over.wait(_EVERY):
            self._draw()

    def _draw(self, end: str = "") -> None:
        with self._lock:
            text = self._text()
        columns = _columns(self.stream) - 1  # a full line would wrap
        what = self.what[: max(columns - len(text) - 2, 0)]
        width = min(columns - len(f"{what} [] {text}"), _WIDTH)
        filled = width * self.done // max(self.total, 1)
        bar = f"[{'#' * filled}{'-' * (width - filled)}] " if width >= _LEAST else ""
        line = f"{what} {bar}{text}"[:columns]
        try:  # overwrites all of the line before
            self.stream.write("\r" + line.ljust(self._length) + end)
            self.stream.flush()
        except (OSError, ValueError):
            return  # the stream is closed; the calls continue
        self._length = len(line)


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (AttributeError, OSError, ValueError):
        return _COLUMNS


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False  # the stream is closed or None
