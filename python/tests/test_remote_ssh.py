"""Remotes on another machine: a real sshd on loopback, and `dml remote serve` behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import installed
from ssh_servers import Server

import daggerml
from daggerml.remotes import conformance

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform == "win32":
    pytest.skip("the host is a POSIX system", allow_module_level=True)

#: Must not be seen anywhere.
SECRET = "canary-of-the-environment"  # noqa: S105


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("ssh"), hosts=("box1",))
    server.stop()
    with (server.folder / "sshd_config").open("a") as config_of_server:
        config_of_server.write(f"SetEnv PATH={Path(installed('dml')).parent}:/usr/bin:/bin\n")
    server.start()
    # The program as it is, with settings of the tests in the place of the user's.
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(server.folder / "stranger")]
    subprocess.run(words, check=True, timeout=60)
    for name in ("user", "stranger"):
        text = server.config.read_text().replace(f"{server.folder}/user", f"{server.folder}/{name}")
        config, program = server.folder / f"config-{name}", server.folder / f"of-{name}" / "ssh"
        config.write_text(f"{text}IdentityAgent none\n")
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        program.chmod(0o755)
    yield server
    server.stop()


@pytest.fixture
def address(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Gives the address of a remote that is not there yet; `ssh` is that of the test."""
    monkeypatch.setenv("PATH", str(server.folder / "of-user"), prepend=os.pathsep)
    monkeypatch.setenv("TEST_TOKEN", SECRET)
    place = tmp_path / "remote"
    if not all(c.isalnum() or c in "/-._" for c in str(place)):
        pytest.skip("the folder for tests has a character that addresses cannot have")
    return f"ssh://box1{place}"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed("dml"), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_ssh_keeps_to_the_rules(address: str) -> None:
    path = address.partition("://box1")[2]
    command = ["ssh", "-oBatchMode=yes", "--", "box1", "dml", "remote", "serve", "--", path]
    failed = [each.line() for each in conformance.run(command) if each.outcome == "failed"]
    assert failed == []


def test_a_repository_goes_there_and_comes_back(address: str, tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path / "mine")
    with dml.new("first", message="hello") as dag:
        dag.commit(dag.put([1, 2, 3]))
    assert run(tmp_path / "mine", "remote", "add", "origin", address).returncode == 0
    pushed = run(tmp_path / "mine", "push", "origin", "main")
    assert pushed.returncode == 0, pushed.stderr
    cloned = run(tmp_path, "clone", address, "theirs")
    assert cloned.returncode == 0, cloned.stderr
    loaded = daggerml.Dml.open(tmp_path / "theirs").load("first")
    assert loaded.result.value() == [1, 2, 3]
    # Nothing of the environment, and no key, is kept.
    key = "PRIVATE KEY"
    for folder in (tmp_path / "mine", tmp_path / "theirs", tmp_path / "remote"):
        for path in folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert SECRET.encode() not in data
                assert key.encode() not in data


def test_who_may_not_is_told(
    address: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(server.folder / "of-stranger"), prepend=os.pathsep)
    made = run(tmp_path, "clone", address, "x")
    assert made.returncode != 0
    assert "does not allow to" in made.stderr
    assert "Permission denied" in made.stderr
    assert SECRET not in made.stderr + made.stdout


@pytest.mark.usefixtures("address")
def test_a_host_that_is_not_there(tmp_path: Path) -> None:
    made = run(tmp_path, "clone", "ssh://127.0.0.1:1/x", "x")
    assert made.returncode != 0
    assert "exited with status 255" in made.stderr
    assert "hint: try again" in made.stderr


def test_a_machine_without_dml(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    monkeypatch.setenv("DML_CONFIG_DIR", str(settings))
    assert run(tmp_path, "config", "--user", "helper.ssh.dml", "dml-of-nobody").returncode == 0
    made = run(tmp_path, "clone", address, "x")
    assert made.returncode != 0
    assert "exited with status 127" in made.stderr
    assert "dml-of-nobody" in made.stderr


def test_addresses_that_a_shell_could_misread(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for address in (
        f"ssh://-oProxyCommand=touch${{IFS}}{mark}/x",
        f"ssh://host/x;touch {mark}",
        f"ssh://host/$(touch {mark})",
        f"ssh://host/`touch {mark}`",
        "ssh://host:22x/y",
        "ssh://me:word@host/y",
    ):
        made = run(tmp_path, "clone", address, "x")
        assert made.returncode != 0
        assert "is not the address of a remote" in made.stderr
        assert "word@" not in made.stderr
    assert not mark.exists()
