"""The program of the adapter `local`, by its lines: what a function may do to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

pytest.importorskip("blake3")

from by_hand import Adapter, outcome
from far_calls import gone, until

import daggerml
from daggerml import Runnable, funk
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def local() -> Iterator[Adapter]:
    with Adapter() as adapter:
        yield adapter


@funk
def total(dag: Any, *xs: Any) -> Any:
    return sum(x.value() for x in xs)


def test_describe(local: Adapter) -> None:
    assert local.ask("describe") == {
        "id": 1,
        "state": "description",
        "name": "local",
        "version": daggerml.version(),
        "protocols": [1],
        "operations": ["cancel", "describe", "invoke", "poll"],
    }
    assert local.close() == ""


SLOW = """
import time
from daggerml.adapters import lines

def slow(request):
    time.sleep(0.5 if request["op"] == "describe" else 600)
    return {"state": "done"}

lines.serve({"describe": slow, "invoke": slow})
"""


#: Makes a process the first one of its own space, as in a container. It cannot kill itself.
FIRST = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]


@pytest.mark.parametrize("how", [[], FIRST])
@pytest.mark.parametrize(("op", "answered"), [("describe", True), ("invoke", False)])
def test_requests_on_a_pipe_that_ends(op: str, answered: bool, how: list[str]) -> None:
    if how and (
        shutil.which(how[0]) is None
        or subprocess.run([*how, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this system has no spaces of processes for its users")
    line = json.dumps({"protocol": 1, "id": 1, "op": op})
    run = subprocess.run(
        [*how, sys.executable, "-c", SLOW],
        input=line + "\n",
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert (run.returncode == 0) is answered, run.stderr
    answers = [json.loads(each) for each in run.stdout.splitlines()]
    assert answers == ([{"id": 1, "state": "done"}] if answered else [])


def test_one_process_answers_many_calls(local: Adapter) -> None:
    for number in range(20):
        assert outcome(local.invoke(total, 1, 2, number)) == 3 + number
    assert local.close() == ""


def test_the_dag_of_a_call(local: Adapter) -> None:
    @funk(prepop={"total": total, "ten": 10}, tags=["b", "a"])
    def f(dag: Any, x: Any) -> Any:
        assert dag.argv.value() == [x.value()]
        assert dag.total.type == "runnable"
        dag["twice"] = x.value() * 2
        return dag.put([x, dag.ten, dag.twice])

    assert outcome(local.invoke(f, 4)) == [4, 10, 8]


def test_what_a_function_prints_is_the_log(local: Adapter) -> None:
    @funk
    def noisy(dag: Any) -> Any:
        import os
        import subprocess
        import sys

        print("printed")
        os.write(1, b'{"id": 1, "state": "done"}\ngarbage\n')
        print("on stderr", file=sys.stderr)
        subprocess.run(["echo", "from a child"], check=True)
        assert sys.stdin.read() == ""
        sys.stdout.close()
        return 1

    assert outcome(local.invoke(noisy)) == 1
    assert outcome(local.invoke(total, 1)) == 1
    log = local.close()
    for text in ("printed", "garbage", "on stderr", "from a child"):
        assert text in log


def raises(dag: Any) -> Any:
    def deeper() -> None:
        raise ZeroDivisionError("mine")

    deeper()


def test_an_exception_is_the_dags_error_with_the_authors_lines(local: Adapter) -> None:
    error = outcome(local.invoke(funk(raises)))
    assert (error["origin"], error["type"], error["message"]) == (
        "python",
        "ZeroDivisionError",
        "mine",
    )
    assert [(frame["name"], frame["line"]) for frame in error["stack"]] == [
        ("raises", "deeper()"),
        ("deeper", "raise ZeroDivisionError('mine')"),
    ]
    assert error["stack"][0]["filename"] == "<funk raises>"


def exits(dag: Any) -> Any:
    import sys

    sys.exit(3)


def raises_what_cannot_be_pickled_or_printed(dag: Any) -> Any:
    class Odd(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

        def __reduce__(self) -> Any:
            raise RuntimeError

    raise Odd(lambda: 1)


def returns_what_is_no_value(dag: Any) -> Any:
    return object()


def raises_a_surrogate(dag: Any) -> Any:
    raise ValueError("\udcff")


def recurses(dag: Any) -> Any:
    return recurses(dag)


def interrupts(dag: Any) -> Any:
    raise KeyboardInterrupt


def cancels(dag: Any) -> Any:
    dag.cancel()


def commits(dag: Any) -> Any:
    dag.commit(1)


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        (exits, "SystemExit", "3"),
        (raises_what_cannot_be_pickled_or_printed, "Odd", "<a Odd that cannot be printed>"),
        (returns_what_is_no_value, "codec-error", "a value cannot hold an object"),
        (raises_a_surrogate, "ValueError", "\\udcff"),
        (recurses, "RecursionError", "maximum recursion"),
        (interrupts, "KeyboardInterrupt", ""),
        (cancels, "CancellationError", "was cancelled"),
        (commits, "InvalidError", "belongs to the call"),
    ],
)
def test_every_end_of_a_function_is_recorded(
    local: Adapter, function: Any, kind: str, words: str
) -> None:
    error = outcome(local.invoke(funk(function)))
    assert error["type"] == kind
    assert words in error["message"]
    assert len(error["stack"]) <= 100
    assert outcome(local.invoke(total, 1)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_lines_of_a_function_are_found_where_it_runs(local: Adapter) -> None:
    @funk
    def looks(dag: Any) -> Any:
        import inspect
        import linecache
        import traceback

        def inner() -> str:
            raise ValueError("here")

        told = ""
        try:
            inner()
        except ValueError:
            told = traceback.format_exc()
        loader = linecache.__loader__.__class__
        return [
            'raise ValueError("here")' in told or "raise ValueError('here')" in told,
            inspect.getsource(inner).split()[1],
            "daggerml" in (loader.__module__ or ""),
        ]

    for _ in range(2):  # in a process that has not imported them, and in one that has
        assert outcome(local.invoke(looks)) == [True, "inner()", False]


def test_a_function_that_forks_answers_once(local: Adapter) -> None:
    @funk
    def forks(dag: Any) -> Any:
        import os

        return "child" if os.fork() == 0 else "parent"

    assert outcome(local.invoke(forks)) == "parent"
    assert outcome(local.invoke(total, 1)) == 1
    local.close()


def test_helpers_and_dataclasses(local: Adapter) -> None:
    import dataclasses

    @dataclasses.dataclass
    class Point:
        x: int
        missing: NotThere = 3  # type: ignore[name-defined]  # noqa: F821

        def twice(self) -> int:
            return self.x * 2

    @funk(helpers=[dataclasses, Point])
    def f(dag: Any, x: Any) -> Any:
        point = Point(x.value())
        return {"point": point, "twice": point.twice()}

    assert outcome(local.invoke(f, 2)) == {"point": {"x": 2, "missing": 3}, "twice": 4}


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({}, "invalid_request"),
        ({"key": "0" * 64}, "invalid_request"),
        ({"key": "0" * 64, "bundle": "!"}, "corrupt"),
        ({"key": "0" * 64, "bundle": 3}, "invalid_request"),
        ({"key": "x", "bundle": ""}, "invalid"),
    ],
)
def test_bad_requests(local: Adapter, members: dict[str, Any], kind: str) -> None:
    answer = local.ask("invoke", **members)
    assert (answer["state"], answer["error"]["kind"]) == ("error", kind), answer
    assert outcome(local.invoke(total, 1)) == 1


def test_what_it_cannot_run(local: Adapter) -> None:
    answer = local.invoke(Runnable("docker:image", adapter="local"))
    assert answer["error"]["kind"] == "unsupported"
    assert "'docker:image'" in answer["error"]["message"]
    answer = local.ask("dance")
    assert answer["error"]["kind"] == "unsupported"
    answer = local.ask("poll", token="t")  # noqa: S106
    assert answer["error"]["kind"] == "unknown_token"
    assert local.ask("cancel", token="t")["state"] == "canceled"  # noqa: S106


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_end_of_standard_input_stops_everything_it_started(
    local: Adapter, tmp_path: Any
) -> None:
    @funk
    def hangs(dag: Any, told: Any) -> Any:
        import pathlib
        import subprocess
        import time

        child = subprocess.Popen(["sleep", "600"])
        pathlib.Path(told.value()).write_text(str(child.pid))
        while True:
            time.sleep(1)

    from by_hand import call

    key, bundle = call(hangs, str(tmp_path / "pid"))
    import base64

    local.send("invoke", key=key, attempt=1, ancestors=[], bundle=base64.b64encode(bundle).decode())
    told = tmp_path / "pid"
    until(lambda: told.exists() and told.read_text())
    child = int(told.read_text())
    assert not gone(child)
    assert local.process.stdin is not None
    local.process.stdin.close()
    assert local.process.wait(60) in {1, -signal.SIGKILL}
    until(lambda: gone(child))


def test_mistakes_in_a_command_are_errors_at_once() -> None:
    commands: list[tuple[list[Any], dict[str, Any], str]] = [
        (["echo", None], {}, "not a NoneType"),
        (["echo", ["a"]], {}, "not a list"),
        (["head", -1], {}, "-1 is no argument of a call: they are counted from 0"),
        (["env"], {"env": {"A": 1}}, "the environment variable 'A' is a text, not 1"),
    ]
    for argv, options, words in commands:
        with pytest.raises(InvalidError, match=words):
            daggerml.command(argv, **options)


def test_commands(local: Adapter, tmp_path: Path) -> None:
    run = daggerml.command(["sort", "-n"], stdin=0)
    assert outcome(local.invoke(run, b"10\n9\n")) == {"stdout": b"9\n10\n"}
    run = daggerml.command(
        ["sh", "-c", 'cat in/a.txt "$1" > out.txt; echo "$X $Y"; pwd >&2', "sh", 0],
        files={"in/a.txt": 1, "b.txt": "B"},
        outputs=["out.txt"],
        env={"X": "x"},
    )
    told = outcome(local.invoke(run, "b.txt", b"A"))
    assert told == {"stdout": b"x \n", "out.txt": b"AB"}
    run = daggerml.command(["cp", "a", "b"], files={"a": 0}, outputs="b", store=tmp_path.as_uri())
    source = tmp_path / "source"
    source.write_bytes(b"large")
    uri = outcome(local.invoke(run, daggerml.Uri(source.as_uri())))["b"].value
    assert uri.startswith(tmp_path.as_uri())
    assert Path(unquote(uri[len("file://") :])).read_bytes() == b"large"


@pytest.mark.parametrize(
    ("run", "args", "kind", "words"),
    [
        (
            daggerml.command(["sh", "-c", "echo why >&2; exit 3"]),
            [],
            "CommandError",
            "sh ended with exit code 3: why",
        ),
        (daggerml.command(["sh", "-c", "kill -9 $$"]), [], "CommandError", "killed by signal 9"),
        (daggerml.command(["no-such-program"]), [], "CommandError", "cannot be started"),
        (daggerml.command(["true"], outputs=["x"]), [], "CommandError", "made no file 'x'"),
        (daggerml.command(["echo", 1]), [1], "InvalidError", "uses argument 1"),
        (daggerml.command(["echo", 0]), [[1]], "InvalidError", "not a list"),
        (
            daggerml.command(["cat"], stdin=0),
            [daggerml.Uri("s3://b/k")],
            "InvalidError",
            "only have local files",
        ),
        (
            Runnable(
                "daggerml:command/1",
                adapter="local",
                kwargs={"argv": ["true"], "files": {"../x": b""}},
            ),
            [],
            "InvalidError",
            "'../x' is not the name of a file",
        ),
    ],
)
def test_failing_commands(local: Adapter, run: Any, args: Any, kind: str, words: str) -> None:
    error = outcome(local.invoke(run, *args))
    assert error["type"] == kind
    assert words in error["message"]


def test_a_command_is_not_a_shell(local: Adapter) -> None:
    run = daggerml.command(["echo", "$(id)", "; ls", 0])
    assert outcome(local.invoke(run, "`id` | x")) == {"stdout": b"$(id) ; ls `id` | x\n"}
    os.environ["DML_TEST_HIDDEN"] = "s"
    try:
        with Adapter() as other:
            seen = outcome(other.invoke(daggerml.command(["env"])))["stdout"]
            assert b"DML_TEST_HIDDEN" not in seen
            run = daggerml.command(["env"], inherit=["DML_TEST_HIDDEN"])
            assert b"DML_TEST_HIDDEN=s" in outcome(other.invoke(run))["stdout"]
    finally:
        del os.environ["DML_TEST_HIDDEN"]


def test_a_text_is_no_list_of_words() -> None:
    for text in ("sort -n", b"sort"):
        with pytest.raises(daggerml.DmlRepoError, match="not the text") as caught:
            daggerml.command(text)
        assert "shlex.split" in str(caught.value)
    assert daggerml.command(["env"], inherit="HOME").kwargs["inherit"] == ["HOME"]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", ".", "a/../../b", "C:x", "a\\b"])
def test_names_of_a_commands_files(name: str) -> None:
    with pytest.raises(daggerml.DmlRepoError, match="not the name of a file"):
        daggerml.command(["true"], files={name: b""})
