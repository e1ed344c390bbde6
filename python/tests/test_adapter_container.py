"""The adapter for containers, as a program, with the engine that works on this machine."""

from __future__ import annotations

import base64
import os
import signal
import sys
from importlib.metadata import distribution, version
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")
if sys.platform != "linux":
    pytest.skip("looks into /proc", allow_module_level=True)

from by_hand import Adapter, call, outcome
from conftest import installed
from far_calls import children, ended, total, until
from images import Engine, found_engine
from ssh_servers import Server

from daggerml import Dml, NodeError, funk
from daggerml.adapters.layers import on
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = "daggerml-adapter-container"
IMAGE = f"debian@sha256:{'0' * 64}"


@funk
def hangs(dag: Any) -> Any:
    import time

    time.sleep(600)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return found_engine(tmp_path_factory.getbasetemp())


@pytest.fixture
def command(engine: Engine) -> list[str]:
    return [installed(PROGRAM), "--engine", engine.program, "--python", engine.python]


@pytest.fixture
def container(command: list[str]) -> Iterator[Adapter]:
    with Adapter(*command) as process:
        yield process


def test_it_is_registered() -> None:
    entries = distribution(PROGRAM).entry_points
    [entry] = [entry for entry in entries if entry.group == "daggerml.adapters"]
    assert entry.name == "container"
    assert callable(entry.load())
    with Adapter(installed(PROGRAM)) as process:
        assert process.ask("describe")["version"] == version(PROGRAM)
        assert process.ask("poll", token="x")["error"]["kind"] == "unknown_token"  # noqa: S106
        assert process.ask("cancel", token="x")["state"] == "canceled"  # noqa: S106


def test_an_engine_that_is_missing() -> None:
    with Adapter(installed(PROGRAM), "--engine", "no-such-engine") as process:
        error = process.invoke(on("container", total, image=IMAGE))["error"]
        assert (error["kind"], error["transient"]) == ("no_engine", False)
        assert "no-such-engine" in error["message"]


def test_calls_run_in_containers(container: Adapter, engine: Engine) -> None:
    answer = container.invoke(on("container", total, image=engine.image), 1, 2)
    assert outcome(answer) == 3
    assert answer["log"] == "inside\n"
    failed = outcome(container.invoke(on("container", total, image=engine.image), "x"))
    assert failed["type"] == "TypeError"


def test_what_a_container_can_do(container: Adapter, engine: Engine) -> None:
    @funk
    def tried(dag: Any) -> Any:
        import os
        import socket
        from pathlib import Path

        def refused(do: Any) -> Any:
            try:
                do()
            except OSError:
                return True
            return False

        status = Path("/proc/self/status").read_text().splitlines()
        found = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        interfaces = [name for _, name in socket.if_nameindex()]
        Path("/tmp/mine").write_text("can be written")  # noqa: S108
        return {
            "root": refused(lambda: Path("/etc/x").write_text("x")),
            "library": refused(lambda: Path("/daggerml/x").write_text("x")),
            "network": interfaces,
            "capabilities": found["CapEff"],
            "new privileges": found["NoNewPrivs"],
            "user": os.getuid(),
            "zone": os.environ["TZ"],
            "sockets": [str(each) for each in Path("/var/run").rglob("*.sock")],
            "home": os.environ["HOME"],
        }

    env = {"TZ": "UTC; $(id) --privileged"}
    runnable = on("container", tried, image=engine.image, env=env)
    assert outcome(container.invoke(runnable)) == {
        "root": True,
        "library": True,
        "network": ["lo"],
        "capabilities": "0" * 16,
        "new privileges": "1",
        "user": os.getuid() or 65534,
        "zone": "UTC; $(id) --privileged",
        "sockets": [],
        "home": "/tmp",  # noqa: S108
    }


def test_work_is_in_the_folder_that_the_user_names(
    command: list[str], engine: Engine, tmp_path: Path
) -> None:
    @funk
    def writes(dag: Any) -> Any:
        from pathlib import Path

        Path("made").write_text("inside")
        return str(Path.cwd())

    tmp_path.chmod(0o777)  # for a caller who is root, the container's user is another one
    with Adapter(*command, "--workdir", str(tmp_path)) as process:
        assert outcome(process.invoke(on("container", writes, image=engine.image))) == "/work"
    assert (tmp_path / "made").read_text() == "inside"


def test_limits(command: list[str], engine: Engine) -> None:
    @funk
    def hungry(dag: Any) -> Any:
        return len(bytes([1]) * (600 << 20))

    image = engine.image
    with Adapter(*command, "--time", "10s", "--memory", "256MiB", "--cpus", "1") as process:
        assert outcome(process.invoke(on("container", total, image=image), 1)) == 1
        error = process.invoke(on("container", hangs, image=image))["error"]
        assert (error["kind"], error["transient"]) == ("timeout", False)
        error = process.invoke(on("container", hungry, image=image))["error"]
        assert error["kind"] == "died"
        assert "perhaps its memory was too small" in error["message"]
    calls = [on("container", each, image=image) for each in (hangs, hungry)]
    assert engine.names(*([each] for each in calls)) == []


