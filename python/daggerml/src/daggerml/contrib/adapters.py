"""The base class of adapters of DaggerML 0.1.x, and the adapters that are here.

Calls are run by programs that answer lines of JSON (the guide "adapters"), so a class
can be written and tested with this one, and runs no call.
"""

from __future__ import annotations

from typing import Any

from daggerml.contrib.authored import Authored
from daggerml.errors import InvalidError, NotFoundError

__all__ = ["AdapterBase", "get_adapter", "list_adapters"]

_GUIDE = "an adapter is a program: see the guide 'adapters'"


class AdapterBase(Authored):
    """An adapter of DaggerML 0.1.x."""

    name: str = ""

    @classmethod
    def send(cls, **payload: Any) -> dict[str, Any]:  # noqa: ARG003  derived classes use it
        """Do one operation; a derived class does."""
        text = f"{cls.__name__} has no transport"
        raise InvalidError(text, hint=_GUIDE)

    @classmethod
    def cli(cls, argv: Any = None) -> int:  # noqa: ARG003  derived classes use it
        """Refuse to be a program: the requests are others here."""
        text = f"{cls.__name__} answers the requests of daggerml 0.1.x, which are no longer made"
        raise InvalidError(text, hint=_GUIDE)


def list_adapters() -> list[str]:
    """Return the names of the adapters that calls can have, in order."""
    from daggerml.calls import GROUP
    from daggerml.codecs import entry_points

    return sorted({"local", *(point.name for point in entry_points(GROUP))})


def get_adapter(name: str) -> type[AdapterBase]:
    """Say where an adapter is: none is a Python class here."""
    if name in list_adapters():
        text = f"the adapter {name!r} is installed, and it is no Python class"
        raise InvalidError(text, hint=f"give it to a funk: adapter={name!r}")
    known = ", ".join(list_adapters())
    text = f"no adapter {name!r} is installed"
    raise NotFoundError(text, hint=f"there are: {known}")
