"""``@daggerml.dagclass``: a class whose methods are the steps of a DAG."""

from __future__ import annotations

import dataclasses
import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, overload

from daggerml._core import Runnable
from daggerml.dagclasses import reading
from daggerml.dagclasses.delayed import DelayedRef, DelayedRunnable, of_funk
from daggerml.errors import InvalidError
from daggerml.funks import Funk, funk

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform() -> Callable[[Any], Any]:
        """Returns a decorator that changes nothing; type checkers see the real one."""
        return lambda function: function


__all__ = ["Compiled", "compiled", "dagclass", "entry"]

#: The attribute of an instance that holds its :class:`Compiled`.
_ATTRIBUTE = "_dagclass_compiled"

Class = TypeVar("Class", bound=type[Any])


@dataclasses.dataclass(frozen=True)
class Step:
    """A method that needs no other arguments than members of the class."""

    #: What is called.
    runnable: DelayedRunnable
    #: The members that are its arguments, in order.
    arguments: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Compiled:
    """The members of an instance, each after those that it needs."""

    owner: str
    entrypoint: str
    #: The fields and attributes of the class: values, nodes, and what is known only later.
    values: dict[str, Any]
    #: The methods, as runnables.
    methods: dict[str, DelayedRunnable]
    #: What each method needs.
    needs: dict[str, reading.Needs]
    #: The methods that are steps, each after those that it needs.
    steps: dict[str, Step]


@overload
def dagclass(
    cls: None = None, *, entrypoint: str = "main", **options: Any
) -> Callable[[Class], Class]: ...
@overload
def dagclass(cls: Class, *, entrypoint: str = "main", **options: Any) -> Class: ...
@dataclass_transform()
def dagclass(
    cls: Optional[Class] = None, *, entrypoint: str = "main", **options: Any
) -> Union[Class, Callable[[Class], Class]]:
    """Makes a class whose methods are the steps of a DAG.

    The class becomes a dataclass too, with its fields as arguments. The parameters of a method
    name the fields and the other methods that it needs. :func:`daggerml.run` makes a DAG in
    which every method is one call with the method's name. Methods that do not need each other
    run at the same time, and calls in the cache are not run again.

    >>> import daggerml
    >>> from daggerml import Node
    >>> @daggerml.dagclass
    ... class Sum:
    ...     raw: list[str]
    ...     scale: int = 1
    ...
    ...     def clean(self, raw: Node) -> list[int]:
    ...         return [int(text) for text in raw.value()]
    ...
    ...     def total(self, clean: Node, scale: Node) -> int:
    ...         return sum(clean.value()) * scale.value()
    >>> with daggerml.temporary() as repo:
    ...     dag = daggerml.run(Sum(raw=["1", "2"], scale=10), name="sum", dml=repo)
    ...     dag.keys(), dag["clean"].value(), dag.result.value()
    (['clean', 'raw', 'scale', 'total'], [1, 2], 30)

    A method is packaged like a :func:`daggerml.funk`: it runs in another process, gets nodes,
    and must bring along what it uses. Decorate it with ``@daggerml.funk(...)`` for helpers,
    another adapter or a timeout. Inside it, ``self`` is the DAG of its call: ``self.scale`` is
    the node of a field, and ``self.other(x)`` calls another method. A method that has
    a parameter which is not the name of a member is called only in this way.

    :param entrypoint: the method whose result is the DAG's result; methods that it does not
        need are not run. If the class has no such method, all methods run, and the result is
        that of the methods that no other method needs.
    :param options: those of :func:`dataclasses.dataclass`, such as ``kw_only=True``.
    """
    if cls is None:
        return functools.partial(dagclass, entrypoint=entrypoint, **options)  # type: ignore[return-value]
    if options and "__dataclass_fields__" in vars(cls):
        text = f"{cls.__name__} is a dataclass already, so {', '.join(sorted(options))} is too late"
        raise InvalidError(text, hint="give it to @dataclass")
    if options.get("slots"):
        text = f"{cls.__name__} cannot have slots: an instance keeps its steps beside its fields"
        raise InvalidError(text, hint="leave slots=True out")
    made: Any = cls
    if "__dataclass_fields__" not in vars(cls):
        dataclasses.dataclass(cls, **options)
    original = made.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if type(self).__init__ is init:  # otherwise the __init__ of the derived class does it
            _compile(self, entrypoint)

    made.__init__ = init
    return cls


def compiled(instance: Any) -> Compiled:
    """Returns what was made of an instance of a dag class."""
    found = getattr(instance, "__dict__", {}).get(_ATTRIBUTE)
    if found is None:
        text = f"a {type(instance).__name__} is not an instance of a dag class"
        hint = "decorate its class with @daggerml.dagclass"
        if isinstance(instance, type):
            text = f"the class {instance.__name__} cannot be run itself; run an instance of it"
            hint = f"write {instance.__name__}(...)"
        raise InvalidError(text, hint=hint)
    made: Compiled = found
    return made


