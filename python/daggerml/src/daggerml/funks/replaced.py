"""Whether what a funk uses of installed modules is theirs, and not put there by somebody.

A funk's imports are made anew where it runs: what was replaced in this process would be
the original there.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.util
import linecache
import math
import sys
import warnings
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError
from daggerml.funks import code_objects, installed, trees
from daggerml.funks.definition import unwrapped
from daggerml.funks.loaded import UNKNOWN, evaluated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["is_original_builtin", "other_builtins", "refuse", "refuse_of_modules"]

_PLAIN = (str, bytes, int, float, complex, type(None))


def refuse(name: str, nodes: list[Any]) -> None:
    """Refuses a funk that uses something of an installed module that is not the module's own."""
    for of, attribute in _used(nodes):
        _check(f"the funk {name!r}", of, attribute)


def refuse_of_modules(modules: dict[str, list[Any]]) -> None:
    """Does the same for modules that come along, but for what they replace themselves."""
    replacing = {name for nodes in modules.values() for name in _replaced_by(nodes)}
    builtin = {name for name in other_builtins() if name not in replacing}
    for name, nodes in modules.items():
        for of, attribute in _used(nodes):
            if attribute not in replacing:
                _check(f"the module {name!r}", of, attribute)
        for node in nodes if builtin else ():
            if isinstance(node, ast.Name) and node.id in builtin:
                raise _replaced(f"the module {name!r}", f"the builtin {node.id!r}")


def _used(nodes: list[Any]) -> Iterator[tuple[Any, str]]:
    """Returns what source takes from modules and classes: of which, and by what name."""
    known = _imports(nodes)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                yield sys.modules.get(node.module or ""), each.name
        elif isinstance(node, ast.Attribute):
            yield _meaning(node.value, known), node.attr
        elif _is_call(node, "getattr", 2) and isinstance(node.args[1], ast.Constant):
            yield _meaning(node.args[0], known), str(node.args[1].value)


