"""Finds names that source uses and does not define, which would be missing where it runs."""

from __future__ import annotations

import ast
import builtins
import functools
import symtable
import sys
from collections import ChainMap
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError
from daggerml.funks import trees
from daggerml.funks.definition import unwrapped
from daggerml.funks.installed import has_file_of_package, is_installed
from daggerml.funks.replaced import is_original_builtin

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "UNKNOWN", "assigned", "check", "free", "meanings", "refuse_outside", "surroundings",
    "undefined",
]  # fmt: skip

# IPython adds names to the builtins, which other processes do not have. Names such as
# __file__ mean something else where the funk runs. __name__ is allowed, for logging.
_ELSEWHERE = {
    "__doc__",
    "__loader__",
    "__package__",
    "__spec__",
    "_",
    "display",
    "get_ipython",
}
_BUILTINS = {name for name in dir(builtins) if name not in _ELSEWHERE} | {"__name__"}
# What leads to the names of a module.
_OF_GLOBALS = {"globals", "__globals__", "f_globals"}
# How many names a message lists.
_SHOWN = 5

#: Stands for the unknown meaning of a name.
UNKNOWN = object()


def surroundings(thing: object) -> dict[str, Any]:
    """Returns the globals of a function and the variables that it closes over, by name."""
    if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith("<"):
        inner: object = thing
    elif isinstance(thing, FunctionType) and not has_file_of_package(thing.__code__.co_filename):
        inner = thing
    else:
        inner = unwrapped(thing)
    if not isinstance(inner, FunctionType):
        return {}
    found = dict(inner.__globals__)
    for name, cell in zip(inner.__code__.co_freevars, inner.__closure__ or ()):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # it is not assigned yet
            found.pop(name, None)
    return found


def check(what: str, source: str, known: Mapping[str, Any]) -> None:
    """Raises an error for source that uses a name which it does not define.

    ``known`` are the author's objects by name, for the hint.
    """
    missing = undefined(source, known)
    if missing:
        refuse_outside(what, missing, known)
    _refuse_elsewhere(what, source)


def refuse_outside(what: str, missing: Mapping[str, str], known: Mapping[str, Any]) -> None:
    """Raises an error for names that mean something outside of a funk's source only.

    ``missing`` has for each name the definition that uses it.
    """
    names = list(missing)
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    if len(names) > _SHOWN:
        shown += " ..."
    users = dict.fromkeys(user for user in missing.values() if user not in {what, ""})
    where = f" (in {', '.join(users)})" if users else ""
    them = "it" if len(names) == 1 else "they"
    gone = "missing" if set(names) - _BUILTINS else "Python's own"
    text = (
        f"the funk {what!r} uses {shown}{where} from outside of itself; "
        f"{them} would be {gone} where it runs"
    )
    raise InvalidError(text, hint=" ".join(_advice(name, known) for name in names[:_SHOWN]))


def _refuse_elsewhere(what: str, source: str) -> None:
    """Refuses ways to use a module's names that no list of names shows."""
    used = free(source)
    for name in used:
        if name in _BUILTINS and not is_original_builtin(name):
            text = f"the funk {what!r} uses the builtin {name!r}, which was replaced here"
            raise InvalidError(text, hint="it would be Python's own where it runs: put that back")
    words = ("globals", "eval", "exec", "__name__")
    if not any(word in source for word in words):
        return
    hint = "where it runs its module is another: pass what it needs as arguments"
    if "globals" in used:
        raise InvalidError(f"the funk {what!r} uses globals()", hint=hint)
    for node in trees.walk([trees.parsed(source)]):
        if isinstance(node, ast.Attribute) and node.attr in _OF_GLOBALS:
            raise InvalidError(f"the funk {what!r} uses {node.attr}", hint=hint)
        if _is_own_module(node):
            raise InvalidError(f"the funk {what!r} looks for its own module", hint=hint)
        evaluated = _evaluated(node)
        if evaluated is not None:
            missing = sorted(undefined(evaluated, {}).keys() - _defined(source))
            if missing:
                shown = ", ".join(map(repr, missing))
                raise InvalidError(f"the funk {what!r} evaluates {shown}", hint=hint)


def _is_own_module(node: Any) -> bool:
    """Tells whether this is ``sys.modules[__name__]``, or ``import_module(__name__)``."""
    if isinstance(node, ast.Subscript):
        return _is_named(node.value, {"modules"}) and _is_named(node.slice, {"__name__"})
    if isinstance(node, ast.Call) and node.args and _is_named(node.args[0], {"__name__"}):
        is_get = isinstance(node.func, ast.Attribute) and _is_named(node.func.value, {"modules"})
        return is_get or _is_named(node.func, {"import_module", "__import__"})
    return False


