"""Bundles and adapter lines without the engine: an implementation that is not ours."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import blake3
import cbor2

import daggerml

MAGIC = b"\x89DML\r\n\x1a\n"
DATUM, NODE, DAG, EXEC = 1, 2, 3, 6


def plain(value: Any) -> Any:
    """Returns what cbor2 encodes a value as."""
    if isinstance(value, daggerml.Funk):
        return plain(value.runnable)
    if isinstance(value, daggerml.Runnable):
        kwargs = {name: plain(item) for name, item in value.kwargs.items()}
        sub = None if value.sub is None else plain(value.sub)
        return cbor2.CBORTag(
            27, ["daggerml.Runnable", cbor2.CBORTag(32, value.uri.uri), value.adapter, kwargs, sub]
        )
    if isinstance(value, daggerml.Uri):
        return cbor2.CBORTag(32, value.uri)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def record(*items: Any) -> bytes:
    return bytes(cbor2.dumps(list(items), canonical=True))


def identity(data: bytes) -> bytes:
    return bytes(blake3.blake3(data).digest())


def pack(roots: list[tuple[int, bytes]], objects: list[bytes]) -> bytes:
    head = cbor2.dumps([1, [list(root) for root in roots], [], len(objects)])
    body = MAGIC + head + b"".join(cbor2.dumps(data) for data in objects)
    return bytes(body + identity(body))


def call(runnable: Any, *args: Any) -> tuple[str, bytes]:
    """Returns the key and the full bundle of a call."""
    data = [record(DATUM, 1, plain(value)) for value in (runnable, *args)]
    ids = [identity(each) for each in data]
    key = identity(cbor2.dumps(["dml.call", ids]))
    return key.hex(), pack([(DATUM, each) for each in ids], list(dict.fromkeys(data)))


def unpack(bundle: bytes) -> tuple[list[Any], dict[bytes, Any]]:
    """Returns a bundle's roots, and its records by their ids."""
    import io

    assert bundle.startswith(MAGIC)
    assert identity(bundle[:-32]) == bundle[-32:]
    stream = io.BytesIO(bundle[len(MAGIC) : -32])
    decoder = cbor2.CBORDecoder(stream)
    version, roots, _needs, number = decoder.decode()
    assert version == 1
    objects = [decoder.decode() for _ in range(number)]
    return roots, {identity(data): cbor2.loads(data) for data in objects}


class Adapter:
    """A process of an adapter, spoken to line by line."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command or (sys.executable, "-m", "daggerml.adapters.local"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.number = 0

    def __enter__(self) -> Adapter:  # noqa: PYI034  not in typing of 3.9
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def send(self, op: str, **members: Any) -> None:
        self.number += 1
        request = {"protocol": 1, "id": self.number, "op": op, **members}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found: dict[str, Any] = json.loads(line)
        assert found["id"] == self.number
        return found

    def ask(self, op: str, **members: Any) -> dict[str, Any]:
        self.send(op, **members)
        return self.answer()

    def invoke(self, runnable: Any, *args: Any, **members: Any) -> dict[str, Any]:
        key, bundle = call(runnable, *args)
        encoded = base64.b64encode(bundle).decode()
        members.setdefault("ancestors", [])
        return self.ask("invoke", key=key, attempt=1, bundle=encoded, **members)

    def close(self) -> str:
        """Ends it, and returns its log."""
        _, log = self.process.communicate(timeout=120)
        return log.decode()


def outcome(answer: dict[str, Any]) -> Any:
    """Returns what the DAG of an answer ended in: its result's value, or its error."""
    assert answer["state"] == "done", answer
    roots, objects = unpack(base64.b64decode(answer["bundle"]))
    assert roots[0] == [DAG, bytes.fromhex(answer["dag"])]
    _, _, nodes, _names, _argv, failed, payload, _tags = objects[roots[0][1]]
    if failed:
        return dict(zip(("origin", "type", "message", "stack"), payload))
    return objects[objects[nodes[payload]][-1]][2]
