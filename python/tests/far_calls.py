"""What the tests of adapters for other machines share: functions that they run, and waiting."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from by_hand import Adapter, call

from daggerml import funk


@funk
def total(dag: Any, *xs: Any) -> Any:
    print("inside")
    return sum(x.value() for x in xs)


@funk
def waits(dag: Any, folder: Any) -> Any:
    """Writes its process into a folder, and waits there for `go`. Returns the number of runs."""
    import os
    import pathlib
    import subprocess
    import time

    place = pathlib.Path(folder.value())
    child = subprocess.Popen(["sleep", "600"])
    (place / f"{time.monotonic_ns()}").write_text(f"{os.getpid()} {child.pid}")
    while not (place / "go").exists():
        time.sleep(0.02)
    child.kill()
    child.wait()
    return len([each for each in place.iterdir() if each.name != "go"])


def runs(folder: Path) -> list[list[int]]:
    """Returns the processes of every run of `waits`."""
    found = sorted(each for each in folder.iterdir() if each.name != "go")
    return [[int(pid) for pid in each.read_text().split()] for each in found]


def key_of(folder: Path) -> str:
    """Returns the key of a call of `waits`."""
    return call(waits, str(folder))[0]


def until(condition: Any, seconds: float = 60) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Tells whether a process has ended. One that nobody has waited for has ended too."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return False
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def children(pid: int) -> list[int]:
    """Returns the processes that a process started."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if each.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(each.parent.name))
    return found


def polled(adapter: Adapter, answer: dict[str, Any]) -> dict[str, Any]:
    """Asks for a pending call."""
    return adapter.ask("poll", token=answer["token"], key="", attempt=1)


def ended(adapter: Adapter, answer: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
    """Polls until a call is at its end."""
    deadline = time.monotonic() + seconds
    while answer["state"] == "pending":
        assert time.monotonic() < deadline
        time.sleep(answer["retry_after_ms"] / 1000)
        answer = polled(adapter, answer)
    return answer


def begun(adapter: Adapter, folder: Path) -> dict[str, Any]:
    """Starts `waits`, and returns the answer when it runs."""
    answer = adapter.invoke(waits, str(folder))
    until(lambda: runs(folder) and len(runs(folder)[-1]) == 2)
    assert answer["state"] == "pending", answer
    return answer
