"""Calls as tasks of job arrays.

A call's run is a folder of the shared folder. The run token is the cluster, the call's key and
the name of the run, so any process on any machine that sees the folder finds it again.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from daggerml.adapters import answers, layers, options, payload
from daggerml.adapters.lines import AdapterError
from daggerml.adapters.records import name_of
from daggerml.errors import InvalidError
from daggerml_adapter_slurm.batches import Batches, Settings, Wish
from daggerml_adapter_slurm.cluster import Cluster
from daggerml_adapter_slurm.folder import Folder, Run
from daggerml_adapter_slurm.states import State, States, failure

if TYPE_CHECKING:
    from daggerml_adapter_slurm.folder import Mark

__all__ = ["RESOURCES", "Calls"]

#: The resources that this adapter can give to calls.
RESOURCES = ("cpus", "memory", "gpus", "time", "workdir")

#: How long is waited for the answer of a job that ended well, in seconds: a shared folder may
#: show it late.
_LATE = 60.0

#: How long a job that can never start may wait, in seconds: the cluster may just be restarting.
_NEVER = 20.0

#: How long the end of this program waits for jobs to be stopped, in seconds.
_LAST = 1.5

#: When a call is asked for again, at first and at most, in milliseconds.
_SOON, _LATER = 100, 2000

_CHECKS: dict[str, layers.Check] = {"gpus": lambda given: options.count("gpus", given)}

_TOKEN = re.compile(r"([A-Za-z0-9_.-]+)/([0-9a-f]{64})-([0-9a-f]{16})")

Message = dict[str, Any]


class _Seen:
    """What this process saw of a run."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        #: Since when Slurm is out of reach, the job has ended, or cannot start.
        self.lost = self.end = self.held = self.never = 0.0
        self.number = 0