def _compile(instance: Any, entrypoint: str) -> None:
    cls = type(instance)
    owner = cls.__name__
    values, methods = _members(instance)
    names = {*values, *methods}
    bad = sorted(names & reading.RESERVED)
    if bad:
        text = f"{owner} uses reserved names for its members: {', '.join(bad)}"
        raise InvalidError(text, hint="a DAG uses that name itself; choose another one")
    # Values that refer to others by api.ref(...).
    bound: dict[str, Any] = {}
    refers = {name: _refs(value, names - set(methods), owner) for name, value in values.items()}
    for name in reading.in_order(refers, owner):
        bound[name] = _bound(values[name], bound)
    needs: dict[str, reading.Needs] = {}
    for name, thing in methods.items():
        needs[name] = reading.needs(_function(thing), f"{owner}.{name}")
        for read in needs[name].reads:
            if read not in names:
                text = f"{owner}.{name}: unknown dagclass member reference: self.{read}"
                hint = f"{owner} has: {', '.join(sorted(names)) or 'no members'}"
                raise InvalidError(text, hint=hint)
    order = _order(methods, needs, names, owner)
    made: dict[str, DelayedRunnable] = {}
    for name in order:
        prepop = {read: bound[read] if read in bound else made[read] for read in needs[name].reads}
        made[name] = _bound(_runnable(methods[name], prepop), {**bound, **made})
    steps = {
        name: Step(made[name], _arguments(needs[name], names))
        for name in order
        if _is_step(needs[name], names)
    }
    for name, value in {**{n: bound[n] for n in values}, **made}.items():
        object.__setattr__(instance, name, value)
    result = Compiled(owner, entrypoint, bound, made, needs, steps)
    object.__setattr__(instance, _ATTRIBUTE, result)


def _members(instance: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the values and the methods of an instance, in the order of their definition."""
    fields = [field.name for field in dataclasses.fields(instance)]
    values = {name: getattr(instance, name) for name in fields}
    methods: dict[str, Any] = {}
    for cls in reversed(type(instance).__mro__[:-1]):
        for name, thing in vars(cls).items():
            if name.startswith("_") or name in fields:
                continue
            values.pop(name, None)
            methods.pop(name, None)
            function = _function(thing)
            if function is not None and reading.is_method(function):
                methods[name] = thing
            elif isinstance(thing, FunctionType):
                text = f"the first parameter of {cls.__name__}.{name} must be self"
                raise InvalidError(text, hint="or define it outside of the class, as a helper")
            elif not isinstance(thing, (type, property, classmethod, staticmethod)):
                values[name] = getattr(instance, name)
    return {name: entry(value) for name, value in values.items()}, methods


def entry(value: Any) -> Any:
    """Returns a value; for an instance of a dag class, the runnable of its entrypoint."""
    inner = getattr(value, "__dict__", {}).get(_ATTRIBUTE)
    if isinstance(inner, Compiled):
        if inner.entrypoint not in inner.methods:
            text = f"{inner.owner} has no method {inner.entrypoint!r}, so it cannot be called"
            raise InvalidError(text, hint="@daggerml.dagclass(entrypoint=...) names another")
        return inner.methods[inner.entrypoint]
    return value


def _function(thing: Any) -> Any:
    """Returns the function of a method, without its decorators."""
    while isinstance(thing, DelayedRunnable):
        thing = thing.kwargs.get("fn") if thing.sub is None else thing.sub
    if isinstance(thing, Funk):
        return thing.function
    return thing if isinstance(thing, FunctionType) else None


def _runnable(thing: Any, prepop: dict[str, Any]) -> DelayedRunnable:
    if isinstance(thing, DelayedRunnable):
        if thing.sub is not None:
            return dataclasses.replace(thing, sub=_runnable(thing.sub, prepop))
        merged = {**thing.kwargs.get("prepop", {}), **prepop}
        return dataclasses.replace(thing, kwargs={**thing.kwargs, "prepop": merged})
    return of_funk(thing if isinstance(thing, Funk) else funk(thing), prepop)


def _refs(value: Any, known: set[str], owner: str) -> set[str]:
    """Returns the names of the members that a value refers to."""
    found: set[str] = set()
    for each in _walk(value):
        if isinstance(each, DelayedRef):
            if each.name not in known:
                text = f"{owner}: unknown dagclass member reference: {each.name}"
                raise InvalidError(text, hint=f"it has: {', '.join(sorted(known)) or 'none'}")
            found.add(each.name)
    return found


def _walk(value: Any) -> Any:
    yield value
    if isinstance(value, (DelayedRunnable, Runnable)):
        yield from _walk(value.sub)
        yield from _walk(value.kwargs)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _walk(item)


def _bound(value: Any, members: dict[str, Any]) -> Any:
    """Returns a value in which the members replace the references to them."""
    if isinstance(value, DelayedRef):
        return members[value.name] if value.name in members else value
    if isinstance(value, DelayedRunnable):
        return dataclasses.replace(
            value, sub=_bound(value.sub, members), kwargs=_bound(value.kwargs, members)
        )
    if value.__class__ is dict:
        return {key: _bound(item, members) for key, item in value.items()}
    if value.__class__ in {list, tuple, set, frozenset}:
        return value.__class__(_bound(item, members) for item in value)
    return value


def _order(
    methods: dict[str, Any], needs: dict[str, reading.Needs], names: set[str], owner: str
) -> list[str]:
    """Returns the methods, each after those that it reads and those whose results it takes."""
    after = {
        name: {*need.reads, *(_arguments(need, names) if _is_step(need, names) else ())}
        for name, need in needs.items()
    }
    return reading.in_order({name: after[name] & set(methods) for name in methods}, owner)


def _is_step(need: reading.Needs, names: set[str]) -> bool:
    """Tells whether a method is a step: it requires no other arguments than members."""
    required = set(need.parameters) - need.optional
    given = [name for name in need.parameters if name in names]
    # Calls have only positional arguments, so none in front of another can be left out.
    in_front = given == list(need.parameters[: len(given)])
    return not need.open and required <= names and in_front


def _arguments(need: reading.Needs, names: set[str]) -> tuple[str, ...]:
    """Returns the members that are the arguments of a step."""
    found = tuple(name for name in need.parameters if name in names)
    return found if found == need.parameters[: len(found)] else ()
