"""Codecs: what they make of foreign types, who is asked first, and how they fail."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import pathlib
import subprocess
import sys
import uuid
from typing import Any

import pytest

import daggerml
from daggerml import CodecError, Dag, Dml, Uri, codecs


@dataclasses.dataclass
class Inner:
    when: dt.date
    path: pathlib.PurePath


@dataclasses.dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    many: list[Inner]


UTC = dt.timezone.utc


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (pathlib.PureWindowsPath(r"C:\a\b"), "C:/a/b"),
        (dt.datetime(2024, 2, 29, 1, 2, 3, 4, UTC), "2024-02-29T01:02:03.000004+00:00"),
        (dt.datetime(2024, 2, 29), "2024-02-29T00:00:00"),  # noqa: DTZ001  naive on purpose
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.time(1, 2), "01:02:00"),
        (dt.timedelta(days=1, microseconds=5), "PT86400.000005S"),
        (dt.timedelta(seconds=-1.5), "-PT1.500000S"),
        (dt.timedelta(), "PT0S"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (
            Outer("n", Inner(dt.date(2020, 1, 1), pathlib.PurePosixPath("p")), []),
            {"name": "n", "inner": {"when": "2020-01-01", "path": "p"}, "many": []},
        ),
    ],
    ids=repr,
)
def test_standard_types(repo: Dml, value: object, stored: object) -> None:
    dag = repo.new("codecs")
    assert dag.put(value).value() == stored
    assert dag.put({"k": [value]}).value() == {"k": [stored]}


def test_dataclasses_keep_their_nodes(repo: Dml) -> None:
    @dataclasses.dataclass
    class Holder:
        node: object

    dag = repo.new("holder")
    node = dag.put(1)
    made = dag.put(Holder(node))
    assert made.value() == {"node": 1}
    assert node.ref in dag._reader().describe(made.ref)["args"]


def test_numpy(repo: Dml) -> None:
    np = pytest.importorskip("numpy")
    dag = repo.new("numpy")
    for value, stored in [
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.float64(1.5), 1.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.bytes_(b"x"), b"x"),
        (np.datetime64("2020-01-02T03:04:05"), "2020-01-02T03:04:05"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.array([]), []),
    ]:
        found = dag.put(value).value()
        assert (found, type(found)) == (stored, type(stored)), repr(value)
    assert dag.put({np.int64(1): np.float64(2)}).value() == {1: 2.0}
    assert dag.put({"array": np.zeros((200, 200))}).value()["array"]["shape"] == [200, 200]
    with pytest.raises(CodecError, match="complex"):
        dag.put(np.complex128(1))


def test_large_arrays_of_other_libraries_are_refused(repo: Dml) -> None:
    class Array:
        shape = (200, 200)
        dtype = "float32"

        def tolist(self) -> list[Any]:
            raise AssertionError

    with pytest.raises(CodecError, match=r"too large for a value.*put its Uri.*numpy.asarray"):
        repo.new("others").put({"array": Array()})


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


class CelsiusCodec:
    def can_encode(self, value: Any) -> bool:
        return isinstance(value, Celsius)

    def encode(self, value: Any, dag: Dag) -> Any:
        return {"celsius": value.degrees}


def test_registered_codecs(repo: Dml) -> None:
    dag = repo.new("registered")
    with pytest.raises(CodecError, match=r"cannot hold a .*Celsius"):
        dag.put(Celsius(1))
    remove = codecs.register(CelsiusCodec())
    try:
        assert dag.put([Celsius(20.5)]).value() == [{"celsius": 20.5}]
    finally:
        remove()
    remove()
    with pytest.raises(CodecError):
        dag.put(Celsius(1))


def test_a_codec_may_return_nodes_and_what_other_codecs_know(repo: Dml) -> None:
    class ToNode(CelsiusCodec):
        def encode(self, value: Any, dag: Dag) -> Any:
            return [dag.put(value.degrees, name="degrees"), decimal.Decimal(1), Uri("a:b")]

    remove = codecs.register(ToNode())
    try:
        dag = repo.new("nodes")
        made = dag.put(Celsius(3))
        assert made.value() == [3, "1", Uri("a:b")]
        assert dag.degrees.ref in dag._reader().describe(made.ref)["args"]
    finally:
        remove()


def test_priority(repo: Dml) -> None:
    class Louder(CelsiusCodec):
        def encode(self, value: Any, dag: Dag) -> Any:
            return "louder"

    removes = [codecs.register(CelsiusCodec()), codecs.register(Louder(), priority=5)]
    try:
        assert repo.new("p").put(Celsius(1)).value() == "louder"
    finally:
        for remove in removes:
            remove()


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda value: value, "made a Celsius of a Celsius"),
        (lambda value: 1 / 0, "failed on a Celsius: division by zero"),
        (lambda value: object(), "cannot hold an object"),
    ],
)
def test_bad_codecs(repo: Dml, result: Any, words: str) -> None:
    class Bad(CelsiusCodec):
        def encode(self, value: Any, dag: Dag) -> Any:
            return result(value)

    remove = codecs.register(Bad())
    try:
        with pytest.raises(CodecError, match=words):
            repo.new("bad").put(Celsius(1))
    finally:
        remove()


PLUGIN = """
import sys
class Codec:
    def can_encode(self, value):
        return isinstance(value, complex)
    def encode(self, value, dag):
        return [value.real, value.imag]
