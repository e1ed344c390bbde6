"""Prints strings so that every Python from 3.9 on reads them in the same way.

``repr`` does not do: the characters that it escapes depend on the version of Unicode.
"""

from __future__ import annotations

from typing import Optional

__all__ = ["QUOTES", "bytes_text", "escaped", "literal", "raw"]

#: The quotes of strings, in the order in which they are tried.
QUOTES = ("'", '"', "'''", '"""')

_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Direction marks and invisible characters.
_HIDDEN = {0x61C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF, *range(0x202A, 0x202F)}
_HIDDEN |= set(range(0x2060, 0x2070))


def literal(text: str) -> str:
    """Returns a string in quotes, on one line."""
    quote = '"' if "'" in text and '"' not in text else "'"
    return f"{quote}{escaped(text, quote)}{quote}"


def docstring(text: str) -> str:
    """Returns a string in triple quotes, with its line ends."""
    body = "\n".join(escaped(line, "") for line in text.split("\n"))
    body = body.replace('"""', '\\"\\"\\"')
    if body.endswith('"'):
        body = f'{body[:-1]}\\"'
    return f'"""{body}"""'


def escaped(text: str, quote: str) -> str:
    """Returns the text between these quotes."""
    if text.isascii() and text.isprintable():  # as most are
        text = text.replace("\\", "\\\\")
        return text.replace(quote, "\\" + quote) if quote else text
    return "".join("\\" + char if char == quote else _character(char) for char in text)


def _character(char: str) -> str:
    named = _NAMED.get(char)
    if named is not None:
        return named
    code = ord(char)
    if _is_plain(code):
        return char
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _is_plain(code: int) -> bool:
    if code < 0xA0:  # noqa: PLR2004
        return 0x20 <= code < 0x7F  # noqa: PLR2004
    is_surrogate = 0xD800 <= code <= 0xDFFF  # noqa: PLR2004
    return not is_surrogate and code not in _HIDDEN and code & 0xFFFE != 0xFFFE  # noqa: PLR2004


def raw(text: str, enclosing: tuple[str, ...]) -> Optional[str]:
    """Returns a string without backslashes, to stand inside an f-string with these quotes."""
    if not all(char in "\n\t" or _is_plain(ord(char)) for char in text):
        return None
    if "\\" in text:  # this one is not an escape without another in front
        return None
    for quote in QUOTES:
        found = f"{quote}{text}{quote}"
        if quote in text or text.endswith(quote[0]) or ("\n" in text and len(quote) == 1):
            continue
        if not any(outer in found for outer in enclosing):
            return found
    return None


def bytes_text(data: bytes) -> str:
    """Returns the literal of bytes."""
    text = data.decode("latin-1")
    quote = '"' if "'" in text and '"' not in text else "'"
    body = "".join(
        char if ord(char) < 0x7F or char in _NAMED else f"\\x{ord(char):02x}"  # noqa: PLR2004
        for char in escaped(text, quote)
    )
    return f"b{quote}{body}{quote}"
