"""Branches, tags, merges, settings, garbage and damage from Python, as `dml` has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import daggerml
from daggerml import Dml, Ref


def put(repo: Dml, name: str, value: Any) -> Ref:
    with repo.new(name, message=f"{name} = {value}") as dag:
        dag.commit(value)
    commit = repo.status()["commit"]
    assert isinstance(commit, Ref)
    return commit


def values(repo: Dml) -> dict[str, Any]:
    return {name: repo[name].result.value() for name in repo.dags()}


def test_branches(repo: Dml) -> None:
    first = put(repo, "a", 1)
    second = put(repo, "a", 2)
    assert repo.branch.list() == {"main": second}
    assert repo.branch.create("old", "HEAD~1") == first
    assert repo.branch.create("same") == second
    with pytest.raises(daggerml.DmlRepoError) as caught:
        repo.branch.create("old")
    assert caught.value.kind == "exists"
    assert repo.branch.move("old", second) == second
    assert repo.branch.move("old", first) == first
    repo.branch.rename("same", "new")
    assert repo.branch.list() == {"main": second, "new": second, "old": first}
    assert repo.checkout("old")["branch"] == "old"
    assert values(repo) == {"a": 1}
    lost = put(repo, "only", "here")
    assert repo.checkout(second)["branch"] is None
    with pytest.raises(daggerml.DmlRepoError, match="branch or tag"):
        repo.branch.delete("old")
    assert repo.branch.delete("old", force=True) == lost
    assert sorted(repo.branch.list()) == ["main", "new"]
    with pytest.raises(daggerml.NotFoundError):
        repo.checkout("old")


def test_tags(repo: Dml) -> None:
    first, second = put(repo, "a", 1), put(repo, "a", 2)
    assert repo.tag.create("v2") == second
    assert repo.tag.create("v1", "HEAD~1") == first
    assert repo.tag.list() == {"v1": first, "v2": second}
    assert repo.load("a", revision="v1").result.value() == 1
    assert repo.tag.delete("v1") == first
    assert list(repo.tag.list()) == ["v2"]


def test_merging(repo: Dml) -> None:
    put(repo, "base", 0)
    repo.branch.create("trial")
    ours = put(repo, "mine", 1)
    repo.checkout("trial")
    theirs = put(repo, "yours", 2)
    repo.checkout("main")
    with pytest.raises(daggerml.DmlRepoError):
        repo.merge("trial", ff="only")
    merged = repo.merge("trial", message="both")
    [entry] = repo.log(limit=1)
    assert (entry["commit"], entry["parents"], entry["message"]) == (merged, [ours, theirs], "both")
    assert values(repo) == {"base": 0, "mine": 1, "yours": 2}
    assert repo.merge("trial") == merged  # nothing to do
    messages = [entry["message"] for entry in repo.log(first_parent=True)]
    assert messages == ["both", "mine = 1", "base = 0"]
    assert [entry["commit"] for entry in repo.log(dag="yours")] == [theirs]
    repo.checkout("trial")
    assert repo.merge("main") == merged  # fast forward


def test_conflicts_wait_to_be_resolved(repo: Dml) -> None:
    put(repo, "a", 0)
    repo.branch.create("trial")
    put(repo, "a", "ours")
    put(repo, "b", "ours")
    repo.checkout("trial")
    put(repo, "a", "theirs")
    put(repo, "b", "theirs")
    repo.checkout("main")
    with pytest.raises(daggerml.DmlRepoError, match="a") as caught:
        repo.merge("trial")
    assert caught.value.kind == "conflict"
    assert repo.conflicts() == {"a": None, "b": None}
    repo.merge_abort()
    assert repo.conflicts() == {}
    with pytest.raises(daggerml.DmlRepoError):
        repo.merge("trial")
    repo.resolve_conflict("a", "theirs")
    repo.resolve_conflict("b", "ours")
    assert repo.conflicts() == {"a": "theirs", "b": "ours"}
    assert repo.merge_continue() == repo.status()["commit"]
    assert values(repo) == {"a": "theirs", "b": "ours"}
    repo.checkout("HEAD~1")
    repo.merge("trial", favor="theirs")
    assert values(repo) == {"a": "theirs", "b": "theirs"}
    with pytest.raises(ValueError, match="favor is"):
        repo.merge("trial", favor="mine")  # type: ignore[arg-type]


def test_rebasing_and_reverting(repo: Dml) -> None:
    base = put(repo, "base", 0)
    repo.branch.create("trial")
    on = put(repo, "main", 1)
    repo.checkout("trial")
    put(repo, "trial", 2)
    new = repo.rebase("main")
    assert repo.log(limit=1)[0]["parents"] == [on]
    assert repo.branch.list()["trial"] == new
    undone = repo.revert(on, "never mind")
    assert repo.log(limit=1)[0]["message"] == "never mind"
    assert values(repo) == {"base": 0, "trial": 2}
    assert list(repo.diff()) == ["main"]
    assert list(repo.diff(undone, base)) == ["trial"]


def test_conflicts_of_rebase_and_revert_are_resolved_by_name(repo: Dml) -> None:
    put(repo, "a", 0)
    repo.branch.create("trial")
    put(repo, "a", "main")
    repo.checkout("trial")
    put(repo, "a", "trial")
    with pytest.raises(daggerml.DmlRepoError) as caught:
        repo.rebase("main")
    assert caught.value.kind == "conflict"
    repo.rebase("main", resolve={"a": "theirs"})
    assert values(repo) == {"a": "trial"}
    with pytest.raises(daggerml.DmlRepoError):
        repo.revert("main")
    repo.revert("main", resolve={"a": "removed"})
    assert values(repo) == {}


def test_diffs_and_names(repo: Dml) -> None:
    first = put(repo, "a", 1)
    before = repo["a"].ref
    assert repo.diff(first) == {"a": (None, before)}
    put(repo, "a", 2)
    after = repo["a"].ref
    assert repo.diff() == {"a": (before, after)}
    renamed = repo.rename_dag("a", "b")
    assert repo.diff(renamed) == {"a": (after, None), "b": (None, after)}
    assert repo.diff("HEAD", first) == {"a": (before, None), "b": (None, after)}
    repo.delete_dag("b", message="gone")
    assert repo.dags() == {}
    assert repo.log(limit=1)[0]["message"] == "gone"
    with pytest.raises(daggerml.NotFoundError):
        repo.delete_dag("b")


def test_settings(repo: Dml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "config"))
    assert repo.config.get("user.name") is None
    repo.config.set("user.name", "Ada", user=True)
    repo.config.set("user.name", "Grace")
    assert repo.config.get("user.name") == "Grace"
    assert repo.config.list()["user.name"] == "Grace"
    put(repo, "a", 1)
    assert repo.log(limit=1)[0]["author"].startswith("Grace")
    repo.config.set("user.name", None)
    assert repo.config.get("user.name") == "Ada"
    with pytest.raises(daggerml.DmlRepoError):
        repo.config.set("no.such.key", "x")
    # Which programs run is not for a repository to say.
    for key in ("adapters.allow", "adapter.mine.command"):
        with pytest.raises(ValueError, match="user=True"):
            repo.config.set(key, "mine")


def test_garbage_and_damage(repo: Dml) -> None:
    put(repo, "kept", [1, 2, 3])
    repo.new("lost").put("nobody wants me")
    with repo.new("tried") as dag:
        dag.commit(["tried", 4])
    repo.checkout("HEAD~1")
    repo.branch.move("main", "HEAD")
    report = repo.gc(dry_run=True)
    assert report["removed"]["commit"] == report["removed"]["dag"] == 1
    done = repo.gc()
    assert {**done, "file": report["file"]} == report
    assert 0 < done["file"]["after"] <= report["file"]["before"] + 2**20
    assert repo.gc()["removed"] == {}
    assert repo.fsck() == []
    assert values(repo) == {"kept": [1, 2, 3]}

    file = Path(repo.root, ".dml", "data.mdb")
    stored = file.read_bytes()
    # The list, and what is left of it in pages that are not used any more.
    places = [found.start() for found in re.finditer(rb"\x83\x01\x02\x03", stored)]
    with file.open("r+b") as data:
        for at in places:
            data.seek(at + 3)
            data.write(b"\x09")
    findings = repo.fsck()
    assert findings
    assert findings[0]["subject"] in {"object", "page"}
    assert any("kept" in lost for finding in findings for lost in finding["lost"])
    with pytest.raises(daggerml.DmlRepoError) as caught:
        repo["kept"].result.value()
    assert caught.value.kind == "corrupt"
