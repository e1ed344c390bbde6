"""Annotations: which of them are part of a funk, and in what form.

Annotations of functions that are only called by their names cannot be read, and are left
out. All others stay: as expressions, or as texts if they are texts in the author's module.
An annotation with a name that does not exist where the funk runs becomes a text too. But
if the source reads annotations, such a name is an error.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml.funks import trees
from daggerml.funks.statements import printed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["settle"]

# Names whose use means that the source reads annotations.
_READERS = {
    "__annotations__", "__annotate__", "__dataclass_fields__", "annotationlib", "fields",
    "get_annotations", "get_type_hints", "getfullargspec", "inspect", "signature",
}  # fmt: skip

# Builtins that find functions without their names.
_FINDERS = {"eval", "exec", "locals"}

_APART = {"annotation", "returns", "ctx", "op"}

_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def settle(
    bodies: list[tuple[list[ast.stmt], bool]],
    missing: Callable[[str], Iterable[str]],
    aliases: Mapping[str, str],
) -> bool:
    """Removes the annotations that do not count from the trees.

    ``bodies`` are pairs of statements and whether their annotations are texts. ``missing``
    returns the names that source uses and nothing defines, and ``aliases`` are the other
    names of objects. Returns whether each annotation that stays has the same form as in the
    author's module.
    """
    nodes = trees.walk([statement for body, _ in bodies for statement in body])
    is_read = any(_words(node) & _READERS for node in nodes)
    values = _used_as_values(nodes)
    values |= {name for alias, name in aliases.items() if alias in values}
    kept: list[tuple[_Slot, bool]] = []
    for body, are_texts in bodies:
        kept += [(slot, are_texts) for slot in _slots(body, values)]
    exact = not any(are_texts for _, are_texts in kept)
    for slot, are_texts in kept:
        if are_texts:
            slot.make_text()
    evaluated = [slot for slot, are_texts in kept if not are_texts]
    if evaluated and not is_read:
        nowhere = _nowhere([statement for body, _ in bodies for statement in body], kept, missing)
        for slot in evaluated:
            if any(isinstance(n, ast.Name) and n.id in nowhere for n in trees.walk([slot.get()])):
                slot.make_text()
                exact = False
    return exact


class _Slot:
    """An annotation and its place in the tree."""

    def __init__(self, node: Any, name: str) -> None:
        self._node, self._name = node, name

    def get(self) -> ast.expr:
        found: ast.expr = getattr(self._node, self._name)
        return found

    def put(self, value: Optional[ast.expr]) -> None:
        setattr(self._node, self._name, value)

    def make_text(self) -> None:
        value = self.get()
        text = printed([ast.Expr(value)])
        self.put(ast.copy_location(ast.Constant(text), value))


def _nowhere(
    body: list[ast.stmt], kept: list[tuple[_Slot, bool]], missing: Callable[[str], Iterable[str]]
) -> set[str]:
    """Returns the undefined names that only annotations use."""
    uses = set(missing(printed(body)))
    if not uses:
        return uses
    found = [(slot, slot.get()) for slot, _ in kept]
    for slot, value in found:
        slot.put(ast.copy_location(ast.Constant(None), value))
    uses -= set(missing(printed(body)))
    for slot, value in found:
        slot.put(value)
    return uses


def _words(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.alias):
        return {node.name.rpartition(".")[2], node.name.partition(".")[0]}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return set()


def _used_as_values(nodes: list[ast.AST]) -> set[str]:
    """Returns the names that are read for more than a call."""
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    if any(_is_finder(node) for node in nodes):
        return {str(getattr(node, "name", "")) for node in nodes}
    return {
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in called
    }


def _is_finder(node: ast.AST) -> bool:
    """Tells whether this may give any function in the source."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "vars":
        return not node.args
    if isinstance(node, ast.Attribute):
        return node.attr == "f_locals"
    return isinstance(node, ast.Name) and node.id in _FINDERS


def _slots(body: Iterable[ast.stmt], values: set[str]) -> Iterator[_Slot]:
    """Returns the annotations that stay, and removes the others from the tree."""
    stack: list[tuple[ast.AST, str]] = [(node, "") for node in body]
    while stack:
        node, where = stack.pop()
        inside = where
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            every = list(_of_function(node))
            # A method can be read from any instance.
            if where == "class" or node.decorator_list or node.name in values:
                yield from every
            else:
                for slot in every:
                    slot.put(None)
            inside = "function"
        elif isinstance(node, ast.Lambda):
            inside = "function"
        elif isinstance(node, ast.ClassDef):
            inside = "class"
        elif isinstance(node, ast.AnnAssign) and where == "class":
            yield _Slot(node, "annotation")
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                if inside == "function" and value and isinstance(value[0], ast.stmt):
                    value[:] = [_plain(item) for item in value]
                stack += [(item, inside) for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and name not in _APART:
                stack.append((value, inside))


def _of_function(node: _Function) -> Iterator[_Slot]:
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    for arg in every:
        if arg is not None and arg.annotation is not None:
            yield _Slot(arg, "annotation")
    if node.returns is not None:
        yield _Slot(node, "returns")


def _plain(node: ast.stmt) -> ast.stmt:
    """Returns an assignment in a function without its annotation.

    Python never evaluates it there.
    """
    if not isinstance(node, ast.AnnAssign):
        return node
    if node.value is None:
        node.annotation = ast.copy_location(ast.Constant(None), node)
        return node
    return ast.copy_location(ast.Assign([node.target], node.value), node)
