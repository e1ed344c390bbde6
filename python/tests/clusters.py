"""A Dask cluster of processes on loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

#: The program `dask` on a machine that lacks the package of the adapter.
_DASK = (
    "import sys; sys.modules['daggerml_adapter_dask'] = None; "
    "from dask.__main__ import main; sys.argv[0] = 'dask'; sys.exit(main())"
)


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, workers: int = 2, folder: Path | None = None) -> None:
        self.folder = folder or Path.cwd()
        self.port = 0
        self.scheduler = self.start_scheduler()
        self.workers = [self.start_worker() for _ in range(workers)]

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        arguments = ["scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        process = self._start(*arguments, "--no-show")
        told = _line(process.stderr, rb"Scheduler at:\s+(tcp://\S+)")
        self.address = told
        self.port = int(told.rpartition(":")[2])
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        process = self._start(
            "worker", self.address, "--nworkers", "1", "--nthreads", "1", "--no-nanny",
            "--no-dashboard", "--local-directory", str(self.folder), "--host", "127.0.0.1",
        )  # fmt: skip
        _line(process.stderr, rb"Registered to:\s+(tcp://\S+)")
        return process

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "0"}
        return subprocess.Popen(
            [sys.executable, "-c", _DASK, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )

    def restart(self) -> None:
        """Kills the scheduler, and starts another one at its address, with new workers."""
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self.start_scheduler()
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.workers = [self.start_worker() for _ in self.workers]

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
        for process in (*self.workers, self.scheduler):
            process.wait()


def _line(stream: IO[bytes] | None, pattern: bytes) -> str:
    """Returns what a line of a log has for the pattern; go on reading the log."""
    assert stream is not None
    deadline = time.monotonic() + 300  # for a start beside much other work
    seen = b""
    while time.monotonic() < deadline:
        line = stream.readline()
        seen += line
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=stream.read, daemon=True).start()
            return found[1].decode()
        if not line:
            break
    raise AssertionError(f"no {pattern!r} in {seen.decode()}")
