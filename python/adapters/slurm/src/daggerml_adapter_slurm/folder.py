"""The shared folder through which calls go to the nodes, and results come back.

Every change is one rename, so that any process on any machine that sees the folder can go on
where another one was killed. No file is locked, because not every shared file system can do that.

| path | |
|---|---|
| ``jobs/KEY/`` | the run of a call; at most one at a time |
| ``handed/KEY-RUN/`` | a run whose outcome was handed over; soon removed |
| ``stopped/KEY-RUN/`` | a run that is given up; removed when its job is stopped |
| ``batches/BATCH/`` | a job array: which calls its tasks run, and the number of its job |
| ``packages/DIGEST/`` | daggerml and adapters, for nodes that lack them |

| file of a run | |
|---|---|
| ``run.RUN`` | its name is the name of this run |
| ``unsent``, or ``batch.BATCH.INDEX`` | nobody has it, or it is in a task of a job array |
| ``job.json`` | what to run |
| ``answer.json``, ``log`` | how it ended; what its process wrote, if it could not run |
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any, NamedTuple, Optional

from daggerml.errors import InvalidError

__all__ = ["Folder", "Mark", "Run", "checked_folder"]

#: How long a submission can take, in seconds.
SUBMISSION = 75.0

#: How long ended runs are kept for somebody who collects them, in seconds.
KEPT = 7 * 86400

#: How long what belongs to no run is kept, in seconds.
_LEFT = 3600

#: How much of a log is read, in bytes.
_MAX_LOG = 1 << 16

#: Slurm reads % in names of files, and their ends; the rest is for people.
_PATH = re.compile(r"/[^\x00-\x1f\x7f%\\]{0,500}")

_RUN = re.compile(r"run\.([0-9a-f]{16})")
_MARK = re.compile(r"batch\.([0-9a-f]{8}-[0-9]{1,10}-[0-9a-f]{8})\.([0-9]{1,7})")
_KEY = re.compile(r"[0-9a-f]{64}")


class Mark(NamedTuple):
    """Which task runs a call."""

    batch: str
    task: int


class Run(NamedTuple):
    """A run of a call, as its folder is at a moment."""

    place: Path
    key: str
    name: str
    #: Its task; ``None`` while nobody has submitted it.
    mark: Optional[Mark]
    answered: bool
    #: Whether its task began with it.
    begun: bool


def checked_folder(given: str) -> Path:
    """Returns the absolute path of a folder that Slurm can be told."""
    path = os.path.abspath(given)  # noqa: PTH100  links are kept, for they may be the same on nodes
    if not given or not _PATH.fullmatch(path):
        text = f"{given!r} cannot be the folder for Slurm: it has a %, a backslash or a line break"
        raise InvalidError(text)
    return Path(path)


class Folder:
    """The shared folder of a cluster."""

    def __init__(self, base: Path, cluster: str) -> None:
        """Makes it, private to the user.

        :raises InvalidError: when others can write to it.
        """
        self.base = base / cluster
        self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.base.lstat()
        private = found.st_uid == os.getuid() and not found.st_mode & 0o022
        if not (stat.S_ISDIR(found.st_mode) and private):
            text = f"{self.base} is not a private folder of this user"
            raise InvalidError(text, hint="name another folder by --folder")
        for name in ("jobs", "handed", "stopped", "batches"):
            (self.base / name).mkdir(mode=0o700, exist_ok=True)

    def add(self, key: str, job: dict[str, Any]) -> None:
        """Makes a run of a call, unless there is one."""
        new = Path(tempfile.mkdtemp(dir=self.base / "handed", prefix="new-"))
        try:
            (new / "job.json").write_text(json.dumps(job), "ascii")
            (new / f"run.{secrets.token_hex(8)}").touch()
            (new / "unsent").touch()
            new.rename(self.base / "jobs" / key)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            if not (self.base / "jobs" / key).is_dir():  # no other process made it meanwhile
                raise

    def run(self, key: str, name: Optional[str] = None) -> Optional[Run]:
        """Returns the run of a call; of a certain name also when it was handed over."""
        found = self._read(self.base / "jobs" / key, key)
        if name is None or (found is not None and found.name == name):
            return found
        return self._read(self.base / "handed" / f"{key}-{name}", key)

    def _read(self, place: Path, key: str) -> Optional[Run]:
        # A listing is asked of the server of a shared folder; a single file may be answered
        # from a cache.
        try:
            names = [each.name for each in place.iterdir()]
        except OSError:
            return None
        runs = [found[1] for each in names if (found := _RUN.fullmatch(each))]
        marks = [found for each in names if (found := _MARK.fullmatch(each))]
        if not runs:
            return None
        mark = Mark(marks[0][1], int(marks[0][2])) if marks else None
        return Run(place, key, runs[0], mark, "answer.json" in names, "log" in names)

    def new_batch(self) -> str:
        """Returns the name of a batch; it tells which process submits it."""
        host = zlib.crc32(socket.gethostname().encode())
        return f"{host:08x}-{os.getpid()}-{secrets.token_hex(4)}"

    def take(self, key: str, mark: Mark) -> bool:
        """Makes a run part of a batch. Returns false when another process has it."""
        place = self.base / "jobs" / key
        try:
            (place / "unsent").rename(place / f"batch.{mark.batch}.{mark.task}")
        except OSError:
            return False
        return True

    def give_back(self, key: str, mark: Mark) -> None:
        """Undoes :meth:`take`."""
        place = self.base / "jobs" / key
        with contextlib.suppress(OSError):  # it was given up meanwhile
            (place / f"batch.{mark.batch}.{mark.task}").rename(place / "unsent")

    def batch(self, name: str) -> Path:
        """Returns the folder of a batch."""
        return self.base / "batches" / name

    def make_batch(self, name: str, told: dict[str, Any], task: bytes) -> Path:
        """Writes what the tasks of a batch run."""
        place = self.batch(name)
        place.mkdir(mode=0o700)
        (place / "tasks.json").write_text(json.dumps(told), "ascii")
        (place / "task.py").write_bytes(task)
        return place

    def submitted(self, name: str, job: str) -> None:
        """Notes the job of a batch."""
        new = self.batch(name) / "job.new"
        with contextlib.suppress(OSError):  # all of its runs were given up
            new.write_text(job, "ascii")
            new.replace(self.batch(name) / "job")

    def job(self, name: str) -> Optional[str]:
        """Returns the job of a batch, if it is known that there is one."""
        try:
            found = (self.batch(name) / "job").read_text("ascii")
        except (OSError, ValueError):
            return None
        return found if found.isdecimal() else None

    def tasks(self, name: str) -> list[list[str]]:
        """Returns the calls of each task of a batch, in order."""
        try:
            told = json.loads((self.batch(name) / "tasks.json").read_text("ascii"))
            return [[str(key) for key in keys if _KEY.fullmatch(key)] for keys in told["tasks"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def being_submitted(self, run: Run) -> bool:
        """Tells whether a process may be submitting the batch of a run."""
        assert run.mark is not None  # noqa: S101
        host, pid, _ = run.mark.batch.split("-")
        if host == f"{zlib.crc32(socket.gethostname().encode()):08x}":
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                return False
            except OSError:
                pass  # it belongs to somebody else
        try:
            return time.time() - run.place.stat().st_mtime < SUBMISSION
        except OSError:
            return False

    def log(self, run: Run) -> str:
        """Returns what the process of a run wrote, or of its task if that could not begin."""
        found = _tail(run.place / "log")
        if not found and run.mark is not None:
            found = _tail(self.batch(run.mark.batch) / f"{run.mark.task}.log")
        return found

    def move(self, run: Run, to: str) -> Optional[Path]:
        """Moves a run to ``handed`` or ``stopped``. Returns its new place, if it was there."""
        place = self.base / to / f"{run.key}-{run.name}"
        if run.place == place:
            return place
        try:
            run.place.rename(place)
        except OSError:
            return None
        return place

    def stopped(self) -> list[Run]:
        """Returns the runs that are given up."""
        found = []
        for place in (self.base / "stopped").iterdir():
            key, _, _ = place.name.partition("-")
            run = self._read(place, key)
            if run is not None:
                found.append(run)
            else:
                shutil.rmtree(place, ignore_errors=True)
        return found

    def remove(self, place: Path) -> None:
        """Removes a run."""
        shutil.rmtree(place, ignore_errors=True)

    def tidy(self, batches: Optional[set[str]] = None) -> None:
        """Removes batches without runs: the named ones, or else all old ones and old runs."""
        now = time.time()
        if batches is None:
            for place in (self.base / "jobs").iterdir():
                if _age(place, now) > KEPT and (place / "answer.json").exists():
                    shutil.rmtree(place, ignore_errors=True)
            for place in (self.base / "handed").iterdir():
                if _age(place, now) > _LEFT:
                    shutil.rmtree(place, ignore_errors=True)
            names = [place.name for place in (self.base / "batches").iterdir()]
            batches = {name for name in names if _age(self.batch(name), now) > _LEFT}
        for name in batches:
            if not self._used(name):
                shutil.rmtree(self.batch(name), ignore_errors=True)

    def _used(self, name: str) -> bool:
        for keys in self.tasks(name):
            for key in keys:
                run = self.run(key)
                if run is not None and run.mark is not None and run.mark.batch == name:
                    return True
        return any(run.mark is not None and run.mark.batch == name for run in self.stopped())


def _age(place: Path, now: float) -> float:
    try:
        return now - place.stat().st_mtime
    except OSError:
        return 0.0


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _MAX_LOG))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
