"""Failures that may not come again: tried again, told, never cached; errors from the cache."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dml, NodeError, Transient, funk
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from pathlib import Path


class Busy(Transient):
    """Of an author, with arguments of its own."""

    def __init__(self, code: int) -> None:
        self.code = code


class Quiet(Exception):  # noqa: N818  an author's
    pass


class ConnectionError(Exception):  # noqa: A001  named as a builtin
    pass


@funk
def flaky(dag: Any, folder: Any, times: Any) -> Any:
    """Fails transiently so many times."""
    import pathlib

    import daggerml

    place = pathlib.Path(folder.value())
    runs = len(list(place.iterdir()))
    (place / str(runs)).touch()
    if runs < times.value():
        raise daggerml.Transient(f"not yet: {runs}")
    return runs


@funk(prepop={"flaky": flaky})
def outer(dag: Any, folder: Any, times: Any) -> Any:
    import pathlib

    with (pathlib.Path(folder.value()).parent / "outer").open("a") as file:
        file.write("x")
    return dag.call(dag.flaky, folder, times, retries=1)


@funk(prepop={"flaky": flaky})
def catching(dag: Any, folder: Any) -> Any:
    import daggerml

    try:
        return dag.call(dag.flaky, folder, 99, retries=0)
    except daggerml.NodeError as error:
        return f"caught: {error.transient}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "files"
    found.mkdir()
    return found


def runs(folder: Path) -> int:
    return len(list(folder.iterdir()))


def fails(repo: Dml, fn: Any, *args: Any, **options: Any) -> NodeError:
    with repo.new("fails") as dag:
        with pytest.raises(NodeError) as caught:
            dag.call(fn, *args, **options)
        dag.commit(None)
    return caught.value


@pytest.mark.parametrize("processes", ["0", "1"])
def test_it_is_tried_again_and_the_result_is_cached(
    repo: Dml, folder: Path, processes: str
) -> None:
    repo.config.set("adapter.local.processes", processes)
    with repo.new("first") as dag:
        assert dag.call(flaky, str(folder), 2).value() == 2
        assert dag.call(flaky, str(folder), 2).value() == 2
        dag.commit(None)
    assert runs(folder) == 3
    [newest, second, first] = repo.exec.show(repo.exec.list()[0].key)
    assert (newest.status, newest.transient, newest.cached) == ("ok", False, True)
    for made in (second, first):
        assert (made.status, made.transient, made.cached) == ("error", True, False)
        assert made.dag is not None
    assert first.dag is not None
    assert repo.load(first.dag).tags == ["daggerml:transient"]


def test_when_it_never_goes_well_the_caller_is_told(repo: Dml, folder: Path) -> None:
    for retries, made in ((1, 2), (0, 3)):
        error = fails(repo, flaky, str(folder), 99, retries=retries)
        assert runs(folder) == made
        assert (error.origin, error.type, error.transient) == ("python", "Transient", True)
        assert error.message == f"not yet: {made - 1}"
        assert error.stack[-1]["name"] == "flaky"
        assert "not yet" in error.stack[-1]["line"]
        times = "2 attempts" if retries else "1 attempt;"
        assert f"transient failure, after {times}" in str(error)
        assert "nothing is cached" in str(error)
        [record] = repo.exec.list()
        assert (record.status, record.transient, record.cached) == ("error", True, False)
        kept = error.context().error  # what ran is history
        assert kept is not None
        assert kept.message == error.message
        assert not repo.exec.invalidate(record.key)


def test_without_the_cache_what_was_cached_stays(repo: Dml, folder: Path) -> None:
    server = folder.parent / "server"
    server.touch()

    @funk
    def ask(dag: Any, path: Any) -> Any:
        import pathlib

        import daggerml

        if not pathlib.Path(path.value()).exists():
            raise daggerml.Transient("down")
        return "up"

    with repo.new("up") as dag:
        assert dag.call(ask, str(server)).value() == "up"
        dag.commit(None)
    server.unlink()
    error = fails(repo, ask, str(server), cache=False, retries=0)
    assert "what was cached before stays" in str(error)
    with repo.new("again") as dag:
        assert dag.call(ask, str(server)).value() == "up"
        dag.commit(None)


def test_a_call_hands_a_transient_failure_on(repo: Dml, folder: Path) -> None:
    error = fails(repo, outer, str(folder), 99)
    assert error.transient
    assert runs(folder) == 2  # the call within was tried again, and the outer one not
    assert (folder.parent / "outer").read_text() == "x"
    assert {record.cached for record in repo.exec.list()} == {False}
    with repo.new("later") as dag:
        assert dag.call(outer, str(folder), 3).value() == 3
        assert dag.call(catching, str(folder)).value() == "caught: True"
        dag.commit(None)
    assert [record.cached for record in repo.exec.list()].count(True) == 3


@funk(transient=[OSError, "http.client.HTTPException"])
def by_name(dag: Any, which: Any) -> Any:
    import http.client
    import json
    import pathlib
    import socket

    what = which.value()
    if what == "subclass":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = free.getsockname()
        socket.create_connection(address, 2)
    if what == "of a module":
        raise http.client.RemoteDisconnected("gone")
    if what == "json":
        json.loads("{")
    if what == "wrapped":
        try:
            pathlib.Path("/nowhere/at/all").read_text()
        except OSError as problem:
            raise ValueError("wrapped") from problem
    if what == "exit":
        raise SystemExit(3)
    return what


def test_exceptions_by_name(repo: Dml) -> None:
    assert by_name.runnable.kwargs["transient"] == ["OSError", "http.client.HTTPException"]
    for what, kind in (("subclass", "ConnectionRefusedError"), ("of a module", None)):
        error = fails(repo, by_name, what, retries=0)
        assert error.transient
        assert error.type == (kind or "RemoteDisconnected")
    for what, kind in (("json", "JSONDecodeError"), ("wrapped", "ValueError")):
        assert not fails(repo, by_name, what).transient
        error = fails(repo, by_name, what)
        assert error.type == kind
        assert "answered from the cache" in str(error)
    assert not fails(repo, by_name, "exit").transient


def test_classes_of_the_funk_itself(repo: Dml) -> None:
    @funk(helpers=[Transient, Quiet, Busy], transient=[Quiet])
    def own(dag: Any, which: Any) -> Any:
        if which.value() == "quiet":
            raise Quiet("shh")
        raise Busy(429)

    assert own.runnable.kwargs["transient"] == [".Quiet"]
    assert fails(repo, own, "quiet", retries=0).transient
    assert fails(repo, own, "busy", retries=0).type == "Busy"


def test_a_class_that_only_has_the_name(repo: Dml) -> None:
    @funk(helpers=[ConnectionError], transient=[OSError])
    def named(dag: Any) -> Any:
        raise ConnectionError("of the author")

    error = fails(repo, named)
    assert (error.type, error.transient) == ("ConnectionError", False)


def test_a_wait_longer_than_the_timeout_is_not_begun(repo: Dml) -> None:
    @funk
    def wait(dag: Any) -> Any:
        import daggerml

        raise daggerml.Transient("later", retry_after=100000)

    assert fails(repo, wait, timeout=60).transient


def test_a_failure_of_what_runs_a_call_within_is_not_cached(repo: Dml) -> None:
    @funk(adapter="nowhere")
    def inner(dag: Any) -> Any:
        return 1

    @funk
    def killed(dag: Any) -> Any:
        import os

        os._exit(3)

    for within in (inner, killed):

        @funk(prepop={"inner": within})
        def around(dag: Any) -> Any:
            return dag.call(dag.inner, retries=0)

        assert fails(repo, around).transient
    assert not any(record.cached for record in repo.exec.list())


def test_a_cached_error_says_so(repo: Dml, tmp_path: Path) -> None:
    @funk
    def refused(dag: Any, port: Any) -> Any:
        import socket

        socket.create_connection(("127.0.0.1", port.value()), 2).close()
        return "up"

    @funk(prepop={"refused": refused})
    def asks(dag: Any, port: Any) -> Any:
        return dag.call(dag.refused, port)

    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        first = fails(repo, asks, port)
        assert str(first) == first.message
        assert first.hint is None
        server.listen()
        said = ""
        for call in (refused, asks):
            error = fails(repo, call, port)
            assert (error.type, error.message) == (first.type, first.message)
            said = str(error)
            assert re.search(r"recorded on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", said), said
            assert "from the cache" in said
        with repo.new("map") as dag:
            [kept] = dag.map(asks, [port], on_error="keep")
            assert isinstance(kept, NodeError)
            assert str(kept) == said
            dag.commit(None)
        # What it says works, with the call within.
        found = re.search(r"`dml (exec invalidate [^`]+)`", said)
        assert found is not None
        keys = found.group(1).split()[2:]
        assert len(keys) == 2
        for key in keys:
            assert repo.exec.invalidate(key)
        with repo.new("up") as dag:
            assert dag.call(asks, port).value() == "up"
            dag.commit(None)


def test_a_command_can_say_that_it_may_go_well_later(repo: Dml, tmp_path: Path) -> None:
    code = "import sys; sys.exit(int(sys.argv[1]))"
    run = daggerml.command([sys.executable, "-c", code, 0], transient=[75, 75, 69])
    assert run.kwargs["transient"] == [69, 75]
    error = fails(repo, run, 75, retries=1)
    assert (error.transient, error.type, error.origin) == (True, "CommandError", "command")
    assert "after 2 attempts" in str(error)
    assert not fails(repo, run, 3).transient
    for wrong in (0, 256, -9, True, "75"):
        with pytest.raises(InvalidError, match="exit codes from 1 to 255"):
            daggerml.command(["true"], transient=[wrong])  # type: ignore[list-item]


def test_in_process(folder: Path) -> None:
    assert flaky.in_process(str(folder), 1) == 1
    with pytest.raises(Transient, match="not yet: 2"):
        flaky.in_process(str(folder), 99, retries=0)

    @funk(helpers=[Quiet], transient=[Quiet])
    def own(dag: Any, folder: Any) -> Any:
        import pathlib

        place = pathlib.Path(folder.value())
        (place / str(len(list(place.iterdir())))).touch()
        raise Quiet("shh")

    before = runs(folder)
    with pytest.raises(Quiet):
        own.in_process(str(folder), retries=1)
    assert runs(folder) == before + 2


def test_the_command_line_tells(repo: Dml, folder: Path) -> None:
    native = os.environ.get("DML_NATIVE")
    if native is None:
        pytest.skip("DML_NATIVE names no dml")
    fails(repo, flaky, str(folder), 99, retries=0)
    done = subprocess.run(
        [native, "exec", "list", "--json"], cwd=repo.root, capture_output=True, check=True
    )
    [call] = json.loads(done.stdout)["calls"]
    assert (call["dag"], call["newest"]["transient"]) == (None, True)
    done = subprocess.run([native, "exec", "list"], cwd=repo.root, capture_output=True, check=True)
    assert b"transient error" in done.stdout
