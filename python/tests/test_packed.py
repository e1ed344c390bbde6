"""Packed arrays and tables: what they are stored as, their identity, and what is malformed."""

from __future__ import annotations

import array
import mmap
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daggerml
from daggerml import CodecError, Dml
from daggerml.codecs import pack, unpack

if TYPE_CHECKING:
    from pathlib import Path

np = pytest.importorskip("numpy")
arrays = pytest.importorskip("hypothesis.extra.numpy")

DTYPES = [
    *("|b1", "|i1", "|u1", "<i2", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"),
    *("|S3", "<U2", ">i4", ">f8", ">U3", "<M8[ns]", "<m8[s]", ">M8[25s]", "<M8"),
]


@st.composite
def any_array(draw: st.DrawFn) -> Any:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    size = dtype.itemsize * int(np.prod(shape, dtype=int))
    if dtype.kind == "U":
        letters = st.lists(st.sampled_from(["", "a", "é", "\U0001f600z"]), min_size=1, max_size=3)
        made = np.resize(np.array(draw(letters), dtype), shape)
    else:
        data = draw(st.binary(min_size=size, max_size=size))
        made = np.frombuffer(data, dtype).reshape(shape) if size else np.zeros(shape, dtype)
        if dtype.kind == "b":
            made = np.asarray(made.view("u1") % 2 == 1)
    order = draw(st.sampled_from(["C", "F", "strided"]))
    if order == "F":
        return np.asfortranarray(made)
    if order == "strided" and shape:
        return np.repeat(made, 2, axis=-1)[..., ::2]
    return made


@given(array=any_array())
def test_what_is_packed_comes_back_equal(array: Any) -> None:
    packed = pack(array)
    assert packed.keys() == {"daggerml.array", "data", "dtype", "shape"}
    found = unpack(packed)
    assert (found.dtype, found.shape) == (array.dtype.newbyteorder("<"), array.shape)
    assert found.tobytes() == array.astype(found.dtype).tobytes()
    assert not found.flags.writeable
    assert found.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        found[...] = found
    assert pack(found) == packed


def test_large_arrays_are_packed_and_small_ones_are_lists(repo: Dml) -> None:
    dag = repo.new("sizes")
    small, large = np.arange(10_000), np.arange(10_001.0)
    assert dag.put(small).value() == small.tolist()
    node = dag.put({"xs": [large, 1]})
    assert node.value()["xs"][0]["data"] == large.tobytes()
    assert node.value()["xs"][0]["dtype"] == "<f8"
    found = node.unpack()
    assert (found["xs"][0] == large).all()
    assert found["xs"][1] == 1
    dag.commit(node)
    committed = repo.load("sizes").result
    assert (committed.unpack()["xs"][0] == large).all()
    element = committed["xs"][0].unpack()
    assert (element == large).all()
    assert isinstance(element.base, bytes)  # no copy of what value() returned
    assert (dag.put(pack(small)) if dag._open else pack(small))["shape"] == [10_000]


@daggerml.funk
def doubled(dag: Any, xs: Any) -> Any:
    return xs.unpack() * 2


def test_functions_take_and_return_arrays(repo: Dml) -> None:
    xs = np.arange(20_000.0)
    with repo.new("call") as dag:
        node = dag.call(doubled, xs)
        assert (node.unpack() == xs * 2).all()
        dag.commit(node)


def test_equal_elements_have_one_id(repo: Dml) -> None:
    dag = repo.new("ids")
    square = np.arange(12_321.0).reshape(111, 111)
    once = dag.put(square)
    for other in (
        np.asfortranarray(square),
        square.astype(">f8"),
        np.repeat(square, 2, axis=0)[::2],
        square[::-1][::-1],
    ):
        assert dag.put(other).ref == once.ref
    for different in (square.astype("f4"), square.reshape(-1), square.T, square + 1):
        assert dag.put(different).ref != once.ref


def test_floats_keep_every_bit() -> None:
    bits = np.array([0x7FF8000000000001, 0xFFF8000000000000, 1 << 63, 0], "u8")
    found = unpack(pack(bits.view("f8"))).view("u8")
    assert found.tolist() == bits.tolist()


def test_bools_have_two_forms() -> None:
    odd = np.array([0, 1, 2, 255], "u1").view("?")
    assert pack(odd)["data"] == b"\0\1\1\1"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: np.array([None] * 3), "type object cannot be packed"),
        (lambda: np.zeros(3, "f8,i4"), "put its fields one by one"),
        (lambda: np.zeros(3, "V3"), "cannot be packed"),
        (lambda: np.zeros(3, "g"), "cannot be packed"),
        (lambda: np.ma.masked_array([1, 2], [True, False]), "more than its elements"),
        (lambda: np.broadcast_to(np.zeros(1), (1 << 40,)), "too large for a value"),
        (lambda: [1], "a list cannot be packed"),
    ],
)
def test_what_cannot_be_packed(make: Any, words: str) -> None:
    array = make()
    if np.dtype("g").itemsize == 8 and getattr(array, "dtype", None) == np.dtype("g"):
        pytest.skip("a long double is a double here")
    with pytest.raises(CodecError, match=words):
        pack(array)


