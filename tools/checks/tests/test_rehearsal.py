"""A whole release of `dist/` to an index on this machine.

Its upload breaks off in every way that it can; three rebuilders attest what was released,
and users verify it from the index: all is well, and then everything that an attacker can do
to the files and the statements. The tests follow one another, on one index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)
from flaky_index import PASSWORD, USER, Index
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from repository import DIST, ROOT, TARGET
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHEELWRIGHT = TARGET / "tool" / ("wheelwright.exe" if os.name == "nt" else "wheelwright")
REBUILDERS = ["ada", "bob", "cyd"]

#: How `wheelwright verify` ends.
AGREED, DISAGREEMENT, TOO_FEW, NOT_FOUND = range(4)


class Stage:
    """An index, a copy of `dist/` and a plan of its release."""

    def __init__(self, folder: Path) -> None:
        """Plan all platforms if `dist/` has them, else this machine's."""
        self.index = Index(folder)
        self.dist, self.plan = folder / "dist", folder / "plan.json"
        self.dist.mkdir()
        for file in [*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")]:
            shutil.copy(file, self.dist)
        # A git repository, whose commit the statements name.
        self.proof = folder / "proof"
        (self.proof / "statements").mkdir(parents=True)
        plan = ["release", "plan", "--dist", self.dist, "--out", self.plan]
        if self.ended(*plan)[0]:
            self.run(*plan, "--host")
        packages = json.loads(self.plan.read_text())["packages"]
        #: Name and SHA-256 of every planned file, in order.
        self.files = [(f["file"], f["sha256"]) for package in packages for f in package["files"]]
        sdists = [name[:-7] for name, _ in self.files if name.endswith(".tar.gz")]
        self.releases = ["==".join(sdist.rsplit("-", 1)) for sdist in sdists]

    def ended(self, *arguments: object) -> tuple[int, str]:
        """Runs wheelwright; returns its exit code and what it printed."""
        env = {**os.environ, "UV_PUBLISH_USERNAME": USER, "UV_PUBLISH_PASSWORD": PASSWORD}
        env.update(WHEELWRIGHT_INDEX=self.index.simple, WHEELWRIGHT_UPLOAD_URL=self.index.address)
        env.pop("UV_PUBLISH_TOKEN", None)
        command = [str(WHEELWRIGHT), *map(str, arguments)]
        cwd = ROOT if arguments[0] == "release" else self.proof
        pipe, merged = subprocess.PIPE, subprocess.STDOUT
        done = subprocess.run(
            command, cwd=cwd, env=env, input=b"", stdout=pipe, stderr=merged, check=False
        )
        said = done.stdout.decode(errors="replace")
        assert PASSWORD not in said
        print(*command, said, sep="\n")
        return done.returncode, said

    def run(self, *arguments: object, code: int = 0) -> str:
        """Runs wheelwright, which must end with `code`."""
        ended, said = self.ended(*arguments)
        assert ended == code, f"{arguments} ended with {ended}: {said}"
        return said

    def planned(self, action: str, *more: str, good: bool = True) -> str:
        """Releases by the plan, without patience; it must succeed, or fail."""
        where = ["--plan", self.plan, "--dist", self.dist, "--attempts", "1"]
        code, said = self.ended("release", action, *where, *more)
        assert (code == 0) == good, f"{action} ended with {code}: {said}"
        return said

    def upload(self, after: int | None = None, how: str = "refuse") -> None:
        """Releases to an empty index, which fails after so many files."""
        self.index.reset(after, how)
        self.planned("upload", "--wait", "0", good=after is None)
        self.index.heal()

    def verify(self, code: int) -> str:
        """Verifies every package from the index."""
        of = ["--index", self.index.simple, "--statements", "statements", *self.releases]
        return self.run("verify", *of, code=code)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("rehearsal"))
    yield stage
    stage.index.close()


@contextmanager
def changed(path: Path, old: bytes | None = None, new: bytes = b"") -> Iterator[None]:
    """Replaces `old`, or else flips one bit, until the block ends."""
    content = path.read_bytes()
    at = len(content) // 2
    flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    path.write_bytes(flipped if old is None else content.replace(old, new))
    assert path.read_bytes() != content
    yield
    path.write_bytes(content)


def test_a_whole_release(stage: Stage) -> None:
    stage.index.reset()
    stage.planned("status", good=False)
    stage.planned("upload")
    assert stage.index.uploads == stage.files
    stage.planned("status")
    stage.planned("verify", "--against", str(stage.dist))
    stage.planned("upload", good=False)  # the version is there already
    stage.run("release", "try", "--index", stage.index.simple)
    assert stage.index.uploads == stage.files


def test_an_upload_that_breaks_off_after_any_file_is_resumed(stage: Stage) -> None:
    for after in range(len(stage.files)):
        for how in ["refuse", "dead" if after % 2 else "lose"]:
            print(f"-- {how} after {after}")
            # An upload whose answer was lost did arrive.
            arrived = after + (how == "lose")
            complete = arrived == len(stage.files)
            stage.index.reset(after, how)
            stage.planned("upload", "--wait", "0", good=complete)
            assert stage.index.uploads == stage.files[:arrived]
            stage.index.heal()
            stage.planned("status", good=complete)
            stage.planned("resume")
            assert stage.index.uploads == stage.files, f"{how} after {after}"
            stage.planned("status")


