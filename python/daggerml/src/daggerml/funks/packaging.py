"""``@daggerml.funk``: a Python function as a value that can be called anywhere."""

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

#: What a runnable of a Python function has as its URI.
URI = "daggerml:funk/2"


class Funk:
    """A Python function, packaged with all that it needs: what :func:`funk` makes.

    It is called in a DAG, where its result is a node: ``dag.call(total, xs)``.
    ``dag.put(total)`` makes a node of its :attr:`runnable`, which can be called
    itself. :meth:`in_process` runs the function at once, for tests.
    """

    __slots__ = ("__weakref__", "_proof", "cache", "function", "runnable", "timeout")

    #: The runnable: what the key of a call is made of.
    runnable: Runnable
    #: The function as it was written.
    function: Callable[..., Any]
    #: How long a call may take, in seconds, unless the call says otherwise.
    timeout: Optional[float]
    #: Whether a call may be answered from the cache, unless it says otherwise.
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
        """The source that runs: helpers and function in normal form."""
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
        """Return the same funk with other options: ``total.options(adapter="dask")``.

        Another adapter makes calls of another key: they have a cache of their own.
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
        """Run the function here and now with ``args``, and return the plain value of its result.

        For tests and debuggers: its DAG is in a repository of its own, which is
        removed, and nothing is cached. The function is the one that was
        written, with its globals, so breakpoints and coverage work. As in a call, it is
        tried again after a transient failure, and that is raised at the end.

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
        if self._proof is not None:  # the modules are those that are imported
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
                result = self.function(dag, *(dag.put(arg) for arg in args))
                node = result if isinstance(result, Node) else dag.put(result)
                return node.value()

        names = self.runnable.kwargs.get("transient", [])
        known = getattr(self.function, "__globals__", {})
        with modules_of_call.brought(brought):
            return tried(run, names, known, retries)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        text = (
            f"{self.name} is a funk: call it in a DAG by dag.call({self.name}, ...), "
            f"or run it here by {self.name}.in_process(...)"
        )
        raise TypeError(text)

    def __reduce__(self) -> tuple[Any, ...]:
        # The function's name stands for the funk, so pickle would not find it.
        return _unpickled, (self.runnable, self.timeout, self.cache)

    def __eq__(self, other: object) -> bool:
        return self.runnable == other.runnable if isinstance(other, Funk) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.runnable)

    def __repr__(self) -> str:
        return f"<Funk {self.name!r} on {self.adapter!r}>"


def _unpickled(runnable: Runnable, timeout: Optional[float], cache: bool) -> Funk:
    """Make a funk again, with the function as it is where funks run."""
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
    """Package a Python function so that it can be called from a DAG, and run anywhere.

    The function gets the DAG of its call and then the arguments, as nodes; what it
    returns is the result. It runs elsewhere, so it must bring along what it uses:
    import inside it, and name the functions and classes that it needs as
    ``helpers``. What it uses and does not bring along is an error at once.

    >>> import daggerml
    >>> @daggerml.funk
    ... def total(dag, xs):
    ...     import math
    ...     return math.fsum(xs.value())
    >>> with daggerml.temporary() as repo, repo.new("first") as dag:
    ...     dag.commit(dag.call(total, [1, 2, 3], name="sum"))
    ...     repo.load("first").result.value()
    6.0

    :param adapter: who runs it: ``"local"``, or an adapter that is installed.
    :param helpers: functions, classes and modules that it uses by their names. The
        source of functions and classes is brought along; modules, and what is defined
        in the standard library or in an installed package, are imported.
    :param modules: modules and packages of your own that it imports, as modules or by their names.
        Their source is part of the key and comes along: of a package all of it.
    :param requires: packages that must be installed where it runs, such as ``"numpy>=2"``.
    :param prepop: values that are put into the call's DAG under these names before
        the function begins; other funks, for example, which it calls.
    :param tags: labels of the call's DAG.
    :param timeout: seconds that a call may take.
    :param cache: with ``False`` every call runs the function again.
    :param transient: exceptions that are not the function's fault: classes, or their names.
        A call that ends in one is tried again and not cached, as with
        :class:`daggerml.Transient`.

    The key of a call is made of the adapter, the function's name, the source of function,
    helpers and modules, ``requires``, ``prepop``, ``tags``, ``transient`` and the arguments.
    Comments, layout and annotations that nothing reads do not count. What runs is what was given:
    source that does not make the function and helpers in hand is an error.
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
        kwargs["prepop"] = {name: runnables(value) for name, value in prepop.items()}
    labels = [tags] if isinstance(tags, str) else sorted(set(tags))
    if labels:
        kwargs["tags"] = labels
    if transient:
        from daggerml.transient import names as transient_names

        named = transient_names(transient, list(helpers), modules=sorted(brought_names))
        if named:
            kwargs["transient"] = named
    runnable = Runnable(URI, adapter=adapter, kwargs=kwargs)
    return Funk(runnable, function, timeout=timeout, cache=cache, proof=made.proof)


def runnables(value: Any) -> Any:
    """Return a value with the runnables of funks in their place."""
    if isinstance(value, Funk):
        return value.runnable
    if value.__class__ is dict:
        return {key: runnables(item) for key, item in value.items()}
    if value.__class__ in {list, tuple}:
        return [runnables(item) for item in value]
    return value


def is_funk(meaning: object) -> bool:
    """Tell whether something is :func:`funk`, perhaps with options."""
    while isinstance(meaning, functools.partial):
        meaning = meaning.func
    return meaning is funk
