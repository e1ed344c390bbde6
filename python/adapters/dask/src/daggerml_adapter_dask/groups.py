"""Gathers calls into tasks, in a thread beside the requests.

A task costs Dask several milliseconds of processor time, whatever it does. So short calls that
wait at the same time are run by one task, one after the other. No call waits for others to come
while a worker has nothing to do, and calls that take long have a task each.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Optional

from daggerml.adapters.lines import AdapterError
from daggerml_adapter_dask import outcomes, worker

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Call", "Group", "Groups"]

Message = dict[str, Any]

#: How long the calls of a task should take together, in seconds. What takes longer than that
#: alone is slow, and is not put together with others.
BUDGET = 0.2

#: The most calls of a task.
MOST = 64

#: How long a request waits for the end of a call, if no other call is under way, in seconds. The
#: task of a call alone is published after that.
MOMENT = 0.25

#: How many tasks are submitted for each thread of the cluster while calls are short: one that
#: runs, and one that is there when that ends.
DEEP = 2

#: How long calls are gathered while all threads are busy, in seconds.
HOLD = 0.02

#: How long without an outcome means that calls are slow, in seconds.
SILENCE = 0.25

#: The same before anything is known of them.
FIRST_SILENCE = 1.0

#: How long it is believed how many threads the cluster has, in seconds.
AGE = 1.0

#: The shortest and the longest time after which a call is asked for again, in milliseconds.
SOON, LATEST = 5, 1500

#: A call is asked for so much later than when its outcome should be there, as a share of the time
#: until then: to ask in vain costs more than to wait.
SLACK = 0.15

#: How long outcomes are gathered until they are told, about, in seconds.
GATHERED = 0.03

#: How long to wait at most before a call is asked for again, in seconds: while it is not known
#: how fast outcomes come, and while the call's task is not published.
UNSURE, HIDDEN = 0.1, 0.6

#: How many outcomes tell how fast they come.
SURE = 64

#: The least that is submitted while others run, in seconds of work.
LEAST = 0.01


class Call:
    """A call that this process submits."""

    def __init__(self, token: str, request: Message, number: int) -> None:
        """Makes a call that is in no group yet."""
        self.token, self.request = token, request
        #: How many calls there were before.
        self.number = number
        self.since = time.monotonic()
        self.group: Optional[Group] = None
        self.answer: Optional[Message] = None
        self.error: Optional[AdapterError] = None
        #: Whether it is not put together with others: a worker was lost that ran it.
        self.alone = False

    @property
    def ended(self) -> bool:
        """Whether there is an outcome."""
        return self.answer is not None or self.error is not None


class Group:
    """Calls that one task runs, one after the other."""

    def __init__(self, calls: list[Call]) -> None:
        """Makes the group; a call alone gives it its name, so that it is found again."""
        several = len(calls) > 1
        self.name = f"daggerml-{secrets.token_hex(8)}" if several else calls[0].token
        self.calls = {call.token: call for call in calls}
        self.future: Optional[Future] = None
        self.published = False
        #: A call alone is known to others with the first answer that it is pending.
        self.since = time.monotonic() if several else calls[0].since
        #: After how many seconds it is published: it takes longer than short calls do.
        self.moment = 3 * BUDGET if several else MOMENT
        for call in calls:
            call.group = self


class Groups:
    """The calls that this process submits by one connection."""

    def __init__(self, client: Client, run: Callable[..., Any]) -> None:
        """Listens to what workers tell, and starts the thread. ``run`` is what workers run."""
        self.client = client
        #: Whether the connection is no good any more.
        self.lost = False
        self._closed = False
        self._run = run
        self._changed = threading.Condition()
        self._calls: dict[str, Call] = {}
        self._waiting: list[Call] = []
        self._running: dict[str, Group] = {}
        #: How long a call takes, and how long one outcome comes after another, of late.
        self._usual: Optional[float] = None
        self._pace = 0.001
        #: How many calls there were, and how many of them need nothing more.
        self._begun = self._over = 0
        self._sign = time.monotonic()
        self._slots, self._slots_until = 1, 0.0
        # The scheduler forgets what was told on a topic of this name with the client.
        client.subscribe_topic(client.id, self._told)
        threading.Thread(target=self._work, name="daggerml-groups", daemon=True).start()

    def close(self) -> None:
        """Submits nothing more, and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def add(self, token: str, request: Message) -> Call:
        """Lets a call be submitted; returns the one that is under way, if there is one."""
        with self._changed:
            call = self._calls.get(token)
            if call is None:
                call = self._calls[token] = Call(token, request, self._begun)
                self._begun += 1
                self._waiting.append(call)
                self._changed.notify_all()
            return call

    def find(self, token: str) -> Optional[Call]:
        """Returns the call of a token, if it is of this process."""
        return self._calls.get(token)

    def wait(self, call: Call, seconds: float) -> bool:
        """Waits for the outcome of a call that has no others beside it. Tells if it is there."""
        with self._changed:
            if len(self._calls) > 1:
                seconds = 0
            return call.ended or (
                seconds > 0 and self._changed.wait_for(lambda: call.ended, seconds)
            )

    def again(self, call: Call) -> int:
        """Returns after how many milliseconds to ask for a call again."""
        age = time.monotonic() - call.since
        expected = max(0, call.number - self._over) * self._pace * (1 + SLACK) + GATHERED
        if self._over < SURE:
            expected = min(expected, max(UNSURE, age))
        if call.group is not None and not call.group.published:
            expected = min(expected, HIDDEN)
        return max(SOON, min(LATEST, int(max(expected, age / 16) * 1000)))

    def drop(self, call: Call) -> Optional[Group]:
        """Forgets a call. Returns its group if that has no other calls left."""
        with self._changed:
            if self._calls.pop(call.token, None) is not None and not call.ended:
                self._over += 1
            if call in self._waiting:
                self._waiting.remove(call)
            group = call.group
            if group is None or group.calls.pop(call.token, None) is None or group.calls:
                return None
            self._running.pop(group.name, None)
            self._changed.notify_all()
            return group

    def _work(self) -> None:
        while True:
            with self._changed:
                count, pause = self._due(time.monotonic())
                while not count and not self._closed:
                    self._changed.wait(pause)
                    count, pause = self._due(time.monotonic())
                if self._closed:
                    return
                taken, self._waiting = self._waiting[:count], self._waiting[count:]
            self._look()
            self._submit(taken)

    def _look(self) -> None:
        """Asks now and then how many threads the cluster has."""
        now = time.monotonic()
        if now >= self._slots_until:
            self._slots_until = now + AGE
            try:
                self._slots = max(1, sum(self.client.nthreads().values()))
            except Exception:  # noqa: BLE001  submitting tells what is wrong
                return

    def _due(self, now: float) -> tuple[int, Optional[float]]:
        """Returns how many of the waiting calls are submitted now, or when to look again."""
        if not self._waiting:
            return 0, None
        busy = len(self._running)
        silent = now - self._sign
        # The first call of each worker is slow, since a process starts for it.
        patience = SILENCE if self._usual is not None else FIRST_SILENCE
        if not busy or self._waiting[0].alone or silent > patience:
            most = 1 if self._usual is None or silent > patience else self._most(self._usual)
            return self._counted(most), None
        if self._usual is None or self._usual >= BUDGET:
            free = self._usual is not None or busy < DEEP * self._slots
            return (1, None) if free else (0, patience - silent + 0.001)
        if busy >= DEEP * self._slots:
            return 0, patience - silent + 0.001
        most = self._most(self._usual)
        hold = HOLD - (now - self._waiting[0].since)
        if busy >= self._slots and len(self._waiting) < most and hold > 0:
            return 0, hold
        return self._counted(most), None

    @staticmethod
    def _most(usual: float) -> int:
        return max(1, min(MOST, int(BUDGET / max(usual, 1e-6))))

    def _counted(self, most: int) -> int:
        """Returns how many calls the next group has: a fair share of all that is left.

        So groups become smaller towards the end of a map, and no worker is idle while another
        one has much to do.
        """
        running = sum(
            not call.ended for each in self._running.values() for call in each.calls.values()
        )
        fair = -(-(len(self._waiting) + running) // max(1, DEEP * self._slots))
        least = int(LEAST / self._usual) if self._usual else 1
        count = max(1, min(most, len(self._waiting), max(fair, least)))
        for number, call in enumerate(self._waiting[:count]):
            if call.alone:
                return max(1, number)
        return count

    def _submit(self, calls: list[Call]) -> None:
        group = Group(calls)
        with self._changed:
            if not self._running:
                self._sign = time.monotonic()
            self._running[group.name] = group
        requests = [(call.token, call.request) for call in calls]
        address = self.client.scheduler.address
        try:
            future = self.client.submit(
                self._run, group.name, self.client.id, requests, address,
                key=group.name, pure=False,
            )  # fmt: skip
            group.future = future
            future.add_done_callback(lambda ended: self._ended(group, ended))
        except Exception as problem:  # noqa: BLE001  the requests go on
            text = f"a call could not be submitted: {type(problem).__name__}: {problem}"
            self._fail(group, AdapterError("scheduler_lost", text, transient=True))

    def _fail(self, group: Group, error: AdapterError) -> None:
        """Lets all calls of a group that have no outcome end in an error."""
        with self._changed:
            self._running.pop(group.name, None)
            for call in group.calls.values():
                if not call.ended:
                    call.error = error
                    self._over += 1
            self._changed.notify_all()

    def _told(self, event: tuple[float, Any]) -> None:
        """Takes what a worker tells. It may be anybody's."""
        message = event[1]
        if type(message) is not dict:
            return
        with self._changed:
            group = self._running.get(str(message.get("group")))
            if group is None:
                return
            returned = message.get("returned")
            if type(returned) is tuple:  # as Dask's messages have lists
                calls = [group.calls[each] for each in map(str, returned) if each in group.calls]
                self._put_back(group, calls)
                return
            told = message.get("outcomes")
            over = self._over
            for each in told if type(told) is tuple else ():
                if type(each) is tuple and len(each) == 3:  # noqa: PLR2004
                    call = group.calls.get(str(each[0]))
                    if call is not None:
                        self._take(call, *each[1:])
            self._learn(self._over - over)
            self._changed.notify_all()

    def _take(self, call: Call, answer: object, seconds: object) -> None:
        """Takes the outcome of a call."""
        if call.ended:
            return
        try:
            call.answer = outcomes.checked(answer)
        except AdapterError as problem:
            call.error = problem
        self._over += 1
        if type(seconds) is float and seconds >= 0:
            usual = seconds if self._usual is None else (3 * self._usual + seconds) / 4
            # One slow call says more than many quick ones.
            self._usual = max(usual, seconds) if seconds >= BUDGET else usual
        call.request = {}

    def _learn(self, number: int) -> None:
        """Notes that so many outcomes came."""
        if number:
            now = time.monotonic()
            pace = (now - self._sign) / number
            self._pace += (pace - self._pace) * number / (number + 8)
            self._sign = now

    def _put_back(self, group: Group, calls: list[Call]) -> None:
        """Lets calls without an outcome be submitted again, before the others."""
        left = [call for call in calls if not call.ended]
        for call in left:
            del group.calls[call.token]
            call.group = None
        self._waiting[:0] = left
        self._changed.notify_all()

    def _ended(self, group: Group, future: Future) -> None:
        """Takes what the end of a task brings."""
        with self._changed:
            missing = [call for call in group.calls.values() if not call.ended]
        found: Optional[worker.Outcomes] = {}
        if missing or future.status != "finished":
            try:
                found = outcomes.of(future)
            except AdapterError as problem:
                self._fail(group, problem)
                return
            except (OSError, TimeoutError) as problem:
                self.lost = True
                text = f"the Dask scheduler was lost: {str(problem) or type(problem).__name__}"
                self._fail(group, AdapterError("scheduler_lost", text, transient=True))
                return
        with self._changed:
            self._running.pop(group.name, None)
            over = self._over
            for call in missing:
                if found and call.token in found:
                    self._take(call, *found[call.token])
            self._learn(self._over - over)
            self._sign = time.monotonic()
            self._changed.notify_all()
            left = [call for call in missing if not call.ended and call.token in group.calls]
            if found is None and left:
                left[0].alone = True  # the worker ran it when it was lost
            self._put_back(group, left)
            forgotten = group.published and not group.calls
        if forgotten:
            self.client.unpublish_dataset(group.name)
