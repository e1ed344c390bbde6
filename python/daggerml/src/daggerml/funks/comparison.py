"""Compares what the source of a funk makes with the author's objects."""

from __future__ import annotations

import _thread
import functools
import types
import weakref
from abc import ABCMeta
from types import CodeType, FunctionType, MappingProxyType
from typing import Any, Callable, Optional

from daggerml.funks import code_objects, installed, states

__all__ = ["Comparison", "Different", "of_funk"]

# What Python itself writes into a class, and what only says where it was written.
_OF_CLASS = {
    "__module__", "__qualname__", "__dict__", "__weakref__", "__firstlineno__",
    "__static_attributes__", "__annotations__", "__annotate__", "__annotate_func__",
    "__annotations_cache__", "__conditional_annotations__", "__classdictcell__", "_abc_impl",
    # Caches of classes.
    "_value2member_map_", "_unhashable_values_", "_unhashable_values_map_", "_hashable_values_",
    "__abstractmethods__", "__non_callable_proto_members__", "__type_params__", "__slotnames__",
}  # fmt: skip
# What pydantic makes of a class that is compared in full, with addresses in it.
_OF_MODEL = {
    "__pydantic_core_schema__", "__pydantic_decorators__", "__pydantic_serializer__",
    "__pydantic_validator__", "__pydantic_setattr_handlers__", "__pydantic_parent_namespace__",
}  # fmt: skip
_PLAIN = (str, bytes, int, float, complex, type(None), type(...), type(NotImplemented))
_NAMED = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.BuiltinFunctionType,
)


