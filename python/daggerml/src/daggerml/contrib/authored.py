"""What adapters and executors of DaggerML 0.1.x have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from daggerml._core import Runnable

__all__ = ["Authored"]


class Authored:
    """What makes a runnable of what was authored for it."""

    @classmethod
    def resolve_runnable(
        cls,
        uri: str,
        kwargs: dict[str, Any],  # noqa: ARG003  derived classes use them
        sub: Any,  # noqa: ARG003
    ) -> Runnable:
        """Return the runnable of what was authored; a derived class says which."""
        text = f"{cls.__name__} does not say what it makes of uri={uri!r}"
        raise InvalidError(text, hint="define resolve_runnable, or make a daggerml.Runnable")
