"""One ``ssh`` process, and requests to the agent behind it: all calls share it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import secrets
import subprocess
import threading
from importlib.resources import files
from typing import Any, NamedTuple, Optional

from daggerml.errors import InvalidError

__all__ = ["Connection", "LostError", "Way", "checked_host", "checked_python"]

#: How long a connection may take to begin, in seconds.
BEGIN = 15.0

#: How long the host may take for an answer, in seconds.
PATIENCE = 45.0

#: How much of what ssh says is kept for a message, in bytes.
_TAIL = 2000

#: How much a host's shell may print before the agent begins, in bytes.
_NOISE = 1 << 16

#: The longest answer that is read, in bytes, and how many are read before they are asked for.
MAX_LINE, _AHEAD = 512 << 20, 4

_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_PYTHON = re.compile(r"(?:/[A-Za-z0-9_.+-]+)+|[A-Za-z0-9_][A-Za-z0-9_.+-]*")

#: Options of ssh that a program needs: it asks nobody, notices a lost connection, opens
#: nothing else, and runs what we say.
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
)

#: What the host's shell runs. It is the same text in every shell: nothing in it is special
#: within double quotes, and only the name of the interpreter is ours to choose.
_COMMAND = (
    '{python} -I -c "import sys; b = sys.stdin.buffer; '
    "exec(compile(b.read(int(b.readline())), 'daggerml-agent', 'exec')); "
    'serve(b.readline().decode().strip())"'
)


class Way(NamedTuple):
    """How hosts are reached: the settings that all of them share."""

    #: The interpreter on the host.
    python: str = "python3"
    #: A configuration file in the place of ``~/.ssh/config``.
    config: Optional[str] = None


class LostError(Exception):
    """The host cannot be reached, or the connection to it was lost."""


def checked_host(given: str) -> str:
    """Returns the name of a host, as in ``~/.ssh/config``, or with ``user@`` before it."""
    if not _HOST.fullmatch(given):
        text = f"{given!r} is not the name of a host"
        raise InvalidError(text, hint="give it a name in ~/.ssh/config")
    return given


def checked_python(given: str) -> str:
    """Returns the name or the absolute path of an interpreter on a host."""
    if not _PYTHON.fullmatch(given):
        text = f"{given!r} is neither the name nor the absolute path of a Python"
        raise InvalidError(text)
    return given


class Connection:
    """A connection to a host."""

    def __init__(self, host: str, way: Way) -> None:
        """Starts ssh and the agent.

        :raises LostError: when the host cannot be reached, or has no Python.
        """
        self.host = checked_host(host)
        words = ["ssh", "-T", "-a", "-x"]
        for option in _OPTIONS:
            words += ["-o", option]
        if way.config is not None:
            words += ["-F", way.config]
        command = _COMMAND.format(python=checked_python(way.python))
        self._said = bytearray()
        self._lines: queue.Queue[Optional[bytes]] = queue.Queue(_AHEAD)
        try:
            self._process = subprocess.Popen(
                [*words, "--", self.host, command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as problem:
            text = f"ssh cannot be started: {problem}"
            raise LostError(text) from None
        for work in (self._listen, self._hear):
            threading.Thread(target=work, daemon=True).start()
        mark = secrets.token_hex(16)
        source = files("daggerml_adapter_ssh").joinpath("agent.py").read_bytes()
        self._write(b"%d\n%s%s\n" % (len(source), source, mark.encode()))
        noise = 0
        while (line := self._line(BEGIN)).strip() != mark.encode():
            noise += len(line)
            if noise > _NOISE:
                raise self._lost("it printed too much before Python began")
        #: What the agent says of its machine.
        self.facts = self.ask("hello")

    def ask(self, op: str, **members: Any) -> dict[str, Any]:
        """Sends a request, and returns the answer.

        :raises LostError: when the connection is lost, or the host cannot do it.
        """
        self._write(json.dumps({"op": op, **members}).encode("ascii") + b"\n")
        line = self._line(PATIENCE)
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._lost("it answered with something else than JSON")
        if "problem" in answer:
            text = f"the host {self.host} failed: {str(answer['problem'])[:_TAIL]}"
            raise LostError(text)
        return answer

    @property
    def alive(self) -> bool:
        """Whether the connection stands."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the connection; jobs that are kept run on."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._lost("the connection was closed") from None

    def _line(self, patience: float) -> bytes:
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            raise self._lost(f"no answer within {patience:g} s") from None
        if line is None:
            raise self._lost("the connection was closed")
        return line

    def _lost(self, why: str) -> LostError:
        self._process.kill()
        code = self._process.wait()
        said = bytes(self._said).decode("utf-8", "replace").strip()
        missing = 127
        if code == missing:
            why = "it has no such Python; name one by --python"
        text = f"the host {self.host} cannot be reached: {why}"
        return LostError(f"{text} ({said})" if said else text)

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        while (line := self._process.stdout.readline(MAX_LINE)).endswith(b"\n"):
            self._lines.put(line)
        self._lines.put(None)

    def _hear(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        while part := os.read(self._process.stderr.fileno(), 65536):
            self._said.extend(part)
            del self._said[:-_TAIL]
