"""The object model's test vectors against implementations that are not ours."""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import blake3
import cbor2
import pytest

VECTORS = Path(__file__).parents[2] / "docs" / "spec" / "vectors"

DATUM_HEADER = bytes.fromhex("830101")
WITH_BLOBS = bytes.fromhex("830102")


def load(name: str) -> list[dict[str, Any]]:
    vectors = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    assert vectors
    return list(vectors)


def names(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@pytest.mark.parametrize("vector", load("values.json") + load("records.json"), ids=names)
def test_ids_are_blake3_of_the_record(vector: dict[str, Any]) -> None:
    assert blake3.blake3(bytes.fromhex(vector["record"])).hexdigest() == vector["id"]


def plain(value: dict[str, Any]) -> Any:
    """The Python object that CBOR gives for a value; None where Python cannot say it."""
    ((kind, body),) = value.items()
    if kind in ("null", "bool", "string"):
        return body
    if kind == "int":
        return int(body)
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(body))[0]
    if kind == "bytes":
        return bytes.fromhex(body)
    if kind == "list":
        return [plain(item) for item in body]
    if kind == "blob":
        fields = ("daggerml.Blob", int(body["size"]), bytes.fromhex(body["id"]))
        return cbor2.CBORTag(27, fields)
    raise NotImplementedError(kind)


SIMPLE = ("null", "bool", "int", "float", "string", "bytes", "list", "blob")


@pytest.mark.parametrize(
    "vector", [v for v in load("values.json") if next(iter(v["value"])) in SIMPLE], ids=names
)
def test_values_are_canonical_cbor(vector: dict[str, Any]) -> None:
    value, encoded = plain(vector["value"]), bytes.fromhex(vector["cbor"])
    header = WITH_BLOBS if "blob" in vector["name"] else DATUM_HEADER
    assert bytes.fromhex(vector["record"]) == header + encoded
    # The last cbor2 for Python 3.9 writes 65504.0, the largest half, as a single.
    if sys.version_info >= (3, 10) or value != 65504.0:
        assert cbor2.dumps(value, canonical=True) == encoded
    # NaN is unlike itself, and so is a tag for the last cbor2 for Python 3.9.
    decoded = cbor2.loads(encoded)
    assert decoded == value or cbor2.dumps(decoded, canonical=True) == encoded


@pytest.mark.parametrize("vector", load("records.json"), ids=names)
def test_records_are_well_formed_cbor(vector: dict[str, Any]) -> None:
    record = cbor2.loads(bytes.fromhex(vector["record"]))
    kinds = ["datum", "node", "dag", "tree", "commit", "exec", "tombstone", "blob"]
    assert record[:2] == [1 + kinds.index(vector["kind"]), 1]
