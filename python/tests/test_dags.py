"""DAGs in one process: what is put is there, open and committed."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

import daggerml
from daggerml import Dml, Error, NotFoundError, Uri

if TYPE_CHECKING:
    from pathlib import Path

usual = pytest.mark.usefixtures("repo")

VALUES = [
    None,
    True,
    0,
    -1,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    10**400,
    1.5,
    float("inf"),
    "",
    "grüße \N{SNOWMAN} \0",
    b"",
    b"\0\xff",
    Uri("s3://bucket/key"),
    [],
    [1, [2.0, [None]]],
    {},
    {"a": {"b": [1]}, 1: "int", 2.5: "float", None: 0, b"x": 2},
    set(),
    {1, "a", (1, 2), frozenset({3})},
    daggerml.Runnable(
        Uri("python:f"),
        adapter="local",
        kwargs={"x": [1]},
        sub=daggerml.Runnable("docker:image"),
    ),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@usual
def test_values_come_back(value: object) -> None:
    with daggerml.new("values") as dag:
        node = dag.put(value, name="it")
        assert node.value() == value
        assert type(node.value()) is type(value)
        dag.commit(node)
    loaded = daggerml.load("values")
    assert loaded.result.value() == value
    assert type(loaded.result.value()) is type(value)
    assert loaded["it"] == loaded.it == loaded.result == node


@usual
def test_the_getting_started_program() -> None:
    with daggerml.new("first-result", message="hello") as dag:
        xs = dag.put([1, 2, 3], name="xs")
        dag.commit(dag.put({"xs": xs, "first": xs[0]}))
    loaded = daggerml.load("first-result")
    assert loaded == dag
    assert loaded.result.value() == {"xs": [1, 2, 3], "first": 1}
    assert loaded.keys() == ["xs"]
    assert list(loaded) == ["xs"]
    assert len(loaded) == 1
    assert "xs" in loaded
    assert loaded.name == dag.name == "first-result"


@usual
def test_an_exception_becomes_the_error_and_goes_on() -> None:
    dag = daggerml.new("broken")
    dag.put(1, name="before")
    with pytest.raises(ZeroDivisionError), dag:
        _ = 1 / 0
    loaded = daggerml.load("broken")
    error = loaded.error
    assert error is not None
    assert (error.origin, error.type, error.message) == (
        "python",
        "ZeroDivisionError",
        "division by zero",
    )
    assert error.stack[-1]["line"] == "_ = 1 / 0"
    assert loaded.before.value() == 1
    with pytest.raises(Error, match="division by zero"):
        _ = loaded.result


@usual
def test_a_committed_dag_cannot_change() -> None:
    with daggerml.new("done") as dag:
        dag.commit(1)
    for change in (
        lambda: dag.put(2),
        lambda: dag.commit(2),
        dag.freeze,
        lambda: dag.require("done"),
        lambda: setattr(dag, "x", 1),
        dag.__enter__,
    ):
        with pytest.raises(daggerml.DmlRepoError, match="is committed") as caught:
            change()
        assert caught.value.kind == "closed"


@usual
def test_what_a_dag_has_itself_is_no_name_to_set() -> None:
    dag = daggerml.new("itself")
    for name in ("result", "tags", "put", "dml", "keys"):
        with pytest.raises(AttributeError, match=rf"dag\['{name}'\] = "):
            setattr(dag, name, 1)
        dag[name] = 1
        assert dag[name].value() == 1


@usual
def test_one_tag_is_not_its_letters() -> None:
    assert daggerml.new("tagged", tags="course").tags == ["course"]


@usual
def test_what_can_be_pickled_and_copied() -> None:
    repo = daggerml.get_default_dml()
    assert pickle.loads(pickle.dumps(repo)) == repo  # noqa: S301  our own
    with repo.new("d") as dag:
        assert copy.copy(dag) is dag
        with pytest.raises(TypeError, match="send its ref"):
            pickle.dumps(dag)
        dag.commit(1)
    assert list(repo) == ["d"]


@usual
def test_what_is_missing_is_named() -> None:
    with pytest.raises(NotFoundError, match='dag "nope"'):
        daggerml.load("nope")
    with daggerml.new("d") as dag:
        dag.commit(1)
    with pytest.raises(LookupError, match="nope"):
        _ = dag["nope"]
    with pytest.raises(AttributeError, match="nope"):
        _ = dag.nope
    assert not hasattr(dag, "nope")


def test_a_repository_of_0_1_is_called_that(tmp_path: Path) -> None:
    (tmp_path / ".dml").mkdir()
    (tmp_path / ".dml" / "config.json").write_text("{}")
    for attempt in (Dml, Dml.open, Dml.init):
        with pytest.raises(daggerml.DmlRepoError, match=r"made by DaggerML 0\.1") as caught:
            attempt(tmp_path)
        assert caught.value.kind == "unsupported"


def test_no_repository_is_made_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    with pytest.raises(NotFoundError, match="no DaggerML repository") as caught:
        daggerml.new("d")
    assert "dml init" in str(caught.value)
    assert list(empty.iterdir()) == []
    made = daggerml.init()
    assert daggerml.get_default_dml() == made
    (empty / "below").mkdir()
    monkeypatch.chdir(empty / "below")
    assert daggerml.get_default_dml() == made
    other = Dml.init(tmp_path / "other")
    daggerml.set_default_dml(other)
    assert daggerml.status()["default"]["source"] == "process"
    assert daggerml.get_default_dml() == other
    daggerml.clear_default_dml()
    assert daggerml.status()["default"]["source"] == "directory"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    Dml.init(tmp_path)
    with pytest.raises(NotFoundError, match="typo"):
        Dml(tmp_path / "typo")


def test_init_twice(tmp_path: Path) -> None:
    first = Dml.init(tmp_path)
    assert Dml.init(tmp_path) == first
    with pytest.raises(daggerml.DmlRepoError, match="already exists") as caught:
        Dml.init(tmp_path, exist_ok=False)
    assert caught.value.kind == "exists"


def test_a_block_without_commit_is_warned_of(repo: Dml, caplog: pytest.LogCaptureFixture) -> None:
    with repo.new("forgotten") as dag:
        dag.put(1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "'forgotten' ended without dag.commit(...)" in caplog.text
    caplog.clear()
    with repo.new("paused") as dag:
        dag.put(1)
        dag.freeze()
    with repo.new("done") as dag:
        dag.commit(1)
    with pytest.raises(daggerml.CancellationError), repo.new("cancelled") as dag:
        dag.cancel()
    assert caplog.records == []


def test_the_parts_of_a_repository_print_what_they_are(repo: Dml) -> None:
    with repo.new("first") as dag:
        dag.commit(1)
    assert repr(repo.branch).endswith(": main>")
    assert repr(repo.tag).endswith(": none>")
    assert repr(repo.history).startswith("<the history of ")
    assert repr(repo.config).startswith("<the settings of ")