def _is_named(node: Any, words: set[str]) -> bool:
    return (getattr(node, "attr", None) or getattr(node, "id", None)) in words


def _evaluated(node: Any) -> Optional[str]:
    """Returns the text that ``eval`` or ``exec`` runs among the names of the module."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return None
    first = node.args[0]
    if not _is_named(node.func, {"eval", "exec"}) or not isinstance(first, ast.Constant):
        return None
    text = str(first.value)
    try:
        trees.parsed(text)
    except (SyntaxError, ValueError, TypeError, *trees.DEEP):
        return None
    return text


def _defined(source: str) -> set[str]:
    """Returns all names that source gives anything, wherever it does."""
    found: set[str] = set()
    stack = [symtable.symtable(source, "<funk>", "exec")]
    while stack:
        table = stack.pop()
        stack += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter():
                found.add(symbol.get_name())
    return found


def _advice(name: str, known: Mapping[str, Any]) -> str:
    from daggerml.funks.packaging import Funk

    if name not in known:
        return f"{name}: define it inside the function, or pass it as an argument."
    value = known[name]
    if isinstance(value, ModuleType):
        module = value.__name__
        line = f"import {module}" if module == name else f"import {module} as {name}"
        if "." in module and module.rpartition(".")[2] == name:
            line = f"from {module.rpartition('.')[0]} import {name}"
        return f"{name}: write `{line}` inside the function, or list it in helpers=[{name}]."
    if isinstance(value, Funk):
        return f"{name}: name it with prepop={{{name!r}: {name}}} and call it as dag.{name}(...)."
    if isinstance(value, (FunctionType, type)):
        if is_installed(value):
            line = f"from {value.__module__} import {name}"
            return f"{name}: write `{line}` inside the function, or list it in helpers=[{name}]."
        return f"{name}: list it in helpers=[{name}]."
    kind = type(value).__name__
    return f"{name} (of type {kind}): pass it as an argument, or assign it inside the function."


def meanings(thing: object) -> Mapping[str, Any]:
    """Returns the objects that names mean to a function or class."""
    if isinstance(thing, type) and "<locals>" not in thing.__qualname__:
        around = vars(sys.modules.get(thing.__module__, builtins))
    else:
        around = surroundings(thing)
    return ChainMap(around, vars(builtins))


def undefined(source: str, known: Mapping[str, Any]) -> dict[str, str]:
    """Returns the undefined names in the order of their use, each with its definition."""
    used, assigned = _uses(source)
    return {
        name: user
        for name, user in used.items()
        # A global that a function assigns is defined by it, unless it existed before.
        if not _is_builtin(name, known) and (name not in assigned or name in known)
    }


def free(source: str) -> dict[str, str]:
    """Returns the same, and the names of builtins too."""
    return _uses(source)[0]


def assigned(source: str) -> set[str]:
    """Returns the globals that functions in source assign."""
    return _uses(source)[1]


@functools.lru_cache(maxsize=32)
def _uses(source: str) -> tuple[dict[str, str], set[str]]:
    """Returns the names that source uses, and the globals that its functions assign."""
    try:
        top = symtable.symtable(source, "<funk>", "exec")
    except SyntaxError as problem:  # such as `nonlocal`: its variable is outside
        text = f"a funk runs by itself, and this function cannot: {problem.msg}"
        hint = "let it take what it needs as arguments, and return what it finds"
        raise InvalidError(text, hint=hint) from None
    defined = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned()}
    defined |= {symbol.get_name() for symbol in top.get_symbols() if symbol.is_imported()}
    assigned: set[str] = set()
    used: dict[str, str] = {}
    _collect(top, "", assigned, used)
    if assigned and "global " in source:
        for node in trees.walk([trees.parsed(source)]):
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
                used.update({name: used.get(name, "")} if name in assigned else {})
    return {name: user for name, user in used.items() if name not in defined}, assigned


def _collect(
    table: symtable.SymbolTable, user: str, assigned: set[str], used: dict[str, str]
) -> None:
    is_module = table.get_type() == "module"
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if is_module or symbol.is_global():
            if symbol.is_referenced():
                used.setdefault(name, user)
            if symbol.is_assigned() and not is_module:  # `global name`, and then `name = ...`
                assigned.add(name)
    for inner in table.get_children():
        name = inner.get_name()
        _collect(inner, user or ("" if name.startswith("_dml_") else name), assigned, used)


def _is_builtin(name: str, known: Mapping[str, Any]) -> bool:
    if name not in _BUILTINS:
        return False
    # The author's own, where it has the name of a builtin.
    means = known.get(name, UNKNOWN)
    return name.startswith("__") or means is UNKNOWN or means is getattr(builtins, name)
