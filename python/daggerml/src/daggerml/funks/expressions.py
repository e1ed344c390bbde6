"""Prints expressions in normal form: the same text on every version of Python.

``ast.unparse`` prints the same code differently in different versions, and cannot print
all code. Long chains (``a + b + c ...``, ``a.b().c() ...``) are printed in loops, so that they
do not need a deep stack.
"""

# ruff: noqa: N802  a method is named after the class of nodes that it prints
from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Optional

from daggerml.funks import strings, trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Printer"]

# The precedence of operators, from the weakest.
YIELD, TEST, OR, AND, NOT, COMPARE = range(6)
BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, TERM, FACTOR, POWER, AWAIT, ATOM = range(6, 16)

_BINARY: dict[type, tuple[str, int]] = {
    ast.BitOr: ("|", BIT_OR),
    ast.BitXor: ("^", BIT_XOR),
    ast.BitAnd: ("&", BIT_AND),
    ast.LShift: ("<<", SHIFT),
    ast.RShift: (">>", SHIFT),
    ast.Add: ("+", SUM),
    ast.Sub: ("-", SUM),
    ast.Mult: ("*", TERM),
    ast.MatMult: ("@", TERM),
    ast.Div: ("/", TERM),
    ast.Mod: ("%", TERM),
    ast.FloorDiv: ("//", TERM),
    ast.Pow: ("**", POWER),
}
_UNARY = {ast.Not: "not ", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
_COMPARE = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
# Above this, Python may refuse to read the decimal digits.
_LARGE = 10**40


class _NoQuotes(Exception):  # noqa: N818
    """There is no quote left for a string inside these f-strings, before Python 3.12."""


class Printer:
    """Prints expressions."""

    def __init__(self) -> None:
        # The quotes of the enclosing f-strings, and whether they may be used again inside.
        self._quotes: tuple[str, ...] = ()
        self._free = False

    def expression(self, node: ast.expr, level: int = TEST) -> str:
        """Returns the text of an expression, in parentheses below precedence ``level``."""
        text, binds = self._printed(node)
        return f"({text})" if binds < level else text

    def bare(self, node: ast.expr) -> str:
        """Returns the text of an expression; a tuple or yield without parentheses."""
        if isinstance(node, ast.Tuple) and node.elts:
            return self._items(node.elts) + ("," if len(node.elts) == 1 else "")
        return self.expression(node, YIELD)

    def _printed(self, node: ast.expr) -> tuple[str, int]:
        method = getattr(self, f"_{node.__class__.__name__}", None)
        if method is None:
            raise TypeError(node.__class__.__name__)
        found: tuple[str, int] = method(node)
        return found

    def _items(self, nodes: Iterable[ast.expr]) -> str:
        return ", ".join([self.expression(node) for node in nodes])

    # Names and literals.

    def _Name(self, node: ast.Name) -> tuple[str, int]:
        return node.id, ATOM

    def _Constant(self, node: ast.Constant) -> tuple[str, int]:
        value = node.value
        if isinstance(value, str):
            return self._string(value), ATOM
        if isinstance(value, bytes):
            text = strings.bytes_text(value)
            if self._quotes and not self._free:
                found = None if "\\" in text else strings.raw(value.decode(), self._quotes)
                if found is None:
                    raise _NoQuotes
                text = f"b{found}"
            return text, ATOM
        if value is ...:
            return "...", ATOM
        if value.__class__ is int and value >= _LARGE:
            return hex(value), ATOM
        return repr(value).replace("inf", "1e309"), ATOM

    def _string(self, value: str) -> str:
        if not self._quotes or self._free:
            return strings.literal(value)
        found = strings.raw(value, self._quotes)
        if found is None:
            raise _NoQuotes
        return found

    def _Tuple(self, node: ast.Tuple) -> tuple[str, int]:
        return (f"({self.bare(node)})" if node.elts else "()"), ATOM

    def _List(self, node: ast.List) -> tuple[str, int]:
        return f"[{self._items(node.elts)}]", ATOM

    def _Set(self, node: ast.Set) -> tuple[str, int]:
        return f"{{{self._items(node.elts)}}}", ATOM

    def _Dict(self, node: ast.Dict) -> tuple[str, int]:
        items = [
            f"**{self.expression(value, BIT_OR)}"
            if key is None
            else f"{self.expression(key)}: {self.expression(value)}"
            for key, value in zip(node.keys, node.values)
        ]
        return f"{{{', '.join(items)}}}", ATOM

    def _Starred(self, node: ast.Starred) -> tuple[str, int]:
        return f"*{self.expression(node.value, BIT_OR)}", ATOM

    # f-strings.

    def _JoinedStr(self, node: ast.JoinedStr) -> tuple[str, int]:
        return self._formatted("f", trees.united(node.values)), ATOM

    def _TemplateStr(self, node: Any) -> tuple[str, int]:
        return self._formatted("t", trees.united(node.values)), ATOM

    def _formatted(self, kind: str, values: Sequence[ast.expr]) -> str:
        outside, free = self._quotes, self._free
        try:
            for quote in () if free else strings.QUOTES:
                self._quotes = (*outside, quote)
                try:
                    text = kind + quote + "".join(self._pieces(values, quote)) + quote
                except _NoQuotes:
                    continue
                if not any(each in text for each in outside):
                    return text
            if outside and not free:  # other quotes may do
                raise _NoQuotes
            # Only Python 3.12 reads this.
            self._quotes, self._free = (*outside, "'"), True
            return kind + "'" + "".join(self._pieces(values, "'")) + "'"
        finally:
            self._quotes, self._free = outside, free

    def _pieces(self, values: Sequence[ast.expr], quote: str, *, spec: bool = False) -> list[str]:
        pieces = []
        for value in values:
            if isinstance(value, ast.Constant):
                text = strings.escaped(str(value.value), quote[0])
                if spec:  # every version reads this in the same way
                    for char in "{}'\"":
                        text = text.replace("\\" + char, char).replace(char, f"\\x{ord(char):02x}")
                else:
                    text = text.replace("{", "{{").replace("}", "}}")
                if "\\" in text and len(self._quotes) > 1 and not self._free:
                    raise _NoQuotes
                pieces.append(text)
            else:
                pieces.append(self._field(value, quote))
        return pieces

    def _field(self, node: Any, quote: str) -> str:
        text = getattr(node, "str", None)  # a template string keeps the text of its expressions
        if text is None:
            text = self.expression(node.value, OR)
        if not self._free and (quote in text or "\\" in text):
            raise _NoQuotes
        if not self._free and "\n" in text and len(quote) == 1:
            raise _NoQuotes
        parts = ["{", " " if text.startswith("{") else "", text]
        if node.conversion != -1:
            parts.append(f"!{chr(node.conversion)}")
        if node.format_spec is not None:
            parts.append(":")
            parts += self._pieces(trees.united(node.format_spec.values), quote, spec=True)
        return "".join([*parts, "}"])

    # Operators.

    def _BinOp(self, node: ast.BinOp) -> tuple[str, int]:
        symbol, binds = _BINARY[node.op.__class__]
        if binds == POWER:
            left = self.expression(node.left, AWAIT)
            return f"{left} ** {self.expression(node.right, FACTOR)}", POWER
        parts: list[str] = []
        first: ast.expr = node
        level = binds
        while isinstance(first, ast.BinOp):
            symbol, inner = _BINARY[first.op.__class__]
            if inner == POWER or inner < level:
                break
            level = inner
            parts.append(f" {symbol} {self.expression(first.right, inner + 1)}")
            first = first.left
        parts.append(self.expression(first, level))
        return "".join(reversed(parts)), binds

    def _UnaryOp(self, node: ast.UnaryOp) -> tuple[str, int]:
        binds = NOT if isinstance(node.op, ast.Not) else FACTOR
        return _UNARY[node.op.__class__] + self.expression(node.operand, binds), binds

    def _BoolOp(self, node: ast.BoolOp) -> tuple[str, int]:
        word, binds = (" and ", AND) if isinstance(node.op, ast.And) else (" or ", OR)
        return word.join([self.expression(value, binds + 1) for value in node.values]), binds

    def _Compare(self, node: ast.Compare) -> tuple[str, int]:
        parts = [self.expression(node.left, BIT_OR)]
        for operator, value in zip(node.ops, node.comparators):
            parts += [_COMPARE[operator.__class__], self.expression(value, BIT_OR)]
        return " ".join(parts), COMPARE

    def _IfExp(self, node: ast.IfExp) -> tuple[str, int]:
        parts: list[str] = []
        last: ast.expr = node
        while isinstance(last, ast.IfExp):
            parts.append(f"{self.expression(last.body, OR)} if {self.expression(last.test, OR)}")
            last = last.orelse
        return " else ".join([*parts, self.expression(last)]), TEST

    def _Lambda(self, node: ast.Lambda) -> tuple[str, int]:
        args = self.arguments(node.args)
        return f"lambda{' ' if args else ''}{args}: {self.expression(node.body)}", TEST

    def _NamedExpr(self, node: ast.NamedExpr) -> tuple[str, int]:
        return f"({node.target.id} := {self.expression(node.value)})", ATOM

    def _Await(self, node: ast.Await) -> tuple[str, int]:
        return f"await {self.expression(node.value, ATOM)}", AWAIT

    def _Yield(self, node: ast.Yield) -> tuple[str, int]:
        return ("yield" if node.value is None else f"yield {self._bare_value(node.value)}"), YIELD

    def _YieldFrom(self, node: ast.YieldFrom) -> tuple[str, int]:
        return f"yield from {self.expression(node.value)}", YIELD

    def _bare_value(self, node: ast.expr) -> str:
        return self.bare(node) if isinstance(node, ast.Tuple) else self.expression(node)

    # Attributes, subscripts and calls.

    def _postfix(self, node: ast.expr) -> tuple[str, int]:
        parts: list[str] = []
        while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
            if isinstance(node, ast.Attribute):
                parts.append(f".{node.attr}")
                node = node.value
            elif isinstance(node, ast.Call):
                parts.append(f"({self.call(node.args, node.keywords)})")
                node = node.func
            else:
                parts.append(f"[{self._index(node.slice)}]")
                node = node.value
        is_number = isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex))
        first = self.expression(node, ATOM)
        parts.append(f"({first})" if is_number else first)
        return "".join(reversed(parts)), ATOM

    _Attribute = _Call = _Subscript = _postfix

    def call(self, args: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> str:
        """Returns the text between the parentheses of a call or a class."""
        if len(args) == 1 and not keywords and isinstance(args[0], ast.GeneratorExp):
            return self._generated(args[0])
        parts = [self.expression(arg) for arg in args]
        for keyword in keywords:
            if keyword.arg is None:
                parts.append(f"**{self.expression(keyword.value, BIT_OR)}")
            else:
                parts.append(f"{keyword.arg}={self.expression(keyword.value)}")
        return ", ".join(parts)

    def _index(self, node: ast.expr) -> str:
        if isinstance(node, ast.Tuple):
            # Before Python 3.11, a star needs the parentheses; an empty tuple always does.
            if not node.elts or any(isinstance(each, ast.Starred) for each in node.elts):
                return self.expression(node)
            return self.bare(node)
        return self.expression(node)

    def _Slice(self, node: ast.Slice) -> tuple[str, int]:
        text = f"{self._optional(node.lower)}:{self._optional(node.upper)}"
        return (text if node.step is None else f"{text}:{self.expression(node.step)}"), ATOM

    def _optional(self, node: Optional[ast.expr]) -> str:
        return "" if node is None else self.expression(node)

    # Comprehensions.

    def _generated(self, node: Any) -> str:
        return self.expression(node.elt) + self._generators(node.generators)

    def _ListComp(self, node: ast.ListComp) -> tuple[str, int]:
        return f"[{self._generated(node)}]", ATOM

    def _SetComp(self, node: ast.SetComp) -> tuple[str, int]:
        return f"{{{self._generated(node)}}}", ATOM

    def _GeneratorExp(self, node: ast.GeneratorExp) -> tuple[str, int]:
        return f"({self._generated(node)})", ATOM

    def _DictComp(self, node: ast.DictComp) -> tuple[str, int]:
        value: Any = node.value
        if value is None:  # {**each for each in several}, since CPython 3.15
            item = f"**{self.expression(node.key, BIT_OR)}"
        else:
            item = f"{self.expression(node.key)}: {self.expression(value)}"
        return f"{{{item}{self._generators(node.generators)}}}", ATOM

    def _generators(self, generators: Iterable[ast.comprehension]) -> str:
        parts = []
        for each in generators:
            word = " async for " if each.is_async else " for "
            parts.append(f"{word}{self.bare(each.target)} in {self.expression(each.iter, OR)}")
            parts += [f" if {self.expression(test, OR)}" for test in each.ifs]
        return "".join(parts)

    # Parameters.

    def arguments(self, args: ast.arguments) -> str:
        """Returns the text of the parameters of a function or lambda."""
        every = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(every) - len(args.defaults)) + list(args.defaults)
        parts = [self._parameter(arg, value) for arg, value in zip(every, defaults)]
        if args.posonlyargs:
            parts.insert(len(args.posonlyargs), "/")
        if args.vararg is not None:
            parts.append(f"*{self._parameter(args.vararg, None)}")
        elif args.kwonlyargs:
            parts.append("*")
        parts += [self._parameter(*each) for each in zip(args.kwonlyargs, args.kw_defaults)]
        if args.kwarg is not None:
            parts.append(f"**{self._parameter(args.kwarg, None)}")
        return ", ".join(parts)

    def _parameter(self, arg: ast.arg, default: Optional[ast.expr]) -> str:
        text = arg.arg
        if arg.annotation is not None:
            text += f": {self.expression(arg.annotation)}"
        if default is not None:
            text += f"{'=' if arg.annotation is None else ' = '}{self.expression(default)}"
        return text
