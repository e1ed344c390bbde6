"""The adapter for Dask, as a program: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import distribution, version
from typing import Any

import pytest

PROGRAM = "daggerml-adapter-dask"


def ask(program: str, requests: bytes) -> list[dict[str, Any]]:
    """Send lines to the installed program; it must end well and print only JSON objects."""
    ended = subprocess.run([program], input=requests, capture_output=True, timeout=30, check=True)
    assert ended.stderr == b""
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert all(isinstance(answer, dict) for answer in answers)
    return answers


def test_version(adapter: str) -> None:
    ended = subprocess.run([adapter, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == f"{PROGRAM} {version(PROGRAM)}"


def test_describe_tells_what_it_can_do(adapter: str) -> None:
    [answer] = ask(adapter, b'{"op": "describe"}\n')
    assert answer == {
        "status": "done",
        "result": {
            "name": "dask",
            "version": version(PROGRAM),
            "protocol": 1,
            "operations": ["describe"],
        },
    }


@pytest.mark.parametrize("operation", ["invoke", "poll", "cancel", "x"])
def test_what_it_cannot_do_is_an_answer(adapter: str, operation: str) -> None:
    [answer] = ask(adapter, json.dumps({"op": operation, "token": "t"}).encode())
    assert answer["status"] == "error"
    assert answer["error"]["code"] == "unsupported"
    assert operation in answer["error"]["message"]
    assert answer["error"]["retry"] is False


@pytest.mark.parametrize(
    "request_line",
    [
        b"not json",
        b"{",
        b"[]",
        b"null",
        b'"describe"',
        b"{}",
        b'{"op": 1}',
        b'{"op": null}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"\x00",
    ],
)
def test_bad_input_is_answered_and_the_next_request_too(adapter: str, request_line: bytes) -> None:
    bad, good = ask(adapter, request_line + b'\n{"op": "describe"}\n')
    assert bad["status"] == "error"
    assert bad["error"]["code"] == "invalid_request"
    assert good["status"] == "done"


def test_blank_lines_and_no_input(adapter: str) -> None:
    assert ask(adapter, b"") == []
    assert ask(adapter, b"\n  \n") == []


def test_a_reader_that_goes_away_is_no_traceback(adapter: str) -> None:
    with subprocess.Popen(
        [adapter], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b'{"op": "describe"}\n')
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 1


def test_it_is_registered() -> None:
    entries = distribution(PROGRAM).entry_points
    [entry] = [entry for entry in entries if entry.group == "daggerml.adapters"]
    assert entry.name == "dask"
    assert callable(entry.load())
