"""Errors: they say what, where and what to do, and survive a trip to another process."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
from typing import TYPE_CHECKING

import pytest

import daggerml
from daggerml import _core
from daggerml.errors import CodecError, DmlRepoError, Error, NodeError, engine_error

if TYPE_CHECKING:
    from pathlib import Path


def test_every_kind_of_the_engine_has_an_exception() -> None:
    kinds = _core.error_kinds()
    assert set(kinds) >= {"invalid", "not_found", "exists", "conflict", "corrupt", "io", "closed"}
    for kind in kinds:
        error = engine_error(kind, "what", "do this")
        assert (error.kind, error.message, error.hint) == (kind, "what", "do this")
        assert str(error) == "what\nhint: do this"
        assert error.origin == "dml"
    assert isinstance(engine_error("not_found", "x"), LookupError)
    assert isinstance(engine_error("invalid", "x"), ValueError)


@pytest.mark.parametrize(
    "error",
    [
        Error("m", "python", "KeyError", [{"lineno": 3}]),
        engine_error("not_found", "m", "h"),
        engine_error("invalid", "m"),
        CodecError("m"),
        CodecError.unsupported(object()),
        daggerml.CancellationError("m"),
        daggerml.CanceledExecutionError("m"),
        NodeError(Error("m", "o", "t"), node_ref=_core.Ref("node:" + "0" * 64)),
    ],
)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_pickling(error: Error, protocol: int) -> None:
    copy = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  our own
    assert type(copy) is type(error)
    assert copy == error
    assert str(copy) == str(error)
    assert (copy.origin, copy.type, copy.stack) == (error.origin, error.type, error.stack)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize(
    "value",
    [
        _core.Ref("dag:" + "a" * 64),
        _core.Uri("a:b"),
        _core.Runnable("a:b", kwargs={"k": [1]}, adapter="x", sub=_core.Runnable("c:d")),
    ],
)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_values_survive_pickling(value: object, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(value, protocol)) == value  # noqa: S301  our own


def test_handles_refuse_pickling(repo: daggerml.Dml) -> None:
    dag = repo.new("d")
    node = dag.put(1)
    for handle in (node, dag._open):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(handle)


def _fail(root: str) -> None:
    daggerml.Dml.open(root).load("nope")


def test_errors_come_back_from_a_worker(repo: daggerml.Dml) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(daggerml.NotFoundError, match="nope") as caught:
            pool.apply(_fail, (repo.root,))
        assert caught.value.kind == "not_found"


def test_from_ex_keeps_the_stack() -> None:
    def inner() -> None:
        text = "inner"
        raise ValueError(text)

    with pytest.raises(ValueError, match="inner") as caught:
        inner()
    error = Error.from_ex(caught.value)
    assert [frame["name"] for frame in error.stack] == [
        "test_from_ex_keeps_the_stack",
        "inner",
    ]
    assert Error.from_ex(error) == error


def test_an_error_that_cannot_be_recorded_hides_nothing(
    repo: daggerml.Dml, caplog: pytest.LogCaptureFixture
) -> None:
    dag = repo.new("d")
    dag.freeze()
    caplog.set_level(logging.ERROR, "daggerml")
    with pytest.raises(KeyError, match="the real"), dag:
        raise KeyError("the real one")
    [record] = caplog.records
    assert "could not be recorded: the DAG" in record.message
    assert "frozen" in record.message
    assert record.exc_info is None  # without a handler, logging prints it between tracebacks


def test_nothing_is_printed(
    repo: daggerml.Dml, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "daggerml"):
        with repo.new("d") as dag:
            dag.commit(1)
        with pytest.raises(ZeroDivisionError), repo.new("e"):
            _ = 1 / 0
    assert capfd.readouterr() == ("", "")
    assert "committed DAG 'd'" in caplog.text


def test_damage_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".dml").mkdir()
    (tmp_path / ".dml" / "data.mdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(DmlRepoError) as caught:
        daggerml.Dml.open(tmp_path)
    assert caught.value.kind in {"corrupt", "unsupported", "io"}


def test_an_edited_value_is_never_returned(repo: daggerml.Dml, tmp_path: Path) -> None:
    with repo.new("d") as dag:
        dag.commit("a value that can be found in the file")
    root = tmp_path / "copy"
    (root / ".dml").mkdir(parents=True)
    data = (tmp_path / "repo" / ".dml" / "data.mdb").read_bytes()
    edited = data.replace(b"can be found", b"was a forged")
    assert edited != data
    (root / ".dml" / "data.mdb").write_bytes(edited)
    with pytest.raises(DmlRepoError, match="damaged") as caught:
        daggerml.Dml.open(root).load("d").result.value()
    assert caught.value.kind == "corrupt"