def codecs():
    return [(10, Codec())]
def broken():
    raise RuntimeError("no luck")
"""


@pytest.mark.parametrize(("factory", "says"), [("codecs", "[1.0, 2.0]"), ("broken", "no luck")])
def test_entry_points(tmp_path: pathlib.Path, factory: str, says: str) -> None:
    (tmp_path / "my_codecs.py").write_text(PLUGIN)
    info = tmp_path / "my_codecs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-codecs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[daggerml.codecs]\nmine = my_codecs:{factory}\n")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import daggerml\n"
        "with daggerml.temporary() as repo:\n"
        "    try:\n"
        "        print(repo.new('d').put(1 + 2j).value())\n"
        "    except daggerml.CodecError as error:\n"
        "        print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert says in ended.stdout
    assert ("mine" in ended.stdout) == (factory == "broken")


def test_nothing_is_imported_for_codecs() -> None:
    program = (
        "import sys, daggerml\n"
        "with daggerml.temporary() as repo:\n"
        "    repo.new('d').put([1, {'a': b'b'}])\n"
        "print([m for m in ('numpy', 'decimal', 'importlib.metadata', 'typing', 'dataclasses')"
        " if m in sys.modules])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "numpy" not in ended.stdout
    assert "importlib.metadata" not in ended.stdout


def test_the_repository_is_named_in_errors(repo: Dml) -> None:
    assert daggerml.get_default_dml() == repo


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("datetime64", "2024-02-29", "2024-02-29"),
        ("datetime64", "2024-02-29T01:02:03.000000004", "2024-02-29T01:02:03.000000004"),
        ("datetime64", ("NaT", "ns"), None),
        ("timedelta64", (-1_500_000_000, "ns"), "-PT1.500000000S"),
        ("timedelta64", (3, "ns"), "PT0.000000003S"),
        ("timedelta64", (1, "D"), "PT86400S"),
        ("timedelta64", (2, "M"), "P2M"),
    ],
)
def test_times_of_numpy_are_no_bare_numbers(
    repo: Dml, kind: str, text: Any, stored: object
) -> None:
    numpy = pytest.importorskip("numpy")
    words = text if isinstance(text, tuple) else (text,)
    scalar = getattr(numpy, kind)(*words)
    dag = repo.new("times")
    assert dag.put(scalar).value() == stored
    assert dag.put({"xs": numpy.array([[scalar]])}).value() == {"xs": [[stored]]}
    assert dag.put(numpy.array(scalar)).value() == stored
    assert dag.put(numpy.array([scalar] * 10_001)).unpack()[0].tobytes() == scalar.tobytes()


def test_what_pandas_adds_to_times(repo: Dml) -> None:
    class Timedelta(dt.timedelta):
        nanoseconds = 7

    class NaT(dt.datetime):
        def __ne__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    dag = repo.new("pandas")
    assert dag.put(Timedelta(seconds=-1)).value() == "-PT0.999999993S"
    assert dag.put([NaT(1, 1, 1)]).value() == [None]


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda dag: test_standard_types, "decorate it with @daggerml.funk"),
        (lambda dag: iter([1]), "make a list of what it yields"),
        (lambda dag: dag, "put one of its nodes"),
        (lambda dag: object(), "convert it to null"),
    ],
)
def test_advice_for_what_is_no_value(repo: Dml, make: Any, advice: str) -> None:
    dag = repo.new("advice")
    with pytest.raises(CodecError, match=f"; {advice}"):
        dag.put([make(dag)])
