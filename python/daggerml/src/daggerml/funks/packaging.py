"""``@daggerml.funk``: packages a Python function so that calls can run it anywhere."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Optional, Union, overload

from daggerml._core import Runnable
from daggerml.errors import InvalidError
from daggerml.funks import imports
from daggerml.funks import source as sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from daggerml.funks.proof import Proof

    Exceptions = Union[str, type[Exception], Iterable[Union[str, type[Exception]]]]

__all__ = ["URI", "Funk", "funk"]

#: The URI of the runnable of a Python function.
URI = "daggerml:funk/2"


class Funk:
    """A Python function, packaged with all that it needs, as :func:`funk` makes it.

    ``dag.call(total, xs)`` calls it in a DAG and returns the node of its result.
    ``dag.put(total)`` makes a node of its :attr:`runnable`, which can be called too.
    :meth:`in_process` runs the function in this process, for tests.
    """

    __slots__ = ("__weakref__", "_proof", "_runs", "cache", "function", "runnable", "timeout")

    #: The runnable, which is part of the key of each call.
    runnable: Runnable
    #: The function as it was written.
    function: Callable[..., Any]
    #: How many seconds a call may take, if the call has no ``timeout``; ``None`` for no limit.
    timeout: Optional[float]
    #: Whether the cache may answer a call, if the call has no ``cache``.
    cache: bool

    def __init__(
        self,
        runnable: Runnable,
        function: Callable[..., Any],
        *,
        timeout: Optional[float] = None,
        cache: bool = True,
        proof: Optional[Proof] = None,
    ) -> None:
        self._proof = proof
        # How many in_process are under way: the function may call itself by its name then.
        self._runs = 0
        self.runnable = runnable
        self.function = function
        self.timeout = timeout
        self.cache = cache

    @property
    def name(self) -> str:
        """The name of the function."""
        name: str = self.runnable.kwargs["function"]
        return name

    @property
    def source(self) -> str:
        """The source that runs: the helpers and the function, in normal form."""
        source: str = self.runnable.kwargs["source"]
        return source

    @property
    def adapter(self) -> str:
        """The name of the adapter that runs it."""
        return self.runnable.adapter

    def options(
        self,
        *,
        adapter: Optional[str] = None,
        timeout: Optional[float] = None,
        cache: Optional[bool] = None,
    ) -> Funk:
        """Returns a funk of the same function with other options: ``options(adapter="dask")``.

        The adapter is part of the key, so calls on another adapter are run again.
        """
        runnable = self.runnable
        if adapter is not None:
            runnable = Runnable(runnable.uri, adapter=adapter, kwargs=runnable.kwargs)
        return Funk(
            runnable,
            self.function,
            timeout=self.timeout if timeout is None else timeout,
            cache=self.cache if cache is None else cache,
            proof=self._proof,
        )

    def in_process(self, *args: Any, retries: int = 3) -> Any:
        """Runs the function in this process with plain values. Returns its result as a value.

        It is meant for tests and debuggers. The function is the one in your file, with its
        globals, so breakpoints and coverage work. Its DAG is in a temporary repository, and
        nothing is cached.

        :param retries: how many more times to run it after a transient failure, which is
            raised at the end.

        >>> from daggerml import funk
        >>> @funk
        ... def total(dag, xs):
        ...     return sum(xs.value())
        >>> total.in_process([1, 2, 3])
        6
        """
        from daggerml.adapters import modules as modules_of_call
        from daggerml.dml import Dml
        from daggerml.node import Node
        from daggerml.transient import tried

        brought = self.runnable.kwargs.get("modules", {})
        if self._proof is not None:  # the imported modules are used
            self._proof.check_again()
            if brought:
                from daggerml.funks import modules as own_modules

                own_modules.check_again(brought)
            brought = {}

        def run() -> Any:
            with Dml.temporary() as repo:
                dag = repo.new(self.name)
                for name, value in self.runnable.kwargs.get("prepop", {}).items():
                    dag.put(value, name=name)
                self._runs += 1
                try:
                    result = self.function(dag, *(dag.put(arg) for arg in args))
                finally:
                    self._runs -= 1
                node = result if isinstance(result, Node) else dag.put(result)
                return node.value()

        names = self.runnable.kwargs.get("transient", [])
        known = getattr(self.function, "__globals__", {})
        with modules_of_call.brought(brought):
            return tried(run, names, known, retries)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._runs > 0:  # where a call runs, the name is the function
            return self.function(*args, **kwargs)
        text = (
            f"{self.name} is a funk: call it in a DAG by dag.call({self.name}, ...), "
            f"or run it here by {self.name}.in_process(...)"
        )
        raise TypeError(text)

    def __reduce__(self) -> tuple[Any, ...]:
        # The name of the function means the funk here, so pickle would not find the function.
        return _unpickled, (self.runnable, self.timeout, self.cache)

    def __eq__(self, other: object) -> bool:
        return self.runnable == other.runnable if isinstance(other, Funk) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.runnable)

    def __repr__(self) -> str:
        return f"<Funk {self.name!r} on {self.adapter!r}>"


def _unpickled(runnable: Runnable, timeout: Optional[float], cache: bool) -> Funk:
    """Makes a funk again from its runnable, with the function that its source makes."""
    from daggerml.adapters.work import function_of

    return Funk(runnable, function_of(runnable), timeout=timeout, cache=cache)


@overload
def funk(
    function: None = None,
    *,
    adapter: str = "local",
    helpers: Iterable[Any] = (),
    modules: Iterable[Union[ModuleType, str]] = (),
    requires: Iterable[str] = (),
    prepop: Optional[Mapping[str, Any]] = None,
    tags: Iterable[str] = (),
    timeout: Optional[float] = None,
    cache: bool = True,
    transient: Exceptions = (),
) -> Callable[[Callable[..., Any]], Funk]: ...
@overload
def funk(
    function: Callable[..., Any],
    *,
    adapter: str = "local",
    helpers: Iterable[Any] = (),
    modules: Iterable[Union[ModuleType, str]] = (),
    requires: Iterable[str] = (),
    prepop: Optional[Mapping[str, Any]] = None,
    tags: Iterable[str] = (),
    timeout: Optional[float] = None,
    cache: bool = True,
    transient: Exceptions = (),
) -> Funk: ...
def funk(
    function: Optional[Callable[..., Any]] = None,
    *,
    adapter: str = "local",
    helpers: Iterable[Any] = (),
    modules: Iterable[Union[ModuleType, str]] = (),
    requires: Iterable[str] = (),
    prepop: Optional[Mapping[str, Any]] = None,
    tags: Iterable[str] = (),
    timeout: Optional[float] = None,
    cache: bool = True,
    transient: Exceptions = (),
) -> Union[Funk, Callable[[Callable[..., Any]], Funk]]:
    """Packages a Python function so that a DAG can call it, and any machine can run it.

    The function gets the DAG of its call, and then the arguments as nodes. It returns its
    result: a value or a node. It runs in another process, so it must bring along what it
    uses: import modules inside it, and list the functions and classes that it needs in
    ``helpers``. If something is missing, ``funk`` raises an error at once.

    >>> import daggerml
    >>> @daggerml.funk
    ... def total(dag, xs):
    ...     import math
    ...     return math.fsum(xs.value())
    >>> with daggerml.temporary() as repo, repo.new("first") as dag:
    ...     dag.commit(dag.call(total, [1, 2, 3], name="sum"))
    ...     repo.load("first").result.value()
    6.0

    :param adapter: the adapter that runs it: ``"local"``, or the name of an installed one.
    :param helpers: functions, classes and modules that it uses by name. The source of your
        own functions and classes is brought along. Modules, and objects of the standard
        library or of installed packages, are imported where it runs.
    :param modules: your own modules and packages that it imports, as modules or as names. Their
        source is brought along, of a package all of it.
    :param requires: packages that must be installed where it runs, such as ``"numpy>=2"``.
    :param prepop: values to put into the call's DAG before the function begins, by name; for
        example other funks, which it calls.
    :param tags: labels of the call's DAG.
    :param timeout: how many seconds a call may take.
    :param cache: ``False`` runs the function in every call.
    :param transient: exceptions that may not come again, as classes or as names. A call that
        ends in one is run again and not cached, as with :class:`daggerml.Transient`.
    :raises InvalidError: when something that the function uses is missing, or when its source
        does not make the same function and helpers, with the reason.

    The key of a call is made of the adapter, the function's name, the source of the function,
    its helpers and modules, ``requires``, ``prepop``, ``tags``, ``transient`` and the arguments.
    Comments, layout and annotations that nothing reads are not part of it.
    """
    if function is None:
        return functools.partial(  # type: ignore[return-value]
            funk,
            adapter=adapter,
            helpers=helpers,
            modules=modules,
            requires=requires,
            prepop=prepop,
            tags=tags,
            timeout=timeout,
            cache=cache,
            transient=transient,
        )
    if isinstance(function, Funk):
        text = f"{function!r} is a funk already"
        raise InvalidError(text, hint="use its options(...) for another adapter or timeout")
    brought: dict[str, str] = {}
    brought_names: set[str] = set()
    if modules:
        from daggerml.funks import modules as own_modules

        brought = own_modules.gathered(modules)
        brought_names = own_modules.module_names(brought)
    made = sources.packaged(function, list(helpers), is_funk, brought_names)
    imports.warn(made.name, made.nodes, brought)
    kwargs: dict[str, Any] = {"source": made.text, "function": made.name}
    if brought:
        kwargs["modules"] = brought
    required = [requires] if isinstance(requires, str) else requires
    if required:
        from daggerml.funks import requirements

        kwargs["requires"] = sorted({str(requirements.parsed(each)) for each in required})
    if prepop:
        kwargs["prepop"] = _prepop(prepop)
    labels = [tags] if isinstance(tags, str) else list(tags)
    for label in labels:
        _check_tag(label)
    labels = sorted(set(labels))
    if labels:
        kwargs["tags"] = labels
    if transient:
        from daggerml.transient import names as transient_names

        named = transient_names(transient, list(helpers), modules=sorted(brought_names))
        if named:
            kwargs["transient"] = named
    runnable = Runnable(URI, adapter=adapter, kwargs=kwargs)
    return Funk(runnable, function, timeout=timeout, cache=cache, proof=made.proof)


def _check_tag(tag: Any) -> None:
    if not isinstance(tag, str) or not tag:
        raise InvalidError(f"tags is a list of texts that are not empty, not of {tag!r}")


def _prepop(given: Any) -> dict[str, Any]:
    """Returns the values to put into the DAG of a call, by name."""
    if not hasattr(given, "items"):
        raise InvalidError(f"prepop is a dict of values by their names, not {given!r}")
    found = {}
    for name, value in given.items():
        if not isinstance(name, str) or not name:
            raise InvalidError(f"prepop has the key {name!r}, and a key is the name of a node")
        if hasattr(value, "__code__"):
            text = f"prepop has a function under {name!r}, and a function is no value"
            raise InvalidError(text, hint="decorate it with @daggerml.funk, or list it in helpers")
        found[name] = runnables(value)
    return found


def runnables(value: Any) -> Any:
    """Returns a value in which funks are replaced by their runnables."""
    if isinstance(value, Funk):
        return value.runnable
    if value.__class__ is dict:
        return {key: runnables(item) for key, item in value.items()}
    if value.__class__ in {list, tuple}:
        return [runnables(item) for item in value]
    return value


def is_funk(meaning: object) -> bool:
    """Tells whether an object is :func:`funk`, or :func:`funk` with options."""
    while isinstance(meaning, functools.partial):
        meaning = meaning.func
    return meaning is funk