class Different(Exception):  # noqa: N818
    """Two objects differ: ``path`` says where, and ``what`` says how."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path, self.what = path, what


class Comparison:
    """Compares the author's objects with those that the source made.

    ``pairs`` maps the id of a code object of the source to the author's code object.
    ``annotations`` says whether annotations are compared.
    """

    def __init__(
        self, pairs: dict[int, CodeType], made: dict[str, Any], *, annotations: bool
    ) -> None:
        self._pairs = pairs
        self._made = made
        self._annotations = annotations
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}
        # Which changeable thing is which, by their ids: what is one here must be one there.
        self._there: dict[int, Any] = {}
        self._here: dict[int, Any] = {}

    def same(self, given: Any, made: Any, path: str) -> None:
        """Raises `Different` unless two objects are the same."""
        if given is made or (id(given), id(made)) in self._seen:
            return
        self._seen[id(given), id(made)] = (given, made)  # kept alive, so that no id is used again
        if given.__class__ is not made.__class__:
            if _is_own(type(given)) and _is_own(type(made)):
                self.same(type(given), type(made), path)
            else:
                kinds = f"{type(given).__qualname__!r} and not {type(made).__qualname__!r}"
                raise Different(path, f"it is of type {kinds}")
        self._method(given)(given, made, path)

    def _one(self, given: Any, made: Any, path: str) -> None:
        """Refuses two names for one thing where the source makes two, and the other way round."""
        there = self._there.setdefault(id(given), made)
        here = self._here.setdefault(id(made), given)
        if there is not made or here is not given:
            what = "it is shared with something else here, or by its source, and not by both"
            raise Different(path, what)

    def _method(self, given: Any) -> Callable[[Any, Any, str], None]:
        if isinstance(given, type):
            return self._classes
        if isinstance(given, FunctionType):
            return self._functions
        for kinds, method in _METHODS:
            if isinstance(given, kinds):
                return functools.partial(method, self)
        return self._objects

    # Values.

    def _plain(self, given: Any, made: Any, path: str) -> None:
        if given.__class__ in _EXACT:
            if not code_objects.is_same_constant(given, made):
                raise Different(path, f"it is {_short(given)}, and by its source {_short(made)}")
        elif hasattr(given, "__dict__"):  # an instance of a derived class
            base = next(kind for kind in _PLAIN if isinstance(given, kind))
            self._plain(_bare(base, given), _bare(base, made), path)
            self._objects(given, made, path)

    def _lists(self, given: Any, made: Any, path: str) -> None:
        self._more(given, made, path)
        self._items(given, made, path)

    def _items(self, given: Any, made: Any, path: str) -> None:
        if len(given) != len(made):
            raise Different(path, f"it has {len(given)} items, and by its source {len(made)}")
        for index, (one, other) in enumerate(zip(given, made)):
            self.same(one, other, f"{path}[{index}]")

    def _more(self, given: Any, made: Any, path: str) -> None:
        """Compares what containers are besides their items."""
        cls = type(given)
        if cls in {tuple, frozenset}:
            return
        self._one(given, made, path)
        if cls in _CONTAINERS:
            return
        self._states(given, made, path)
        if hasattr(given, "__dict__"):
            self._namespaces(given.__dict__, made.__dict__, path, _OF_OBJECT)

    def _states(self, given: Any, made: Any, path: str) -> None:
        kept = states.kept(given, _is_own)
        if kept is not None:
            self._items(kept, states.kept(made, _is_own) or [], path)

    def _sets(self, given: Any, made: Any, path: str) -> None:
        self._more(given, made, path)
        self._items(sorted(given, key=_order), sorted(made, key=_order), path)

    def _dicts(self, given: Any, made: Any, path: str) -> None:
        self._more(given, made, path)
        if len(given) != len(made):
            raise Different(path, f"it has {len(given)} items, and by its source {len(made)}")
        for (key, value), (other, made_value) in zip(given.items(), made.items()):
            self.same(key, other, f"{path}: a key")
            self.same(value, made_value, f"{path}[{_short(key)}]")

    # Code.

    def _functions(self, given: FunctionType, made: FunctionType, path: str) -> None:
        expected = self._pairs.get(id(made.__code__), made.__code__)
        differs = code_objects.different(given.__code__, expected)
        if given.__name__ == "__hash__" and expected.co_filename.startswith("<attrs generated"):
            differs = None  # Python numbers it for every class
        if differs is not None:
            raise Different(path, f"its code is not that of its source: {differs} differ")
        for name in ("__name__", "__doc__", "__defaults__", "__kwdefaults__"):
            self.same(getattr(given, name), getattr(made, name), f"{path}.{name}")
        self._namespaces(given.__dict__, made.__dict__, path, _OF_OBJECT)
        is_generated = made.__code__.co_filename.startswith("<string")
        self._closures(given, made, path, is_generated=is_generated)
        annotations = _annotations(made) if self._annotations and not is_generated else None
        if annotations:
            self.same(_annotations(given), annotations, f"{path}.__annotations__")

    def _closures(
        self, given: FunctionType, made: FunctionType, path: str, *, is_generated: bool
    ) -> None:
        cells = dict(zip(made.__code__.co_freevars, made.__closure__ or ()))
        for name, cell in zip(given.__code__.co_freevars, given.__closure__ or ()):
            if is_generated and not self._annotations and "_type_" in name:
                continue  # a field's annotation
            where = f"{path}: the variable {name!r} around it"
            if name in cells:
                self._cells(cell, cells[name], where)
            elif name in self._made and _content(cell) is not _EMPTY:
                # It is a global variable where the funk runs.
                self.same(of_funk(_content(cell)), self._made[name], where)

    def _cells(self, given: Any, made: Any, path: str) -> None:
        self.same(_content(given), _content(made), path)

    def _codes(self, given: CodeType, made: CodeType, path: str) -> None:
        if code_objects.different(given, self._pairs.get(id(made), made)) is not None:
            raise Different(path, "its code is not that of its source")

    def _classes(self, given: type, made: type, path: str) -> None:
        if not _is_own(given) or not _is_own(made):
            raise Different(path, f"it is {given.__qualname__!r} and not {made.__qualname__!r}")
        self.same(type(given), type(made), f"{path}: its metaclass")
        self.same(given.__name__, made.__name__, f"{path}.__name__")
        self._items(given.__bases__, made.__bases__, f"{path}: its bases")
        self._items(
            _registered(given), _registered(made), f"{path}: the classes registered with it"
        )
        ignored = _OF_CLASS
        if not self._annotations and "__dataclass_fields__" in vars(made):
            start = f"{given.__name__}("  # a text that dataclasses made of the annotations
            if all(str(each.__doc__).startswith(start) for each in (given, made)):
                ignored = {*_OF_CLASS, "__doc__"}
        if type(given).__module__.partition(".")[0] == "pydantic":
            ignored = {*_OF_CLASS, *_OF_MODEL}
        self._namespaces(vars(given), vars(made), path, ignored)
        if self._annotations:
            self.same(_annotations(given), _annotations(made), f"{path}.__annotations__")

    def subclasses(self, given: type, made: type) -> None:
        """Raises `Different` unless two classes are known to have the same subclasses."""
        here, there = _subclasses(given), _subclasses(made)
        if here != there:
            path = f"{given.__qualname__}.__subclasses__()"
            raise Different(path, f"it is {_short(here)}, and by its source {_short(there)}")

    def _namespaces(self, given: Any, made: Any, path: str, ignored: set[str]) -> None:
        for name in made:
            if name not in given and name not in ignored:
                raise Different(f"{path}.{name}", "it was removed after its definition")
        for name in list(given):
            if name in ignored:
                continue
            if name not in made:
                raise Different(f"{path}.{name}", "it was set after its definition")
            self.same(given[name], made[name], f"{path}.{name}")

    # Objects.

    def _wrappers(self, given: Any, made: Any, path: str) -> None:
        self.same(given.__func__, made.__func__, path)

    def _properties(self, given: property, made: property, path: str) -> None:
        for name in ("fget", "fset", "fdel", "__doc__"):
            self.same(getattr(given, name), getattr(made, name), path)

    def _partials(self, given: Any, made: Any, path: str) -> None:
        for name in ("func", "args", "keywords"):
            self.same(getattr(given, name), getattr(made, name), f"{path}.{name}")

    def _caches(self, given: Any, made: Any, path: str) -> None:
        self.same(given.cache_parameters(), made.cache_parameters(), f"{path}.cache_parameters()")
        self._namespaces(given.__dict__, made.__dict__, path, _OF_OBJECT)

    def _names(self, given: Any, made: Any, path: str) -> None:
        owner, other = (getattr(each, "__self__", None) for each in (given, made))
        if given.__name__ == made.__name__ and owner is not None and other is not None:
            self.same(owner, other, path)  # a bound method
        elif given.__name__ != made.__name__ or isinstance(given, types.BuiltinFunctionType):
            raise Different(path, f"it is {_short(given)} and not {_short(made)}")

    def _aliases(self, given: Any, made: Any, path: str) -> None:
        self.same(given.__origin__, made.__origin__, path)
        self.same(given.__args__, made.__args__, path)

    def _nothing(self, given: Any, made: Any, path: str) -> None:
        """Treats caches as equal: their content does not count."""

    def _objects(self, given: Any, made: Any, path: str) -> None:
        if hasattr(given, "__origin__") and hasattr(given, "__args__"):
            self._aliases(given, made, path)
            return
        cls = type(given)
        self._one(given, made, path)
        self._states(given, made, path)
        has_equality = getattr(cls, "__eq__", None) is not getattr(object, "__eq__", None)
        if not _is_own(cls) and has_equality and _are_equal(given, made):
            return
        if cls.__name__ == "CField" and cls.__module__ in {"_ctypes", "ctypes"}:
            self.same(repr(given), repr(made), path)  # its type, offset and size
            return
        parts = _parts(given)
        if parts is None or states.is_hidden(given):
            if cls is object or states.kept(given, _is_own) is not None:
                return
            raise Different(path, f"an object of type {cls.__qualname__!r} cannot be compared")
        others = _parts(made) or {}
        if cls.__module__ == "dataclasses" and not self._annotations:
            parts.pop("type", None)
            others.pop("type", None)
        self._namespaces(parts, others, path, _OF_OBJECT)


# Where they were written, which functools.wraps copies, also from a class, and their owner.
_OF_OBJECT = {
    "__dict__", "__weakref__", "lock", "__objclass__", "__module__", "__qualname__",
    "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    "__firstlineno__", "__static_attributes__",
}  # fmt: skip
_EXACT = {*_PLAIN, bool}
_CONTAINERS = {list, set, dict, MappingProxyType}
_METHODS: list[tuple[Any, Callable[[Comparison, Any, Any, str], None]]] = [
    (_PLAIN, Comparison._plain),
    ((list, tuple), Comparison._lists),
    ((set, frozenset), Comparison._sets),
    ((dict, MappingProxyType), Comparison._dicts),
    ((staticmethod, classmethod, types.MethodType), Comparison._wrappers),
    (property, Comparison._properties),
    (functools.partial, Comparison._partials),
    (functools._lru_cache_wrapper, Comparison._caches),
    (_NAMED, Comparison._names),
    (types.CellType, Comparison._cells),
    (CodeType, Comparison._codes),
    ((weakref.WeakKeyDictionary, weakref.WeakValueDictionary), Comparison._nothing),
    ((_thread.LockType, _thread.RLock), Comparison._nothing),
]


def _is_own(cls: type) -> bool:
    return not installed.is_installed(cls)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


_EMPTY = object()


def of_funk(thing: Any) -> Any:
    """Returns the function of a funk; any other object as it is."""
    return thing.function if type(thing).__qualname__ == "Funk" else thing


def _bare(base: Any, value: Any) -> Any:
    return str.__str__(value) if base is str else base.__new__(base, value)


def _subclasses(cls: type) -> list[str]:
    found: list[type] = type.__subclasses__(cls)
    return sorted(each.__name__ for each in found)


def _registered(cls: type) -> list[type]:
    """Returns the classes that are registered with an abstract class."""
    if not isinstance(cls, ABCMeta):
        return []
    from _abc import _get_dump  # type: ignore[import-not-found]  # nothing else tells

    found = [each() for each in _get_dump(cls)[0]]
    return sorted((it for it in found if it is not None), key=lambda it: it.__qualname__)


def _annotations(thing: Any) -> dict[str, Any]:
    try:
        return dict(getattr(thing, "__annotations__", None) or {})
    except NameError:  # Python 3.14 evaluates them here
        return {}


def _are_equal(given: Any, made: Any) -> bool:
    try:
        return (given == made) is True
    except Exception:  # noqa: BLE001  whatever it is, they are not known to be equal
        return False


def _parts(thing: Any) -> Optional[dict[str, Any]]:
    """Returns the parts of an object."""
    found: dict[str, Any] = {}
    is_known = False
    for cls in type(thing).__mro__:
        for name, member in vars(cls).items():
            if isinstance(member, types.MemberDescriptorType):
                is_known = True
                try:
                    found[name] = member.__get__(thing)
                except AttributeError:
                    continue
    if hasattr(thing, "__dict__"):
        is_known = True
        found.update(thing.__dict__)
    if not is_known and type(thing).__module__ == "_collections":  # the fields of a named tuple
        return {"__reduce__": thing.__reduce__()[1]}
    return found if is_known else None


def _order(value: Any) -> tuple[str, str]:
    return (type(value).__qualname__, _short(value))


def _short(value: Any) -> str:
    if value.__class__ is int and abs(value) > 1 << 64:
        return hex(value)[:36]
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  of the author's, or a number of too many digits
        text = f"a {type(value).__qualname__} that cannot be printed"
    return text if len(text) < 60 else f"{text[:56]} ..."  # noqa: PLR2004