def _replaced_by(nodes: list[Any]) -> Iterator[str]:
    """Returns the names of attributes that source sets, and of the classes that these are of."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield from _names_of(node)
        elif _is_call(node, "setattr", 3) and isinstance(node.args[1], ast.Constant):
            yield str(node.args[1].value)
            yield from _names_of(node.args[0])


def _names_of(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute):
        yield node.attr
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


# What names mean.


def _imports(nodes: list[Any]) -> dict[str, Any]:
    """Returns the modules, and what is in them, that source has names for."""
    found: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for each in node.names:
                module = each.name if each.asname else each.name.partition(".")[0]
                found[each.asname or module] = sys.modules.get(module)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                of = sys.modules.get(node.module or "")
                found[each.asname or each.name] = _attribute(of, each.name)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
            meaning = _meaning(node.value, found)
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(meaning, (ModuleType, type)):
                    found.setdefault(target.id, meaning)
    return found


def _meaning(node: ast.expr, known: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        return _attribute(_meaning(node.value, known), node.attr)
    if _is_call(node, "import_module", 1) or _is_call(node, "__import__", 1):
        first = node.args[0]  # type: ignore[attr-defined]
        return sys.modules.get(str(first.value)) if isinstance(first, ast.Constant) else None
    return None


def _attribute(of: Any, name: str) -> Any:
    return vars(of).get(name) if isinstance(of, (ModuleType, type)) else None


def _is_call(node: Any, name: str, number: int) -> bool:
    if not isinstance(node, ast.Call) or len(node.args) < number:
        return False
    return name in {getattr(node.func, "attr", None), getattr(node.func, "id", None)}


# Whether it is the module's own.

#: What was found to be of its module.
_theirs: dict[tuple[str, str], Any] = {}


def _check(name: str, of: Any, attribute: str) -> None:
    if isinstance(of, type):
        if _is_of_package(of) and not _is_unchanged(of, attribute):
            raise _replaced(name, f"{of.__module__}.{of.__qualname__}.{attribute}")
        return
    if not isinstance(of, ModuleType) or attribute not in vars(of):
        return
    value = vars(of)[attribute]
    key = (of.__name__, attribute)
    if key in _theirs and _theirs[key] is value and not isinstance(value, type):
        return
    if not installed.is_of_package(of):
        return
    if not _is_theirs(of, attribute, value):
        raise _replaced(name, f"{of.__name__}.{attribute}")
    _theirs[key] = value


def _replaced(name: str, what: str) -> InvalidError:
    text = f"{name} uses {what}, which was replaced in this process"
    return InvalidError(text, hint="it would be the original where the funk runs: put that back")


def _is_of_package(cls: type) -> bool:
    """Tells whether a class is of a package; one of a module without a file is taken as such."""
    module = sys.modules.get(cls.__module__)
    if not isinstance(module, ModuleType) or module.__name__ == "__main__":
        return not isinstance(module, ModuleType)
    return getattr(module, "__file__", None) is None or installed.is_of_package(module)


def _is_unchanged(cls: type, attribute: str) -> bool:
    """Tells whether an attribute of an installed class is what a package made."""
    for each in cls.__mro__:
        if attribute in vars(each):
            return not _is_own(vars(each)[attribute])
    return True


def _is_own(value: Any) -> bool:
    """Tells whether something was made by code that is of no package."""
    if isinstance(value, type):
        return not _is_of_package(value)
    if isinstance(value, ModuleType):
        return getattr(value, "__file__", None) is not None and not installed.is_of_package(value)
    if isinstance(value, getattr(sys.modules.get("unittest.mock"), "NonCallableMock", ())):
        return True
    if isinstance(value, MethodType):
        return _is_own(value.__func__) or _is_own(value.__self__)
    if isinstance(value, (staticmethod, classmethod)):
        return _is_own(value.__func__)
    if isinstance(value, property):
        return any(_is_own(each) for each in (value.fget, value.fset) if each is not None)
    if isinstance(value, functools.partial):
        return _is_own(value.func)
    if isinstance(value, FunctionType):
        file = value.__code__.co_filename
        if file.startswith("<") and not file.startswith("<frozen"):
            return value.__globals__.get("__name__") == "__main__"  # else made by the package
        return not file.startswith("<") and not installed.has_file_of_package(file)
    return not _is_of_package(type(value))


def _is_theirs(module: ModuleType, name: str, value: Any) -> bool:
    if _is_own(value):
        return False
    if isinstance(value, ModuleType):
        if sys.modules.get(f"{module.__name__}.{name}") is value:
            return True
    elif isinstance(value, (FunctionType, BuiltinFunctionType, type)):
        called = getattr(value, "__name__", None)
        home = str(getattr(value, "__module__", None) or "")
        if isinstance(value, type) and not installed.is_unchanged(value):
            return False  # a method of it was replaced
        if called == name and _root(home) == _root(module.__name__) and not _is_made(value):
            return True
    elif module in _FRESH:
        return code_objects.is_same_constant(value, vars(_fresh(module.__name__)).get(name))
    found = _bindings(module)
    if found is None:  # there is no source
        if isinstance(value, FunctionType):  # put into a module that is written in C
            file = getattr(module, "__file__", None) or ".py"
            return value.__code__.co_filename.startswith("<frozen") or file.endswith(".py")
        is_known = installed.is_standard(module.__name__.partition(".")[0])
        is_function = is_known and isinstance(value, BuiltinFunctionType)
        return not is_function or value.__name__ == name
    nodes, stars, is_dynamic = found
    origins = [vars(each)[name] for each in stars if name in vars(each)]
    if any(each is value or each == value for each in origins):
        return True
    if name in nodes:
        return any(_may_be(value, node, module, name) for node in nodes[name])
    if "__getattr__" in vars(module) and type(value) in _PLAIN:
        return _is_given(value, module, name)
    return is_dynamic or not origins


def _is_given(value: Any, module: ModuleType, name: str) -> bool:
    """Tells whether a module's ``__getattr__`` gives this, if it gives anything by that name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(vars(module)["__getattr__"](name) == value)
    except Exception:  # noqa: BLE001  it gives nothing
        return True


def _is_made(value: Any) -> bool:
    """Tells whether a function is of no file, as those that ``exec`` makes."""
    file = value.__code__.co_filename if isinstance(value, FunctionType) else ""
    return file.startswith("<") and not file.startswith("<frozen")


def _root(module: str) -> str:
    return module.partition(".")[0].lstrip("_")


_FRESH = {math}


