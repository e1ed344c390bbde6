"""A job: one call in a folder, run by a process that outlives whoever started it.

``python -m daggerml.adapters.job FOLDER`` runs it, on POSIX systems.

| file of the folder | |
|---|---|
| ``job.json`` | what to run: see :class:`Job`; whoever starts the job writes it |
| ``lock`` | locked while the job runs, and holds the number of its process |
| ``answer.json`` | how the call ended: an answer of the adapter protocol, there all at once |
| ``log`` | what the job's own process wrote, if it could not run |

If the lock is free and there is no answer, the job was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Optional, TypedDict

from daggerml.adapters.process import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Job", "StoppedError", "Warm", "main", "run"]

#: How often a process of an inner adapter is replaced when it dies while its call is pending.
_LIVES = 5


#: How long another adapter may take to end, in seconds: as long as the executor gives it.
_LAST = 2.0


class Job(TypedDict, total=False):
    """What ``job.json`` holds; all but the first are optional."""

    #: The request ``invoke``, with ``depth``.
    request: dict[str, Any]
    #: The adapter that runs it here; otherwise ``local``.
    adapter: str
    #: More environment variables.
    env: dict[str, str]
    #: The folder for the call's work; otherwise ``work`` in the job's folder.
    workdir: str
    #: How many seconds it may run.
    time: int
    #: How many bytes of data each of its processes may have.
    memory: int
    #: The folder with the locks of this machine's slots.
    slots: str
    #: How many slots there are, and how many of them the job takes.
    slot_count: int
    cpus: int


class StoppedError(BaseException):
    """The job was asked to stop, or its time is over."""


def main(words: Optional[list[str]] = None) -> int:
    """Runs the job in a folder. The second word is the descriptor of its lock, if inherited."""
    folder, *inherited = sys.argv[1:] if words is None else words
    place = Path(folder).resolve()
    lock = int(inherited[0]) if inherited else _locked(place)
    os.set_inheritable(lock, False)
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d" % os.getpid(), 0)
    signal.signal(signal.SIGTERM, _stop)  # also while the job is read
    job: Job = json.loads((place / "job.json").read_text("utf-8"))
    return 0 if run(job, place) else 1


class Warm:
    """A process of ``local`` for jobs that run one after the other, in the same folder."""

    def __init__(self) -> None:
        """Starts nothing yet."""
        self._kept: list[tuple[dict[str, str], Process]] = []

    def take(self, environment: dict[str, str]) -> Optional[Process]:
        """Returns the process, if it is there and has that environment."""
        kept, self._kept = self._kept, []
        for had, process in kept:
            if had == environment and process.alive:
                return process
            process.kill()
        return None

    def give(self, environment: dict[str, str], process: Process) -> None:
        """Keeps a process for the next job."""
        self._kept.append((environment, process))

    def end(self) -> None:
        """Ends the process."""
        for _, process in self._kept:
            process.end(_LAST)


def run(job: Job, place: Path, warm: Optional[Warm] = None) -> bool:
    """Runs a job, and writes its answer. Returns false when it was stopped by SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        with _slots(job):
            answer = _run(job, place, warm)
    except StoppedError:
        return False
    new = place / "answer.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump(answer, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(place / "answer.json")
    return True


def _locked(place: Path) -> int:
    import fcntl

    lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _stop(*_: object) -> NoReturn:
    raise StoppedError


def _run(job: Job, place: Path, warm: Optional[Warm]) -> dict[str, Any]:
    """Runs the call, and returns its last answer."""
    work = Path(job.get("workdir") or place / "work")
    try:
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chdir(work)
        if "memory" in job:
            import resource

            _, most = resource.getrlimit(resource.RLIMIT_DATA)
            limit = job["memory"] if most == resource.RLIM_INFINITY else min(job["memory"], most)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (OSError, ValueError) as problem:
        return _error("job", f"the job cannot begin: {problem}")
    environment = {"TMPDIR": str(work), **job.get("env", {})}
    try:
        command = _command(job.get("adapter", "local"))
    except LookupError as problem:
        return _error("not_found", str(problem.args[0]))
    kept = warm.take(environment) if warm is not None and command is None else None
    run = _Inner(command, environment, job["request"], kept)
    answered = False
    late = threading.Event()

    def end() -> None:
        late.set()
        os.kill(os.getpid(), signal.SIGTERM)

    clock = threading.Timer(job.get("time", 0), end)
    clock.daemon = True
    if "time" in job:
        clock.start()
    try:
        answer = run.answer()
        answered = run.process.alive
        return answer  # noqa: TRY300
    except StoppedError:
        run.stop()
        if late.is_set():
            text = f"the call was stopped after its time, {job['time']} s"
            return _error("timeout", text)
        raise
    finally:
        clock.cancel()
        if warm is not None and answered and command is None:
            warm.give(environment, run.process)
        else:
            # Another adapter may have something to stop or to remove, elsewhere.
            run.process.end(_LAST if command else 0)


def _command(adapter: str) -> Optional[list[str]]:
    """Returns the command of an adapter that is installed here."""
    if adapter == "local":
        return None
    from daggerml import calls

    found = calls._installed().get(adapter)
    if found is None:
        text = f"there is no adapter {adapter!r} where the call would run"
        raise LookupError(f"{text}; install its package there ({sys.executable})")
    return [*found[0]]


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"state": "error", "error": {"kind": kind, "message": message, "transient": False}}


class _Inner:
    """The adapter that runs the call here."""

    def __init__(
        self,
        command: Optional[list[str]],
        environment: dict[str, str],
        request: dict[str, Any],
        process: Optional[Process] = None,
    ) -> None:
        self._command, self._environment, self._request = command, environment, request
        self._token = ""
        self.process = process or Process(environment, command)

    def answer(self) -> dict[str, Any]:
        """Asks until the call is at its end."""
        answer = self.process.ask(**self._request)
        lives = _LIVES
        while True:
            if answer.get("state") == "pending":
                self._token = str(answer["token"])
                time.sleep(min(float(answer.get("retry_after_ms") or 50), 5000) / 1000)
            elif self._token and not self.process.alive and lives:
                lives -= 1
                self.process = Process(self._environment, self._command)
            else:
                return answer
            answer = self._ask("poll")

    def stop(self) -> None:
        """Stops the call."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.process.kill()
        if self._token:
            self.process = Process(self._environment, self._command)
            self._ask("cancel")

    def _ask(self, op: str) -> dict[str, Any]:
        given = {name: self._request.get(name) for name in ("key", "attempt")}
        return self.process.ask(op=op, token=self._token, **given)


@contextlib.contextmanager
def _slots(job: Job) -> Iterator[None]:
    """Waits until enough of the machine's slots are free, and holds them."""
    if "slots" not in job:
        yield
        return
    import fcntl

    folder, count = Path(job["slots"]), max(1, job.get("slot_count", 1))
    wanted = min(max(1, job.get("cpus", 1)), count)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    turn = (folder / "turn").open("w")
    with contextlib.ExitStack() as held:
        while True:
            fcntl.flock(turn, fcntl.LOCK_EX)  # so that two cannot hold a part each
            free = 0
            for number in range(count):
                slot = held.enter_context((folder / str(number)).open("w"))
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    slot.close()
                    continue
                free += 1
                if free == wanted:
                    break
            fcntl.flock(turn, fcntl.LOCK_UN)
            if free == wanted:
                break
            held.close()
            time.sleep(random.uniform(0.02, 0.1))  # noqa: S311
        yield


if __name__ == "__main__":
    sys.exit(main())
