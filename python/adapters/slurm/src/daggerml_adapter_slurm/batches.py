"""Gathers calls into job arrays, and stops jobs, in a thread beside the requests.

Calls that arrive within a moment and ask for the same are the tasks of one array. So a map of
many items is a few submissions.
"""

from __future__ import annotations

import shlex
import threading
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from daggerml.adapters.lines import AdapterError
from daggerml_adapter_slurm.folder import SUBMISSION, Folder, Mark, Run
from daggerml_adapter_slurm.states import PREFIX

if TYPE_CHECKING:
    from daggerml_adapter_slurm.cluster import Cluster, Facts
    from daggerml_adapter_slurm.states import States

__all__ = ["Batches", "Settings", "Wish"]

#: How long is waited for further calls after one, in seconds.
_QUIET = 0.1

#: How long calls that follow each other are gathered, in seconds: at first, so that jobs begin
#: soon, and at most; each time for twice as long.
_FIRST, _LONGEST = 1.0, 16.0

#: How long is waited when the cluster takes no more jobs for now, in seconds.
_REST = 5.0

#: The most tasks of an array, so that a script and a folder stay small.
_MOST = 1000


class Settings(NamedTuple):
    """What the user says of all jobs."""

    resources: dict[str, Any]
    #: The interpreter on the nodes.
    python: str
    #: Options of ``sbatch`` that are handed on: partition, account, qos, constraint.
    words: tuple[str, ...] = ()
    #: How many calls a task runs, one after the other.
    group: int = 1
    #: How long a job may be held, Slurm be out of reach, or take no more jobs, in seconds.
    patience: float = 300


class Wish(NamedTuple):
    """What a call wants of its job. Only calls with equal wishes share an array."""

    gpus: Optional[int]
    #: Folders with daggerml and what else is sent, and whether they are used in any case.
    library: Optional[tuple[str, ...]]
    always: bool


