"""The modules that a funk brings along, which exist only while it runs."""

from __future__ import annotations

import sys

from daggerml.adapters import sources as known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Optional

__all__ = ["brought", "sources"]

_PACKAGE = ".__init__"
# Where a module says that it is, so that errors for files beside it say why there are none.
_NOWHERE = "/data files do not come along with the modules of a funk"


class brought:  # noqa: N801  used like a function
    """Lets modules be imported from these sources only, while ``with`` lasts.

    One process may run calls that bring different versions of a module.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Changes nothing yet."""
        self._finder = _Finder(sources) if sources else None
        self._before: dict[str, ModuleType] = {}

    def __enter__(self) -> None:
        """Begins."""
        if self._finder is not None:
            self._before = _taken(self._finder.roots)
            sys.meta_path.insert(0, self._finder)

    def __exit__(self, *_: object) -> None:
        """Removes the modules, and brings back those in whose place they were."""
        if self._finder is not None:
            if self._finder in sys.meta_path:  # else a function removed it
                sys.meta_path.remove(self._finder)
            _taken(self._finder.roots)
            sys.modules.update(self._before)


def sources(name: str) -> Optional[dict[str, str]]:
    """Returns what a call that runs here brought of a module or package, with those around it.

    ``None`` is for a module that no call brought.
    """
    root = name.partition(".")[0]
    for finder in sys.meta_path:
        if isinstance(finder, _Finder) and root in finder.roots:
            parts = name.split(".")
            around = {".".join(parts[:end]) + _PACKAGE for end in range(1, len(parts))}
            return {
                each: text
                for each, text in finder.sources.items()
                if each == name or each in around or each.startswith(f"{name}.")
            }
    return None


def _taken(roots: set[str]) -> dict[str, ModuleType]:
    """Removes the modules of these packages from ``sys.modules``."""
    names = [name for name in sys.modules if name.partition(".")[0] in roots]
    return {name: sys.modules.pop(name) for name in names}


class _Finder:
    """Finds and loads modules. It has no base class, because those are slow to import."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self.roots = {name.partition(".")[0] for name in sources}

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        if fullname.partition(".")[0] not in self.roots:
            return None
        is_package = any(name.startswith(f"{fullname}.") for name in self.sources)
        if fullname not in self.sources and not is_package:
            text = f"No module named {fullname!r}: the funk did not bring it along"
            raise ModuleNotFoundError(text, name=fullname)
        from importlib.machinery import ModuleSpec

        loader: Any = self
        return ModuleSpec(
            fullname, loader, origin=_place(fullname, is_package), is_package=is_package
        )

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return None

    def exec_module(self, module: ModuleType) -> None:
        source = self.get_source(module.__name__)
        file = _file(module.__name__)
        module.__file__ = _place(module.__name__, hasattr(module, "__path__"))
        known.remember(file, source)
        known.remember(module.__file__, source)
        code = compile(source, file, "exec", dont_inherit=True, optimize=0)
        exec(code, module.__dict__)  # noqa: S102  it is what an import does

    def get_data(self, path: str) -> bytes:
        """Raises an error, which ``pkgutil.get_data`` passes on."""
        raise FileNotFoundError(2, "No such file or directory", path)

    def get_resource_reader(self, fullname: str) -> Any:
        """Raises an error, which ``importlib.resources`` passes on."""
        raise FileNotFoundError(2, "No such file or directory", _place(fullname, True))

    def get_source(self, fullname: str) -> str:
        """Returns the source of a module; ``""`` for a package without an ``__init__``."""
        found: Any = self.sources.get(fullname)
        return self.sources.get(fullname + _PACKAGE, "") if found is None else str(found)


def _file(name: str) -> str:
    return f"<funk module {name}>"


def _place(name: str, is_package: bool) -> str:
    """Returns a path that is nowhere: what is read from beside it must not be another file."""
    path = name.replace(".", "/")
    return f"{_NOWHERE}/{path}/__init__.py" if is_package else f"{_NOWHERE}/{path}.py"
