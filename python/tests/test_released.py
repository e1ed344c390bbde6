"""Arguments of daggerml 0.1.x are taken, or refused with what is written instead."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import daggerml
from daggerml.errors import InvalidError


def test_what_has_a_meaning_is_taken_with_a_warning(repo: Any) -> None:
    with repo.new("base") as dag:
        dag.commit(1)
    with pytest.warns(DeprecationWarning, match=r"write ff='only'"):
        repo.merge("main", ff_only=True)
    with pytest.warns(DeprecationWarning, match="write user=False"):
        repo.config.set("user.name", "Ada", scope="local")
    assert repo.config.get("user.name") == "Ada"
    with pytest.warns(DeprecationWarning, match="leave it out: a branch of a remote is"):
        assert list(repo.branch.list(remote=False, dep=None)) == ["main"]
    listed: Any = repo.branch.list()
    with pytest.warns(DeprecationWarning, match=r"write \.items\(\)"):
        assert listed[0] == {"name": "main", "commit": listed["main"]}
    with pytest.raises(KeyError):
        listed["nope"]
    assert repo.branch.create("again", revision=None) == listed["main"]
    repo.branch.delete("again")
    with pytest.warns(DeprecationWarning, match="needs no pauses"), repo.new("slept") as dag:
        dag.commit(dag.call(daggerml.command(["true"]), sleep=None))
    with pytest.warns(DeprecationWarning, match="the store grows by itself"):
        daggerml.Dml(repo.root, db_map_size_max=1)  # type: ignore[call-arg]


def test_what_has_none_is_refused_with_what_is_written_instead(repo: Any) -> None:
    with pytest.raises(InvalidError, match=r"log\(\) has no 'remote' here\nhint: a branch of a"):
        repo.log("x", remote=True)
    with repo.new("x") as dag:
        with pytest.raises(InvalidError, match=r"hint: put the text as a node of its own"):
            dag.put(1, doc="one")
        dag.commit(1)
    with pytest.raises(InvalidError, match="adds a remote to a repository"):
        daggerml.temporary(remote_root="s3://bucket/root")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="nonsense"):
        daggerml.temporary(nonsense=1)  # type: ignore[call-arg]


def test_a_user_is_the_author_of_commits() -> None:
    with daggerml.temporary(user="tester") as repo:
        with repo.new("x") as dag:
            dag.commit(1)
        assert repo.log()[0]["author"].startswith("tester")


def test_the_signatures_are_ours() -> None:
    assert "dep" not in inspect.signature(daggerml.load).parameters
    assert inspect.getdoc(daggerml.Dag.put)
