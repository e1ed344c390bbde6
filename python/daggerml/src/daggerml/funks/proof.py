"""Checks that the packaged source makes the function that was given.

There are three comparisons. The definition that was found is compiled in its place, and must
have the code of the author's function. The packaged text is parsed, and must have the same
syntax tree. And the text is run, as in a call, and must make the same objects: values,
closed-over variables and members of classes.
"""

from __future__ import annotations

import ast
import sys
import threading
import types
import warnings
from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError
from daggerml.funks import code_objects, names, trees
from daggerml.funks.comparison import Comparison, Different, of_funk
from daggerml.funks.definition import named

if TYPE_CHECKING:
    from types import CodeType

    from daggerml.funks.parts import Part

__all__ = ["Proof", "prove"]

_lock = threading.RLock()

#: The name of the module in which a funk runs.
MODULE = "daggerml_funk"


class Proof:
    """The objects that the source made and the author's, to be compared again later."""

    def __init__(
        self,
        name: str,
        parts: list[Part],
        made: dict[str, Any],
        pairs: dict[int, CodeType],
        uses: list[tuple[Any, str, Any]],
        *,
        annotations: bool,
        lists_classes: bool,
    ) -> None:
        self._uses = uses
        self._name = name
        self._parts = [
            (part.thing, part.name) for part in parts if not part.is_import and not part.is_alias
        ]
        self._made, self._pairs, self._annotations = made, pairs, annotations
        # Whether it asks for the subclasses of a class: which these are counts then.
        self._lists_classes = lists_classes

    def check_again(self) -> None:
        """Raises an `InvalidError` when the author's objects changed since they were packaged."""
        self.check()
        comparison = Comparison({}, {}, annotations=False)
        for thing, name, meant in self._uses:
            means = of_funk(names.meanings(thing).get(name, names.UNKNOWN))
            if means is meant or means is names.UNKNOWN:
                continue
            try:
                comparison.same(means, meant, name)
            except Different:
                text = f"{named(thing)} means something else by {name!r} since it was packaged"
                raise InvalidError(text, hint="make the funk again") from None

    def check(self) -> None:
        """Raises an `InvalidError` unless the source makes the author's objects."""
        comparison = Comparison(self._pairs, self._made, annotations=self._annotations)
        last = {name: thing for thing, name in self._parts}
        for thing, name in self._parts:
            if last[name] is not thing:  # it wraps another one, which is compared
                continue
            try:
                comparison.same(thing, self._made.get(name), named(thing))
                if self._lists_classes and isinstance(thing, type):
                    comparison.subclasses(thing, self._made[name])
            except Different as problem:
                text = (
                    f"the funk {self._name!r} would not run what was given: {problem.path} is "
                    f"not what its source makes: {problem.what}"
                )
                hint = (
                    "let its definition say all of it, and import a file again after a change; "
                    "what cannot be compared can be passed as an argument or made inside"
                )
                raise InvalidError(text, hint=hint) from None
            except RecursionError:
                raise trees.too_deep(self._name) from None


def prove(
    name: str,
    source: str,
    parts: list[Part],
    statements: list[ast.stmt],
    uses: list[tuple[Any, str, Any]],
    *,
    annotations: bool,
) -> Proof:
    """Checks that the source has these parts, and that it makes the author's objects."""
    try:
        tree = trees.parsed(source)
    except (SyntaxError, ValueError) as problem:
        text = f"the source of {name!r} cannot be written: {problem}"
        raise InvalidError(text, hint="use simpler strings inside of its f-strings") from None
    expected = ast.Module(statements, [])
    differs = trees.difference(expected, tree)
    if differs is not None:
        text = f"the source of {name!r} cannot be written for every version of Python: {differs}"
        raise InvalidError(text, hint="use simpler strings inside of its f-strings")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: CodeType = compile(source, f"<funk {name}>", "exec", dont_inherit=True, optimize=0)
    pairs = _paired(code, tree, parts)
    made = _made(name, code)
    lists = "__subclasses__" in source
    proof = Proof(name, parts, made, pairs, uses, annotations=annotations, lists_classes=lists)
    proof.check()
    return proof


def _paired(code: CodeType, tree: ast.Module, parts: list[Part]) -> dict[int, CodeType]:
    """Returns the author's code objects by the ids of the code objects of the text."""
    pairs: dict[int, CodeType] = {}
    at = 0
    for part in parts:
        for statement in part.statements:
            node: Any = tree.body[at]
            at += 1
            if part.found is None:
                continue
            if isinstance(node, ast.FunctionDef) and node.name.startswith("_dml_"):
                node = node.body[0]  # it makes the function and its closed-over variables
            if type(node) is type(part.found.node) and node.name == part.found.node.name:
                line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                made = code_objects.find(code, node.name, line)
                if made is not None:
                    code_objects.pair(made, part.found.code, pairs)
            del statement
    return pairs


def _made(name: str, code: CodeType) -> dict[str, Any]:
    """Runs source as it is run for a call, and returns what it makes."""
    module = types.ModuleType(MODULE)
    module.__file__ = code.co_filename
    with _lock:
        before = sys.modules.get(MODULE)
        sys.modules[MODULE] = module  # dataclasses look for it there
        try:
            exec(code, module.__dict__)  # noqa: S102  it is what a call does
        except Exception as problem:
            text = (
                f"the source of the funk {name!r} cannot be run by itself: "
                f"{type(problem).__name__}: {problem}"
            )
            hint = "list what it uses in helpers=[...], in the order in which it is needed"
            raise InvalidError(text, hint=hint) from problem
        finally:
            if before is None:
                del sys.modules[MODULE]
            else:
                sys.modules[MODULE] = before
    return module.__dict__
