"""Makes text from a repository safe for a terminal and for a page."""

from __future__ import annotations

__all__ = ["safe"]

# Control characters, other line ends, direction marks and invisible characters.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def safe(text: str, keep: str = "") -> str:
    r"""Returns the text with escapes for control characters and invisible ones.

    The characters in ``keep`` stay as they are.

    >>> from daggerml.text import safe
    >>> print(safe("a\x1b[31mb"))
    a\x1b[31mb
    """
    if text.isascii() and text.isprintable():
        return text
    from unicodedata import category

    return "".join(
        char.encode("unicode_escape").decode()
        if category(char) in _UNSAFE and char not in keep
        else char
        for char in text
    )
