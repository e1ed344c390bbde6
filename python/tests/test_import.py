"""`dml import-0.1` brings repositories of daggerml 0.1 over: both are loaded and compared."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import released_repository
from conftest import pip

import daggerml

if TYPE_CHECKING:
    from pathlib import Path

MOTO = "moto[server]>=5,<6"


#: The first release of 0.1. Those between it and the newest write the same files.
OLDEST = "daggerml==0.1.0"


def get(peer: str, *packages: str) -> None:
    """Installs packages for the released one; skip the test where they cannot be had."""
    pip(peer, "install", "-q", "--only-binary", ":all:", *packages)


def made_by(peer: str, folder: Path, *lib: str) -> tuple[Path, dict[str, Any]]:
    """Lets a released package make a repository; return it, and what the package finds in it."""
    folder.mkdir()
    done = subprocess.run(
        [peer, "-I", released_repository.__file__, str(folder), *lib],
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    return folder, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def released(peer: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Gives a repository that the newest released package made."""
    get(peer, MOTO)
    return made_by(peer, tmp_path_factory.mktemp("released") / "old")


def run(front: str, *words: str, into: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [front, "-C", str(into), "import-0.1", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def same(repo: Any, expected: dict[str, Any]) -> None:
    """Checks that the branches, their DAGs and the log are those that 0.1 found."""
    assert list(repo.branch.list()) == ["main", "trial"]
    assert repo.tag.list()["v1"] == repo.branch.list()["main"]
    for branch, dags in expected["branches"].items():
        repo.checkout(branch)
        assert {name: released_repository.held(repo.load(name)) for name in repo} == dags
    repo.checkout("main")
    log = [[entry["author"], entry["message"], entry["time"]] for entry in repo.log(limit=100)]
    times = [dt.datetime.fromisoformat(created) for *_, created in expected["log"]]
    assert [entry[:2] for entry in log] == [entry[:2] for entry in expected["log"]]
    assert [entry[2] for entry in log] == times


def test_all_that_it_holds_is_here(
    released: tuple[Path, dict[str, Any]], front: str, tmp_path: Path
) -> None:
    folder, expected = released
    repo: Any = daggerml.Dml.init(tmp_path / "new")
    rehearsal = run(front, str(folder), "--dry-run", "--json", into=tmp_path / "new")
    assert rehearsal.returncode == 0, rehearsal.stderr
    assert repo.branch.list() == {}
    done = run(front, str(folder), "--json", into=tmp_path / "new")
    assert done.stdout == rehearsal.stdout
    report = json.loads(done.stdout)
    assert {"what": "open DAGs", "number": 1} in report["left"]
    assert any(left["what"].startswith("settings (") for left in report["left"])
    same(repo, expected)
    assert released_repository.called(repo.load("f")) == expected["inside"]
    assert len(repo.load("f").six.context().argv) == 2  # 0.1 has the runnable there too
    assert repo.fsck() == []
    assert repo.load("b").z.context() == repo.load("a", revision="main~2")
    again = run(front, str(folder), into=tmp_path / "new")
    assert again.returncode == 0
    before = json.loads(done.stdout)["branches"]
    after = json.loads(run(front, str(folder), "--json", into=tmp_path / "new").stdout)["branches"]
    assert [each["commit"] for each in after] == [each["commit"] for each in before]
    assert not any(each["changed"] for each in after)


def test_the_oldest_release_is_read_too(peer: str, front: str, tmp_path: Path) -> None:
    lib = str(tmp_path / "lib")
    get(peer, MOTO)
    get(peer, "--no-deps", "--target", lib, OLDEST)
    folder, expected = made_by(peer, tmp_path / "old", lib)
    assert expected["version"] == "0.1.0"
    repo = daggerml.Dml.init(tmp_path / "new")
    done = run(front, str(folder), into=tmp_path / "new")
    assert done.returncode == 0, done.stderr
    same(repo, expected)
    assert repo.fsck() == []


def test_names_that_are_taken_stay(
    released: tuple[Path, dict[str, Any]], front: str, tmp_path: Path
) -> None:
    folder, _ = released
    repo = daggerml.Dml.init(tmp_path / "own")
    with repo.new("mine") as dag:
        dag.commit(1)
    done = run(front, str(folder), into=tmp_path / "own")
    assert done.returncode == 0, done.stderr
    assert list(repo.dags()) == ["mine"]
    assert list(repo.branch.list()) == ["0.1/main", "main", "trial"]
    assert repo.load("a", revision="0.1/main").result.value() == 5


def test_what_is_no_such_repository_is_refused(front: str, tmp_path: Path) -> None:
    own = daggerml.Dml.init(tmp_path / "own")
    missing = run(front, str(tmp_path / "nowhere"), into=tmp_path / "own")
    assert missing.returncode == 3
    assert "repository of daggerml 0.1" in missing.stderr
    ours = run(front, own.root, into=tmp_path / "own")
    assert ours.returncode == 3
    store = tmp_path / "odd" / ".dml" / "db"
    store.mkdir(parents=True)
    (store / "data.mdb").write_bytes(b"x" * 8192)
    odd = run(front, str(tmp_path / "odd"), into=tmp_path / "own")
    assert odd.returncode == 1
    assert "data.mdb" in odd.stderr


def test_damage_is_an_error_that_says_where(
    released: tuple[Path, dict[str, Any]], front: str, tmp_path: Path
) -> None:
    """Every part of the file is damaged in turn: nothing crashes, and nothing is half done."""
    folder, _ = released
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    file = copy / ".dml" / "db" / "data.mdb"
    whole = file.read_bytes()
    repo = daggerml.Dml.init(tmp_path / "new")
    codes = set()
    step = max(len(whole) // 40, 1) | 1
    for at in range(16, len(whole), step):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) * 40 + whole[at + 40 :])
        done = run(front, str(copy), "--dry-run", into=tmp_path / "new")
        codes.add(done.returncode)
        assert done.returncode in {0, 1, 2, 3}, done.stderr
        assert "internal error" not in done.stderr
        if done.returncode == 1:
            assert done.stderr.startswith("error: ")
    file.write_bytes(whole[: len(whole) // 2])
    cut = run(front, str(copy), into=tmp_path / "new")
    assert cut.returncode == 1
    assert "data.mdb" in cut.stderr
    assert codes >= {0, 1}
    assert repo.branch.list() == {}


if sys.platform == "win32":
    pytestmark = pytest.mark.skip(reason="daggerml 0.1 is not for Windows")