def test_bytes_that_were_not_planned_stop_everything(stage: Stage) -> None:
    half = len(stage.files) // 2
    first, last = stage.files[0][0], stage.files[-1][0]
    stage.upload(half)
    with changed(stage.index.store / first):
        assert "other bytes" in stage.planned("resume", good=False)
        assert f"WRONG      {first}" in stage.planned("verify", good=False)
    with changed(stage.dist / last):
        assert "not the planned ones" in stage.planned("resume", good=False)
    assert len(stage.index.uploads) == half


def test_without_rebuilders_nothing_is_proved(stage: Stage) -> None:
    stage.upload()
    (stage.proof / "wheelwright.toml").touch()
    who = ["-c", "user.name=r", "-c", "user.email=r@example.org", "-c", "commit.gpgsign=false"]
    for git in (["init"], ["add", "wheelwright.toml"], [*who, "commit", "-m", "x"]):
        subprocess.run(["git", *git], cwd=stage.proof, check=True)
    shutil.copy(ROOT / "trust.toml", stage.proof)
    if "[[rebuilder]]" not in (ROOT / "trust.toml").read_text():
        stage.verify(TOO_FEW)


@pytest.mark.parametrize("name", REBUILDERS)
def test_a_rebuilder_attests_what_others_can_read(stage: Stage, name: str) -> None:
    make = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]
    subprocess.run(["ssh-keygen", *make], cwd=stage.proof, check=True)
    public, file = stage.proof / f"{name}.pub", stage.proof / f"statements/{name}.rebuild.json"
    stage.run("trust", "add", name, public)
    stage.run("attest", stage.dist, "--key", name, "--out", file)
    (stage.proof / "signers").write_text(f"{name} {public.read_text()}")
    judge = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", name]
    judge += ["-n", "wheelwright-rebuild", "-s", f"{file}.sig"]
    subprocess.run(judge, cwd=stage.proof, input=file.read_bytes(), check=True)
    assert subjects(file, public) == sorted(stage.files)
    other = stage.proof / f"not-{name}"
    subprocess.run(["ssh-keygen", *make[:-1], other], check=True)
    with pytest.raises(VerificationError):
        subjects(file, other.with_suffix(".pub"))


def subjects(statement: Path, key: Path) -> list[tuple[str, str]]:
    """Returns what a statement is about, as securesystemslib and in-toto read it."""
    data = json.loads(statement.read_text())
    # The library looks for a key by the id that the envelope names.
    key_id = data["signatures"][0]["keyid"]
    public = load_ssh_public_key(key.read_bytes()).public_bytes(Encoding.Raw, PublicFormat.Raw)
    envelope = Envelope.from_dict(data)
    envelope.verify([SSlibKey(key_id, "ed25519", "ed25519", {"public": public.hex()})], 1)
    message = json_format.Parse(envelope.payload, statement_pb2.Statement())
    parsed = Statement.copy_from_pb(message)
    parsed.validate()
    return sorted((subject.name, subject.digest["sha256"]) for subject in parsed.pb.subject)


def test_rebuilders_who_agree_prove_the_release(stage: Stage) -> None:
    stage.verify(AGREED)
    # The judge of the workflow's job `agree`: a folder, and two of three.
    judge = ["verify", stage.dist, "--threshold", "2", "--statements"]
    stage.run(*judge, "statements")
    stage.run(*judge, "statements/ada.rebuild.json", code=TOO_FEW)
    said = stage.run("attest", stage.dist, "--key-variable", "NO_SUCH_KEY")
    assert "skipped: no statement of cargo" in said


def test_a_statement_that_is_old_cut_off_or_missing(stage: Stage) -> None:
    bob, cyd = (stage.proof / f"statements/{name}.rebuild.json" for name in ("bob", "cyd"))
    older = cyd.with_name("older.rebuild.json")
    good = cyd.read_bytes()
    with changed(stage.dist / stage.files[0][0]):  # a rebuilder who made other bytes
        stage.run("attest", stage.dist, "--key", "cyd", "--out", cyd)
    stage.verify(DISAGREEMENT)
    older.write_bytes(good)  # the newer one counts all the same
    stage.verify(DISAGREEMENT)
    older.unlink()
    cyd.write_bytes(good[: len(good) // 2])  # does not count; two are enough
    stage.verify(AGREED)
    bob.rename(stage.proof / "bob.kept")
    stage.verify(TOO_FEW)
    (stage.proof / "bob.kept").rename(bob)
    cyd.write_bytes(good)


@pytest.mark.parametrize("why", ['expires = "2020-01-01"', 'revoked = "stolen"'])
def test_a_key_that_does_not_count(stage: Stage, why: str) -> None:
    trust = stage.proof / "trust.toml"
    bob, cyd = b'name = "bob"\n', b'name = "cyd"\n'
    with changed(trust, bob, bob + f"{why}\n".encode()):
        stage.verify(AGREED)
        with changed(trust, cyd, cyd + f"{why}\n".encode()):
            stage.verify(TOO_FEW)


def test_a_changed_byte_on_the_index_and_an_empty_index(stage: Stage) -> None:
    first = stage.files[0][0]
    with changed(stage.index.store / first):
        lines = stage.verify(DISAGREEMENT).splitlines()
    assert any(line.startswith(first) and "DISAGREE" in line for line in lines)
    stage.index.reset()
    stage.verify(NOT_FOUND)
