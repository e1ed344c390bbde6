"""The adapter for ssh, as a program, on hosts of a real openssh server on loopback."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import sys
import time
from importlib.metadata import distribution, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")
if sys.platform != "linux":
    pytest.skip("looks into /proc", allow_module_level=True)

from by_hand import Adapter, call, outcome
from conftest import installed
from far_calls import begun, children, ended, gone, key_of, polled, runs, total, until, waits
from ssh_servers import Server

from daggerml import funk
from daggerml.adapters import payload
from daggerml.adapters.layers import on
from daggerml.adapters.lines import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "daggerml-adapter-ssh"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("ssh"))
    yield found
    found.stop()


@pytest.fixture
def program(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    return installed(PROGRAM)


@pytest.fixture
def ssh(program: str, server: Server) -> Iterator[Adapter]:
    with Adapter(program, *server.command()) as process:
        yield process


def test_it_is_registered() -> None:
    entries = distribution(PROGRAM).entry_points
    [entry] = [entry for entry in entries if entry.group == "daggerml.adapters"]
    assert entry.name == "ssh"
    assert callable(entry.load())
    with Adapter(installed(PROGRAM)) as process:
        assert process.ask("describe")["version"] == version(PROGRAM)
        error = process.invoke(total, 1)["error"]
        assert error["kind"] == "no_hosts"
        assert "DAGGERML_SSH_HOSTS" in error["message"]
        assert process.close() == ""


def test_calls_run_on_a_host(ssh: Adapter) -> None:
    assert outcome(ended(ssh, ssh.invoke(total, 1, 2))) == 3
    assert outcome(ended(ssh, ssh.invoke(total, "x")))["type"] == "TypeError"


def test_options_reach_the_function(program: str, server: Server, tmp_path: Path) -> None:
    @funk
    def surroundings(dag: Any) -> Any:
        import os
        from pathlib import Path

        print("far away")
        return [os.environ["TZ"], str(Path.cwd()), os.environ["TMPDIR"]]

    place = tmp_path / "work"
    with Adapter(program, *server.command("--workdir", str(place))) as ssh:
        answer = ended(ssh, ssh.invoke(on("ssh", surroundings, env={"TZ": "UTC; $(id) `id` '\""})))
        assert outcome(answer) == ["UTC; $(id) `id` '\"", str(place), str(place)]
        assert answer["log"] == "far away\n"


def test_a_host_without_daggerml_gets_it_once(program: str, server: Server) -> None:
    @funk
    def interpreter(dag: Any, number: Any) -> Any:
        import sys

        return sys.executable

    bare = f"{sys.base_prefix}/bin/python3"
    found = set()
    for number in range(2):
        with Adapter(program, *server.command(python=bare)) as ssh:
            answer = outcome(ended(ssh, ssh.invoke(interpreter, number)))
            assert isinstance(answer, str), answer
            found.add(answer)
    assert len(found) <= len(server.hosts)
    for each in found:
        assert Path(each).parent.parent.parent.name == "environments"


def test_environments_and_records_that_nobody_uses_are_removed(
    program: str, server: Server, tmp_path: Path
) -> None:
    environments = server.cache("box1") / "daggerml" / "environments"
    records = tmp_path / "settings" / "jobs" / "ssh"
    kept = [environments / f"{'0' * 63}{number}" for number in range(2)]
    kept += [records / f"{'0' * 64}-{number}" for number in range(1, 3)]
    for place in kept:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.parent == records:
            place.write_text('{"host": "elsewhere"}')
        else:
            place.mkdir()
    long_ago = time.time() - 61 * 86400
    for place in (kept[0], kept[2]):
        os.utime(place, (long_ago, long_ago))
    bare = f"{sys.base_prefix}/bin/python3"
    host = ["--host", "box1:2", "--config", str(server.config), "--python", bare]
    shutil.rmtree(environments.parent / "hosts", ignore_errors=True)
    for place in environments.iterdir():
        if place not in kept:
            shutil.rmtree(place)  # so that one is made
    with Adapter(program, *host) as ssh:
        assert outcome(ended(ssh, ssh.invoke(total, 5))) == 5
    assert [place.exists() for place in kept] == [False, True, False, True]


def test_another_process_collects_the_result(program: str, server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    with Adapter(program, *server.command()) as first:
        answer = begun(first, folder)
    # It was killed. The call runs on: by its token or by its key, there is one run.
    with Adapter(program, *server.command()) as second:
        assert second.invoke(waits, str(folder))["token"] == answer["token"]
        (folder / "go").touch()
        assert outcome(ended(second, answer)) == 1
        assert len(server.jobs(key_of(folder))) == 1
        second.close()
    assert server.jobs(key_of(folder)) == []


def test_the_next_run_of_a_call_does_not_get_the_outcome_of_the_last(
    program: str, server: Server, tmp_path: Path
) -> None:
    @funk
    def counted(dag: Any, folder: Any) -> Any:
        import pathlib

        import daggerml

        place = pathlib.Path(folder.value())
        (place / f"run-{len(list(place.iterdir()))}").touch()
        if len(list(place.iterdir())) == 1:
            raise daggerml.Transient("not now")
        return len(list(place.iterdir()))

    folder = tmp_path / "runs"
    folder.mkdir()
    key, bundle = call(counted, str(folder))
    encoded = base64.b64encode(bundle).decode()
    found = []
    with Adapter(program, *server.command()) as one, Adapter(program, *server.command()) as two:
        for attempt, ssh in ((1, one), (2, two), (3, one)):
            members = {"key": key, "attempt": attempt, "ancestors": []}
            answer = ssh.ask("invoke", bundle=encoded, **members)
            found.append(outcome(ended(ssh, answer)))
    assert found[0]["type"] == "Transient"
    assert found[1:] == [2, 3]


def test_a_call_that_no_answer_told_of_is_stopped(
    program: str, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    with Adapter(program, *server.command()) as ssh:
        key, bundle = call(waits, str(folder))
        encoded = base64.b64encode(bundle).decode()
        ssh.send("invoke", key=key, attempt=1, bundle=encoded, ancestors=[])
        until(lambda: server.jobs(key))
        os.killpg(ssh.process.pid, signal.SIGKILL)
    until(lambda: server.jobs(key) == [])
    for pid in [pid for run in runs(folder) for pid in run]:
        until(lambda pid=pid: gone(pid))


def test_cancel_stops_the_call_and_what_it_started(
    ssh: Adapter, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    answer = begun(ssh, folder)
    assert ssh.ask("cancel", token=answer["token"])["state"] == "canceled"
    for pid in runs(folder)[0]:
        until(lambda pid=pid: gone(pid))
    assert server.jobs(key_of(folder)) == []
    assert polled(ssh, answer)["error"]["kind"] == "unknown_token"
    assert ssh.ask("cancel", token=answer["token"])["state"] == "canceled"


def test_a_job_that_is_killed_is_an_error_that_may_pass(ssh: Adapter, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    answer = begun(ssh, folder)
    [[function, child]] = runs(folder)
    job = int(Path(f"/proc/{function}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(job, signal.SIGKILL)
    error = ended(ssh, answer)["error"]
    assert (error["kind"], error["transient"]) == ("job_killed", True)
    until(lambda: gone(function) and gone(child))


def test_a_lost_connection_does_not_stop_the_call(
    ssh: Adapter, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    answer = begun(ssh, folder)
    server.stop()
    for pid in children(ssh.process.pid):
        os.kill(pid, signal.SIGKILL)
    assert polled(ssh, answer)["state"] == "pending"  # nobody can be reached
    (folder / "go").touch()
    server.start()
    assert outcome(ended(ssh, answer)) == 1


def test_a_host_that_is_gone_for_long_is_given_up(
    program: str, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    with Adapter(program, *server.command("--patience", "1")) as ssh:
        answer = begun(ssh, folder)
        server.stop()
        for pid in children(ssh.process.pid):
            os.kill(pid, signal.SIGKILL)
        error = ended(ssh, answer)["error"]
        assert (error["kind"], error["transient"]) == ("unreachable", True)
    server.start()
    with Adapter(program, *server.command()) as ssh:
        # The run is stopped when its host is reached again, and another one begins.
        again = ssh.invoke(waits, str(folder))
        for pid in runs(folder)[0]:
            until(lambda pid=pid: gone(pid))
        (folder / "go").touch()
        assert outcome(ended(ssh, again)) == 2


def test_a_host_runs_as_many_calls_as_it_has_slots(
    program: str, server: Server, tmp_path: Path
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    host = ["--host", "box1:1", "--config", str(server.config), "--python", sys.executable]
    with Adapter(program, *host) as ssh:
        for folder in folders:
            folder.mkdir()
        first = begun(ssh, folders[0])
        second = ssh.invoke(waits, str(folders[1]))
        time.sleep(0.5)
        assert runs(folders[1]) == []
        for folder in folders:
            (folder / "go").touch()
        assert [outcome(ended(ssh, each)) for each in (first, second)] == [1, 1]


def test_time_and_memory_are_limited(program: str, server: Server, tmp_path: Path) -> None:
    @funk
    def hungry(dag: Any) -> Any:
        return len(bytearray(1 << 30))

    with Adapter(program, *server.command("--time", "8s", "--memory", "512MiB")) as ssh:
        error = ended(ssh, ssh.invoke(waits, str(tmp_path / "none")))
        assert outcome(error)["type"] == "FileNotFoundError"
        (tmp_path / "runs").mkdir()
        error = ended(ssh, begun(ssh, tmp_path / "runs"))["error"]
        assert (error["kind"], error["transient"]) == ("timeout", False)
        for pid in runs(tmp_path / "runs")[0]:
            until(lambda pid=pid: gone(pid))
        assert outcome(ended(ssh, ssh.invoke(hungry)))["type"] == "MemoryError"


HOSTILE = [
    "-oProxyCommand=touch /tmp/x", "a b", "a;b", "$(id)", "`id`", "a\nb", "", "a@b@c", "a/b", "@a",
    "a:0", "a:-1", "a:x", "a:99999", "..", "\u0430", "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTILE)
def test_hostile_hosts_are_refused_before_anything_starts(host: str) -> None:
    with Adapter(installed(PROGRAM), f"--host={host}") as process:
        log = process.close()
        assert process.process.returncode == 2
        assert "is not the name of a host" in log or "slots" in log


@pytest.mark.parametrize(
    "option",
    ["--python=-c", "--python=a b", "--python=a;b", "--python=$(id)", '--python="', "--python=",
     "--memory=1", "--memory=4GB", "--time=-1", "--time=1w", "--cpus=0", "--cpus=1.5",
     "--workdir=a", "--workdir=/a/../b", "--workdir=/a\nb"],
)  # fmt: skip
def test_hostile_options_are_refused_before_anything_starts(option: str) -> None:
    with Adapter(installed(PROGRAM), "--host", "a", option) as process:
        log = process.close()
        assert process.process.returncode == 2
        assert option[2:].partition("=")[0] in log or "Python" in log


def test_a_token_leads_to_no_other_host(ssh: Adapter) -> None:
    name = f"{'0' * 64}-1"
    for token in (f"elsewhere/{name}", f"-oProxyCommand=x/{name}", "box1/../x", "box1", name, ""):
        answer = ssh.ask("poll", token=token)
        assert answer["error"]["kind"] in {"unknown_token", "invalid_request"}, token


def test_an_option_that_is_none_is_refused(ssh: Adapter) -> None:
    for wrong in ({"image": "x"}, {"gpus": 1}):
        error = ssh.invoke(on("ssh", total, **wrong))["error"]
        assert (error["kind"], error["transient"]) == ("invalid", False)
        assert "is no option of 'ssh'" in error["message"]


LIAR = """#!{python}
import sys, json
b = sys.stdin.buffer
b.read(int(b.readline()))
print("noise of a shell")
print(b.readline().decode().strip(), flush=True)
for line in b:
    op = json.loads(line)["op"]
    known = {{"python": [3, 11], "platform": "x", "libc": ["", ""], "daggerml": "{version}"}}
    if op == "look":
        print({lie!r}, flush=True)
    else:
        print(json.dumps({{"hello": known, "load": {{"jobs": 0}}}}.get(op, {{}})), flush=True)
