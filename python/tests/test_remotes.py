"""Repositories that share a folder."""

from __future__ import annotations

from typing import Any

import pytest

import daggerml
from daggerml import Dml
from daggerml.errors import DmlRepoError, InvalidError, NotFoundError


def commit(repo: Dml, name: str, value: object) -> None:
    with repo.new(name, message=name) as dag:
        dag.commit(value)


@pytest.fixture
def team(tmp_path: Any) -> Any:
    """A repository that was pushed to a folder, and a clone of that folder."""
    ada = Dml.init(tmp_path / "ada")
    commit(ada, "base", 1)
    ada.remotes.add("origin", str(tmp_path / "team"))
    ada.push()
    return ada, Dml.clone(str(tmp_path / "team"), tmp_path / "bob")


def test_what_one_pushes_another_pulls(team: Any) -> None:
    ada, bob = team
    assert bob.load("base").result.value() == 1
    upstream = bob.status()["upstream"]
    assert upstream["name"] == "origin/main"
    assert (upstream["ahead"], upstream["behind"]) == (0, 0)
    commit(ada, "more", [1, 2])
    steps: list[dict[str, Any]] = []
    pushed = ada.push(on_progress=steps.append)
    assert [change["change"] for change in pushed["changes"]] == ["fast_forward"]
    assert pushed["changes"][0]["ref"] == "heads/main"
    assert pushed["changes"][0]["after"] == ada.status()["commit"]
    assert pushed["objects"] > 0
    assert steps
    assert {"phase", "objects", "bytes", "total"} == set(steps[0])
    fetched = bob.fetch()
    assert fetched["changes"][0]["ref"] == "remotes/origin/main"
    assert bob.status()["upstream"]["behind"] == 1
    assert "more" not in bob
    pulled = bob.pull()
    assert (pulled["from"], pulled["merge"]) == ("origin/main", "fast_forward")
    assert pulled["commit"] == ada.status()["commit"] == bob.status()["commit"]
    assert bob.load("more").result.value() == [1, 2]
    assert bob.pull()["merge"] == "up_to_date"


def test_dags_of_a_remote_are_loaded_without_a_merge(team: Any) -> None:
    ada, bob = team
    commit(ada, "base", 2)
    ada.push()
    bob.fetch()
    assert bob.load("base").result.value() == 1
    for remote in ("origin", True):
        assert bob.load("base", remote=remote).result.value() == 2
        assert bob.load("base", remote=remote, revision="main~1").result.value() == 1
    with daggerml.use_default_dml(bob):
        assert daggerml.load("base", remote="origin").result.value() == 2
    assert bob.load("base", revision="origin/main").result.value() == 2
    with pytest.raises(NotFoundError, match="orgin"):
        bob.load("base", remote="orgin")


def test_who_comes_second_is_refused_and_loses_nothing(team: Any) -> None:
    ada, bob = team
    commit(ada, "base", 2)
    commit(bob, "base", 3)
    bob.push()
    with pytest.raises(DmlRepoError, match="has commits that this push would drop") as refused:
        ada.push()
    assert refused.value.kind == "conflict"
    with pytest.raises(DmlRepoError, match="moved since"):
        ada.push(force="lease")
    with pytest.raises(DmlRepoError) as conflict:
        ada.pull()
    assert conflict.value.kind == "conflict"
    assert list(ada.conflicts()) == ["base"]
    ada.merge_abort()
    assert ada.pull(favor="ours")["merge"] == "merged"
    ada.push()
    assert bob.pull()["merge"] == "fast_forward"
    assert bob.load("base").result.value() == 2
    with pytest.raises(InvalidError, match="force must be"):
        bob.push(force="hard")


