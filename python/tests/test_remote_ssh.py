"""Remotes on another machine: a real sshd on loopback, and `dml remote serve` behind it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import installed

import daggerml
from daggerml.remotes import conformance

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Must not be seen anywhere.
SECRET = "canary-of-the-environment"  # noqa: S105


def found(name: str) -> str:
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    program = shutil.which(name, path=path)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Gives the port of an sshd, and a folder with its settings and an `ssh` that uses them."""
    if sys.platform == "win32":
        pytest.skip("sshd is started with settings of Unix")
    sshd, ssh, keygen = found("sshd"), found("ssh"), found("ssh-keygen")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "mine", "other"):
        (folder / name).mkdir()
        command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name / "key")]
        subprocess.run(command, check=True, timeout=60)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd of root is locked in
    port = free_port()
    host_key = " ".join((folder / "host/key.pub").read_text().split()[:2])
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host/key\n"
        f"AuthorizedKeysFile {folder}/mine/key.pub\nPidFile none\nStrictModes no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
        f"SetEnv PATH={Path(installed('dml')).parent}:/usr/bin:/bin\n"
    )
    for name in ("mine", "other"):
        config, program = folder / name / "config", folder / name / "ssh"
        config.write_text(
            f"Host *\nIdentityFile {folder}/{name}/key\nIdentitiesOnly yes\n"
            f"IdentityAgent none\nUserKnownHostsFile {folder}/known\nStrictHostKeyChecking yes\n"
        )
        # The program as it is, with settings of this test in the place of the user's.
        program.write_text(f'#!/bin/sh\nexec {ssh} -F {config} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(folder / "sshd_config")],
        stderr=log,
        stdin=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            pytest.skip(f"sshd does not run here: {(folder / 'log').read_text()[-500:]}")
        yield port, folder
    finally:
        process.terminate()
        process.wait()
        log.close()


@pytest.fixture
def address(
    server: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Gives the address of a remote that is not there yet; `ssh` is that of the test."""
    port, folder = server
    monkeypatch.setenv("PATH", str(folder / "mine"), prepend=os.pathsep)
    monkeypatch.setenv("TEST_TOKEN", SECRET)
    place = tmp_path / "remote"
    if not all(c.isalnum() or c in "/-._" for c in str(place)):
        pytest.skip("the folder for tests has a character that addresses cannot have")
    return f"ssh://{getpass.getuser()}@127.0.0.1:{port}{place}"


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
    rest = address.partition("://")[2]
    host, _, path = rest.partition("/")
    place, _, port = host.partition(":")
    command = ["ssh", "-oBatchMode=yes", "-p", port, "--", place]
    command += ["dml", "remote", "serve", "--", f"/{path}"]
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
    address: str, server: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(server[1] / "other"), prepend=os.pathsep)
    made = run(tmp_path, "clone", address, "x")
    assert made.returncode != 0
    assert "does not allow to" in made.stderr
    assert "Permission denied" in made.stderr
    assert SECRET not in made.stderr + made.stdout


def test_a_host_that_is_not_there(address: str, tmp_path: Path) -> None:
    made = run(tmp_path, "clone", f"ssh://127.0.0.1:{free_port()}/x", "x")
    assert made.returncode != 0
    assert "exited with status 255" in made.stderr
    assert "hint: try again" in made.stderr


@pytest.mark.usefixtures("address")
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
