"""The files of the package that pages use."""

from __future__ import annotations

from importlib import resources

__all__ = ["STATIC", "static"]

#: Their names, with their media types.
STATIC = {"ui.css": "text/css", "ui.js": "text/javascript", "icon.svg": "image/svg+xml"}


def static(name: str) -> bytes:
    """Returns the content of one of :data:`STATIC`."""
    return (resources.files("daggerml_ui") / "static" / name).read_bytes()
