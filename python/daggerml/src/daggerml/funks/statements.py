"""Prints statements in normal form; see ``expressions``."""

# ruff: noqa: N802  a method is named after the class of nodes that it prints
from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Optional

from daggerml.funks import strings
from daggerml.funks.expressions import AWAIT, BIT_OR, Printer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["printed"]

_OPERATORS: dict[type, str] = {
    ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.LShift: "<<", ast.RShift: ">>",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Div: "/", ast.Mod: "%",
    ast.FloorDiv: "//", ast.Pow: "**",
}  # fmt: skip


def printed(nodes: Iterable[ast.stmt]) -> str:
    """Returns the text of statements, without a newline at the end."""
    printer = _Statements()
    for node in nodes:
        printer.statement(node)
    return "\n".join(printer.lines)


class _Statements(Printer):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._depth = 0

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_{node.__class__.__name__}", None)
        if method is None:
            raise TypeError(node.__class__.__name__)
        text = method(node)
        if text is not None:
            self._add(text)

    def _add(self, text: str) -> None:
        self.lines.append("    " * self._depth + text)

    def _block(self, head: str, body: Sequence[ast.stmt], *, has_docstring: bool = False) -> None:
        self._add(f"{head}:")
        self._depth += 1
        for index, node in enumerate(body):
            if index == 0 and has_docstring and _is_lines(node):
                self._add(strings.docstring(node.value.value))  # type: ignore[attr-defined]
            else:
                self.statement(node)
        self._depth -= 1

    # Definitions.

    def _FunctionDef(self, node: Any, word: str = "def") -> None:
        self._decorators(node)
        result = "" if node.returns is None else f" -> {self.expression(node.returns)}"
        head = f"{word} {node.name}{self._type_params(node)}({self.arguments(node.args)}){result}"
        self._block(head, node.body, has_docstring=True)

    def _AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._FunctionDef(node, "async def")

    def _ClassDef(self, node: ast.ClassDef) -> None:
        self._decorators(node)
        bases = self.call(node.bases, node.keywords)
        head = f"class {node.name}{self._type_params(node)}{f'({bases})' if bases else ''}"
        self._block(head, node.body, has_docstring=True)

    def _decorators(self, node: Any) -> None:
        for decorator in node.decorator_list:
            self._add(f"@{self.expression(decorator)}")

    def _type_params(self, node: Any) -> str:
        params = getattr(node, "type_params", None)
        if not params:
            return ""
        stars = {"TypeVar": "", "TypeVarTuple": "*", "ParamSpec": "**"}
        parts = []
        for each in params:
            text = stars[each.__class__.__name__] + each.name
            if getattr(each, "bound", None) is not None:
                text += f": {self.expression(each.bound)}"
            if getattr(each, "default_value", None) is not None:
                text += f" = {self.expression(each.default_value)}"
            parts.append(text)
        return f"[{', '.join(parts)}]"

    def _TypeAlias(self, node: Any) -> str:
        name, params = self.expression(node.name), self._type_params(node)
        return f"type {name}{params} = {self.expression(node.value)}"

    # Simple statements.

    def _Expr(self, node: ast.Expr) -> str:
        return self.bare(node.value)

    def _Return(self, node: ast.Return) -> str:
        return "return" if node.value is None else f"return {self._bare_value(node.value)}"

    def _Delete(self, node: ast.Delete) -> str:
        return f"del {self._items(node.targets)}"

    def _Assign(self, node: ast.Assign) -> str:
        targets = [f"{self.bare(target)} = " for target in node.targets]
        return "".join(targets) + self.bare(node.value)

    def _AugAssign(self, node: ast.AugAssign) -> str:
        target = self.expression(node.target)
        return f"{target} {_OPERATORS[node.op.__class__]}= {self.bare(node.value)}"

    def _AnnAssign(self, node: ast.AnnAssign) -> str:
        target = self.expression(node.target)
        if isinstance(node.target, ast.Name) and not node.simple:
            target = f"({target})"
        text = f"{target}: {self.expression(node.annotation)}"
        return text if node.value is None else f"{text} = {self._ann_value(node.value)}"

    def _ann_value(self, node: ast.expr) -> str:
        return self.expression(node, 0 if isinstance(node, (ast.Yield, ast.YieldFrom)) else 1)

    def _Raise(self, node: ast.Raise) -> str:
        if node.exc is None:
            return "raise"
        cause = "" if node.cause is None else f" from {self.expression(node.cause)}"
        return f"raise {self.expression(node.exc)}{cause}"

    def _Assert(self, node: ast.Assert) -> str:
        message = "" if node.msg is None else f", {self.expression(node.msg)}"
        return f"assert {self.expression(node.test)}{message}"

    def _Pass(self, node: ast.Pass) -> str:
        return "pass"

    def _Break(self, node: ast.Break) -> str:
        return "break"

    def _Continue(self, node: ast.Continue) -> str:
        return "continue"

    def _Global(self, node: ast.Global) -> str:
        return f"global {', '.join(node.names)}"

    def _Nonlocal(self, node: ast.Nonlocal) -> str:
        return f"nonlocal {', '.join(node.names)}"

    def _Import(self, node: ast.Import) -> str:
        return f"{_lazily(node)}import {_aliases(node.names)}"

    def _ImportFrom(self, node: ast.ImportFrom) -> str:
        module = "." * node.level + (node.module or "")
        return f"{_lazily(node)}from {module} import {_aliases(node.names)}"

    # Compound statements.

    def _If(self, node: ast.If) -> None:
        word = "if"
        while True:
            self._block(f"{word} {self.expression(node.test)}", node.body)
            if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
                break
            node, word = node.orelse[0], "elif"
        self._else(node.orelse)

    def _else(self, body: Sequence[ast.stmt], word: str = "else") -> None:
        if body:
            self._block(word, body)

    def _For(self, node: Any, word: str = "for") -> None:
        self._block(f"{word} {self.bare(node.target)} in {self.expression(node.iter)}", node.body)
        self._else(node.orelse)

    def _AsyncFor(self, node: ast.AsyncFor) -> None:
        self._For(node, "async for")

    def _While(self, node: ast.While) -> None:
        self._block(f"while {self.expression(node.test)}", node.body)
        self._else(node.orelse)

    def _With(self, node: Any, word: str = "with") -> None:
        items = []
        for item in node.items:
            text = self.expression(item.context_expr)
            if isinstance(item.context_expr, ast.Tuple):  # otherwise it would read as several
                text = f"({text})"
            if item.optional_vars is not None:
                text += f" as {self.expression(item.optional_vars)}"
            items.append(text)
        self._block(f"{word} {', '.join(items)}", node.body)

    def _AsyncWith(self, node: ast.AsyncWith) -> None:
        self._With(node, "async with")

    def _Try(self, node: Any, star: str = "") -> None:
        self._block("try", node.body)
        for handler in node.handlers:
            kind = "" if handler.type is None else f" {self.expression(handler.type)}"
            name = "" if handler.name is None else f" as {handler.name}"
            self._block(f"except{star}{kind}{name}", handler.body)
        self._else(node.orelse)
        self._else(node.finalbody, "finally")

    def _TryStar(self, node: Any) -> None:
        self._Try(node, "*")

    # Patterns.

    def _Match(self, node: Any) -> None:
        self._add(f"match {self.expression(node.subject)}:")
        self._depth += 1
        for case in node.cases:
            guard = "" if case.guard is None else f" if {self.expression(case.guard)}"
            self._block(f"case {self._pattern(case.pattern)}{guard}", case.body)
        self._depth -= 1

    def _pattern(self, node: Any, *, inner: bool = False) -> str:
        kind = node.__class__.__name__
        if kind == "MatchValue":
            return self.expression(node.value, BIT_OR)
        if kind == "MatchSingleton":
            return repr(node.value)
        if kind == "MatchSequence":
            return f"[{', '.join([self._pattern(each) for each in node.patterns])}]"
        if kind == "MatchStar":
            return f"*{node.name or '_'}"
        if kind == "MatchMapping":
            return self._mapping(node)
        if kind == "MatchClass":
            parts = [self._pattern(each) for each in node.patterns]
            keywords = zip(node.kwd_attrs, node.kwd_patterns)
            parts += [f"{name}={self._pattern(each)}" for name, each in keywords]
            return f"{self.expression(node.cls, AWAIT)}({', '.join(parts)})"
        if kind == "MatchOr":
            text = " | ".join([self._pattern(each, inner=True) for each in node.patterns])
        elif node.pattern is None:
            return node.name or "_"
        else:
            text = (
                f"{self._pattern(node.pattern, inner=node.pattern.__class__.__name__ == 'MatchAs')}"
            )
            text += f" as {node.name}"
        return f"({text})" if inner else text

    def _mapping(self, node: Any) -> str:
        parts = [
            f"{self.expression(key)}: {self._pattern(each)}"
            for key, each in zip(node.keys, node.patterns)
        ]
        if node.rest is not None:
            parts.append(f"**{node.rest}")
        return f"{{{', '.join(parts)}}}"


def _is_lines(node: ast.stmt) -> bool:
    value: Optional[ast.expr] = node.value if isinstance(node, ast.Expr) else None
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return is_text and "\n" in value.value  # type: ignore[union-attr]


def _aliases(names: Iterable[ast.alias]) -> str:
    return ", ".join(
        name.name if name.asname is None else f"{name.name} as {name.asname}" for name in names
    )


def _lazily(node: ast.stmt) -> str:
    """Returns the word for an import that waits until its name is used (CPython 3.15)."""
    return "lazy " if getattr(node, "is_lazy", 0) else ""
