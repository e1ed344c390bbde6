"""How far many calls are: a bar on a terminal, messages to the log elsewhere."""

from __future__ import annotations

import sys
import time

from daggerml import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional, TextIO

__all__ = ["Progress"]

#: How often the bar is drawn, in seconds.
_EVERY = 0.1

_WIDTH = 30


class Progress:
    """Counts calls that end, and shows it on standard error if that is a terminal."""

    def __init__(
        self,
        total: int,
        what: str,
        *,
        shown: Optional[bool] = None,
        stream: Optional[TextIO] = None,
    ) -> None:
        self.total = total
        self.what = what
        self.stream = stream if stream is not None else sys.stderr
        self.shown = _is_terminal(self.stream) if shown is None else shown
        self.states: dict[str, int] = {}
        self.running: set[int] = set()
        self._ended: set[int] = set()
        self._begun = self._drawn = time.monotonic()
        self._told = 0
        self._length = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self.shown and self._length:
            self._draw()
            self.stream.write("\n")
            self.stream.flush()

    def event(self, event: dict[str, Any]) -> None:
        """Take note of what happened to a call."""
        item, state = event["item"], event["state"]
        if state in {"cached", "done", "failed"}:
            self.running.discard(item)
            if item not in self._ended:
                self._ended.add(item)
                self.states[state] = self.states.get(state, 0) + 1
        else:
            self.running.add(item)
            if state == "retrying":
                log.info("%s %d: %s; trying again", self.what, item, event["reason"])
        if self.shown:
            if time.monotonic() - self._drawn >= _EVERY:
                self._draw()
        elif self.done * 10 // max(self.total, 1) > self._told:
            self._told = self.done * 10 // max(self.total, 1)
            log.info("%s: %s", self.what, self._text())

    @property
    def done(self) -> int:
        """How many ended."""
        return len(self._ended)

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

    def _draw(self) -> None:
        filled = _WIDTH * self.done // max(self.total, 1)
        bar = "#" * filled + "-" * (_WIDTH - filled)
        line = f"{self.what} [{bar}] {self._text()}"
        # Over what was there, and nothing of it left.
        self.stream.write("\r" + line.ljust(self._length))
        self.stream.flush()
        self._length, self._drawn = len(line), time.monotonic()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False  # closed, or none at all
