"""A process of the adapter ``local``, for programs that run calls elsewhere.

:func:`run_call` runs a call on a machine of a cluster. It needs only this package there: the
call arrives as bytes, and its result leaves as bytes. Functions run in processes of their
own, so that they cannot end or block the process that calls it.
"""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import selectors
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, Optional

from daggerml.adapters import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Process", "run_call", "running", "stop_call"]

#: How much of the end of standard error is kept, in bytes.
MAX_LOG = 1 << 18

#: The longest answer that is read, in bytes.
MAX_ANSWER = 512 << 20

#: How long an idle process is kept, in seconds.
IDLE = 60.0

#: How often it is looked what waits for a call meanwhile, in seconds.
TICK = 0.05


class Process:
    """A process of ``local``, or of the adapter whose ``command`` is given."""

    def __init__(
        self,
        environment: Optional[dict[str, str]] = None,
        command: Optional[list[str]] = None,
    ) -> None:
        self._process = subprocess.Popen(
            command or program("daggerml.adapters.local", "run"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Windows cannot wait for two pipes at once, so the log is not kept there.
            stderr=None if os.name == "nt" else subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        self._number = 0
        self.idle_since = time.monotonic()

    def ask(
        self, on_wait: Optional[Callable[[], None]] = None, /, **request: Any
    ) -> dict[str, Any]:
        """Sends a request and returns the answer; an error answer when the process dies.

        ``on_wait`` is called about 20 times a second meanwhile, except on Windows.
        """
        self._number += 1
        line = json.dumps({"protocol": 1, "id": self._number, **request}).encode() + b"\n"
        assert self._process.stdin is not None  # noqa: S101
        log = bytearray()
        answer: dict[str, Any]
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            answer = json.loads(self._read(log, on_wait))
            if not isinstance(answer, dict):
                raise ValueError  # noqa: TRY004, TRY301  as for what is not JSON
        except (OSError, ValueError, RecursionError):
            self.kill()
            code = self._process.wait()
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            error = {
                "kind": "died",
                "message": f"the process of the call {how} before it answered",
                "transient": True,
            }
            answer = {"state": "error", "error": error}
        answer.pop("id", None)
        # An adapter that asked another one has the log of that in its answer.
        inner = answer.get("log", "")
        answer["log"] = log.decode("utf-8", "replace") + (inner if isinstance(inner, str) else "")
        self.idle_since = time.monotonic()
        return answer

    def _read(self, log: bytearray, on_wait: Optional[Callable[[], None]]) -> bytes:
        """Returns the line of the answer, and adds what comes on standard error to ``log``."""
        assert self._process.stdout is not None  # noqa: S101
        if self._process.stderr is None:
            return self._process.stdout.readline()
        answer, log_of = self._process.stdout.fileno(), self._process.stderr.fileno()
        parts: list[bytes] = []
        length = 0
        told = time.monotonic() + TICK
        with selectors.DefaultSelector() as waiting:
            waiting.register(answer, selectors.EVENT_READ)
            waiting.register(log_of, selectors.EVENT_READ)
            while True:
                # The log is read first, so that it holds all that was written before the answer.
                ready = {key.fd for key, _ in waiting.select(on_wait and TICK)}
                if on_wait is not None and time.monotonic() >= told:
                    told = time.monotonic() + TICK
                    on_wait()
                if log_of in ready:
                    part = os.read(log_of, 65536)
                    log.extend(part)
                    del log[:-MAX_LOG]
                    if not part:
                        waiting.unregister(log_of)
                elif answer in ready:
                    part = os.read(answer, 1 << 20)
                    parts.append(part)
                    length += len(part)
                    if not part or part.endswith(b"\n"):
                        break
                    if length > MAX_ANSWER:
                        raise ValueError
            waiting.unregister(answer)
            while waiting.get_map() and waiting.select(0) and (part := os.read(log_of, 65536)):
                log.extend(part)
        return b"".join(parts)

    @property
    def code(self) -> Optional[int]:
        """The exit code of the process, if it has ended."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Closes its standard input, upon which it ends."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def last_words(self, seconds: float) -> str:
        """Closes its standard input, and returns what it says on standard error until it ends.

        Something between, such as the client of a container, may bring the log later than
        the answer. Not longer than ``seconds`` are waited for it.
        """
        self.close()
        if self._process.stderr is None:
            return ""
        log = bytearray()
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stderr, selectors.EVENT_READ)
            while waiting.select(max(0.0, end - time.monotonic())):
                part = os.read(self._process.stderr.fileno(), 65536)
                if not part:
                    break
                log.extend(part)
                del log[:-MAX_LOG]
        return log.decode("utf-8", "replace")

    def end(self, seconds: float) -> None:
        """Closes its standard input, waits for its end, and kills it after ``seconds``."""
        self.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        self.kill()

    def kill(self) -> None:
        """Kills it and all processes that it started."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                import signal

                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()


_lock = threading.Lock()
_idle: list[Process] = []
_running: dict[str, Process] = {}
_stopped: set[str] = set()


def run_call(
    name: str,
    request: dict[str, Any],
    environment: Optional[dict[str, str]] = None,
    on_wait: Optional[Callable[[str], None]] = None,
) -> dict[str, Any]:
    """Runs the call in ``request``, and returns the adapter's answer.

    In both, ``bundle`` is bytes. :func:`stop_call` stops the call by its ``name``. ``on_wait``
    is called about 20 times a second while the call runs.
    """
    given = {**request, "bundle": _text(request["bundle"])}
    with _taken(name, environment) as process:
        if on_wait is None:
            answer = process.ask(**given)
        elif os.name == "nt":
            answer = _watched(process, given, lambda: on_wait(name))
        else:
            answer = process.ask(lambda: on_wait(name), **given)
    if name in _stopped:
        with _lock:
            _stopped.discard(name)
        text = "the call was stopped"
        error = {"kind": "canceled", "message": text, "transient": False}
        return {"state": "error", "error": error, "log": answer["log"]}
    if "bundle" in answer:
        answer["bundle"] = binascii.a2b_base64(answer["bundle"])
    return answer


def stop_call(name: str) -> bool:
    """Stops a call, with all that it started. Returns whether it was running here."""
    with _lock:
        process = _running.get(name)
        if process is None:
            return False
        _stopped.add(name)
    process.kill()
    return True


def running() -> list[str]:
    """Returns the names of the calls that run in this process's processes."""
    with _lock:
        return sorted(_running)


@contextlib.contextmanager
def _taken(name: str, environment: Optional[dict[str, str]]) -> Iterator[Process]:
    """Takes an idle process or starts one, and keeps it afterwards if it still runs."""
    with _lock:
        late = time.monotonic() - IDLE
        for old in [each for each in _idle if each.idle_since < late or not each.alive]:
            _idle.remove(old)
            old.close()
        process = _idle.pop() if _idle else None
    if process is None:
        process = Process(environment)
    with _lock:
        _running[name] = process
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    finally:
        with _lock:
            _running.pop(name, None)
            if process.alive and name not in _stopped:
                _idle.append(process)


def _watched(
    process: Process, request: dict[str, Any], on_wait: Callable[[], None]
) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(process.ask(**request)), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(TICK)
        if thread.is_alive():
            on_wait()
    return answers[0]


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")
