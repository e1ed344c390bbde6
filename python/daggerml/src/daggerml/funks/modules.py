"""The author's own modules that a funk brings along: their files and sources."""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml.adapters import modules as modules_of_call
from daggerml.errors import InvalidError
from daggerml.funks import again, installed, replaced, trees
from daggerml.funks import loaded as loaded_modules
from daggerml.funks.statements import printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["check_again", "gathered", "module_names"]

#: Follows the name of a package, for the source of its ``__init__``.
PACKAGE = ".__init__"

_COMPILED = (".so", ".pyd", ".dylib")


def gathered(modules: Iterable[Union[ModuleType, str]]) -> dict[str, str]:
    """Returns the sources of modules by name. A package comes with all of its modules."""
    found: dict[str, str] = {}
    files: dict[str, tuple[str, str]] = {}
    nodes: dict[str, list[Any]] = {}
    for module in [modules] if isinstance(modules, (str, ModuleType)) else modules:
        name: Any = module if isinstance(module, str) else getattr(module, "__name__", None)
        if not isinstance(name, str) or module.__class__ not in {str, ModuleType}:
            text = f"{module!r} is no module"
            raise InvalidError(text, hint="modules=[...] takes modules and names of modules")
        _refuse_standard(name)
        of_call = modules_of_call.sources(name)
        if of_call is not None:  # a module that came along makes a funk itself
            found.update(of_call)
            continue
        for each, file in _files(name):
            if each not in found:
                own = each.removesuffix(PACKAGE)
                found[each], text, nodes[own] = _source(each, file)
                files[own] = (file, text)
    replaced.refuse_of_modules(nodes)
    again.compare(files)
    return dict(sorted(found.items()))


def check_again(sources: dict[str, str]) -> None:
    """Raises an error for modules that changed since they were brought along."""
    now = gathered(sorted(module_names(sources)))
    for name, text in sources.items():
        if now.get(name) != text:
            message = f"the module {name!r} was changed since the funk was packaged"
            raise InvalidError(message, hint="make the funk again")


def module_names(sources: Iterable[str]) -> set[str]:
    """Returns the names of the modules."""
    return {each.removesuffix(PACKAGE) for each in sources}


def _refuse_standard(name: str) -> None:
    root = name.partition(".")[0]
    if installed.is_standard(root) or root in {"__main__", "daggerml", "daggerml_funk"}:
        text = f"the module {name!r} cannot be brought along"
        hint = "the standard library and daggerml are there; of a script, list functions as helpers"
        raise InvalidError(text, hint=hint)


def _files(name: str) -> Iterator[tuple[str, str]]:
    """Returns the files of a module, and of the packages around it, by module name."""
    parts = name.split(".")
    for index in range(1, len(parts)):
        package = ".".join(parts[:index])
        file, _ = _place(package)
        if file is not None:
            yield package + PACKAGE, file
    file, folders = _place(name)
    if not folders:
        if file is None:
            raise _no_source(name)
        yield name, file
    for folder in folders:
        yield from _of_folder(name, folder)


def _place(name: str) -> tuple[Optional[str], list[str]]:
    """Returns the file of a module, and the folders of a package."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            spec = None
    if spec is None:
        text = f"the module {name!r} cannot be found"
        raise InvalidError(text, hint="name it as it is imported, and have its folder in sys.path")
    folders = list(spec.submodule_search_locations or ())
    file = spec.origin if spec.has_location else None
    if file is None and not folders:
        raise _no_source(name)
    return file, folders


def _of_folder(name: str, folder: str, around: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    around = (*around, os.path.realpath(folder))
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        raise _no_source(name) from None
    for entry in entries:
        path = os.path.join(folder, entry)
        stem, ending = os.path.splitext(entry)
        if ending in _COMPILED:
            raise _no_source(f"{name}.{stem.partition('.')[0]}")
        if ending == ".py" and os.path.isfile(path):  # and no pipe, which would be waited for
            if stem == "__init__":
                yield name + PACKAGE, path
            # Python takes a package for a module of the same name beside it.
            elif stem.isidentifier() and not _is_package(os.path.join(folder, stem)):
                yield f"{name}.{stem}", path
        elif entry.isidentifier() and entry != "__pycache__" and _is_inside(path, around):
            yield from _of_folder(f"{name}.{entry}", path, around)


def _is_package(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "__init__.py"))


def _is_inside(path: str, around: tuple[str, ...]) -> bool:
    """Tells whether this is a folder of a package: of links, only those to other packages."""
    if _is_package(path):
        return os.path.realpath(path) not in around
    # A module of the same name is taken for a folder that is no package.
    return os.path.isdir(path) and not os.path.islink(path) and not os.path.isfile(f"{path}.py")


def _no_source(name: str) -> InvalidError:
    text = f"the module {name!r} has no source that could be brought along"
    hint = "install its package where calls run, and name it with requires=[...]"
    return InvalidError(text, hint=hint)


def _source(name: str, file: str) -> tuple[str, str, list[Any]]:
    """Returns the source of a module in normal form, as it is, and all nodes of its tree."""
    if not file.endswith(".py"):
        raise _no_source(name)
    try:
        with open(file, "rb") as stream:
            text = importlib.util.decode_source(stream.read())
        tree = trees.parsed(text)
    except OSError:
        raise _no_source(name) from None
    except (SyntaxError, ValueError) as problem:
        number = getattr(problem, "lineno", None)
        line = f", line {number}" if number else ""
        what = getattr(problem, "msg", problem)
        text = f"the module {name!r} cannot be read: {what} ({file}{line})"
        hint = "a package comes whole: name the modules that are needed, such as 'mylib.tools'"
        raise InvalidError(text, hint=hint) from None
    except trees.DEEP:
        raise trees.too_deep(name) from None
    loaded = sys.modules.get(name.removesuffix(PACKAGE))
    if loaded is not None:
        loaded_modules.compare(loaded, tree, file)
    try:
        normal = printed(tree.body) + "\n"
        again = trees.parsed(normal)
    except trees.DEEP:
        raise trees.too_deep(name) from None
    differs = trees.difference(tree, again)
    if differs is not None:
        raise InvalidError(f"the module {name!r} cannot be written again: {differs}")
    return normal, text, trees.walk(tree.body)
