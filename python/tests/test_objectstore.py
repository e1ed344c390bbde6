"""The helper for object stores, against an S3 and an https server on loopback."""

from __future__ import annotations

import contextlib
import http.server
import os
import ssl
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import installed

import daggerml
from daggerml.remotes import HelperError, conformance
from daggerml.remotes.client import Answer, Client, Ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    #: A status, headers and a body.
    Reply = tuple[int, dict[str, str], bytes]
    #: The address of a server, what it will answer, and what was asked.
    Moody = tuple[str, list[Reply], list[str]]

#: Stand in for credentials: they must not be seen anywhere.
KEY_ID, SECRET, TOKEN = "AKIDCANARYCANARY", "canary/secret/canary", "canary-token-canary"

#: The command lines of all processes while requests were under way.
COMMANDS: set[bytes] = set()


@pytest.fixture(scope="module")
def helper() -> str:
    pytest.importorskip("obstore")
    return installed("daggerml-adapter-objectstore")


@pytest.fixture(autouse=True)
def _no_credentials_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    # Nobody is asked who this machine is.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Gives the address of an S3 with the bucket `team`."""
    pytest.importorskip("moto", reason="moto is not installed for this Python")
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    def watched(environ: Any, start_response: Any) -> Any:
        """Answers a request; the helper that asks, and who started it, run meanwhile."""
        for name in sorted(Path("/proc").glob("[0-9]*/cmdline")):
            with contextlib.suppress(OSError):
                COMMANDS.add(name.read_bytes())
        return app(environ, start_response)

    class Quiet(WSGIRequestHandler):  # type: ignore[misc]
        def log(self, *_: object) -> None:
            pass

    # One request at a time: moto looks and writes in two steps, so that a condition of two
    # writes at the same moment would hold for both.
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, watched, threaded=False, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    import boto3

    boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="x",  # noqa: S106
    ).create_bucket(Bucket="team")  # fmt: skip
    yield url
    server.shutdown()


