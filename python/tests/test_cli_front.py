"""The `dml` of the wheel behaves like the native one: it is the same program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Optional

import pytest

from daggerml import Dml

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals, pipes and bytes")


def both(
    native: str,
    front: str,
    *args: str | bytes,
    cwd: Optional[Path] = None,
    env: Optional[dict[str, str]] = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs both programs; they must agree on everything, which is returned."""
    native_end, front_end = (
        subprocess.run(
            [program, *args],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
        for program in (native, front)
    )
    assert front_end.returncode == native_end.returncode
    assert front_end.stdout == native_end.stdout
    assert front_end.stderr == native_end.stderr
    return native_end


def test_version(native: str, front: str) -> None:
    ended = both(native, front, "--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"dml ")


def test_help(native: str, front: str) -> None:
    ended = both(native, front, "--help")
    assert ended.returncode == 0
    assert b"Usage: dml" in ended.stdout


def test_wrong_usage(native: str, front: str) -> None:
    ended = both(native, front, "no-such-command")
    assert ended.returncode == 2
    assert ended.stdout == b""
    assert b"no-such-command" in ended.stderr


def test_python_module(front: str) -> None:
    module = subprocess.run(
        [sys.executable, "-m", "daggerml_cli", "--version"], capture_output=True, check=True
    )
    script = subprocess.run([front, "--version"], capture_output=True, check=True)
    assert module.stdout == script.stdout


@posix
@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_arguments_that_are_not_utf8(native: str, front: str, locale: str) -> None:
    ended = both(native, front, b"caf\xe9-\xff\xfe", env={"LC_ALL": locale})
    assert ended.returncode == 2


def test_arguments_beyond_ascii(native: str, front: str) -> None:
    ended = both(native, front, "grüße-日本-🦀")
    assert "grüße-日本-🦀".encode() in ended.stderr


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}, {"TERM": "dumb"}])
def test_colours_in_a_pipe(native: str, front: str, env: dict[str, str]) -> None:
    ended = both(native, front, "no-such-command", env=env)
    if not env:
        assert b"\x1b[" not in ended.stderr


@posix
@pytest.mark.parametrize("no_color", [False, True])
def test_colours_on_a_terminal(native: str, front: str, *, no_color: bool) -> None:
    printed = [on_a_terminal(program, no_color=no_color) for program in (native, front)]
    assert printed[0] == printed[1]
    assert (b"\x1b[" in printed[0]) != no_color


def on_a_terminal(program: str, *, no_color: bool) -> bytes:
    """Returns what a wrong usage prints when the streams are a terminal."""
    import pty

    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    env.update({"TERM": "xterm-256color"}, **({"NO_COLOR": "1"} if no_color else {}))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [program, "no-such-command"], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    ) as process:
        os.close(theirs)
        printed = b""
        try:
            while chunk := os.read(ours, 65536):
                printed += chunk
        except OSError:
            pass  # Linux ends a terminal with an error
        assert process.wait(timeout=30) == 2
    os.close(ours)
    return printed


@posix
def test_a_reader_that_goes_away(native: str, front: str) -> None:
    ends = []
    for program in (native, front):
        reader, writer = os.pipe()
        os.close(reader)
        ended = subprocess.run(
            [program, "--help"], stdout=writer, stderr=subprocess.PIPE, timeout=30, check=False
        )
        os.close(writer)
        ends.append((ended.returncode, ended.stderr))
    assert ends[0] == ends[1]
    assert ends[0][1] == b""


@posix
def test_closed_streams(native: str, front: str) -> None:
    ends = []
    for program in (native, front):
        for closing in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            ended = subprocess.run(
                ["sh", "-c", f'exec "$0" --version {closing}', program],
                capture_output=True,
                timeout=30,
                check=False,
            )
            ends.append((closing, ended.returncode, ended.stdout, ended.stderr))
    assert ends[: len(ends) // 2] == ends[len(ends) // 2 :]


def nearly_full_pipe() -> tuple[int, int]:
    """Makes a pipe that nobody reads and that takes a page more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    os.read(reader, 4096)
    return reader, writer


def waiting(reader: int) -> int:
    """Returns how many bytes a pipe holds."""
    import fcntl
    import termios

    return int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)), sys.byteorder)


@posix
@pytest.mark.parametrize("ignored", [False, True])
def test_interrupt(native: str, front: str, tmp_path: Path, *, ignored: bool) -> None:
    with Dml.init(tmp_path).new("long") as dag:
        dag.commit("x" * 100_000)
    # Both are stuck in Rust, writing what the pipe does not take, when Ctrl-C comes.
    for program in (native, front):
        reader, writer = nearly_full_pipe()
        before = waiting(reader)
        command = [program, "-C", str(tmp_path), "cat", "long"]
        if ignored:
            command = ["sh", "-c", 'trap "" INT; exec "$0" "$@"', *command]
        with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as process:
            os.close(writer)
            while waiting(reader) == before:
                assert process.poll() is None, "it should write"
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            if ignored:
                time.sleep(0.2)
                assert process.poll() is None, "an ignored interrupt stays ignored"
                process.kill()
            status = process.wait(timeout=30)
            assert process.stderr is not None
            assert process.stderr.read() == b""
            assert status == (-signal.SIGKILL if ignored else -signal.SIGINT)
        os.close(reader)


def imported(program: str) -> set[str]:
    """Returns the modules that a program imports into a fresh interpreter."""
    around = (
        "import sys; before = set(sys.modules)\n"
        f"try: {program}\n"
        "finally: print(*(set(sys.modules) - before), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", around], capture_output=True, check=True)
    return set(ended.stderr.decode().split())


def test_start_up() -> None:
    # People wait for it, and modules are what it costs; docs/benchmarks.md has the time.
    ours = imported("from daggerml_cli import main; sys.argv = ['dml', '--version']; main()")
    assert ours - imported("import os, _signal") == {"daggerml", "daggerml._core", "daggerml_cli"}
