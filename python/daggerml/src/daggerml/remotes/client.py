"""The other side of a helper: starts the program and asks it, as the engine does."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Optional

from daggerml.remotes import messages
from daggerml.remotes.messages import PROTOCOL, Broken
from daggerml.remotes.store import HelperError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daggerml.remotes.messages import Body, Message

__all__ = ["Answer", "Client", "Ended"]


class Ended(Exception):  # noqa: N818  tests expect it, too
    """The helper ended, or wrote what is not a message, before it answered."""


class Answer:
    """An answer: its members and its body."""

    def __init__(self, members: Message, data: bytes) -> None:
        self.members, self.data = members, data

    @property
    def state(self) -> Any:
        """The state, such as ``found``."""
        return self.members.get("state")

    def __getitem__(self, name: str) -> Any:
        return self.members.get(name)

    def __repr__(self) -> str:
        return f"{self.members} and {len(self.data)} bytes"


class Client:
    """A helper process. Requests may be sent from several threads."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        patience: float = 60.0,
        environment: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._patience = patience
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._number = 0
        self._waiting: dict[Any, Queue[Optional[Answer]]] = {}
        self._first: Queue[Optional[Answer]] = Queue()
        #: Answers that no request asked for.
        self.strays: list[Answer] = []
        self.trouble = "it ended"
        self.written = bytearray()
        self._log: list[bytes] = []
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._read, self._read_log)
        ]
        for thread in self._threads:
            thread.start()

    def greeting(self) -> Message:
        """Returns the first message of the helper."""
        return self._got(self._first).members

    def send(self, verb: str, data: Optional[Body] = None, **members: Any) -> Queue[Any]:
        """Sends a request without waiting. Give the result to :meth:`wait`."""
        with self._lock:
            self._number += 1
            number = self._number
            queue = self._waiting[number] = Queue()
        message = {"protocol": PROTOCOL, "id": number, "verb": verb, **members}
        with self._writing, contextlib.suppress(OSError):  # that it ended is seen at its output
            assert self.process.stdin is not None  # noqa: S101
            messages.write(self.process.stdin, message, data)
        return queue

    def wait(self, queue: Queue[Any]) -> Answer:
        """Waits for the answer to a request that was sent."""
        return self._got(queue)

    def ask(self, verb: str, data: Optional[Body] = None, **members: Any) -> Answer:
        """Sends a request and waits for its answer; an error becomes a :class:`HelperError`."""
        answer = self._got(self.send(verb, data, **members))
        if answer.state == "error":
            error = answer["error"] if isinstance(answer["error"], dict) else {}
            kind, message = error.get("kind"), error.get("message")
            try:
                raise HelperError(kind, f"{kind}: {message}")  # type: ignore[arg-type]
            except ValueError as problem:
                raise Ended(str(problem)) from None
        return answer

    def raw(self, data: bytes) -> None:
        """Writes bytes that need not be a request."""
        with self._writing, contextlib.suppress(OSError):
            assert self.process.stdin is not None  # noqa: S101
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def close(self) -> int:
        """Closes its standard input, and returns its exit code. A helper that stays is killed."""
        assert self.process.stdin is not None  # noqa: S101
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        return self.end()

    def end(self) -> int:
        """Waits for it to end by itself, and returns its exit code."""
        try:
            return self.process.wait(self._patience)
        except subprocess.TimeoutExpired:
            self.kill()
            text = f"it did not end within {self._patience:g} s"
            raise Ended(text) from None
        finally:
            for thread in self._threads:
                thread.join(self._patience)

    def kill(self) -> None:
        """Kills it, and reads what it had written by then."""
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            # A process that it started may hold the other end, so the wait has a limit.
            thread.join(5)

    def log(self) -> str:
        """Returns what it wrote to standard error so far."""
        return b"".join(self._log).decode("utf-8", "replace")

    def _got(self, queue: Queue[Any]) -> Answer:
        try:
            answer: Optional[Answer] = queue.get(timeout=self._patience)
        except Empty:
            text = f"it did not answer within {self._patience:g} s"
            raise Ended(text) from None
        if answer is None:
            queue.put(None)
            raise Ended(self.trouble + self._last_words())
        return answer

    def _last_words(self) -> str:
        self._threads[1].join(1)
        words = self.log().strip()[-2000:]
        return f"; its standard error: {words}" if words else ""

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101
        queue: Optional[Queue[Optional[Answer]]] = self._first
        try:
            while (message := messages.read(self.process.stdout)) is not None:
                answer = Answer(message, messages.body(self.process.stdout, message))
                self.written += repr(message).encode()
                if queue is None:
                    number = message.get("id")
                    with self._lock:
                        queue = self._waiting.pop(number, None) if type(number) is int else None
                if queue is None:
                    self.strays.append(answer)
                else:
                    queue.put(answer)
                queue = None
        except (Broken, OSError, ValueError) as problem:
            self.trouble = f"what it wrote is not a message: {problem}"
        self._first.put(None)
        with self._lock:
            for each in self._waiting.values():
                each.put(None)
            self._waiting = _Over()

    def _read_log(self) -> None:
        assert self.process.stderr is not None  # noqa: S101
        while part := self.process.stderr.read1(65536):  # type: ignore[attr-defined]
            self._log.append(part)


class _Over(dict[Any, Any]):
    """The waiting requests of a helper that has ended: none waits for long."""

    def __setitem__(self, number: Any, queue: Queue[Any]) -> None:
        queue.put(None)
