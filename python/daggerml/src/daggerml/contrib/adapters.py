"""The base class of adapters of DaggerML 0.1.x, and the names of the installed adapters.

A derived class can be tested, but does not run calls: adapters are programs that answer
lines of JSON (see the guide "adapters").
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
        """Does one operation. Derived classes define it."""
        text = f"{cls.__name__} has no transport"
        raise InvalidError(text, hint=_GUIDE)

    @classmethod
    def cli(cls, argv: Any = None) -> int:  # noqa: ARG003  derived classes use it
        """Raises an error: programs get other requests here."""
        text = f"{cls.__name__} answers requests of daggerml 0.1.x, which nothing sends any more"
        raise InvalidError(text, hint=_GUIDE)


def list_adapters() -> list[str]:
    """Returns the names of the installed adapters, sorted."""
    from daggerml.calls import GROUP
    from daggerml.codecs import entry_points

    return sorted({"local", *(point.name for point in entry_points(GROUP))})


def get_adapter(name: str) -> type[AdapterBase]:
    """Raises an error that says where the adapter is: it is not a Python class here."""
    if name in list_adapters():
        text = f"the adapter {name!r} is installed, but it is not a Python class"
        raise InvalidError(text, hint=f"give it to a funk: adapter={name!r}")
    known = ", ".join(list_adapters())
    text = f"no adapter {name!r} is installed"
    raise NotFoundError(text, hint=f"there are: {known}")