def test_branches_tags_and_what_is_followed(team: Any) -> None:
    ada, bob = team
    ada.branch.create("trial")
    ada.tag.create("v1")
    assert {c["ref"] for c in ada.push(all=True, tags=True, dry_run=True)["changes"]} == {
        "heads/main",
        "heads/trial",
        "tags/v1",
    }
    assert list(ada.remotes.refs()) == ["heads/main"]
    ada.push(["trial", "v1", "main:release"])
    assert list(ada.remotes.refs()) == ["heads/main", "heads/release", "heads/trial", "tags/v1"]
    assert ada.branch.get_upstream("trial")["name"] == "origin/trial"
    bob.fetch()
    assert list(bob.remotes.branches()) == ["main", "release", "trial"]
    assert list(bob.tag.list()) == ["v1"]
    bob.branch.set_upstream("origin/release")
    assert bob.branch.get_upstream()["branch"] == "release"
    with pytest.raises(InvalidError, match='is it "origin/release"'):
        bob.branch.set_upstream("release")
    bob.branch.set_upstream(None)
    assert bob.branch.get_upstream() is None
    ada.push(":release")
    assert [c["change"] for c in bob.fetch(prune=True)["changes"]] == ["deleted"]
    assert list(bob.remotes.branches("origin")) == ["main", "trial"]


def test_what_is_checked_out_is_pushed_beside_others(team: Any) -> None:
    ada, _ = team
    commit(ada, "base", 2)
    ada.tag.create("v9")
    changes = ada.push(["HEAD", "@v9"])["changes"]
    assert [change["ref"] for change in changes] == ["heads/main", "tags/v9"]
    assert ada.remotes.refs()["heads/main"] == ada.status()["commit"]


def test_a_remote_is_collected_and_checked(team: Any, tmp_path: Any) -> None:
    ada, _ = team
    before = ada.status()["commit"]
    commit(ada, "more", list(range(1000)))
    ada.push()
    ada.push(f"{before.id()}:main", force=True)
    assert ada.remotes.gc(grace=0, dry_run=True)["deleted"] == 1
    assert ada.remotes.gc()["waiting"] == 1
    assert ada.remotes.gc(grace=0)["deleted"] == 1
    assert ada.remotes.fsck() == []
    (pack,) = (path for path in (tmp_path / "team" / "packs").rglob("*") if path.is_file())
    pack.chmod(0o644)
    pack.write_bytes(b"!" + pack.read_bytes()[1:])
    (finding, *_) = ada.remotes.fsck()
    assert pack.name in finding["name"]
    assert "do not match its name" in finding["detail"]


def test_remotes_are_set_up(repo: Any, tmp_path: Any, monkeypatch: Any) -> None:
    assert repo.remotes.list() == {}
    with pytest.raises(NotFoundError, match='"origin" not found') as nothing:
        repo.push()
    assert "dml remote add" in str(nothing.value)
    monkeypatch.chdir(tmp_path)
    assert repo.remotes.add("origin", "here") == str(tmp_path / "here")
    with pytest.raises(DmlRepoError) as again:
        repo.remotes.add("origin", "there")
    assert again.value.kind == "exists"
    repo.remotes.set_url("origin", "../there")
    assert repo.remotes.list() == {"origin": str(tmp_path.parent / "there")}
    with pytest.raises(NotFoundError, match="is not a remote"):
        repo.fetch()
    with pytest.raises(InvalidError, match="password"):
        repo.remotes.add("second", "s3://user:secret@bucket/x")
    with pytest.raises(InvalidError, match="a path on a host is written ssh://host/path"):
        repo.remotes.add("second", "me@host:team")
    with pytest.raises(InvalidError, match="after its first word comes ://"):
        Dml.clone("file:team")
    (tmp_path / "me@host:team").mkdir()
    assert repo.remotes.add("second", "me@host:team") == str(tmp_path / "me@host:team")
    repo.remotes.remove("second")
    repo.remotes.remove("origin")
    assert repo.remotes.list() == {}


def test_a_clone_that_fails_leaves_nothing(tmp_path: Any, monkeypatch: Any, team: Any) -> None:
    ada, _ = team
    with pytest.raises(NotFoundError, match="is not a remote"):
        Dml.clone(str(tmp_path / "nowhere"), tmp_path / "new")
    with pytest.raises(NotFoundError, match="it is a repository"):
        Dml.clone(ada.root, tmp_path / "new")
    with pytest.raises(NotFoundError, match="nope"):
        Dml.clone(str(tmp_path / "team"), tmp_path / "new", branch="nope")
    assert not (tmp_path / "new").exists()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert Dml.clone("../team").root == str(tmp_path / "work" / "team")
    with pytest.raises(InvalidError, match="names no folder"):
        Dml.clone("/")


