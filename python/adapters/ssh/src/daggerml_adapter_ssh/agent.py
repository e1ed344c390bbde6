"""The code that runs on a host. It is sent there by ssh, and needs nothing but Python.

It answers one JSON request a line, until its standard input is closed. Jobs have sessions of
their own, so they run on when the connection is lost. Only jobs that were started and not yet
kept are stopped then: nobody knows of them.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import io
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Callable

#: How long an ended job is kept for somebody who collects it, in seconds.
KEPT = 7 * 86400

#: How long an environment that nobody uses is kept, in seconds.
UNUSED = 60 * 86400

#: How long a job may take to stop what it started, in seconds.
PATIENCE = 12

#: How much of a log is answered, in bytes.
MAX_LOG = 1 << 16

children: list[subprocess.Popen[bytes]] = []
not_kept: set[str] = set()


def home() -> Path:
    """Returns the folder of all that is kept on this machine, private to the user."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "daggerml"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        text = f"{folder} is not a private folder of this user"
        raise RuntimeError(text)
    return folder


def of_host() -> Path:
    """Returns the folder of this machine: home folders can be shared."""
    return home() / "hosts" / (platform.node() or "localhost")


def job_of(request: dict[str, Any]) -> Path:
    """Returns the folder of a job."""
    name = str(request["name"])
    if not re.fullmatch("[0-9a-f]{64}-[0-9]+", name):
        text = f"{name!r} is no name of a job"
        raise RuntimeError(text)
    return of_host() / "jobs" / name


def hello(_request: dict[str, Any]) -> dict[str, Any]:
    """Tells what machine this is, and removes what nobody collected."""
    found = None
    with contextlib.suppress(ImportError):  # also when there is no such package
        from importlib.metadata import version

        found = version("daggerml")
    jobs = of_host() / "jobs"
    jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in jobs.iterdir():
        with contextlib.suppress(OSError):  # another agent removed it
            if time.time() - place.stat().st_mtime > KEPT and not running(place):
                shutil.rmtree(place, ignore_errors=True)
    return {
        "python": list(sys.version_info[:2]),
        "platform": sysconfig.get_platform(),
        "libc": list(platform.libc_ver()),
        "daggerml": found,
        "executable": sys.executable,
        "processors": os.cpu_count(),
    }


def environment_of(request: dict[str, Any]) -> Path:
    """Returns the folder of an environment."""
    return home() / "environments" / str(request["environment"])


def has(request: dict[str, Any]) -> dict[str, Any]:
    """Tells whether an environment is here, and notes that it is used."""
    place = environment_of(request)
    with contextlib.suppress(OSError):  # it is not here
        os.utime(place)
    return {"has": place.exists()}


def remove_unused(folder: Path) -> None:
    """Removes environments that nobody has used for long, and those that were never finished."""
    for place in folder.iterdir():
        with contextlib.suppress(OSError):  # another agent removed it
            if time.time() - place.stat().st_mtime > UNUSED:
                shutil.rmtree(place, ignore_errors=True)


def put(request: dict[str, Any]) -> dict[str, Any]:
    """Makes an environment of wheels. Each is compared with its digest."""
    import venv

    wheels = []
    for part in request["parts"]:
        data = base64.b64decode(part["data"])
        if hashlib.sha256(data).hexdigest() != part["digest"]:
            text = "a package arrived damaged"
            raise RuntimeError(text)
        wheels.append(data)
    place = environment_of(request)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_unused(place.parent)
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix="new-"))
    try:
        venv.EnvBuilder(symlinks=True, with_pip=False).create(new)
        major, minor = sys.version_info[:2]
        site = new / "lib" / f"python{major}.{minor}" / "site-packages"
        for data in wheels:
            with zipfile.ZipFile(io.BytesIO(data)) as wheel:
                for member in wheel.namelist():
                    if member.startswith("/") or ".." in member.split("/"):
                        text = f"a package holds the path {member!r}"
                        raise RuntimeError(text)
                wheel.extractall(site)
        # What this interpreter can import can be imported there, after what was sent.
        others = [each for each in sys.path if each.endswith(("site-packages", "dist-packages"))]
        (site / "of-the-host.pth").write_text("".join(f"{each}\n" for each in others))
        try:
            new.rename(place)
        except OSError:
            if not place.exists():  # no other agent made it meanwhile
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return {}


