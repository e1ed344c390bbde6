"""Resources and options: one vocabulary for all adapters, checked before anything starts.

| option | what it is | who says it | part of the key |
|---|---|---|---|
| ``cpus`` | processors for a call | the adapter's command | no |
| ``memory`` | bytes for a call, such as ``4GiB`` | the adapter's command | no |
| ``time`` | seconds that a call may run, such as ``2h`` | the adapter's command | no |
| ``workdir`` | the folder in which calls work | the adapter's command | no |
| ``gpus`` | graphics processors for a call | the runnable or the command | in the runnable |
| ``env`` | environment variables | the runnable | yes |

What cannot change a result is no part of a runnable, so that the same call has the same key
wherever it runs, and however much of a machine it gets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

__all__ = ["RESOURCES", "add_arguments", "count", "environment", "resources", "seconds"]

_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SPANS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

#: The most that an option can be: a mistake is more likely than such a machine.
_MOST_COUNT, _MOST_MEMORY, _MOST_TIME = 1 << 16, 1 << 50, 366 * 86400

#: The least memory that Python starts with.
_LEAST_MEMORY = 32 << 20

#: How long names and values of environment variables may be, all together.
_MOST_ENVIRONMENT = 1 << 17

_PATH = re.compile(r"/[^\x00-\x1f\x7f]{1,1000}")


def _count(name: str, given: object) -> int:
    number = _number(given)
    if number is None or not 1 <= number <= _MOST_COUNT:
        text = f"{name} is a whole number from 1 to {_MOST_COUNT}, not {given!r}"
        raise InvalidError(text)
    return number


def _memory(name: str, given: object) -> int:
    number = _number(given, _UNITS)
    if number is None or not _LEAST_MEMORY <= number <= _MOST_MEMORY:
        text = f"{name} is a number of bytes from 32MiB to 1024TiB, not {given!r}"
        raise InvalidError(text, hint="write it like 512MiB or 4GiB")
    return number


def _time(name: str, given: object) -> int:
    number = _number(given, _SPANS)
    if number is None or not 1 <= number <= _MOST_TIME:
        text = f"{name} is a number of seconds, at most 366d, not {given!r}"
        raise InvalidError(text, hint="write it like 90s, 30m, 2h or 1d")
    return number


def _folder(name: str, given: object) -> str:
    if not isinstance(given, str) or not _PATH.fullmatch(given) or ".." in given.split("/"):
        text = f"{name} is the absolute path of a folder, not {given!r}"
        raise InvalidError(text)
    return given


def _number(given: object, units: Optional[dict[str, int]] = None) -> Optional[int]:
    """Returns a whole number, or text of one with a unit, as an int."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    found = re.fullmatch(r"([0-9]{1,15})([A-Za-z]*)", given) if isinstance(given, str) else None
    factor = None if found is None else (units or {"": 1}).get(found[2])
    return None if found is None or factor is None else int(found[1]) * factor


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "cpus": _count,
    "memory": _memory,
    "gpus": _count,
    "time": _time,
    "workdir": _folder,
}

#: The options that an adapter's command can have.
RESOURCES = tuple(_CHECKS)

_HELP = {
    "cpus": "processors for each call",
    "memory": "memory for each call, such as 4GiB",
    "gpus": "graphics processors for each call",
    "time": "how long a call may run, such as 90s, 30m or 2h",
    "workdir": "the folder in which calls work",
}


def add_arguments(parser: ArgumentParser, supported: Iterable[str]) -> None:
    """Adds the resources that an adapter supports to its command line."""
    for name in supported:
        parser.add_argument(f"--{name}", help=_HELP[name])


def resources(given: Namespace, supported: Iterable[str]) -> dict[str, Any]:
    """Returns the resources of a command line, as numbers; leaves out those that are not given.

    :raises InvalidError: when one is not what it must be.
    """
    found = {name: getattr(given, name) for name in supported}
    return {name: _CHECKS[name](name, it) for name, it in found.items() if it is not None}


def environment(given: object) -> dict[str, str]:
    """Returns checked environment variables.

    :raises InvalidError: when a name or a value cannot be one.
    """
    if not isinstance(given, dict):
        text = f"env is a map of environment variables, not a {type(given).__name__}"
        raise InvalidError(text)
    for name, value in given.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,200}", name):
            text = f"{name!r} is not the name of an environment variable"
            raise InvalidError(text)
        if not isinstance(value, str) or "\0" in value:
            text = f"the environment variable {name} is a text without NUL, not {value!r}"
            raise InvalidError(text)
    if sum(len(name) + len(value.encode()) for name, value in given.items()) > _MOST_ENVIRONMENT:
        text = f"env holds more than {_MOST_ENVIRONMENT} bytes"
        raise InvalidError(text, hint="give large values as arguments of the call")
    return dict(given)


def seconds(name: str, given: object) -> int:
    """Returns a checked span of time, such as ``2h``, in seconds."""
    return _time(name, given)


def count(name: str, given: object) -> int:
    """Returns a checked number of things, such as ``gpus``."""
    return _count(name, given)