@functools.cache
def _fresh(name: str) -> ModuleType:
    """Returns a new copy of a module, which is written in C and can be made more than once."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return ModuleType(name)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


# What the source of a module says of a name.

_Bindings = tuple[dict[str, list[Any]], list[ModuleType], bool]
_DYNAMIC = {"__getattr__", "globals", "setattr", "exec", "update", "__dict__", "lazy_import"}
_kept: dict[str, Optional[_Bindings]] = {}


def _bindings(module: ModuleType) -> Optional[_Bindings]:
    """Returns what gives names something, the modules with ``*``, and whether other things may."""
    if module.__name__ not in _kept:
        _kept[module.__name__] = _read(module)
    return _kept[module.__name__]


def _read(module: ModuleType) -> Optional[_Bindings]:
    file = getattr(module, "__file__", None) or ""
    source = "".join(linecache.getlines(file, vars(module))) if file.endswith(".py") else ""
    if not source:
        return None
    try:
        tree = trees.parsed(source)
    except (SyntaxError, ValueError, *trees.DEEP):
        return None
    found: dict[str, list[Any]] = {}
    stars: list[ModuleType] = []
    is_dynamic = False
    for node in trees.walk(tree.body):
        if isinstance(node, ast.Global):
            for name in node.names:
                found.setdefault(name, []).append(node)
        word = getattr(node, "id", None) or getattr(node, "attr", None)
        is_dynamic = is_dynamic or word in _DYNAMIC or getattr(node, "name", None) in _DYNAMIC
    for node in _statements(tree.body):
        for name in _names(node):
            if name == "*":
                star = sys.modules.get(_absolute(node, module))  # type: ignore[arg-type]
                is_dynamic = is_dynamic or star is None
                stars += [star] if star is not None else []
            found.setdefault(name, []).append(node)
    return found, stars, is_dynamic


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Returns the statements of a module, but not those of its functions and classes."""
    stack: list[Any] = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "handlers", "finalbody", "cases"):
                stack += getattr(node, part, ())


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (each.asname or each.name.partition(".")[0] for each in node.names)
    else:
        for each in trees.walk([node]):
            if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                yield each.id


def _absolute(node: ast.ImportFrom, module: ModuleType) -> str:
    if not node.level:
        return node.module or ""
    try:
        relative = "." * node.level + (node.module or "")
        return importlib.util.resolve_name(relative, getattr(module, "__package__", None) or "")
    except ImportError:
        return ""


def _may_be(value: Any, node: Any, module: ModuleType, name: str) -> bool:
    """Tells whether this statement may have given a name this value."""
    if isinstance(node, ast.ImportFrom):
        of = sys.modules.get(_absolute(node, module))
        if of is None:
            return True
        names = [it.name for it in node.names if (it.asname or it.name) == name]
        return any(vars(of).get(each, value) is value for each in names)
    if isinstance(node, ast.Import):
        return isinstance(value, ModuleType)
    if isinstance(node, ast.ClassDef):
        return (
            bool(node.decorator_list)
            or str(getattr(value, "__name__", "")).rpartition(".")[2] == name
        )
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        inner = unwrapped(value)
        is_it = isinstance(inner, FunctionType) and inner.__code__.co_name == name
        return (is_it and not _is_made(inner)) or bool(node.decorator_list)
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_target(node, name):
        if isinstance(node.value, ast.Name):
            is_it = vars(module).get(node.value.id, value) is value
            return is_it or getattr(value, "__name__", None) == node.value.id
        if node.value is not None and type(value) in _PLAIN:
            found = evaluated(node.value, vars(module))
            return found is UNKNOWN or code_objects.is_same_constant(value, found)
    return True


def _is_target(node: Any, name: str) -> bool:
    """Tells whether an assignment gives the whole value to this name."""
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
    return any(getattr(each, "id", None) == name for each in targets)


# Builtins.


def is_original_builtin(name: str) -> bool:
    """Tells whether a builtin of Python is what it was."""
    value = getattr(builtins, name)
    if isinstance(value, (BuiltinFunctionType, type)):
        return value.__name__ == name or name in {"EnvironmentError", "IOError", "WindowsError"}
    return not _is_own(value)


def other_builtins() -> list[str]:
    """Returns the names of Python's builtins that somebody replaced."""
    # Names with an underscore are those of prompts and of gettext.
    names = [name for name in [*vars(builtins)] if not name.startswith("_")]
    return [name for name in names if not is_original_builtin(name)]
