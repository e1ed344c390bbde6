"""Values: every one comes back equal, or is refused with a reason; none is changed in silence."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import ChainMap, OrderedDict, UserList, defaultdict, namedtuple
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import same, values

import daggerml
from daggerml import Dml, Runnable, Uri

few = settings(
    max_examples=150,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)


@given(value=values)
@few
def test_any_value_comes_back_in_process(repo: Dml, value: Any) -> None:
    dag = repo.new("any")
    node = dag.put(value)
    assert same(node.value(), value)
    assert dag.put(node.value()) == node
    dag.commit([value])
    [element] = repo.load("any").result
    assert same(element.value(), value)


READER = """
import pickle, sys
import daggerml
repo = daggerml.Dml.open(sys.argv[1])
values = repo.load("any").result.value()
sys.stdout.buffer.write(pickle.dumps(values))
"""


@given(value=values)
@settings(few, max_examples=10)
def test_any_value_comes_back_in_another_process(repo: Dml, value: Any) -> None:
    import pickle

    with repo.new("any") as dag:
        dag.commit(value)
    read = subprocess.run(
        [sys.executable, "-c", READER, repo.root], capture_output=True, check=True, timeout=60
    )
    assert same(pickle.loads(read.stdout), value)  # noqa: S301  our own reader wrote it


@pytest.mark.parametrize("factor", [1, -1])
@pytest.mark.parametrize("bits", [7, 8, 31, 32, 62, 63, 64, 65, 127, 128, 4096, 65536])
def test_ints_of_any_size(repo: Dml, bits: int, factor: int) -> None:
    dag = repo.new("ints")
    for delta in (-1, 0, 1):
        number = factor * 2**bits + delta
        assert dag.put(number).value() == number


def test_one_nan_and_one_zero(repo: Dml) -> None:
    dag = repo.new("floats")
    assert dag.put(float("nan")) == dag.put(-float("nan"))
    assert math.isnan(dag.put(math.nan).value())  # type: ignore[arg-type]
    assert dag.put(-0.0) == dag.put(0.0)
    assert math.copysign(1, dag.put(-0.0).value()) == 1  # type: ignore[arg-type]


def test_types_that_python_confuses_stay_apart(repo: Dml) -> None:
    dag = repo.new("apart")
    nodes = [dag.put(value) for value in (1, 1.0, True, "1", b"1")]
    assert len(set(nodes)) == 5
    assert [type(node.value()) for node in nodes] == [int, float, bool, str, bytes]
    assert dag.put({True: "x"}) != dag.put({1: "x"})


def test_keys_that_collide_in_python_are_an_error_not_a_loss(repo: Dml) -> None:
    dag = repo.new("collide")
    both = dag.put({1: "int"}).update({1.0: "float", "a": 0}).update({True: "bool"})
    assert len(both) == 4
    with pytest.raises(ValueError, match="equal in Python"):
        both.value()
    assert [both[key].value() for key in (1, 1.0, True)] == ["int", "float", "bool"]
    some = dag.put({1}).union({1.0})
    with pytest.raises(ValueError, match="equal in Python"):
        some.value()
    assert len(some) == 2


def test_subclasses_are_their_base(repo: Dml) -> None:
    class Colour(IntEnum):
        RED = 2

    class Text(str):
        __slots__ = ()

    Point = namedtuple("Point", "x y")  # noqa: PYI024  an untyped one is what is tested
    dag = repo.new("subclasses")
    for value, plain in [
        (Colour.RED, 2),
        (Text("x"), "x"),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        (Point(1, 2), [1, 2]),
        (ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        (UserList([1]), [1]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), {"a"}),
        (bytearray(b"x"), b"x"),
        (Colour, None),
    ]:
        if plain is None:
            continue
        found = dag.put(value).value()
        assert same(found, plain), value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "cannot hold an object"),
        (1j, "complex"),
        (print, "builtin"),
        (pytest, "module"),
        (memoryview(b"12345678").cast("d"), "memoryview"),
        ({(1, 2): 3}, "cannot be the key of a map"),
        ({frozenset(): 3}, "cannot be the key of a map"),
        ("\ud800", "surrogate"),
        ({"a": ["\udfff"]}, "surrogate"),
        ([[object()]], "cannot hold"),
        ({"x": (1, {2, 3j})}, "complex"),
    ],
)
def test_what_is_no_value_is_refused(repo: Dml, value: object, words: str) -> None:
    dag = repo.new("refused")
    with pytest.raises(daggerml.Error, match=words):
        dag.put(value)
    assert dag._reader().nodes() == []


def test_nesting(repo: Dml) -> None:
    def nested(depth: int) -> list[Any]:
        value: list[Any] = []
        for _ in range(depth - 1):
            value = [value]
        return value

    dag = repo.new("deep")
    deepest = nested(1024)
    found = dag.put(deepest).value()
    for _ in range(1023):
        [found] = found  # compared step by step: == itself would recurse too deep
    assert found == []
    for depth in (1025, 100_000):
        with pytest.raises(ValueError, match="deeper than 1024"):
            dag.put(nested(depth))
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="deeper than 1024"):
        dag.put(cycle)
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(ValueError, match="deeper than 1024"):
        dag.put(loop)


def test_large_values(repo: Dml) -> None:
    dag = repo.new("large")
    assert len(dag.put(b"x" * (32 << 20)).value()) == 32 << 20  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more than 64 MiB"):
        dag.put(b"x" * (65 << 20))
    million = list(range(1_000_000))
    assert dag.put(million).value() == million


def test_uris_are_canonical_values(repo: Dml) -> None:
    uri = Uri("HTTP://Example.com/%7ea/../b")
    assert (uri.uri, str(uri), uri.scheme) == ("http://example.com/b",) * 2 + ("http",)
    assert {uri: 1}[Uri("http://example.com/b")] == 1
    assert uri != "http://example.com/b"
    for bad in ("", "no scheme", "a b:c", "relative/path"):
        with pytest.raises(ValueError, match="URI"):
            Uri(bad)
    with pytest.raises(TypeError):
        Uri(1)  # type: ignore[arg-type]
    dag = repo.new("uris")
    assert dag.put({uri: [uri]}).value() == {uri: [uri]}


def test_runnables() -> None:
    inner = Runnable("python:f", kwargs={"a": 1}, adapter="local")
    outer = Runnable(target=Uri("docker:i"), sub=inner)
    assert outer.target == outer.uri == Uri("docker:i")
    assert outer.innermost() == inner
    assert outer.sub == inner
    assert outer == Runnable("docker:i", inner)
    assert outer != inner
    assert hash(outer) == hash(Runnable("docker:i"))
    assert repr(inner) == "Runnable(Uri('python:f'), kwargs={'a': 1}, adapter='local')"
    inner.kwargs["a"] = 2
    assert inner.kwargs == {"a": 1}
    with pytest.raises(TypeError, match="string keys"):
        Runnable("a:b", kwargs={1: 2})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="one uri"):
        Runnable()
    with pytest.raises(TypeError, match="one uri"):
        Runnable("a:b", target="c:d")


def test_the_error_of_a_stack_that_json_cannot_hold_is_recorded(repo: Dml) -> None:
    error = daggerml.Error("m", "o", "t", [{"lineno": 1, "extra": {"n": [None, 2.5]}}])
    repo.new("stack").commit(error)
    found = repo.load("stack").error
    assert found is not None
    assert found.stack == error.stack
    assert json.dumps(found.stack)