class Batches:
    """The calls that this process submits, and the jobs that it stops."""

    def __init__(
        self, folder: Folder, cluster: Cluster, facts: Facts, settings: Settings, states: States
    ) -> None:
        """Starts the thread."""
        self._folder, self._cluster, self._states = folder, cluster, states
        self._settings = settings
        self._size = max(1, min(facts.array - 1, _MOST))
        self._arrays = facts.array > 1
        self._changed = threading.Condition()
        self._waiting: dict[str, Wish] = {}
        self._stopping: dict[str, tuple[Run, float]] = {}
        self._ended: set[str] = set()
        self._busy = False
        self._closed = False
        self._not_before = self._full_since = 0.0
        self._gathering = _FIRST
        #: Why calls could not be submitted, by batch and key.
        self.failed: dict[tuple[str, str], AdapterError] = {}
        threading.Thread(target=self._work, name="daggerml-batches", daemon=True).start()

    def add(self, key: str, wish: Wish) -> None:
        """Lets a call be submitted soon."""
        with self._changed:
            if key not in self._waiting:
                self._waiting[key] = wish
                self._changed.notify_all()

    def stop(self, run: Run) -> None:
        """Lets the job of a run in ``stopped`` be stopped, and then the run be removed."""
        with self._changed:
            self._stopping[run.place.name] = (run, time.monotonic() + SUBMISSION)
            self._changed.notify_all()

    def ended(self, batch: str) -> None:
        """Notes that a call of a batch was collected."""
        self._ended.add(batch)

    def close(self, seconds: float) -> None:
        """Waits until what is to be stopped is stopped, and tidies up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._busy and not self._stopping, seconds)
        batches, self._ended = self._ended, set()
        self._folder.tidy(batches)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                self._busy = True
                if not self._stopping:
                    self._gather()
                calls, self._waiting = self._waiting, {}
            try:
                self._stop_all()
                self._submit_all(calls)
            except Exception as problem:  # noqa: BLE001  the requests go on
                error = AdapterError("internal", f"{type(problem).__name__}: {problem}")
                self.failed.update({("", key): error for key in calls})

    def _gather(self) -> None:
        """Waits for further calls, without keeping what is to be stopped waiting."""
        end = time.monotonic() + self._gathering
        number = -1
        while time.monotonic() < end and not self._stopping:
            if len(self._waiting) == number and time.monotonic() >= self._not_before:
                self._gathering = _FIRST
                return
            number = len(self._waiting)
            self._changed.wait_for(lambda: bool(self._stopping), _QUIET)
        self._gathering = min(2 * self._gathering, _LONGEST)

    def _submit_all(self, calls: dict[str, Wish]) -> None:
        if time.monotonic() < self._not_before:
            self._put_back(calls)
            return
        by_wish: dict[Wish, list[str]] = {}
        for key, wish in calls.items():
            by_wish.setdefault(wish, []).append(key)
        for wish, keys in by_wish.items():
            while keys:
                batch = self._folder.new_batch()
                most = self._size if self._arrays else 1
                tasks = self._taken(batch, keys, most)
                if tasks and not self._submit(batch, tasks, wish):
                    keys += [key for each in tasks for key in each]
                    self._put_back(dict.fromkeys(keys, wish))
                    return

    def _put_back(self, calls: dict[str, Wish]) -> None:
        with self._changed:
            self._waiting = {**calls, **self._waiting}
            if time.monotonic() < self._not_before:
                self._changed.wait_for(lambda: bool(self._stopping), 0.2)

    def _taken(self, batch: str, keys: list[str], most: int) -> list[list[str]]:
        """Makes as many calls part of a batch as it can have; removes them from ``keys``."""
        tasks: list[list[str]] = []
        while keys and len(tasks) <= most:
            if not tasks or len(tasks[-1]) == self._settings.group:
                if len(tasks) == most:
                    break
                tasks.append([])
            key = keys.pop(0)
            if self._folder.take(key, Mark(batch, len(tasks) - 1)):
                tasks[-1].append(key)
        return tasks if tasks and tasks[-1] else tasks[:-1]

    def _submit(self, batch: str, tasks: list[list[str]], wish: Wish) -> bool:
        """Submits a batch. Returns false when the cluster takes no more jobs for now."""
        from daggerml import version

        told = {
            "tasks": tasks,
            "library": None if wish.library is None else list(wish.library),
            "always": wish.always,
            "version": version(),
        }
        source = files("daggerml_adapter_slurm").joinpath("task.py").read_bytes()
        place = self._folder.make_batch(batch, told, source)
        words = (self._settings.python, str(place / "task.py"), str(place))
        script = f"#!/bin/sh\nexec {' '.join(map(shlex.quote, words))}\n"
        made = self._cluster.submit(self._options(batch, tasks, wish), script)
        if made.job:
            self._full_since = 0.0
            self._folder.submitted(batch, made.job)
            return True
        full = made.full and not self._full_for_long()
        if full:
            self._size = max(1, len(tasks) // 2)
            self._not_before = time.monotonic() + _REST
        keys = [(key, Mark(batch, number)) for number, each in enumerate(tasks) for key in each]
        for key, mark in keys:
            if full:
                self._folder.give_back(key, mark)
            elif made.error is not None:
                self.failed[batch, key] = made.error
        self._ended.add(batch)
        return not full

    def _full_for_long(self) -> bool:
        """Tells whether the cluster has taken nothing for so long that it never will."""
        now = time.monotonic()
        self._full_since = self._full_since or now
        return now - self._full_since > self._settings.patience

    def _options(self, batch: str, tasks: list[list[str]], wish: Wish) -> list[str]:
        has = self._settings.resources
        log = self._folder.batch(batch) / ("%a.log" if self._arrays else "0.log")
        words = [
            f"--job-name={PREFIX}{batch}",
            *("--nodes=1", "--ntasks=1", "--requeue", "--open-mode=truncate", "--chdir=/"),
            f"--output={log}",
            *self._settings.words,
        ]
        if self._arrays:
            words.append(f"--array=0-{len(tasks) - 1}")
        if "cpus" in has:
            words.append(f"--cpus-per-task={has['cpus']}")
        if "memory" in has:
            words.append(f"--mem={-(-has['memory'] // 1024)}K")
        gpus = has.get("gpus") if wish.gpus is None else wish.gpus
        if gpus is not None:
            words.append(f"--gres=gpu:{gpus}")
        if "time" in has:
            # The call's own clock ends it to the second; this is for what does not obey.
            most = max(len(each) for each in tasks)
            words.append(f"--time={(has['time'] * most + 60 + 59) // 60}")
        return words

    def _stop_all(self) -> None:
        """Stops the jobs of runs that are given up, as far as these are known."""
        with self._changed:
            runs, self._stopping = self._stopping, {}
        if not runs:
            return
        known: dict[str, list[str]] = {}
        later: dict[str, tuple[Run, float]] = {}
        try:
            for place, (run, deadline) in runs.items():
                tasks = [] if run.mark is None else self._tasks_of(run, run.mark)
                if tasks is None and time.monotonic() < deadline and not self._closed:
                    later[place] = (run, deadline)
                else:
                    known[place] = tasks or []
            self._cluster.cancel(sorted({task for tasks in known.values() for task in tasks}))
        except AdapterError:
            if self._closed:
                return  # another process stops them
            later = runs
            known = {}
        for place in known:
            run, _ = runs[place]
            self._folder.remove(run.place)
            if run.mark is not None:
                self._ended.add(run.mark.batch)
        with self._changed:
            self._stopping = {**later, **self._stopping}
            if later:
                self._changed.wait(0.5)

    def _tasks_of(self, run: Run, mark: Mark) -> Optional[list[str]]:
        """Returns the task to stop; ``None`` when its job is not known yet."""
        tasks = self._folder.tasks(mark.batch)
        others = tasks[mark.task] if mark.task < len(tasks) else []
        for key in others:
            other = self._folder.run(key)
            if other is not None and other.mark == mark and other.name != run.name:
                return []  # the task has other calls to run, and finds out by itself
        job = self._folder.job(mark.batch)
        if job is None:
            state = self._states.of(*mark)
            if state is None:
                return None if self._folder.being_submitted(run) else []
            job = state.job
        return [f"{job}_{mark.task}" if self._arrays else job]