@pytest.mark.parametrize("victim", ["adapter", "client", "input"])
def test_nothing_is_left_when_something_ends(
    command: list[str], engine: Engine, victim: str
) -> None:
    runnable = on("container", hangs, image=engine.image)
    key, _ = call(runnable)
    with Adapter(*command) as process:
        bundle = base64.b64encode(call(runnable)[1]).decode()
        process.send("invoke", key=key, attempt=1, bundle=bundle, ancestors=[])
        until(lambda: engine.names([runnable]))
        if victim == "adapter":
            process.process.kill()
        elif victim == "input":
            assert process.process.stdin is not None
            process.process.stdin.close()
        else:
            for pid in children(process.process.pid):
                os.kill(pid, signal.SIGKILL)
            error = process.answer()["error"]
            assert (error["kind"], error["transient"]) == ("died", True)
        until(lambda: engine.names([runnable]) == [])


def test_a_container_that_does_not_start(command: list[str], engine: Engine) -> None:
    words = command[: command.index("--python")]
    with Adapter(*words, "--python", "/no/such/python") as process:
        error = process.invoke(on("container", total, image=engine.image))["error"]
        assert (error["kind"], error["transient"]) == ("container", False)
        assert "/no/such/python" in error["message"]


HOSTILE = [
    "debian", "debian:12", "debian@sha256:0", f"--privileged@sha256:{'0' * 64}",
    f"-v/:/host@sha256:{'0' * 64}", f"a b@sha256:{'0' * 64}", f"$(id)@sha256:{'0' * 64}",
    f"a;b@sha256:{'0' * 64}", f"a\n@sha256:{'0' * 64}", f"../x@sha256:{'0' * 64}",
    f"docker-daemon:x@sha256:{'0' * 64}", f"oci:/x@sha256:{'0' * 64}", f"A@sha256:{'0' * 64}",
    f"a@sha256:{'0' * 63}g", f"a@sha512:{'0' * 64}", "sha256:0", "", None, 7, ["x"],
    "a" * 2000 + f"@sha256:{'0' * 64}", f"x@sha256:{'0' * 64}\n",
]  # fmt: skip


@pytest.mark.parametrize("image", HOSTILE)
def test_images_that_no_digest_names_are_refused_before_anything_starts(image: Any) -> None:
    from daggerml_adapter_container import images

    with pytest.raises(InvalidError):
        images.checked(image)
    with Adapter(installed(PROGRAM), "--engine", "true") as process:
        error = process.invoke(on("container", total, image=image))["error"]
        assert (error["kind"], error["transient"]) == ("invalid", False)


@pytest.mark.parametrize(
    "image",
    [IMAGE, f"sha256:{'0' * 64}", f"registry.example:5000/a/b_c/d.e@sha256:{'a' * 64}",
     f"localhost/x@sha256:{'f' * 64}"],
)  # fmt: skip
def test_images_that_a_digest_names(image: str) -> None:
    from daggerml_adapter_container import images

    assert images.checked(image) == image


def test_options_that_are_none_are_refused() -> None:
    with Adapter(installed(PROGRAM), "--engine", "true") as process:
        for wrong in ({"privileged": True}, {"network": "host"}, {"volumes": ["/"]}):
            error = process.invoke(on("container", total, image=IMAGE, **wrong))["error"]
            assert error["kind"] == "invalid", wrong
        error = process.invoke(total)["error"]
        assert (error["kind"], "needs an image" in error["message"]) == ("invalid", True)
        inner = on("container", on("ssh", total), image=IMAGE)
        assert "not the adapter 'ssh'" in process.invoke(inner)["error"]["message"]


@pytest.mark.parametrize("option", ["--python=-c", "--python=a b", "--memory=1", "--gpus=all",
                                    "--image=debian:12", "--image=--privileged"])  # fmt: skip
def test_hostile_options_are_refused_before_anything_starts(option: str) -> None:
    with Adapter(installed(PROGRAM), option) as process:
        process.close()
        assert process.process.returncode == 2


def test_a_repository_gets_results_and_errors_of_containers(
    command: list[str], engine: Engine, repo: Dml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    repo.config.set("adapters.allow", "boxed", user=True)
    repo.config.set("adapter.boxed.command", ",".join(command), user=True)
    boxed = on("boxed", total, image=engine.image)
    with repo.new("boxed") as dag:
        assert [each.value() for each in dag.map(boxed, [1, 2, 3], 10)] == [11, 12, 13]
        with pytest.raises(NodeError):
            dag.call(boxed, "x")
        dag.commit(None)
    assert len(repo.exec.list()) == 4
    with repo.new("again") as dag:
        dag.commit(dag.map(boxed, [1, 2, 3], 10))
    assert len(repo.exec.list()) == 4


def test_a_container_on_a_host_of_ssh(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    (tmp_path / "ssh").mkdir()
    server = Server(tmp_path / "ssh")
    server.say(
        DAGGERML_CONTAINER_ENGINE=engine.program,
        DAGGERML_CONTAINER_PYTHON=engine.python,
        CONTAINERS_CONF=os.environ.get("CONTAINERS_CONF", ""),
        PATH=os.environ["PATH"],
    )
    try:
        with Adapter(installed("daggerml-adapter-ssh"), *server.command()) as ssh:
            there = on("ssh", on("container", total, image=engine.image))
            answer = ended(ssh, ssh.invoke(there, 1, 2))
            assert outcome(answer) == 3
            assert "inside" in answer["log"]
            assert engine.names([there, 1, 2]) == []
            forever = on("ssh", on("container", hangs, image=engine.image))
            answer = ssh.invoke(forever)
            until(lambda: engine.names([forever]))
            assert ssh.ask("cancel", token=answer["token"])["state"] == "canceled"
            until(lambda: engine.names([forever]) == [])
    finally:
        server.stop()
