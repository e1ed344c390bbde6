"""Python code with its words marked, so that a style sheet can colour them."""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from typing import Optional

from markupsafe import Markup, escape

from daggerml.text import safe

__all__ = ["highlighted", "is_python"]

#: Longer code is shown without colours: it would take too long.
_LONGEST = 200_000


def is_python(text: str) -> bool:
    """Tells whether text of several lines defines something in Python."""
    if len(text) > _LONGEST or "\n" not in text.strip():
        return False
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    return any(isinstance(part, kinds) for part in tree.body)


def highlighted(text: str) -> Markup:
    """Returns Python code as HTML, with a ``span`` around what has a colour."""
    if len(text) > _LONGEST:
        return escape(safe(text, keep="\n\t"))
    rows = text.splitlines(keepends=True)
    parts: list[Markup] = []
    row, column = 1, 0

    def upto(end_row: int, end_column: int) -> str:
        nonlocal row, column
        if (end_row, end_column) <= (row, column):
            return ""
        if end_row == row:
            piece = rows[row - 1][column:end_column] if row <= len(rows) else ""
        else:
            pieces = [rows[row - 1][column:], *rows[row : end_row - 1]]
            if end_row <= len(rows):
                pieces.append(rows[end_row - 1][:end_column])
            piece = "".join(pieces)
        row, column = end_row, end_column
        return piece

    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            parts.append(_marked(upto(*token.start), None))
            parts.append(_marked(upto(*token.end), _look(token)))
    except (tokenize.TokenError, SyntaxError, IndexError, ValueError, SystemError):
        # What is left is shown as it is. A ValueError is Python 3.12's own fault: it takes a
        # carriage return for the end of a line, and so cuts the character after it in two. So is
        # a SystemError: it forgets an exception when a zero byte comes after such a character.
        pass
    parts.append(_marked(upto(len(rows) + 1, 0), None))
    return Markup().join(parts)


def _marked(text: str, look: Optional[str]) -> Markup:
    shown = escape(safe(text, keep="\n\t"))
    return Markup('<span class="{}">{}</span>').format(look, shown) if look and text else shown


def _look(token: tokenize.TokenInfo) -> Optional[str]:
    if token.type == tokenize.COMMENT:
        return "c"
    if token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING"):
        return "s"
    if token.type == tokenize.NUMBER:
        return "n"
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "k"
    return None
