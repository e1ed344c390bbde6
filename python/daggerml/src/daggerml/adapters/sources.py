"""The lines of code that is in no file, for tracebacks, debuggers and ``inspect``.

They look for lines in :mod:`linecache`, which a fresh process must not import before something
needs it: that takes as long as the interpreter's own start.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Optional

__all__ = ["remember"]

_NAME = "linecache"

_sources: dict[str, str] = {}


def remember(file: str, source: str) -> None:
    """Lets tracebacks, debuggers and ``inspect`` find the lines of a made-up file."""
    _sources[file] = source
    if _NAME in sys.modules:
        _fill(sys.modules[_NAME], file, source)
    elif not any(isinstance(each, _WhenImported) for each in sys.meta_path):
        finder: Any = _WhenImported()
        sys.meta_path.insert(0, finder)


def _fill(linecache: Any, file: str, source: str) -> None:
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)


class _WhenImported:
    """Finds :mod:`linecache`, once, and fills it when it was loaded."""

    def find_spec(
        self, fullname: str, path: Any = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if fullname != _NAME:
            return None
        sys.meta_path[:] = [each for each in sys.meta_path if each is not self]
        for finder in sys.meta_path:
            spec: Optional[ModuleSpec] = finder.find_spec(fullname, path, target)
            if spec is not None:
                loader: Any = _Loader(spec)
                spec.loader = loader
                return spec
        return None


class _Loader:
    """Loads :mod:`linecache` as its own loader does, and adds the lines that are known."""

    def __init__(self, spec: ModuleSpec) -> None:
        self._spec = spec
        self._loader: Any = spec.loader

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        found: Optional[ModuleType] = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        self._spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        for file, source in _sources.items():
            _fill(module, file, source)
