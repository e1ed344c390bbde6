"""Slurm's own programs. They are started without a shell, and each has a time limit."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from typing import NamedTuple, Optional

from daggerml.adapters.lines import AdapterError
from daggerml.errors import InvalidError

__all__ = ["Cluster", "Facts", "Submission", "checked_name", "checked_python"]

#: How long a program of Slurm may take, in seconds.
LIMIT = 60.0

#: How many jobs are named to one ``scancel``.
_AT_ONCE = 500

#: How much of what a program says is told, in characters.
_TAIL = 2000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_CONSTRAINT = re.compile(r"[A-Za-z0-9_\[(][A-Za-z0-9_.&|*()\[\]-]{0,199}")
_PYTHON = re.compile(r"(?:/[A-Za-z0-9_.+-]+)+|[A-Za-z0-9_][A-Za-z0-9_.+-]*")

#: What slurmctld says while it is away or overloaded: the same request may succeed later.
_PASSING = re.compile(
    r"unable to contact|socket timed out|temporarily unable|connection refused|zero bytes"
    r"|timed out|communication connection failure|resource temporarily unavailable"
    r"|backup mode|try again|not responding",
    re.IGNORECASE,
)

#: What slurmctld says when this user has too many jobs for now.
_FULL = re.compile(
    r"submit ?job|job submit limit|submitted/running jobs|MaxSubmitJobs|too many jobs|MaxJobCount"
    r"|job count|sleeping and retrying",
    re.IGNORECASE,
)

#: What ``sbatch`` says when the controller takes no job for now, before it waits by itself.
_RETRIES = "sleeping and retrying"


def checked_name(what: str, given: str) -> str:
    """Returns the name of a partition, an account or the like."""
    pattern = _CONSTRAINT if what == "constraint" else _NAME
    if not all(pattern.fullmatch(part) for part in given.split(",")):
        text = f"{given!r} is not the name of a {what}" if what != "qos" else f"{given!r} is no qos"
        raise InvalidError(text)
    return given


def checked_python(given: str) -> str:
    """Returns the name or the absolute path of an interpreter on the nodes."""
    if not _PYTHON.fullmatch(given):
        text = f"{given!r} is neither the name nor the absolute path of a Python"
        raise InvalidError(text)
    return given


class Facts(NamedTuple):
    """What a cluster tells of itself."""

    #: Its name, since a home folder can be shared by several clusters.
    name: str
    #: How many tasks a job array can have.
    array: int
    #: Whether it keeps records of ended jobs, so that ``sacct`` answers.
    accounting: bool


class Submission(NamedTuple):
    """How a submission ended: a job, or what went wrong."""

    job: str = ""
    error: Optional[AdapterError] = None
    #: Whether the cluster takes no more jobs of this user for now.
    full: bool = False


class Cluster:
    """The cluster that this machine's Slurm is configured for."""

    def __init__(self) -> None:
        """Asks nothing yet."""
        # The user's formats and filters for squeue would hide jobs; `sbatch` must not wait.
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SQUEUE_", "SACCT_", "SCANCEL_"))
            and name not in {"SBATCH_WAIT", "SBATCH_ARRAY_INX", "SBATCH_OUTPUT", "SBATCH_ERROR"}
        }

    def facts(self) -> Facts:
        """Returns what the cluster tells of itself.

        :raises AdapterError: when Slurm is not installed here, or does not answer.
        """
        if shutil.which("sbatch") is None:
            text = "Slurm is not installed here: there is no `sbatch`; run this on a login node"
            raise AdapterError("no_slurm", text)
        told = self._run("scontrol", "show", "config")
        found = dict(re.findall(r"(?m)^(\w+)\s*=\s*(.*?)\s*$", told))
        name = found.get("ClusterName", "")
        if not _NAME.fullmatch(name):
            text = f"`scontrol show config` tells no name of a cluster, but {name!r}"
            raise AdapterError("no_slurm", text)
        size = found.get("MaxArraySize", "")
        kept = found.get("AccountingStorageType", "")
        return Facts(
            name,
            int(size) if size.isdecimal() else 1,
            kept not in {"", "(null)"} and not kept.endswith("none"),
        )

    def submit(self, options: list[str], script: str) -> Submission:
        """Submits a batch script."""
        try:
            process = subprocess.Popen(
                ["sbatch", "--parsable", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=self._environment,
            )
        except OSError as problem:
            return Submission(error=_not_started("sbatch", problem))
        clock = threading.Timer(LIMIT, process.kill)
        clock.daemon = True
        clock.start()
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018
        said = ""
        with process:
            with contextlib.suppress(OSError):  # it has ended already
                process.stdin.write(script)
                process.stdin.close()
            for line in process.stderr:
                said += line
                if _RETRIES in line:  # for minutes, and an array can be too large for ever
                    process.kill()
                    break
            told = process.stdout.read().strip().splitlines()
        clock.cancel()
        found = re.fullmatch(r"([0-9]+)(;.*)?", told[-1]) if told else None
        if found is not None and process.returncode == 0:
            return Submission(found[1])
        if process.returncode == -signal.SIGKILL and not said:
            return Submission(error=_late("sbatch"))
        made = subprocess.CompletedProcess("sbatch", process.returncode, "", said)
        return Submission(error=_error("sbatch", made), full=bool(_FULL.search(said)))

    def queue(self) -> str:
        """Returns the state of all jobs of this user: job, index, state, reason and name."""
        return self._run(
            "squeue", "--me", "--noheader", "--array", "--states=all", "--format=%F|%K|%T|%r|%j"
        )

    def accounted(self, jobs: list[str]) -> str:
        """Returns what the accounting knows of jobs: a job or ``job_index``, and its state."""
        words = ["--noheader", "--allocations", "--parsable2", "--duplicates", "--array"]
        return self._run("sacct", *words, "--format=JobID,State", f"--jobs={','.join(jobs)}")

    def cancel(self, tasks: list[str]) -> None:
        """Stops jobs, each named ``job`` or ``job_index``. It is no error when they have ended."""
        for start in range(0, len(tasks), _AT_ONCE):
            made = self._started("scancel", *tasks[start : start + _AT_ONCE])
            if made.returncode and _PASSING.search(made.stderr):
                raise _error("scancel", made)

    def _run(self, program: str, *words: str) -> str:
        made = self._started(program, *words)
        if made.returncode:
            raise _error(program, made)
        return made.stdout

    def _started(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [program, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=LIMIT,
                check=False,
                env=self._environment,
            )
        except subprocess.TimeoutExpired:
            raise _late(program) from None
        except OSError as problem:
            raise _not_started(program, problem) from None


def _late(program: str) -> AdapterError:
    text = f"{program} did not answer within {LIMIT:g} s"
    return AdapterError("unreachable", text, transient=True)


def _not_started(program: str, problem: OSError) -> AdapterError:
    return AdapterError("no_slurm", f"{program} cannot be started: {problem}")


def _error(program: str, made: subprocess.CompletedProcess[str]) -> AdapterError:
    said = made.stderr.strip()[-_TAIL:] or f"exit code {made.returncode}"
    if _PASSING.search(said):
        return AdapterError("unreachable", f"Slurm cannot be reached: {said}", transient=True)
    if "configuration" in said and "node configuration" not in said:
        text = f"Slurm is not configured here: {said}; run this on a login node of the cluster"
        return AdapterError("no_slurm", text)
    return AdapterError("refused", f"Slurm refuses it: {program}: {said}")
