"""Checks that an imported module equals its file as it is now.

Python does not keep the source that it imported. So this compares the code of all functions,
and every value that follows from the source without running the author's code.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from abc import ABCMeta
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from daggerml.funks import code_objects, installed
from daggerml.funks.again import failed
from daggerml.funks.comparison import Comparison, Different
from daggerml.funks.definition import unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["UNKNOWN", "compare", "evaluated"]

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN = (str, bytes, int, float, complex, bool, type(None), tuple, frozenset)
_VALUES = (*_PLAIN, list, dict, set)
_FUNCTIONS = (FunctionType, staticmethod, classmethod)

#: Stands for a value that only running the author's code would show.
UNKNOWN = object()


def compare(module: ModuleType, tree: ast.Module, file: str) -> None:
    """Raises an error if the file was edited, or the module changed, since its import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(tree, file, "exec", dont_inherit=True, optimize=0)
    _Loaded(module, code).compare(tree)


class _Loaded:
    def __init__(self, module: ModuleType, code: CodeType) -> None:
        self._module = module
        # Of a module that makes a funk while it is imported, what follows is not there yet.
        self._is_partial = getattr(module.__spec__, "_initializing", False)
        self._codes = {(it.co_name, it.co_firstlineno): it for it in code_objects.inside(code)}

    def compare(self, tree: ast.Module) -> None:
        for where, function in _functions(self._module):
            self._code(function, where)
        stars = any(
            isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            for statement in tree.body
            for node in ast.walk(statement)
        )
        if not stars:  # they may assign any name
            self._scope(tree.body, vars(self._module), "", _changed_names(tree))

    def _fail(self, what: str) -> NoReturn:
        raise failed(f"{self._module.__name__}.{what}")

    def _code(self, function: FunctionType, where: str) -> None:
        mine = function.__code__
        there = self._codes.get((mine.co_name, mine.co_firstlineno))
        if there is None or code_objects.different(mine, there) is not None:
            self._fail(where)

    def _scope(
        self, body: list[ast.stmt], names: Mapping[str, Any], path: str, changed: set[str]
    ) -> None:
        """Compares the names of a module or class with what its statements define once."""
        for node in body:
            if isinstance(node, _DEFINITIONS):
                if node.name not in changed:
                    self._definition(node, names, path)
                continue
            target = value = None
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target, value = node.targets[0], node.value
            elif isinstance(node, ast.AnnAssign):
                target, value = node.target, node.value
            if value is None or not isinstance(target, ast.Name) or target.id in changed:
                continue
            expected = self._value(value, names)
            given = names.get(_private(target.id, path), UNKNOWN)
            if given is UNKNOWN and self._is_partial:
                continue
            if not _is_value(expected) or (path and given.__class__ not in _VALUES):
                continue  # such as a member of an enum, or a slot
            if expected.__class__ not in _PLAIN and not expected:
                continue  # it is a container to be filled
            self._same(given, expected, path + target.id)

    def _same(self, given: Any, expected: Any, where: str) -> None:
        try:
            Comparison({}, {}, annotations=False).same(given, expected, where)
        except Different:
            self._fail(where)

    def _definition(self, node: Any, names: Mapping[str, Any], path: str) -> None:
        where = path + node.name
        given = names.get(_private(node.name, path), UNKNOWN)
        if given is UNKNOWN:
            if self._is_partial:
                return
            self._fail(where)
        if isinstance(node, ast.ClassDef):
            if isinstance(given, type):
                if type(given) not in {type, ABCMeta}:
                    return  # other base classes may change the members
                self._scope(node.body, vars(given), f"{where}.", _changed_names(node))
            elif not node.decorator_list:
                self._fail(where)
            return
        if not node.decorator_list and not isinstance(given, _FUNCTIONS):
            self._fail(where)
        function = unwrapped(_inner(given))
        if isinstance(function, FunctionType) and not node.decorator_list:
            self._code(function, where)
            if (function.__code__.co_name, function.__code__.co_firstlineno) != (
                node.name,
                node.lineno,
            ):
                self._fail(where)
            args = node.args
            self._defaults(function.__defaults__ or (), args.defaults, where)
            keywords = function.__kwdefaults__ or {}
            pairs = [(a.arg, d) for a, d in zip(args.kwonlyargs, args.kw_defaults) if d]
            if set(keywords) != {name for name, _ in pairs}:
                self._fail(where)
            self._defaults([keywords[name] for name, _ in pairs], [d for _, d in pairs], where)

    def _defaults(self, given: Any, nodes: list[ast.expr], where: str) -> None:
        if len(given) != len(nodes):
            self._fail(where)
        for value, node in zip(given, nodes):
            expected = self._value(node, vars(self._module))
            if _is_value(expected):
                self._same(value, expected, where)

    def _value(self, node: ast.expr, names: Mapping[str, Any]) -> Any:
        return evaluated(node, {**vars(self._module), **names})


