"""Calls that the server runs again, in threads of its process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional

from daggerml.calls import executor
from daggerml.errors import BadExecutionStatusError, Error, InvalidError

if TYPE_CHECKING:
    from daggerml.dml import Dml

__all__ = ["Runs"]

#: How long a form waits for a run to begin, in seconds, to say why one does not.
_PATIENCE = 2.0

#: How many calls run at once.
_MOST = 8

_RUNS = "the call runs already"


class Runs:
    """The calls of a repository that were begun from a page and have not ended."""

    def __init__(self, dml: Dml) -> None:
        self._dml = dml
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def begin(self, key: str) -> None:
        """Runs a call again, though it may be cached.

        :raises InvalidError: when it runs already, too many run, or it cannot be run by its key.
        """
        with self._lock:
            before = self._running.get(key)
        if self._dml._handle.exec_state(key)["running"]:
            raise InvalidError(_RUNS)
        if before is not None:  # its run was recorded a moment ago
            before.join(_PATIENCE)
        begun = threading.Event()
        failed: list[Error] = []
        thread = threading.Thread(
            target=self._run, args=(key, begun, failed), name=f"run {key[:12]}", daemon=True
        )
        with self._lock:
            if key in self._running:
                raise InvalidError(_RUNS)
            if len(self._running) >= _MOST:
                message = f"{_MOST} calls run already: wait for one to end, or cancel one"
                raise InvalidError(message)
            self._running[key] = thread
        thread.start()
        begun.wait(_PATIENCE)
        if failed:
            raise failed[0]

    def _run(self, key: str, begun: threading.Event, failed: list[Error]) -> None:
        def watch(told: dict[str, Any]) -> None:
            if told["state"] == "invoked":
                begun.set()

        # A failure of the adapter is in the record of the call, where the page shows it.
        try:
            executor(self._dml).run_again(key, watch)
        except BadExecutionStatusError:
            pass
        except Error as error:
            failed.append(error)
        finally:
            with self._lock:
                self._running.pop(key, None)
            begun.set()

    def end(self, patience: Optional[float] = 10.0) -> None:
        """Cancels what still runs, and waits for that."""
        with self._lock:
            running = dict(self._running)
        for key in running:
            self._dml.exec.cancel(key)
        for thread in running.values():
            thread.join(patience)
