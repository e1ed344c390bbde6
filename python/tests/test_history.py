"""DAGs of other times: revisions, and the log."""

from __future__ import annotations

import datetime as dt
import inspect

import pytest

import daggerml
from daggerml.history import History


def test_any_revision(repo: daggerml.Dml) -> None:
    commits = []
    for number in range(3):
        with repo.new("count", message=f"to {number}") as dag:
            dag.commit(number)
        commits.append(repo.status()["commit"])
    with repo.new("other") as dag:
        dag.commit(None)

    assert repo.load("count").result.value() == 2
    for number, commit in enumerate(commits):
        for revision in (commit, commit.id(), commit.id()[:12], f"HEAD~{3 - number}"):
            dag = repo.load("count", revision=revision)
            assert dag.result.value() == number
            assert daggerml.load("count", revision=revision) == dag
            assert repo.dags(revision=revision) == {"count": dag.ref}
    assert sorted(repo.dags()) == sorted(repo.dags(revision="main")) == ["count", "other"]
    assert repo.rev_parse("HEAD~1") == commits[-1]
    with pytest.raises(daggerml.NotFoundError, match="other"):
        repo.load("other", revision="HEAD~1")
    with pytest.raises(daggerml.NotFoundError):
        repo.load("count", revision="nope")


def test_the_log(repo: daggerml.Dml) -> None:
    before = dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=1)
    for number in range(12):
        with repo.new("count", message=f"to {number}") as dag:
            dag.commit(number)
    log = repo.log()
    assert [entry["message"] for entry in log] == [f"to {11 - number}" for number in range(10)]
    assert log[0]["commit"] == repo.status()["commit"]
    assert log[0]["parents"] == [log[1]["commit"]]
    assert before < log[-1]["time"] <= log[0]["time"] <= dt.datetime.now(dt.timezone.utc)
    assert len(repo.log(limit=None)) == 12
    assert [entry["message"] for entry in repo.log("HEAD~2..HEAD")] == ["to 11", "to 10"]


def test_a_repository_has_the_methods_of_its_history() -> None:
    """What is under `repo.history` can be written without `history`, and takes the same."""
    public = [name for name in vars(History) if not name.startswith("_")]
    assert len(public) == 13
    for name in public:
        ours = inspect.signature(getattr(daggerml.Dml, name)).parameters
        theirs = inspect.signature(getattr(History, name)).parameters
        assert list(ours) == list(theirs), name
        for parameter in ours:
            assert ours[parameter].default == theirs[parameter].default, (name, parameter)
            assert ours[parameter].kind == theirs[parameter].kind, (name, parameter)


def test_the_parts_of_a_repository(repo: daggerml.Dml) -> None:
    with repo.new("base") as dag:
        dag.commit(1)
    base = repo.branch.create("trial")
    repo.history.checkout("trial")
    with repo.new("base") as dag:
        dag.commit(2)
    repo.history.checkout("main")
    with repo.new("base") as dag:
        dag.commit(3)
    with pytest.raises(daggerml.DmlRepoError) as raised:
        repo.history.merge("trial")
    assert raised.value.kind == "conflict"
    assert repo.history.conflicts() == repo.conflicts() == {"base": None}
    repo.history.resolve_conflict("base", "theirs")
    merged = repo.history.merge_continue()
    assert repo.load("base").result.value() == 2
    assert repo.history.rev_parse("main") == merged == repo.history.log(limit=1)[0]["commit"]
    assert repo.history.log() == repo.log()
    assert list(repo.history.diff("main", base)) == ["base"]