def start(request: dict[str, Any]) -> dict[str, Any]:
    """Starts a job, unless it is here already."""
    place = job_of(request)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        if not (place / "answer.json").exists():
            job = {**request["job"], "slots": str(of_host() / "slots")}
            (place / "job.json").write_text(json.dumps(job))
            python = str(environment_of(request) / "bin" / "python")
            words = [
                python if request["environment"] else sys.executable,
                *("-m", "daggerml.adapters.job", str(place), str(lock)),
            ]
            with (place / "log").open("wb") as log:
                # The job has the lock from the start: its process gets the descriptor.
                child = subprocess.Popen(
                    words,
                    cwd=place,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=[lock],
                )
            children.append(child)
            not_kept.add(request["name"])
    except BlockingIOError:
        pass  # it runs
    finally:
        os.close(lock)
    return {}


def keep(request: dict[str, Any]) -> dict[str, Any]:
    """Lets a job run on when the connection is lost."""
    not_kept.discard(request["name"])
    return {}


def running(place: Path) -> bool:
    """Tells whether a job runs."""
    try:
        lock = os.open(place / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def look(request: dict[str, Any]) -> dict[str, Any]:
    """Tells the state of a job; waits for a moment while it runs."""
    place = job_of(request)
    deadline = time.time() + request.get("wait", 0)
    while running(place):
        if time.time() >= deadline:
            return {"state": "running"}
        time.sleep(0.01)
    children[:] = [child for child in children if child.poll() is None]
    if not place.is_dir():
        return {"state": "unknown"}
    try:
        return {"state": "ended", "answer": json.loads((place / "answer.json").read_text())}
    except (OSError, ValueError):
        return {"state": "killed", "log": tail(place / "log")}


def tail(path: Path) -> str:
    """Returns the end of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MAX_LOG))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def drop(request: dict[str, Any]) -> dict[str, Any]:
    """Removes jobs that are at their end."""
    for name in request["names"]:
        place = job_of({"name": name})
        if not running(place):
            shutil.rmtree(place, ignore_errors=True)
    return {}


def stop(request: dict[str, Any]) -> dict[str, Any]:
    """Stops a job with all that it started, and removes it."""
    place = job_of(request)
    not_kept.discard(request["name"])
    deadline = time.time() + PATIENCE
    asked = False
    while running(place):
        pid = process_of(place)
        if pid and not asked:
            with contextlib.suppress(OSError):  # it has ended
                os.kill(pid, signal.SIGTERM)
            asked = True
        if pid and time.time() > deadline:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        time.sleep(0.01)
    shutil.rmtree(place, ignore_errors=True)
    return {}


def process_of(place: Path) -> int:
    """Returns the process of a job; 0 while it has only begun."""
    try:
        return int((place / "lock").read_text() or 0)
    except (OSError, ValueError):
        return 0


def load(_request: dict[str, Any]) -> dict[str, Any]:
    """Tells how many jobs run or wait here."""
    jobs = of_host() / "jobs"
    return {"jobs": sum(map(running, jobs.iterdir())) if jobs.is_dir() else 0}


KNOWN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "hello": hello,
    "has": has,
    "put": put,
    "start": start,
    "keep": keep,
    "look": look,
    "drop": drop,
    "stop": stop,
    "load": load,
}


def serve(mark: str) -> None:
    """Answers requests. The mark is written first: a shell may have written before it."""
    requests, answers = sys.stdin.buffer, os.dup(1)
    os.dup2(2, 1)  # nothing else is written to the answers
    write(answers, mark.encode() + b"\n")
    try:
        for line in requests:
            try:
                request = json.loads(line.decode("utf-8"))
                answer = KNOWN[request["op"]](request)
            except Exception as problem:  # noqa: BLE001  it is told, and the next is answered
                answer = {"problem": f"{type(problem).__name__}: {problem}"}
            write(answers, json.dumps(answer).encode("ascii") + b"\n")
    finally:
        for name in list(not_kept):
            stop({"name": name})


def write(descriptor: int, data: bytes) -> None:
    """Writes all of the data."""
    while data:
        data = data[os.write(descriptor, data) :]
