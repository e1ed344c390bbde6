"""The hosts and their slots, connections to them, and which one gets a call."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Optional

from daggerml.adapters.lines import AdapterError
from daggerml.errors import InvalidError
from daggerml_adapter_ssh.connection import Connection, LostError, Way, checked_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["HOSTS", "Hosts", "parsed"]

#: The environment variable that names the hosts.
HOSTS = "DAGGERML_SSH_HOSTS"

#: How long a host that could not be reached is left alone, in seconds.
REST = 10.0


def parsed(given: Iterable[str]) -> dict[str, Optional[int]]:
    """Returns hosts with the numbers of their slots, of texts like ``box`` and ``me@box:4``."""
    found: dict[str, Optional[int]] = {}
    for each in given:
        host, colon, slots = each.partition(":")
        checked_host(host)
        if colon and not re.fullmatch(r"[1-9][0-9]{0,3}", slots):
            text = f"the slots of {host} are a number from 1 to 9999, not {slots!r}"
            raise InvalidError(text)
        found[host] = int(slots) if colon else None
    return found


class Hosts:
    """The hosts that calls run on."""

    def __init__(
        self, slots: dict[str, Optional[int]], way: Way, greet: Callable[[Connection], None]
    ) -> None:
        """Connects to nothing yet. ``greet`` is called with every new connection."""
        #: The hosts, each with its number of slots if the user said one.
        self.slots = slots
        self._way = way
        self._greet = greet
        self._connections: dict[str, Connection] = {}
        self._lost: dict[str, tuple[float, LostError]] = {}

    def connected(self, host: str) -> Connection:
        """Returns the connection to a host, a new one if it was lost.

        :raises LostError: when the host cannot be reached, or could not a moment ago.
        """
        found = self._connections.get(host)
        if found is not None and found.alive:
            return found
        when, problem = self._lost.get(host, (0.0, None))
        if problem is not None and time.monotonic() - when < REST:
            raise problem
        try:
            made = Connection(host, self._way)
            self._greet(made)
        except LostError as lost:
            self._lost[host] = time.monotonic(), lost
            raise
        self._lost.pop(host, None)
        self._connections[host] = made
        return made

    def freest(self) -> Connection:
        """Returns the connection to the host with the fewest jobs for each of its slots."""
        if not self.slots:
            text = f"no hosts are set; set {HOSTS} to their names in ~/.ssh/config, such as "
            raise AdapterError("no_hosts", f"{text}`box1:4,box2`")
        found: list[tuple[float, Connection]] = []
        problems: list[str] = []
        for host in self.slots:
            try:
                connection = self.connected(host)
                jobs = int(connection.ask("load")["jobs"])
            except (LostError, KeyError, TypeError, ValueError) as problem:
                problems.append(str(problem))
            else:
                found.append((jobs / self.slots_of(connection), connection))
        if not found:
            raise AdapterError("unreachable", "; ".join(problems), transient=True)
        return min(found, key=lambda each: each[0])[1]

    def slots_of(self, connection: Connection) -> int:
        """Returns how many jobs run at once on a host: by default one for each processor."""
        given = self.slots.get(connection.host)
        told = connection.facts.get("processors")
        return given or (told if isinstance(told, int) and told > 0 else 1)

    def all(self) -> list[Connection]:
        """Returns the connections that stand."""
        return [each for each in self._connections.values() if each.alive]


def from_environment() -> list[str]:
    """Returns the hosts that the environment names."""
    return [each for each in re.split(r"[,\s]+", os.environ.get(HOSTS, "")) if each]
