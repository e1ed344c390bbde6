"""The program ``daggerml-adapter-dask``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from importlib.metadata import version
from typing import BinaryIO

from daggerml_adapter_dask.protocol import DISTRIBUTION, Answer, answer, error


def main() -> int:
    """Answer the requests on stdin, one JSON line each, until it ends."""
    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Answers DaggerML's adapter requests: one JSON line on stdin, one on stdout.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        # Nobody reads the answers any more; say nothing about it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every line of ``requests`` that is not blank."""
    for line in requests:
        if line.strip():
            answers.write(json.dumps(guarded(line)).encode("ascii") + b"\n")
            answers.flush()


def guarded(line: bytes) -> Answer:
    """Answer a request; a fault of this program is an answer too, not a traceback."""
    try:
        return answer(line)
    except Exception as problem:  # noqa: BLE001 (the caller waits for an answer)
        return error("internal", f"{type(problem).__name__}: {problem}")
