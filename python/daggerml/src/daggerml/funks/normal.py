"""The normal form of source: what remains when only the code counts.

Comments, layout, docstrings and the annotations of functions are left out, so
that they do not change the key of a call. Two texts that differ in code have two
normal forms.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from daggerml.funks.definition import Definition

__all__ = ["normal"]


def normal(definition: Definition) -> str:
    """Return the source of a definition in normal form."""
    tree = _Normaliser().visit(definition)
    return ast.unparse(ast.fix_missing_locations(tree))


class _Normaliser(ast.NodeTransformer):
    def __init__(self) -> None:
        self._in_function = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> ast.AST:
        if not node.decorator_list:  # a decorator may read annotations
            node.returns = None
            args = node.args
            every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
            for arg in every:
                if arg is not None:
                    arg.annotation = None
        return self._scope(node, in_function=True)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node, in_function=False)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if self._in_function and node.value is not None:  # never evaluated
            return ast.Assign(targets=[node.target], value=node.value)
        return node

    def _scope(
        self,
        node: Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef],
        *,
        in_function: bool,
    ) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        outside, self._in_function = self._in_function, in_function
        self.generic_visit(node)
        self._in_function = outside
        return node
