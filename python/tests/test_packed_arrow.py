"""Packed tables and arrays of pyarrow; where that is not installed, nothing is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daggerml import CodecError
from daggerml.codecs import pack, unpack

if TYPE_CHECKING:
    from daggerml import Dml

pa: Any = pytest.importorskip("pyarrow")


def tables() -> list[Any]:
    xs = pa.array([1, None, 3], pa.int32())
    table = pa.table(
        {
            "x": xs,
            "text": ["a", None, "é"],
            "nested": [[1], [], None],
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        }
    )
    return [
        xs,
        pa.array([], pa.string()),
        table,
        table.slice(1, 1),
        table.slice(0, 0),
        pa.table({}),
        table.to_batches()[0],
        table.to_batches()[0].slice(0, 0),
        table.replace_schema_metadata({"unit": "m"}),
    ]


def test_what_is_put_comes_back_equal(repo: Dml) -> None:
    dag = repo.new("arrow")
    for made in tables():
        found = dag.put({"data": [made]}).unpack()["data"][0]
        assert found.equals(made)
        assert type(found) is type(made)
        if hasattr(made, "schema"):
            assert found.schema.equals(made.schema, check_metadata=True)


def test_chunks_and_offsets_are_no_part_of_a_table(repo: Dml) -> None:
    dag = repo.new("chunks")
    rows = [{"x": n, "s": str(n) if n % 3 else None} for n in range(50)]
    table = pa.Table.from_pylist(rows)
    chunked = pa.concat_tables([table.slice(0, 17), table.slice(17, 13), table.slice(30)])
    assert chunked.column(0).num_chunks == 3
    once = dag.put(table)
    assert dag.put(chunked).ref == once.ref
    longer = pa.Table.from_pylist([{"x": -1, "s": "z"}, *rows])
    assert dag.put(longer.slice(1)).ref == once.ref
    assert dag.put(chunked.column("x")).ref == dag.put(table.column("x").chunk(0)).ref
    assert dag.put(table.to_batches()[0]).ref != once.ref


def test_nothing_is_copied_on_the_way_out() -> None:
    packed = pack(pa.table({"x": list(range(1000))}))
    start = pa.py_buffer(packed["data"]).address
    column = unpack(packed).column(0).chunk(0).buffers()[1]
    assert start <= column.address < start + len(packed["data"])


def test_scalars_and_buffers(repo: Dml) -> None:
    dag = repo.new("scalars")
    assert dag.put([pa.scalar(1), pa.scalar(None)]).value() == [1, None]
    assert dag.put(pa.py_buffer(b"abc")).value() == b"abc"


def test_the_c_interface() -> None:
    table = pa.table({"x": [1.5, 2.5]})

    class Frame:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return table.__arrow_c_stream__(requested_schema)

    class Series:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return table.column("x").__arrow_c_stream__(requested_schema)

    assert pack(Frame()) == pack(table)
    assert unpack(pack(Series())).equals(table.column("x").chunk(0))


@given(data=st.data())
def test_damaged_streams(data: st.DataObject) -> None:
    whole = bytearray(pack(pa.table({"x": [1, 2, None], "s": ["a", "bc", "d"]}))["data"])
    kind = data.draw(st.sampled_from(["table", "batch", "array", "frame"]))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(whole)) | st.just(len(whole)))
    packed = {"daggerml.arrow": 1, "kind": kind, "data": bytes(whole[:length])}
    try:
        found = unpack(packed)
    except CodecError:
        return
    found.validate(full=True)
    repr(found)


def test_what_is_too_large() -> None:
    with pytest.raises(CodecError, match="write it to Parquet"):
        pack(pa.nulls(9 << 20, pa.int64()))
