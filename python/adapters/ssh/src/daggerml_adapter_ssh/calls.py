"""Calls as jobs on hosts.

The job of a call is named by the call's key and the number of the run. The run token is the
host and that name, so any process finds the job again. A record of it is written before the
job starts, for the case that no token is ever handed over.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Optional

from daggerml.adapters import answers, layers, payload
from daggerml.adapters.lines import AdapterError
from daggerml.adapters.records import Records, name_of
from daggerml_adapter_ssh.connection import Connection, LostError, Way
from daggerml_adapter_ssh.hosts import Hosts

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RESOURCES", "Calls"]

#: The resources that this adapter can give to calls.
RESOURCES = ("cpus", "memory", "time", "workdir")

#: How many seconds a request waits for the end of a call.
MOMENT = 0.25

Message = dict[str, Any]


class Calls:
    """The calls of a process of this adapter."""

    def __init__(
        self,
        slots: dict[str, Optional[int]],
        way: Way,
        resources: dict[str, Any],
        *,
        wheels: Optional[Path] = None,
        patience: float = 300,
    ) -> None:
        """Connects to nothing yet. ``resources`` are those of every call."""
        self._hosts = Hosts(slots, way, self._greet)
        self._resources = resources
        self._wheels = wheels
        self._patience = patience
        self._records = Records("ssh")
        self._environments: dict[tuple[str, str], str] = {}
        self._handed: dict[str, list[str]] = {}

    def invoke(self, request: Message) -> Message:
        """Starts a call on the freest host, or finds the job of an earlier run of it."""
        name = name_of(request.get("key"), request.get("attempt"))
        layer = layers.read(request, {})
        self._drop_handed()
        found = self._earlier(str(request["key"]))
        if found is not None:
            return self._answer(*found)
        connection = self._hosts.freest()
        environment = self._environment(connection, layer.adapter)
        members = ("op", "key", "attempt", "ancestors", "bundle")
        job = {
            **self._resources,
            "request": {**{each: request.get(each) for each in members}, "depth": layer.depth},
            "adapter": layer.adapter,
            "env": layer.options.get("env", {}),
            "slot_count": self._hosts.slots_of(connection),
        }
        self._records.write(name, host=connection.host)
        try:
            connection.ask("start", name=name, job=job, environment=environment)
            answer = self._answer(connection, name)
            connection.ask("keep", name=name)
        except LostError as lost:
            raise AdapterError("unreachable", str(lost), transient=True) from None
        return answer

    def poll(self, token: str) -> Message:
        """Answers the state of a call that any process started."""
        host, name = self._parsed(token)
        self._drop_handed()
        record = self._records.read(name) or {"host": host}
        try:
            answer = self._answer(self._hosts.connected(host), name)
        except LostError as lost:
            # The job runs on. Who asks again, in whichever process, gets it from then on.
            since = record.setdefault("lost", time.time())
            self._records.write(name, **record)
            if time.time() - since < self._patience:
                return {"state": "pending", "token": token, "retry_after_ms": 2000}
            self._records.write(name, **record, stop=True)
            raise AdapterError("unreachable", str(lost), transient=True) from None
        if "lost" in record and answer["state"] == "pending":
            self._records.write(name, host=host)
        return answer

    def cancel(self, token: str) -> Message:
        """Stops a call. If its host cannot be reached, it is stopped when it can be."""
        host, name = self._parsed(token)
        try:
            self._hosts.connected(host).ask("stop", name=name)
        except LostError as lost:
            self._records.write(name, host=host, stop=True)
            text = f"{lost}; the call will be stopped when the host is next reached"
            raise AdapterError("unreachable", text, transient=True) from None
        self._records.remove(name)
        return {"state": "canceled"}

    def close(self) -> None:
        """Ends the connections."""
        self._drop_handed()
        for connection in self._hosts.all():
            connection.close()

    def _answer(self, connection: Connection, name: str) -> Message:
        """Returns the answer for a job; waits a moment for its end."""
        found = connection.ask("look", name=name, wait=MOMENT)
        token = f"{connection.host}/{name}"
        state = found.get("state")
        if state == "running":
            return {"state": "pending", "token": token, "retry_after_ms": 100}
        # Without a record the next run of the call does not take this outcome for its own. The
        # job itself is removed with the next request: this answer may not arrive.
        self._records.remove(name)
        self._handed.setdefault(connection.host, []).append(name)
        if state == "ended":
            who = f"the host {connection.host}"
            return answers.checked(found.get("answer"), who, encoded=True)
        if state == "killed":
            log = answers.told(found.get("log", ""))
            text = f"the job of the call was killed on {connection.host}: {log}".rstrip(": \n")
            raise AdapterError("job_killed", text, transient=True)
        text = f"the host {connection.host} does not know {name}"
        raise AdapterError("unknown_token", text)

    def _parsed(self, token: str) -> tuple[str, str]:
        """Returns the host and the name of a job. Only hosts that the user named count."""
        host, _, name = token.rpartition("/")
        key, _, attempt = name.partition("-")
        if name_of(key, attempt) != name or host not in self._hosts.slots:
            text = f"{answers.told(token, 100)} is no job on a host of this adapter"
            raise AdapterError("unknown_token", text)
        return host, name

    def _earlier(self, key: str) -> Optional[tuple[Connection, str]]:
        """Returns the job of an earlier run of a call that nobody collected, if it is there."""
        for name, record in self._records.all(key).items():
            host = record.get("host")
            if host not in self._hosts.slots or record.get("stop"):
                continue
            try:
                connection = self._hosts.connected(host)
                state = connection.ask("look", name=name).get("state")
            except LostError:
                # Another host gets the call. This job is stopped when its host is there again.
                self._records.write(name, host=host, stop=True)
                continue
            if state in {"running", "ended"}:
                return connection, name
            self._records.remove(name)
        return None

    def _greet(self, connection: Connection) -> None:
        """Stops the jobs on a host that were given up while it could not be reached."""
        for name, record in self._records.all().items():
            if record.get("host") == connection.host and record.get("stop"):
                connection.ask("stop", name=name)
                self._records.remove(name)

    def _drop_handed(self) -> None:
        """Removes the jobs whose outcomes were handed over."""
        for connection in self._hosts.all():
            names = self._handed.pop(connection.host, [])
            if names:
                try:
                    connection.ask("drop", names=names)
                except LostError:
                    self._handed[connection.host] = names  # the host removes them in a week

    def _environment(self, connection: Connection, adapter: str) -> str:
        """Returns the name of the host's environment for calls, which is sent if needed.

        It is empty when the host's own Python has this version of daggerml.
        """
        from daggerml import version

        if connection.facts.get("daggerml") == version() and adapter == "local":
            return ""
        known = self._environments.get((connection.host, adapter))
        if known is not None:
            return known
        try:
            found = payload.parts(adapter, connection.facts, self._wheels)
            made_of = [part.digest for part in found] + [str(connection.facts["executable"])]
            name = hashlib.sha256("\n".join(made_of).encode()).hexdigest()
            if not connection.ask("has", environment=name).get("has"):
                import binascii

                given = [
                    {
                        "digest": part.digest,
                        "data": binascii.b2a_base64(part.data, newline=False).decode("ascii"),
                    }
                    for part in found
                ]
                connection.ask("put", environment=name, parts=given)
        except LostError as lost:
            raise AdapterError("unreachable", str(lost), transient=True) from None
        except (KeyError, TypeError, ValueError) as problem:
            text = f"the host {connection.host} tells something strange of itself: {problem}"
            raise AdapterError("host_unfit", text) from None
        self._environments[connection.host, adapter] = name
        return name