def test_what_a_listener_raises_stops_a_push(team: Any) -> None:
    ada, _ = team
    commit(ada, "more", 1)

    def stop(step: dict[str, Any]) -> None:
        raise KeyboardInterrupt(step["phase"])

    with pytest.raises(KeyboardInterrupt):
        ada.push(on_progress=stop)
    assert ada.remotes.refs()["heads/main"] != ada.status()["commit"]
    ada.push()


def test_a_shallow_clone_has_the_newest_commits(team: Any, tmp_path: Any) -> None:
    ada, _ = team
    for number in range(3):
        with ada.new("count") as dag:
            dag.commit(number)
    ada.push()
    short = Dml.clone(str(tmp_path / "team"), tmp_path / "short", depth=2)
    assert [entry["commit"] for entry in short.log()] == [
        entry["commit"] for entry in ada.log()[:2]
    ]
    assert short.status()["shallow"]
    assert not ada.status()["shallow"]
    assert short.load("count").result.value() == 2
    assert short.fsck() == []
    with pytest.raises(NotFoundError, match="does not go back so far") as failed:
        short.load("count", revision="HEAD~2")
    assert "--unshallow" in str(failed.value.hint)
    short.fetch(depth=3)
    assert len(short.log()) == 3
    short.fetch(unshallow=True)
    assert short.log() == ada.log()
    assert not short.status()["shallow"]
    for wrong in (0, -1, True, 2**32):
        with pytest.raises(InvalidError, match="number of commits"):
            short.fetch(depth=wrong)


def test_a_filtered_clone_reads_large_values_when_they_are_wanted(team: Any, tmp_path: Any) -> None:
    ada, _ = team
    commit(ada, "large", "x" * 100_000)
    ada.push()
    address = str(tmp_path / "team")
    bob = Dml.clone(address, tmp_path / "filtered", filter="values:10k")
    assert bob.status()["promised"] == 1
    assert bob.load("base").result.value() == 1
    # A notebook's table tells of it and does not fetch it.
    shown = bob.load("large")._repr_html_()
    assert "stays at origin until it is read: 100,0" in shown
    assert bob.status()["promised"] == 1
    (tmp_path / "team").rename(tmp_path / "away")
    with pytest.raises(DmlRepoError, match="left it") as failed:
        bob.load("large").result.value()
    assert failed.value.kind == "unavailable"
    (tmp_path / "away").rename(tmp_path / "team")
    assert bob.load("large").result.value() == "x" * 100_000
    assert bob.status()["promised"] == 0
    commit(ada, "larger", "y" * 100_000)
    ada.push()
    bob.pull()
    assert bob.status()["promised"] == 1
    bob.fetch(filter="none")
    assert bob.status()["promised"] == 0
    with pytest.raises(InvalidError, match="is not a filter"):
        Dml.clone(address, tmp_path / "wrong", filter="trees")
    assert not (tmp_path / "wrong").exists()


def test_programs_of_0_1_find_their_names(team: Any, tmp_path: Any) -> None:
    ada, bob = team
    assert bob.dep.list() == {"origin": str(tmp_path / "team")}
    bob.dep.add("library", str(tmp_path / "team"))
    with pytest.warns(DeprecationWarning, match="write remote='library'"):
        bob.fetch(dep="library")
    with pytest.warns(DeprecationWarning, match="write remote='library'"):
        assert bob.load("base", dep="library").result.value() == 1
    with pytest.warns(DeprecationWarning, match="write refs='main'"):
        ada.push(revision="main")
    with pytest.warns(DeprecationWarning, match="write ff='only'"):
        bob.pull(ff_only=True)
    bob.fetch(depth=1)
    bob.dep.delete("library")
    assert list(bob.remotes.list()) == ["origin"]
