"""Modules imported once more, from their files as these are now, and compared with those in hand.

What a call makes of a module can only be known by importing it. That is done here for
modules whose files were written since this process began: of all others the
import in hand is that of the file.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.util
import os
import sys
import threading
import time
import warnings
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError
from daggerml.funks import installed, trees
from daggerml.funks.comparison import Comparison, Different

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["compare", "failed"]

_lock = threading.RLock()
_running = threading.local()

# What an import notes in a module, and Python in any.
_OF_MODULE = {
    "__name__", "__doc__", "__package__", "__loader__", "__spec__", "__path__", "__file__",
    "__cached__", "__builtins__", "__annotations__", "__annotate__", "__warningregistry__",
    "__annotate_func__", "__conditional_annotations__", "__annotations_cache__",
}  # fmt: skip
_LEFT = "cannot be compared"
_PLAIN = (str, bytes, int, float, complex, bool, type(None), tuple, list, dict, set, frozenset)
_METHODS = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "clear"}
# A file can be a little older than the clock of the process says.
_SLACK = 2.0

_kept: dict[tuple[tuple[str, str], ...], dict[str, ModuleType]] = {}


def failed(what: str) -> InvalidError:
    """Makes the error for something in a module that is not what its file says."""
    text = f"{what} is not what the file of the module says now"
    hint = "import it again (importlib.reload), or start the program anew"
    return InvalidError(text, hint=hint)


def compare(files: Mapping[str, tuple[str, str]]) -> None:
    """Refuses modules that are not what an import of their files would make now.

    ``files`` has, by the names of modules, the paths and the texts of their files.
    """
    loaded = {name: sys.modules[name] for name in sys.modules if name in files}
    if getattr(_running, "is_true", False) or not loaded or not _is_new(files, loaded):
        return
    if any(getattr(each.__spec__, "_initializing", False) for each in loaded.values()):
        return  # it is being imported now, and is compared when the funk is used
    key = tuple((name, text) for name, (_, text) in files.items())
    with _lock:
        if key not in _kept:
            made = _imported(files, list(loaded))
            if made is None:
                return
            _kept.clear()
            _kept[key] = made
    made = _kept[key]
    wrong = list(_differences(loaded, made, files))
    if not wrong:
        return
    again = _imported(files, list(loaded)) or {}
    changing = set(_differences(made, again, files))  # with every import, such as the time
    for what in wrong:
        if what not in changing:
            raise failed(what)


def _is_new(files: Mapping[str, tuple[str, str]], loaded: Mapping[str, Any]) -> bool:
    for name in loaded:
        try:
            if os.stat(files[name][0]).st_mtime > _beginning() - _SLACK:
                return True
        except OSError:
            return False
    return False


@functools.cache
def _beginning() -> float:
    """Returns the time when this process began, or a later one where that is not told."""
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
        with open("/proc/uptime", encoding="ascii") as uptime:
            up = float(uptime.read().split()[0])
        return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _FIRST


_FIRST = time.time()


# Importing.


def _imported(
    files: Mapping[str, tuple[str, str]], names: list[str]
) -> Optional[dict[str, ModuleType]]:
    """Imports modules apart from those in hand; ``None`` if one fails: a call would tell of it."""
    from daggerml.adapters import modules as modules_of_call

    finder = _Finder(files)
    taken = modules_of_call._taken(finder.roots)
    _running.is_true = True
    sys.meta_path.insert(0, finder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in names:
                importlib.import_module(name)
        return {name: sys.modules[name] for name in names}
    except Exception:  # noqa: BLE001  whatever the module raises
        return None
    finally:
        _running.is_true = False
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(finder)
        modules_of_call._taken(finder.roots)
        sys.modules.update(taken)


class _Finder:
    """Loads modules from texts, with the lines and files that they have."""

    def __init__(self, files: Mapping[str, tuple[str, str]]) -> None:
        self._files = files
        self.roots = {name.partition(".")[0] for name in files}

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname not in self._files:
            return None
        is_package = os.path.basename(self._files[fullname][0]) == "__init__.py"
        file = self._files[fullname][0]
        folders = [os.path.dirname(file)] if is_package else None
        return importlib.util.spec_from_file_location(
            fullname,
            file,
            loader=self,  # type: ignore[arg-type]
            submodule_search_locations=folders,
        )

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        file, text = self._files[module.__name__]
        code = compile(text, file, "exec", dont_inherit=True, optimize=0)
        exec(code, module.__dict__)  # noqa: S102  it is what an import does


# Comparing.


def _differences(
    given: Mapping[str, ModuleType],
    made: Mapping[str, ModuleType],
    files: Mapping[str, tuple[str, str]],
) -> Iterator[str]:
    """Returns the names of what differs."""
    comparison = _OfModules({}, {}, annotations=False)
    for module, one in given.items():
        other = vars(made.get(module, one))
        filled = _filled(files[module][1])
        for name in dict.fromkeys([*other, *vars(one)]):
            if name in _OF_MODULE or not name.isidentifier() or name.startswith("@"):
                continue
            here, there = vars(one).get(name, _NOTHING), other.get(name, _NOTHING)
            if _is_left(here) and (there is _NOTHING or here is there):
                continue
            if name in filled and (there is _NOTHING or _is_empty(there)):
                continue
            try:
                comparison.same(here, there, f"{module}.{name}")
            except Different as problem:
                if _LEFT not in problem.what:
                    yield f"{module}.{name}"
            except RecursionError:
                continue


_NOTHING = object()


def _is_left(thing: Any) -> bool:
    return isinstance(thing, ModuleType)


def _is_empty(thing: Any) -> bool:
    return isinstance(thing, _PLAIN) and not thing


def _filled(text: str) -> set[str]:
    """Returns the names that functions of a module assign or fill while it is used."""
    found: set[str] = set()
    for node in trees.walk(trees.parsed(text).body):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        for each in trees.walk([node]):
            if isinstance(each, ast.Global):
                found.update(each.names)
            elif isinstance(each, (ast.Attribute, ast.Subscript)) and _is_name(each.value):
                is_filled = isinstance(each, ast.Attribute) and each.attr in _METHODS
                if is_filled or not isinstance(each.ctx, ast.Load):
                    found.add(each.value.id)  # type: ignore[attr-defined]
    return found


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


class _OfModules(Comparison):
    """Compares what two imports made: what is empty at first can be filled since."""

    def same(self, given: Any, made: Any, path: str) -> None:
        if given is made:
            return
        if isinstance(given, ModuleType) and isinstance(made, ModuleType):
            if given.__name__ != made.__name__:
                raise Different(path, "it is another module")
            return
        if _is_empty(made) and "." in path.partition(".")[2] and not isinstance(given, type):
            return  # of an object or a class
        if _is_of_package(given) and _is_of_package(made) and type(given) is type(made):
            return
        super().same(given, made, path)


def _is_of_package(thing: Any) -> bool:
    """Tells whether something is an object of an installed class that has no equality."""
    cls = type(thing)
    if isinstance(thing, (type, FunctionType, *_PLAIN)) or hasattr(thing, "__wrapped__"):
        return False
    if isinstance(thing, (functools.partial, property, staticmethod, classmethod)):
        return False
    has_equality = getattr(cls, "__eq__", None) is not getattr(object, "__eq__", None)
    return not has_equality and installed.is_installed(cls)
