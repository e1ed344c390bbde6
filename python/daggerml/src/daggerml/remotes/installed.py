"""The helpers that installed packages offer."""

from __future__ import annotations

from typing import Optional

__all__ = ["GROUP", "command", "schemes"]

#: The entry point group in which packages offer helpers, by the scheme of an address.
GROUP = "daggerml.remotes"


def schemes() -> list[str]:
    """Returns the schemes that installed packages reach, sorted."""
    from daggerml.codecs import entry_points

    return sorted({point.name for point in entry_points(GROUP)})


def command(scheme: str) -> Optional[list[str]]:
    """Returns the command of the helper of a scheme; the address follows as an argument.

    ``None`` when no installed package offers one. The engine asks this.
    """
    from daggerml import log
    from daggerml.adapters import program
    from daggerml.codecs import entry_points

    for point in entry_points(GROUP):
        if point.name != scheme:
            continue
        module, _, attribute = point.value.partition(":")
        words = f"{module}.{attribute or 'main'}".split(".")
        if all(word.isidentifier() for word in words):
            return program(module, words[-1])
        log.info("the helper of %r is not used: %r is no function", scheme, point.value)
    return None