class Calls:
    """The calls of a process of this adapter."""

    def __init__(self, base: Path, settings: Settings, *, send: bool = False) -> None:
        """Asks nothing yet. ``send`` says that the nodes' Python is not this one."""
        self._base, self._settings = base, settings
        self._send, self._patience = send, settings.patience
        self._cluster = Cluster()
        self._ready: list[tuple[Folder, Batches, bool]] = []
        self._states = States(self._cluster.queue)
        self._seen: dict[str, _Seen] = {}
        self._handed: list[Path] = []
        self._libraries: dict[str, tuple[str, ...]] = {}

    def invoke(self, request: Message) -> Message:
        """Lets a call be submitted, or finds an earlier run of it."""
        name_of(request.get("key"), request.get("attempt"))
        layer = layers.read(request, _CHECKS)
        folder, batches, _ = self._begun()
        self._drop_handed()
        key = str(request["key"])
        run = folder.run(key)
        if run is not None:
            found = self._earlier(run)
            if found is not None:
                return found
        wish = self._wish(layer)
        members = ("op", "key", "attempt", "ancestors", "bundle")
        has = self._settings.resources
        job: dict[str, Any] = {
            **{name: has[name] for name in ("time", "workdir") if name in has},
            "request": {**{each: request.get(each) for each in members}, "depth": layer.depth},
            "adapter": layer.adapter,
            "env": layer.options.get("env", {}),
            "wish": wish,
        }
        try:
            folder.add(key, job)
        except OSError as problem:
            text = f"the folder for Slurm cannot be written: {problem}"
            raise AdapterError("folder", text) from None
        run = folder.run(key)
        if run is None:
            text = "another process gave up the same call at this moment"
            raise AdapterError("canceled", text, transient=True)
        batches.add(key, wish)
        return self._pending(run)

    def poll(self, token: str) -> Message:
        """Answers the state of a call that any process started."""
        folder, _, _ = self._begun()
        self._drop_handed()
        run = self._found(folder, token)
        if run is None:
            text = f"there is no run {answers.told(token, 200)} in {folder.base}"
            raise AdapterError("unknown_token", text)
        return self._answer(run)

    def cancel(self, token: str) -> Message:
        """Stops a call."""
        folder, batches, _ = self._begun()
        run = self._found(folder, token)
        if run is not None:
            self._give_up(folder, batches, run)
        return {"state": "canceled"}

    def close(self) -> None:
        """Removes what was handed over, and stops what is to be stopped."""
        self._drop_handed()
        for _, batches, _ in self._ready:
            batches.close(_LAST)

    def _begun(self) -> tuple[Folder, Batches, bool]:
        """Returns the parts that need the cluster."""
        if not self._ready:
            facts = self._cluster.facts()
            try:
                folder = Folder(self._base, facts.name)
                folder.tidy()
                given_up = folder.stopped()
            except (OSError, InvalidError) as problem:
                text = f"the folder for Slurm cannot be used: {problem}"
                raise AdapterError("folder", text) from None
            batches = Batches(folder, self._cluster, facts, self._settings, self._states)
            self._ready.append((folder, batches, facts.accounting))
            for run in given_up:
                batches.stop(run)
        return self._ready[0]

    def _found(self, folder: Folder, token: str) -> Optional[Run]:
        """Returns the run that a token names."""
        found = _TOKEN.fullmatch(token)
        if found is None or found[1] != folder.base.name:
            text = f"{answers.told(token, 200)} is no run on the cluster {folder.base.name}"
            raise AdapterError("unknown_token", text)
        return folder.run(found[2], found[3])

    def _token(self, run: Run) -> str:
        folder, _, _ = self._begun()
        return f"{folder.base.name}/{run.key}-{run.name}"

    def _pending(self, run: Run) -> Message:
        seen = self._seen.setdefault(run.name, _Seen())
        age = (time.monotonic() - seen.since) * 1000
        # Many calls are asked for less often each.
        wait = max(_SOON, min(_LATER, int(age / 10)), len(self._seen))
        return {"state": "pending", "token": self._token(run), "retry_after_ms": wait}

    def _earlier(self, run: Run) -> Optional[Message]:
        """Returns the answer for a run that another process began, unless it came to nothing."""
        try:
            return self._answer(run)
        except AdapterError as problem:
            if problem.answer["error"]["kind"] == "unreachable":
                raise
            return None

    def _answer(self, run: Run) -> Message:
        """Returns the answer for a run as it is now."""
        folder, batches, _ = self._begun()
        if run.answered:
            return self._ended(folder, batches, run)
        batch = "" if run.mark is None else run.mark.batch
        failed = batches.failed.pop((batch, run.key), None)
        if failed is not None:
            self._hand(folder, batches, run)
            raise failed
        if run.mark is None:
            batches.add(run.key, self._wish_of(run))
            return self._pending(run)
        seen = self._seen.setdefault(run.name, _Seen())
        try:
            state = self._states.of(*run.mark)
        except AdapterError as problem:
            # Jobs run on while Slurm's controller is away.
            seen.lost = seen.lost or time.monotonic()
            if time.monotonic() - seen.lost < self._patience:
                return self._pending(run)
            raise problem from None
        seen.lost = 0.0
        if state is None or state.ended:
            return self._perhaps_lost(run, seen, state)
        seen.end = 0.0
        self._check_waiting(run, seen, state)
        return self._pending(run)

    def _ended(self, folder: Folder, batches: Batches, run: Run) -> Message:
        """Returns the answer of a run that has one."""
        place = self._hand(folder, batches, run)
        try:
            found = json.loads((place / "answer.json").read_text("utf-8"))
        except (OSError, ValueError) as problem:
            text = f"the answer of the call cannot be read: {problem}"
            raise AdapterError("job_killed", text, transient=True) from None
        return answers.checked(found, "a node", encoded=True)

    def _hand(self, folder: Folder, batches: Batches, run: Run) -> Path:
        """Moves a run away, so that the next run of the call does not get its outcome.

        It is removed with the next request: this answer may not arrive.
        """
        place = folder.move(run, "handed")
        if place is None:
            text = "another process collected the call at this moment"
            raise AdapterError("unknown_token", text)
        self._seen.pop(run.name, None)
        self._handed.append(place)
        if run.mark is not None:
            batches.ended(run.mark.batch)
        return place

    def _give_up(self, folder: Folder, batches: Batches, run: Run) -> None:
        """Stops the job of a run. The run is moved first, so that any process goes on with it."""
        self._seen.pop(run.name, None)
        place = folder.move(run, "stopped")
        if place is not None:
            batches.stop(run._replace(place=place))

    def _perhaps_lost(self, run: Run, seen: _Seen, state: Optional[State]) -> Message:
        """Raises the error of a run whose job has ended, as soon as that is sure."""
        folder, _, accounting = self._begun()
        assert run.mark is not None  # noqa: S101
        if not seen.end:
            seen.end, seen.number = time.monotonic(), self._states.number
        if state is None and folder.being_submitted(run) and folder.job(run.mark.batch) is None:
            return self._pending(run)
        # A second look: a job that is requeued has ended for a moment, and answers may come late.
        if self._states.number <= seen.number + 1:
            return self._pending(run)
        now = folder.run(run.key, run.name)
        if now is None or now.answered:
            return self._pending(run)
        if state is None:
            state = self._accounted(folder, run, accounting=accounting)
        late = state is not None and state.name == "COMPLETED"
        if late and time.monotonic() - seen.end < _LATE:
            return self._pending(run)
        raise self._lost(run, run.mark, state)

    def _lost(self, run: Run, mark: Mark, state: Optional[State]) -> AdapterError:
        """Returns the error of a run whose job has ended without an answer, and hands it over."""
        folder, batches, _ = self._begun()
        log = folder.log(run).strip()
        tasks = folder.tasks(mark.batch)
        first = mark.task < len(tasks) and tasks[mark.task][:1] == [run.key]
        self._hand(folder, batches, run)
        if state is None or not (first or run.begun):
            text = f"the call never began; Slurm does not know its job (any more): {log}"
            return AdapterError("unknown_token", text.rstrip(": "))
        job = f"the job {state.job}_{mark.task} of the call"
        if state.name == "COMPLETED":
            text = (
                f"{job} has ended, but its answer is not in {folder.base}; do the nodes and this "
                "machine see the same folder there? Name one that they share by --folder"
            )
            return AdapterError("folder", text)
        if not run.begun and log and state.name == "FAILED":
            text = f"{job} could not begin on its node: {log}; name the nodes' Python by --python"
            return AdapterError("node_unfit", text)
        if not run.begun and not log:
            log = f"it wrote nothing in {folder.base}, which its node must share with this machine"
        return failure(state, mark.task, log)

    def _accounted(self, folder: Folder, run: Run, *, accounting: bool) -> Optional[State]:
        """Returns what the accounting tells of a job that the controller has forgotten."""
        assert run.mark is not None  # noqa: S101
        job = folder.job(run.mark.batch)
        if job is None:
            return State("?", "FORGOTTEN") if run.begun else None
        if accounting:
            told = self._cluster.accounted([f"{job}_{run.mark.task}"])
            names = [line.partition("|")[2] for line in told.splitlines() if "|" in line]
            if names:
                return State(job, names[-1].split()[0] if names[-1] else "")
        return State(job, "FORGOTTEN")

    def _check_waiting(self, run: Run, seen: _Seen, state: State) -> None:
        """Raises an error for a job that waits for what will not come."""
        now = time.monotonic()
        seen.held = (seen.held or now) if state.held else 0.0
        seen.never = (seen.never or now) if state.impossible else 0.0
        folder, batches, _ = self._begun()
        assert run.mark is not None  # noqa: S101
        job = f"{state.job}_{run.mark.task}"
        if seen.never and now - seen.never >= min(_NEVER, self._patience):
            self._give_up(folder, batches, run)
            text = f"the job {job} of the call can never start: Slurm says {state.reason}; "
            text += "change the adapter's options (--partition, --time, --memory, ...)"
            raise AdapterError("refused", text)
        if seen.held and now - seen.held >= self._patience:
            self._give_up(folder, batches, run)
            text = f"the job {job} of the call was held ({state.reason}) for longer than "
            text += f"{self._patience:g} s; `scontrol release {job}` would have let it go on"
            raise AdapterError("held", text)

    def _wish(self, layer: layers.Layer) -> Wish:
        library = self._library(layer.adapter) if self._send else None
        return Wish(layer.options.get("gpus"), library, layer.adapter != "local")

    def _wish_of(self, run: Run) -> Wish:
        """Returns what a run wants that another process may have left."""
        try:
            gpus, library, always = json.loads((run.place / "job.json").read_text())["wish"]
            return Wish(gpus, None if library is None else tuple(library), bool(always))
        except (OSError, ValueError, KeyError, TypeError):
            return Wish(None, None, always=False)

    def _library(self, adapter: str) -> tuple[str, ...]:
        """Returns the folders that are sent to the nodes: daggerml, and the adapter's package."""
        found = self._libraries.get(adapter)
        if found is None or not all(Path(each).is_dir() for each in found):
            parts = payload.parts(adapter, payload.here(), None)
            folder, _, _ = self._begun()  # only you can write there
            place = folder.base / "packages"
            found = tuple(str(payload.unpacked(part, place)) for part in parts)
            self._libraries[adapter] = found
        return found

    def _drop_handed(self) -> None:
        """Removes the runs whose outcomes were handed over."""
        folder, _, _ = self._begun() if self._ready else (None, None, None)
        places, self._handed = self._handed, []
        for place in places:
            if folder is not None:
                folder.remove(place)
