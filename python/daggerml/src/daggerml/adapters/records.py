"""Durable records of what runs where, so that any process of an adapter finds it again.

A record is written before a job starts, and removed when its outcome was handed over or the
job was stopped. So after a crash at any moment, the jobs that may run are those with records.
The run token of a call is enough to find its job; records serve when no token was handed
over, because the program ended too early.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any, Optional

from daggerml.adapters.lines import AdapterError

__all__ = ["Records", "name_of"]

#: How long the record of a call that nobody asks for again is kept, in seconds. Whoever asks
#: has its run token.
KEPT = 60 * 86400

_NAME = re.compile(r"[0-9a-f]{64}-[0-9]{1,10}")


def name_of(key: object, attempt: object) -> str:
    """Returns the name of the job of a run: the call's key and the number of the attempt."""
    name = f"{key}-{attempt}"
    if not _NAME.fullmatch(name):
        raise AdapterError("invalid_request", "the request has no key or attempt")
    return name


def _home() -> Path:
    """Returns the folder of the user's settings, as the engine finds it."""
    if given := os.environ.get("DML_CONFIG_DIR"):
        return Path(given)
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or Path.home()) / "daggerml"
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".config"
    return base / "daggerml"


class Records:
    """The records of one adapter, each a small JSON file in the user's settings folder."""

    def __init__(self, adapter: str) -> None:
        self._folder = _home() / "jobs" / adapter

    def write(self, name: str, **data: Any) -> None:
        """Writes the record of a job, durably."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file)
            file.flush()
            os.fsync(file.fileno())
        Path(new).replace(self._folder / name)

    def read(self, name: str) -> Optional[dict[str, Any]]:
        """Returns the record of a job, if there is one."""
        try:
            found = json.loads((self._folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def remove(self, name: str) -> None:
        """Removes the record of a job."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()

    def all(self, key: str = "") -> dict[str, dict[str, Any]]:
        """Returns the records of all jobs, or of those of one call."""
        try:
            names = sorted(each.name for each in self._folder.iterdir())
        except OSError:
            return {}
        if not key:
            self._remove_old()
        names = [name for name in names if _NAME.fullmatch(name) and name.startswith(key)]
        return {name: found for name in names if (found := self.read(name)) is not None}

    def _remove_old(self) -> None:
        for place in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process removed it
                if time.time() - place.stat().st_mtime > KEPT:
                    place.unlink()
