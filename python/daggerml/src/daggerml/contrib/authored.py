"""The common part of adapters and executors of DaggerML 0.1.x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from daggerml._core import Runnable

__all__ = ["Authored"]


class Authored:
    """Makes a runnable of what an author wrote for an adapter or executor."""

    @classmethod
    def resolve_runnable(
        cls,
        uri: str,
        kwargs: dict[str, Any],  # noqa: ARG003  derived classes use them
        sub: Any,  # noqa: ARG003
    ) -> Runnable:
        """Returns the runnable of what an author wrote. Derived classes define it."""
        text = f"{cls.__name__} does not say which runnable to make for uri={uri!r}"
        raise InvalidError(text, hint="define resolve_runnable, or make a daggerml.Runnable")