@pytest.fixture
def in_environment(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


def failures(command: list[str], **options: Any) -> list[str]:
    results = list(conformance.run(command, **options))
    assert results
    return [each.line() for each in results if each.outcome == "failed"]


@pytest.mark.usefixtures("in_environment")
def test_s3_keeps_to_the_rules(helper: str) -> None:
    assert failures([helper, "s3://team/some/where"]) == []


@pytest.mark.usefixtures("in_environment")
def test_two_prefixes_of_a_bucket_are_two_remotes(helper: str) -> None:
    one, other = Client([helper, "s3://team/one"]), Client([helper, "s3://team/other"])
    try:
        one.ask("put", b"1", key="refs")
        assert other.ask("get", key="refs").state == "missing"
        assert [each["key"] for each in one.ask("list", prefix="")["entries"]] == ["refs"]
        assert one.ask("describe")["address"] == "s3://team/one"
    finally:
        one.kill()
        other.kill()


def ask(helper: str, address: str, verb: str = "get", key: str = "refs", **members: Any) -> Answer:
    client = Client([helper, address])
    try:
        return client.ask(verb, key=key, **members)
    finally:
        client.kill()


@pytest.mark.parametrize("where", ["credentials", "config", "process"])
def test_a_profile_has_the_settings(
    helper: str, s3: str, where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    config = f"[profile team]\nregion = us-east-1\nendpoint_url = {s3}\n"
    if where == "credentials":
        (folder / "credentials").write_text(f"[team]\n{keys}")
    elif where == "config":
        config += keys
    else:
        program = tmp_path / "give.py"
        program.write_text(
            "import json\n"
            f"print(json.dumps({{'Version': 1, 'AccessKeyId': '{KEY_ID}',"
            f" 'SecretAccessKey': '{SECRET}', 'Expiration': '2099-01-01T00:00:00Z'}}))\n"
        )
        config += f"credential_process = {sys.executable} {program}\n"
    (folder / "config").write_text(config)
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert ask(helper, "s3://team/profiles", "swap", key="x").state in {"swapped", "changed"}
    assert ask(helper, "s3://team/profiles", key="x").state == "found"


def test_a_profile_that_is_not_there(helper: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(HelperError, match="denied: there is no AWS profile 'nobody'"):
        ask(helper, "s3://team/x")


def run(folder: Path, *words: str) -> str:
    made = subprocess.run(
        [installed("dml"), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout + made.stderr


@pytest.mark.usefixtures("in_environment", "helper")
def test_a_team_shares_a_bucket_and_nobody_sees_its_keys(tmp_path: Path) -> None:
    mine = daggerml.Dml.init(tmp_path / "mine")
    with mine.new("first", message="hello") as dag:
        dag.commit(dag.put([1, 2, 3]))
    COMMANDS.clear()
    shown = run(tmp_path / "mine", "remote", "add", "origin", "s3://team/shared")
    shown += run(tmp_path / "mine", "push", "origin", "main")
    shown += run(tmp_path, "clone", "s3://team/shared", "theirs")
    theirs = daggerml.Dml.open(tmp_path / "theirs")
    assert theirs.load("first").result.value() == [1, 2, 3]
    if sys.platform == "linux":
        assert any(b"s3://team/shared" in command for command in COMMANDS)
    seen = b"\0".join([shown.encode(), *COMMANDS])
    for folder in (tmp_path / "mine", tmp_path / "theirs"):
        seen += b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (KEY_ID, SECRET, TOKEN):
        assert secret.encode() not in seen


#: A machine that makes as many calls as it is told; each leaves a line in a file.
MACHINE = """
import sys
import daggerml as dml

@dml.funk
def traced(dag, number, path):
    with open(path.value(), "a") as file:
        file.write(f"{number.value()}\\n")
    return number.value()

with dml.Dml.open(sys.argv[1]).new("race", message="m") as dag:
    for number in range(int(sys.argv[2])):
        assert dag.call(traced, number, sys.argv[3]).value() == number
    dag.commit(dag.put(None))
"""


@pytest.mark.usefixtures("in_environment", "helper")
def test_of_three_machines_one_runs_each_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DML_CLAIM_ROUNDS` sets how many calls are raced for (8)."""
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "user"))
    rounds, traces = int(os.environ.get("DML_CLAIM_ROUNDS", "8")), tmp_path / "traces"
    run(tmp_path, "config", "--user", "--add", "remotes.trusted", "s3://team/calls")
    (tmp_path / "machine.py").write_text(MACHINE)
    machines = []
    for name in ("a", "b", "c"):
        daggerml.Dml.init(tmp_path / name)
        run(tmp_path / name, "remote", "add", "origin", "s3://team/calls")
        run(tmp_path / name, "config", "remote.origin.calls", "read,write")
        words = [tmp_path / "machine.py", tmp_path / name, rounds, traces]
        machines.append(subprocess.Popen([sys.executable, *map(str, words)]))
    assert [machine.wait() for machine in machines] == [0, 0, 0]
    ran = traces.read_text().split()
    assert sorted(map(int, ran)) == list(range(rounds))


@pytest.mark.usefixtures("in_environment")
def test_a_bucket_that_does_not_exist(helper: str) -> None:
    for verb, members in (("get", {}), ("put", {}), ("list", {"prefix": "a"}), ("delete", {})):
        with pytest.raises(HelperError, match="'nowhere' does not exist") as raised:
            ask(helper, "s3://nowhere/x", verb, **members)
        assert raised.value.kind == "missing"


@pytest.mark.usefixtures("in_environment")
def test_a_server_that_does_not_answer(helper: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for verb in ("put", "swap"):
        with pytest.raises(HelperError, match="unavailable: S3 was not reached"):
            ask(helper, "s3://team/x", verb)


@pytest.fixture
def moody() -> Iterator[Moody]:
    """Gives a server that answers as a list says, and keeps what was asked of it."""
    answers: list[Reply] = []
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(self.command)
            status, headers, body = answers.pop(0)
            if status == 0:  # the answer is lost
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers, asked
    server.shutdown()


FOUND = {"ETag": '"new"', "Last-Modified": "Sun, 29 Nov 2026 09:00:00 GMT"}
REFUSED: Reply = (412, {}, b"<Error><Code>PreconditionFailed</Code></Error>")


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        # The first answer is lost, and the second try finds what the first one wrote.
        ([(0, {}, b""), REFUSED, (200, FOUND, b"mine")], "swapped"),
        # ... or what somebody else wrote.
        ([(0, {}, b""), REFUSED, (200, FOUND, b"theirs")], "changed"),
        ([(0, {}, b""), REFUSED, (404, {}, b"")], "changed"),
        # No answer was lost: the same bytes are not ours.
        ([REFUSED], "changed"),
        ([(503, {}, b""), (200, FOUND, b"")], "swapped"),
        # A conflict was not carried out.
        ([(409, {}, b"<Error><Code>ConditionalRequestConflict</Code></Error>"), REFUSED],
         "changed"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("in_environment")
def test_a_write_whose_answer_was_lost(
    helper: str, moody: Moody, monkeypatch: pytest.MonkeyPatch, answers: list[Reply], state: str
) -> None:
    url, todo, asked = moody
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    todo.extend(answers)
    client = Client([helper, "s3://team/x"])
    try:
        answer = client.ask("swap", b"mine", key="refs", expected='"old"')
    finally:
        client.kill()
    assert answer.state == state
    assert not todo
    assert len(asked) == len(answers)


@pytest.mark.usefixtures("in_environment")
def test_credentials_are_not_shown(
    helper: str, moody: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, todo, _ = moody
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    # A store that repeats all it knows.
    told = f"<Error><Code>SignatureDoesNotMatch</Code><Message>{SECRET} {TOKEN}</Message></Error>"
    for status in (400, 403, 401, 404):
        todo.append((status, {}, told.encode()))
        client = Client([helper, "s3://team/x"])
        try:
            client.ask("delete", key="refs")
        except HelperError as problem:
            shown = str(problem)
            assert status != 404
        else:
            shown = ""
        finally:
            client.kill()
        shown += client.log() + client.written.decode()
        for secret in (KEY_ID, SECRET, TOKEN):
            assert secret not in shown


@pytest.mark.parametrize(
    "address",
    [
        "s3://me:canary@bucket/x", "https://me@host/x", "s3://bucket/x?token=canary", "s3:///x",
        "ftp://host/x", "s3://bucket/../x", "s3://bucket/a//b", "s3://bucket:99/x", "https://[x/",
        "s3://bucket/x#canary", "bucket", "",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(helper: str, address: str) -> None:
    made = subprocess.run(
        [helper, address], capture_output=True, text=True, timeout=60, check=False, input=""
    )
    assert made.returncode == 2
    assert "the address of the remote is refused" in made.stderr
    assert "canary" not in made.stderr
    assert made.stdout == ""


@pytest.fixture
def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """Gives the address of a static server, and the folder that it serves."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    folder = tmp_path / "served"
    (folder / "team/packs/ab").mkdir(parents=True)
    (folder / "team/refs").write_bytes(b"refs\n")
    (folder / "team/packs/ab/0").write_bytes(bytes(range(256)) * 40)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}/team", folder / "team"
    server.shutdown()


def test_https_is_read(helper: str, https: tuple[str, Path]) -> None:
    address, folder = https
    assert failures([helper, address], holds=folder) == []


def test_https_trusts_whom_the_machine_trusts(
    helper: str, https: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _ = https
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    with pytest.raises((HelperError, Ended)):
        ask(helper, address)