"""


@pytest.mark.parametrize(
    ("lie", "kind"),
    [
        ("nonsense", "unreachable"),
        ("[]", "unreachable"),
        ('{"state": "ended"}', "worker_unfit"),
        ('{"state": "ended", "answer": {"state": "pending", "token": "x"}}', "worker_unfit"),
        ('{"state": "ended", "answer": {"state": "done", "dag": "x", "bundle": "?"}}',
         "worker_unfit"),
        ('{"state": "killed", "log": 7}', "job_killed"),
        ('{"state": 7}', "unknown_token"),
    ],
)  # fmt: skip
def test_hosts_that_lie(program: str, server: Server, tmp_path: Path, lie: str, kind: str) -> None:
    python = tmp_path / "liar"
    text = LIAR.format(python=sys.executable, version=version("daggerml"), lie=lie)
    python.write_text(text)
    python.chmod(0o755)
    with Adapter(program, *server.command(python=str(python))) as ssh:
        assert ssh.invoke(total, 1)["error"]["kind"] == kind


LINUX = {"python": [3, 11], "platform": "linux-x86_64", "libc": ["glibc", "2.36"]}
ALPINE = {"python": [3, 12], "platform": "linux-aarch64", "libc": ["", ""]}
MAC = {"python": [3, 9], "platform": "macosx-11.0-arm64", "libc": ["", ""]}


@pytest.mark.parametrize(
    ("tags", "fit"),
    [
        ("cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", [LINUX]),
        ("cp39-abi3-manylinux_2_17_aarch64", []),
        ("cp39-abi3-manylinux_2_39_x86_64", []),
        ("cp311-cp311-manylinux_2_17_x86_64", [LINUX]),
        ("cp310-cp310-manylinux_2_17_x86_64", []),
        ("cp312-abi3-manylinux_2_17_x86_64", []),
        ("cp39-abi3-musllinux_1_1_aarch64", [ALPINE]),
        ("cp39-abi3-macosx_11_0_arm64", [MAC]),
        ("py3-none-any", [LINUX, ALPINE, MAC]),
        ("cp39-abi3-win_amd64", []),
    ],
)
def test_which_wheel_fits_which_host(tags: str, fit: list[dict[str, Any]]) -> None:
    wheel = f"daggerml-0.2.0-{tags}.whl"
    assert [facts for facts in (LINUX, ALPINE, MAC) if payload.fits(wheel, facts)] == fit


def test_wheels_come_from_the_folder_that_the_user_names(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="--wheels"):
        payload.parts("local", ALPINE, None)
    with pytest.raises(AdapterError, match="has no daggerml-"):
        payload.parts("local", ALPINE, tmp_path)
    name = f"daggerml-{version('daggerml')}-cp39-abi3-musllinux_1_1_aarch64.whl"
    (tmp_path / name).write_bytes(b"a wheel")
    [part] = payload.parts("local", ALPINE, tmp_path)
    assert part.data == b"a wheel"
    with pytest.raises(AdapterError, match=r"Python 3\.9"):
        payload.parts("local", {**LINUX, "python": [3, 8]}, tmp_path)


def test_an_endless_answer_ends(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from daggerml_adapter_ssh import connection

    monkeypatch.setattr(connection, "MAX_LINE", 10_000)
    python = tmp_path / "liar"
    text = LIAR.format(python=sys.executable, version="1", lie="x" * 20_000)
    python.write_text(text)
    python.chmod(0o755)
    found = connection.Connection("box1", connection.Way(str(python), str(server.config)))
    assert found.ask("load") == {"jobs": 0}
    with pytest.raises(connection.LostError, match="the connection was closed"):
        found.ask("look")
    assert not found.alive
