"""Tells what belongs to the standard library or an installed package.

That need not be brought along.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = [
    "has_file_of_package",
    "is_installed",
    "is_of_package",
    "is_own",
    "is_standard",
    "is_unchanged",
    "place",
]

# Nix and Bazel make folders of links; a link and its target both count.
_FORMS = (os.path.abspath, os.path.realpath)


def is_installed(thing: object) -> bool:
    """Tells whether an object belongs to the standard library or an installed package.

    Its module must have this very object under its name, and its code must come from there:
    a ``statistics.mean`` that was replaced in this process is not installed.
    """
    return place(thing) is not None


def place(
    thing: Any, names: tuple[str, ...] = (), brought: Container[str] = ()
) -> Optional[tuple[str, str]]:
    """Returns the module of an installed object, and its name there; otherwise ``None``.

    ``names`` are other names to look for, for objects without one. ``brought`` are modules
    that count as installed.
    """
    module = getattr(thing, "__module__", None)
    if not isinstance(module, str) or module not in sys.modules:
        return None
    own = getattr(thing, "__qualname__", None)
    for name in dict.fromkeys([own, *names] if isinstance(own, str) else names):
        if _there(sys.modules[module], name) is thing:
            break
    else:
        return None
    if module in brought:
        return module, name
    if not is_of_package(sys.modules[module]) or not is_unchanged(thing):
        return None
    return module, name


def _there(module: ModuleType, name: str) -> object:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found


def is_of_package(module: ModuleType) -> bool:
    """Tells whether a module belongs to the standard library or an installed package."""
    file = getattr(module, "__file__", None)
    if file is None:
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        return origin in {"built-in", "frozen"} or module.__name__ in sys.builtin_module_names
    return has_file_of_package(file)


def is_unchanged(thing: Any) -> bool:
    """Tells whether the code of a function or of a class's methods comes from a package."""
    members = list(vars(thing).values()) if isinstance(thing, type) else [thing]
    for member in members:
        function = getattr(member, "__func__", member)
        if isinstance(function, FunctionType):
            file = function.__code__.co_filename
            if not file.startswith("<") and not has_file_of_package(file):
                return False
    return True


@functools.lru_cache(maxsize=1024)
def has_file_of_package(file: str) -> bool:
    """Tells whether a file belongs to the standard library or an installed package."""
    folders = _installed(tuple(sys.path))
    return any(form(file).startswith(folders) for form in _FORMS)


@functools.lru_cache(maxsize=8)
def _installed(path: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the folders of the standard library and of installed packages."""
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {sysconfig.get_path(kind) for kind in kinds} | {os.path.dirname(os.__file__)}
    # Also those of the user, of the parent of a virtual environment, of a .pth file ...
    names = {"site-packages", "dist-packages"}
    folders |= {folder for folder in path if os.path.basename(folder) in names}
    return tuple({os.path.join(form(it), "") for it in folders if it for form in _FORMS})


def is_own(name: str) -> bool:
    """Tells whether a module is the author's own: it can be found, and is not installed.

    It imports nothing.
    """
    root = name.partition(".")[0]
    if root == "daggerml":
        return False
    module = sys.modules.get(root)
    spec = getattr(module, "__spec__", None)
    file = getattr(module, "__file__", None)
    if module is None:
        import importlib.util

        try:
            spec = importlib.util.find_spec(root)
        except (ImportError, ValueError, AttributeError):
            return False
    if file is None and spec is not None and spec.has_location:
        file = spec.origin
    if file is not None:
        return not has_file_of_package(file)
    folders = list(getattr(spec, "submodule_search_locations", None) or ())
    return bool(folders) and not any(has_file_of_package(os.path.join(it, "")) for it in folders)


def is_standard(name: str) -> bool:
    """Tells whether a module belongs to the standard library."""
    names = getattr(sys, "stdlib_module_names", None)
    if names is not None:
        return name in names
    import importlib.util

    try:
        spec = importlib.util.find_spec(name)  # Python 3.9 does not list them
    except (ImportError, ValueError):
        return False
    if spec is None or spec.origin is None:
        return False
    if not spec.has_location:  # it may also be one that the call brought
        return spec.origin in {"built-in", "frozen"}
    folder = os.path.dirname(spec.origin)
    root = folder if spec.submodule_search_locations is None else os.path.dirname(folder)
    standard = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    return root in {os.path.join(it, "lib-dynload") for it in standard} | set(standard)