def evaluated(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Returns what an expression is, if nothing of the author's runs for it, else `UNKNOWN`."""
    around = {**vars(builtins), **names}
    if not _is_safe(node, around):
        return UNKNOWN
    try:
        tree = ast.fix_missing_locations(ast.Expression(node))
        return eval(compile(tree, "<value>", "eval"), dict(around))  # noqa: S307  see above
    except Exception:  # noqa: BLE001  then nothing is known
        return UNKNOWN


def _is_value(thing: Any) -> bool:
    return thing.__class__ in _VALUES or (
        thing is not UNKNOWN and installed.is_installed(type(thing)) and _has_equality(thing)
    )


def _has_equality(thing: Any) -> bool:
    kind = type(thing)
    has_its_own: bool = getattr(kind, "__eq__", None) is not getattr(object, "__eq__", None)
    return not isinstance(thing, (type, FunctionType)) and has_its_own


_SAFE = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.JoinedStr, ast.FormattedValue, ast.keyword, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip


def _is_safe(node: ast.AST, around: Mapping[str, Any]) -> bool:
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, ast.Name):
            meaning = around.get(each.id, UNKNOWN)
            if not isinstance(meaning, (type, ModuleType)) and not _is_value(meaning):
                return False
        elif isinstance(each, ast.Attribute):
            meaning = _meaning(each, around)
            if not isinstance(meaning, (type, ModuleType)) and not _is_value(meaning):
                return False
        elif isinstance(each, ast.Call):
            if not _is_maker(_meaning(each.func, around)):
                return False
            stack += [*each.args, *each.keywords]
        elif isinstance(each, _SAFE):
            stack += ast.iter_child_nodes(each)
        else:
            return False
    return True


def _is_maker(meaning: Any) -> bool:
    """Tells whether a call makes an immutable value, such as ``Decimal("1.5")``."""
    if meaning is re.compile:
        return True
    modules = {"builtins", "collections", "datetime", "decimal", "fractions", "pathlib"}
    is_plain = isinstance(meaning, type) and meaning is not type
    return is_plain and meaning.__module__ in modules and installed.is_installed(meaning)


def _meaning(node: ast.expr, around: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return around.get(node.id, UNKNOWN)
    if isinstance(node, ast.Attribute):
        base = _meaning(node.value, around)
        return vars(base).get(node.attr, UNKNOWN) if isinstance(base, ModuleType) else UNKNOWN
    return UNKNOWN


def _changed_names(scope: Any) -> set[str]:
    """Returns the names that a module or class assigns more than once, or may change."""
    times: dict[str, int] = {}
    used: set[str] = set()
    stack: list[tuple[ast.AST, bool]] = [(node, True) for node in scope.body]
    while stack:
        node, is_inside = stack.pop()
        if isinstance(node, ast.Global):
            times.update(dict.fromkeys(node.names, 2))
        if is_inside and isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            times[node.id] = times.get(node.id, 0) + 1
        if is_inside and isinstance(node, _DEFINITIONS):
            times[node.name] = times.get(node.name, 0) + 1
        if is_inside and isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                times[name] = times.get(name, 0) + 1
        if is_inside and _may_change(node):
            used.add(node.value.id)  # type: ignore[attr-defined]
        is_inside = is_inside and not isinstance(node, (*_DEFINITIONS, ast.Lambda))
        stack += [(child, is_inside) for child in ast.iter_child_nodes(node)]
    return used | {name for name, number in times.items() if number > 1}


def _may_change(node: Any) -> bool:
    """Tells whether it is ``NAME.attribute`` or ``NAME[index]``, which may change ``NAME``."""
    if not isinstance(node, (ast.Attribute, ast.Subscript)) or not isinstance(node.value, ast.Name):
        return False
    if not isinstance(node.ctx, ast.Load):
        return True
    methods = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "sort"}
    return isinstance(node, ast.Attribute) and node.attr in methods


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """Returns the functions and methods that a module defines, by qualified name."""
    stack: list[tuple[str, Any]] = list(vars(module).items())
    seen: set[int] = set()
    while stack:
        name, thing = stack.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, type) and thing.__module__ == module.__name__:
            stack += [(f"{name}.{each}", member) for each, member in vars(thing).items()]
        function = unwrapped(_inner(thing))
        if not isinstance(function, FunctionType) or function.__globals__ is not vars(module):
            continue
        if not function.__code__.co_filename.startswith("<"):
            yield name, function


def _inner(member: Any) -> Any:
    """Returns the function of a static method, a class method or a property."""
    if isinstance(member, property):
        return member.fget
    return member.__func__ if isinstance(member, (staticmethod, classmethod)) else member


def _private(name: str, path: str) -> str:
    """Returns the form that a name has in a class, ``A.B.``, if it is private."""
    cls = path.rstrip(".").rpartition(".")[2].lstrip("_")
    is_private = cls and name.startswith("__") and not name.endswith("__")
    return f"_{cls}{name}" if is_private else name