def header(**changes: Any) -> dict[Any, Any]:
    made = {"daggerml.array": 1, "data": bytes(16), "dtype": "<f8", "shape": [2], **changes}
    return {key: value for key, value in made.items() if value is not ...}


@pytest.mark.parametrize(
    "packed",
    [
        header(shape=[3]),
        header(shape=[-2]),
        header(shape=[-1, -2]),
        header(shape=[True, 2]),
        header(shape=[2.0]),
        header(shape=2),
        header(shape="2"),
        header(shape=[1 << 62, 4]),
        header(shape=[1 << 64]),
        header(shape=[0, 1 << 64], data=b""),
        header(shape=[1 << 40, 1 << 40, 0], data=b""),
        header(shape=[1] * 65 + [2]),
        header(shape=[10**5000]),  # more digits than Python prints
        header(shape=[[1]] * 99),
        header(shape=...),
        header(dtype="|O"),
        header(dtype="O"),
        header(dtype=">f8"),
        header(dtype="f8"),
        header(dtype="<f8\n"),
        header(dtype="<U999999999999"),
        header(dtype="<U999999999"),
        header(dtype="|V8"),
        header(dtype="<f16"),
        header(dtype="|S0", data=b""),
        header(dtype="<M8[parsec]"),
        header(dtype="<M8[99999999999s]"),
        header(dtype=["<f8"]),
        header(dtype="f8,i4"),
        header(dtype="|b1", shape=[2], data=b"\2\0"),
        header(data=[0] * 16),
        header(data="0" * 16),
        header(data=bytes(15)),
        header(data=...),
        header(extra=1),
        {**header(), "daggerml.array": 2},
        {**header(), "daggerml.array": True},
        {**header(), "daggerml.array": "1"},
    ],
)
def test_malformed_headers(packed: dict[Any, Any], repo: Dml) -> None:
    with pytest.raises(
        CodecError, match=r"key 'daggerml.array' is not a packed value: .*value\(\)"
    ):
        unpack([{"in": packed}])
    assert repo.new("any").put(packed).value() == packed  # a map as any other


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


@given(dtype=st.sampled_from(DTYPES) | json, shape=json | st.lists(st.integers()), data=json)
def test_any_header_gives_an_array_or_an_error(dtype: Any, shape: Any, data: Any) -> None:
    try:
        found = unpack(header(dtype=dtype, shape=shape, data=data))
    except CodecError:
        return
    assert found.nbytes == len(data)


def test_unpack_copies_lists_and_dicts_and_nothing_else() -> None:
    deep: Any = pack(np.arange(3))
    for _ in range(500):
        deep = {"deep": [deep]}
    found = unpack(deep)
    for _ in range(500):
        deep, found = deep["deep"][0], found["deep"][0]
    assert deep == pack(np.arange(3))  # as it was
    assert found.tolist() == [0, 1, 2]
    value = (1, {2}, b"x")
    assert unpack(value) is value


@given(data=st.binary(max_size=300), step=st.integers(1, 3))
def test_memoryviews_are_bytes(data: bytes, step: int) -> None:
    from daggerml.standard_codecs import _from_memoryview

    assert _from_memoryview(memoryview(data)[::step]) == data[::step]
    assert _from_memoryview(memoryview(data).cast("c")) == data


def test_what_has_a_buffer_can_be_put(repo: Dml, tmp_path: Path) -> None:
    dag = repo.new("buffers")
    data = bytes(range(256)) * 16
    once = dag.put(data)
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for other in (bytearray(data), memoryview(data), memoryview(bytearray(data)), mapped):
            assert dag.put(other).ref == once.ref
        mapped.close()  # nothing holds it
    assert dag.put(array.array("d", [1.5, 2.5])).value() == [1.5, 2.5]
    with pytest.raises(CodecError, match=r"format 'd' cannot be put.*cast\('B'\)"):
        dag.put([memoryview(np.zeros(3))])


@pytest.mark.parametrize("size", [(4 << 20) - 1, 4 << 20, (9 << 20) + 12_345])
def test_long_bytes(repo: Dml, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    with repo.new("long") as dag:
        node = dag.put({"a": data, "b": 1})
        assert node.value() == {"a": data, "b": 1}
        dag.commit(node)
    found = repo.load("long").result
    assert found.value() == {"a": data, "b": 1}
    assert found["a"].value() == data


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(np.arange(3))
    for name in ("numpy", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CodecError, match="the package numpy is needed"):
        unpack(packed)
    with pytest.raises(CodecError, match="the package pyarrow is needed"):
        unpack({"daggerml.arrow": 1, "kind": "table", "data": b""})


def test_frames_are_told_of_pack(repo: Dml, monkeypatch: pytest.MonkeyPatch) -> None:
    class DataFrame:
        pass

    module = type(sys)("polars")
    module.DataFrame = DataFrame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "polars", module)
    with pytest.raises(CodecError, match=r"put daggerml.codecs.pack\(it\)"):
        repo.new("frames").put([DataFrame()])


def test_unpack_is_public(repo: Dml) -> None:
    assert daggerml.codecs.unpack is unpack
    assert repo.new("plain").put([1]).unpack() == [1]
