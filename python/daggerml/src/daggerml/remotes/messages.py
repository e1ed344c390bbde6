"""The messages of the protocol: a line of JSON and, when it says so, a body of bytes after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml.remotes.store import MAX_BODY

if TYPE_CHECKING:
    from typing import IO

    Message = dict[str, Any]
    Body = Union[bytes, bytearray, memoryview]

__all__ = ["MAX_LINE", "PROTOCOL", "Broken", "read", "skip", "write"]

#: The version of the protocol.
PROTOCOL = 1

#: The longest line, in bytes.
MAX_LINE = 1 << 20

_PART = 1 << 20


class Broken(Exception):  # noqa: N818  it is not an error of the program
    """What came is not a message, so nothing after it can be understood."""


def read(stream: IO[bytes]) -> Optional[Message]:
    """Reads the line of a message; ``None`` at the end of the input."""
    line = stream.readline(MAX_LINE + 1)
    if not line:
        return None
    if len(line) > MAX_LINE:
        text = f"a line of more than {MAX_LINE} bytes"
        raise Broken(text)
    if not line.endswith(b"\n"):
        text = "the input ended in the middle of a line"
        raise Broken(text)
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        text = f"a line that is not JSON ({problem})"
        raise Broken(text) from None
    if not isinstance(message, dict):
        text = "a line that is not a JSON object"
        raise Broken(text)
    body = message.get("body", 0)
    if type(body) is not int or not 0 <= body <= MAX_BODY:
        text = "a body whose length is not a number of bytes up to 1 GiB"
        raise Broken(text)
    return message


def body(stream: IO[bytes], message: Message) -> bytes:
    """Reads the body of a message."""
    length = message.get("body", 0)
    data: bytes = stream.read(length) if length else b""
    if len(data) != length:
        text = f"the input ended after {len(data)} of the {length} bytes of a body"
        raise Broken(text)
    return data


def skip(stream: IO[bytes], message: Message) -> None:
    """Reads the body of a message and forgets it."""
    length = message.get("body", 0)
    while length:
        part = stream.read(min(length, _PART))
        if not part:
            text = "the input ended in the middle of a body"
            raise Broken(text)
        length -= len(part)


def write(stream: IO[bytes], message: Message, data: Optional[Body] = None) -> None:
    """Writes a message whole. A body that is empty is written like one that is not there."""
    if data is not None and len(data):
        message = {**message, "body": len(data)}
    stream.write(json.dumps(message).encode("ascii") + b"\n")
    if data is not None:
        stream.write(data)
    stream.flush()
