"""The code that runs on a node: the calls of one task of a job array, one after the other.

It is sent to the cluster by the shared folder, and needs nothing but Python until it knows
where daggerml is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

#: How often it is looked whether the call was given up, in seconds.
WATCH = 2.0


def main() -> int:
    """Runs the calls of this task. The exit code is 0 when each has an answer or was given up."""
    batch = Path(sys.argv[1])
    index = int(os.environ.get("SLURM_ARRAY_TASK_ID") or 0)
    told = json.loads((batch / "tasks.json").read_text("utf-8"))
    mark = f"batch.{batch.name}.{index}"
    places = [batch.parent.parent / "jobs" / key for key in told["tasks"][index]]
    # What is not marked was given up, or another task runs it.
    places = [place for place in places if (place / mark).exists()]
    if places:
        use(told)
        from daggerml.adapters import job

        # The shared folder is not for work: a node's own disk is faster, and can lock files.
        local, warm = tempfile.mkdtemp(prefix="daggerml-"), job.Warm()
        try:
            for place in places:
                if (place / mark).exists() and not (place / "answer.json").exists():
                    begin(place, batch / f"{index}.log")
                    if not run(place, mark, Path(local), warm):
                        return 1
        finally:
            warm.end()
            os.chdir("/")
            shutil.rmtree(local, ignore_errors=True)
    with contextlib.suppress(OSError):
        (batch / f"{index}.log").unlink()
    return 0


def use(told: dict[str, Any]) -> None:
    """Lets daggerml be imported: what was sent, unless this Python has the same version."""
    del sys.path[0]  # the folder of this file
    if told["library"] is None:
        return
    found = None
    with contextlib.suppress(ImportError):  # also when there is no such package
        from importlib.metadata import version

        found = version("daggerml")
    if found != told["version"] or told["always"]:
        sys.path[:0] = told["library"]


def begin(place: Path, log: Path) -> None:
    """Lets this process write into the log of a call from now on."""
    sys.stdout.flush()
    sys.stderr.flush()
    own = os.open(place / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(own, number)
    os.close(own)
    with contextlib.suppress(OSError):  # another call of this task removed it
        log.unlink()


def run(place: Path, mark: str, local: Path, warm: Any) -> bool:
    """Runs one call. Returns false when this task was stopped."""
    from daggerml.adapters import job

    told: job.Job = json.loads((place / "job.json").read_text("utf-8"))
    work, temporary = local / "work", local / "tmp"
    for each in (work, temporary):
        each.mkdir(exist_ok=True)
    for each in work.iterdir():  # of the call before
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    told["workdir"] = told.get("workdir") or str(work)
    told["env"] = {"TMPDIR": str(temporary), **told.get("env", {})}
    ended, lock = threading.Event(), threading.Lock()

    def watch() -> None:
        while not ended.wait(WATCH):
            with lock:
                if not ended.is_set() and not (place / mark).exists():
                    os.kill(os.getpid(), signal.SIGTERM)
                    return

    threading.Thread(target=watch, daemon=True).start()
    try:
        answered = job.run(told, place, warm)
    except (FileNotFoundError, job.StoppedError):  # it was given up at its end
        answered = False
    finally:
        with lock:
            ended.set()
    return answered or not (place / mark).exists()


if __name__ == "__main__":
    sys.exit(main())
