"""What Slurm tells of jobs, and what that means for a call.

One ``squeue`` tells the states of all calls of this process.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple, Optional

from daggerml.adapters.lines import AdapterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PREFIX", "State", "States", "failure"]

#: The names of jobs begin so; the rest is the name of the batch.
PREFIX = "daggerml-"

#: How old states may be that are answered from, in seconds.
_AGE = 1.0

#: How much of the time `squeue` may run: it is slow when its controller is away or busy.
_SHARE = 0.1

#: States after which a job does not run again.
_ENDS = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT",
}  # fmt: skip

#: Reasons for which a job waits until somebody does something.
_HELD = re.compile(r"JobHeld\w*|.*requeued.held|JobLaunchFailure|.*held state", re.IGNORECASE)

#: Reasons for which a job with these options can never start on the cluster as it is.
_NEVER = re.compile(
    r"BadConstraints|PartitionConfig|Partition(Node|Time)Limit|Invalid(Account|QOS)"
    r"|(Account|QOS)NotAllowed|DependencyNeverSatisfied|Reservation_?[Dd]eleted"
    r"|\w+PerJob(Limit)?|\w+MinCpuNotSatisfied|\w+MinGRES\w*"
)


class State(NamedTuple):
    """The state of a task of a job array."""

    job: str
    name: str
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether it does not run again."""
        return self.name in _ENDS

    @property
    def held(self) -> bool:
        """Whether it waits until somebody releases it."""
        waits = self.name in {"REQUEUE_HOLD", "SPECIAL_EXIT"}
        return waits or (self.name == "PENDING" and bool(_HELD.fullmatch(self.reason)))

    @property
    def impossible(self) -> bool:
        """Whether it can never start."""
        return self.name == "PENDING" and bool(_NEVER.fullmatch(self.reason))


class States:
    """The states of all jobs, of one ``squeue`` for all that ask within a moment."""

    def __init__(self, ask: Callable[[], str]) -> None:
        """Asks nothing yet; ``ask`` returns what ``squeue`` says."""
        self._ask = ask
        self._found: dict[tuple[str, int], State] = {}
        self._problem: Optional[AdapterError] = None
        self._next = 0.0
        #: The number of the answer that the states come from.
        self.number = 0

    def of(self, batch: str, index: int) -> Optional[State]:
        """Returns the state of a task; ``None`` when Slurm does not know it (any more)."""
        if time.monotonic() >= self._next:
            begun = time.monotonic()
            self._problem = None
            try:
                self._found = parsed(self._ask())
                self.number += 1
            except AdapterError as problem:
                self._problem = problem
            now = time.monotonic()
            self._next = now + max(_AGE, (now - begun) / _SHARE)
        if self._problem is not None:
            raise self._problem
        return self._found.get((batch, index))


def parsed(told: str) -> dict[tuple[str, int], State]:
    """Returns the states of tasks by batch and index, of the lines of ``squeue``."""
    found: dict[tuple[str, int], State] = {}
    for line in told.splitlines():
        job, index, name, reason, title = [*line.split("|", 4), "", "", "", ""][:5]
        if not title.startswith(PREFIX) or not job.isdecimal():
            continue
        task = title[len(PREFIX) :], int(index) if index.isdecimal() else 0
        state = State(job, name, reason)
        # A requeued task can be listed twice; the one that goes on counts.
        if task not in found or found[task].ended:
            found[task] = state
    return found


#: The error of a call whose job ended so: its kind, its text after the name of the job, and
#: whether the same call may succeed later.
_FAILURES = {
    "TIMEOUT": (
        "timeout",
        "reached Slurm's time limit; give more by --time, or name another partition",
        False,
    ),
    "OUT_OF_MEMORY": (
        "out_of_memory",
        "used more memory than it has; give more by --memory",
        False,
    ),
    "CANCELLED": ("canceled", "was canceled in Slurm", False),
    "DEADLINE": ("timeout", "reached its deadline", False),
    "PREEMPTED": ("preempted", "had to make room for another one", True),
    "NODE_FAIL": ("node_failed", "ended because its node failed", True),
    "BOOT_FAIL": ("node_failed", "ended because its node did not start", True),
    "FORGOTTEN": ("job_lost", "is not known to Slurm any more, and there is no answer of it", True),
}


def failure(state: State, task: int, log: str) -> AdapterError:
    """Returns the error for a task that ended without an answer."""
    other = ("job_killed", f"ended ({state.name}) before it answered", True)
    kind, what, transient = _FAILURES.get(state.name, other)
    text = f"the job {state.job}_{task} of the call {what}: {log.strip()}"
    return AdapterError(kind, text.rstrip(": "), transient=transient)
