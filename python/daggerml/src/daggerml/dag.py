"""DAGs: computations, first as drafts and then committed."""

from __future__ import annotations

from daggerml import log
from daggerml.errors import (
    CancellationError,
    DmlRepoError,
    Error,
    NameNotFoundError,
    NodeError,
    NotFoundError,
)
from daggerml.node import (
    BlobNode,
    ListNode,
    MapNode,
    Node,
    RunnableNode,
    ScalarNode,
    SetNode,
    node_class,
)
from daggerml.released import accepts
from daggerml.typing_shim import cast, overload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Any, NoReturn, Optional, Protocol, Union

    from daggerml._core import Blob, DagView, OpenDag, Ref, Runnable, Uri
    from daggerml.any_node import AnyNode
    from daggerml.blobs import Path
    from daggerml.dml import Dml
    from daggerml.explanations import Explanation

    Scalar = Union[None, bool, int, float, str, bytes, Uri]

    class BinaryFile(Protocol):
        """What bytes are read from."""

        def read(self, size: int, /) -> bytes: ...


__all__ = ["Dag"]


class Dag:
    """A DAG: nodes, some of them with names, and a result or an error.

    :func:`daggerml.new` begins one and :func:`daggerml.load` loads one. Until it is
    committed it is a draft: any thread can add nodes. A committed DAG never changes.
    Named nodes are items and attributes:

    >>> import daggerml
    >>> with daggerml.temporary() as repo, repo.new("sum") as dag:
    ...     dag["xs"] = [1, 2, 3]
    ...     dag.total = 6
    ...     print(dag.keys(), dag.xs.value(), dag["total"].value())
    ...     dag.commit(dag.total)
    ['total', 'xs'] [1, 2, 3] 6

    An exception that leaves the ``with`` block is committed as the DAG's error, and is
    raised all the same:

    >>> with daggerml.temporary() as repo:
    ...     try:
    ...         with repo.new("broken") as dag:
    ...             1 / 0
    ...     except ZeroDivisionError:
    ...         print(repo.load("broken").error)
    division by zero
    """

    __slots__ = ("__weakref__", "_message", "_name", "_open", "_ref", "_view", "dml")

    dml: Dml
    _name: str
    _message: str
    _open: Optional[OpenDag]
    _view: Optional[DagView]
    _ref: Optional[Ref]

    def __init__(self) -> None:
        text = "begin a DAG by daggerml.new(name) and load one by daggerml.load(name)"
        raise TypeError(text)

    @classmethod
    def _begun(cls, dml: Dml, core: OpenDag, name: str, message: str) -> Dag:
        return cls._made(dml, name, message, core, None, None)

    @classmethod
    def _finished(cls, dml: Dml, view: DagView, name: str = "") -> Dag:
        return cls._made(dml, name, "", None, view, view.dag)

    @classmethod
    def _made(  # noqa: PLR0917  the fields, in their order
        cls,
        dml: Dml,
        name: str,
        message: str,
        core: Optional[OpenDag],
        view: Optional[DagView],
        ref: Optional[Ref],
    ) -> Dag:
        self = cls.__new__(cls)
        # Not by `self.dml = dml`: that would put a node. Also, loading a DAG is quicker this way.
        fill = object.__setattr__
        fill(self, "dml", dml)
        fill(self, "_name", name)
        fill(self, "_message", message)
        fill(self, "_open", core)
        fill(self, "_view", view)
        fill(self, "_ref", ref)
        return self

    # What it is

    @property
    def name(self) -> str:
        """The name it was begun or loaded under; ``""`` when it was reached in another way."""
        return self._name

    @property
    def message(self) -> str:
        """The message it was begun with; ``""`` for a DAG that was loaded."""
        return self._message

    @property
    def ref(self) -> Optional[Ref]:
        """The ref of the committed DAG; ``None`` for a draft."""
        return self._ref

    @property
    def token(self) -> Optional[Ref]:
        """The draft id, for :func:`daggerml.resume`; ``None`` when it is not a draft."""
        core = self._open  # read once: another thread may commit the DAG now
        return None if core is None else core.index

    @property
    def tags(self) -> list[str]:
        """The DAG's labels, sorted."""
        return self._reader().tags()

    @property
    def error(self) -> Optional[Error]:
        """The error the DAG ended in; ``None`` when it has a result, or is a draft."""
        return None if self._open is not None else self._committed().error()

    @property
    def result(self) -> AnyNode:
        """The node of the committed DAG's result.

        :raises Error: the error that the DAG ended in, if it did.
        :raises DmlRepoError: when the DAG is not committed yet.
        """
        if self._open is not None:
            text = "a draft has no result; commit it first"
            raise DmlRepoError(text)
        return self._node(self._committed().result())

    @property
    def argv(self) -> ListNode:
        """The node of the list of arguments, in the DAG of a call.

        :raises DmlRepoError: in any other DAG.
        """
        ref = self._reader().argv()
        if ref is None:
            text = "this DAG has no argv: it is not the DAG of a call"
            raise DmlRepoError(text)
        return cast("ListNode", self._node(ref))  # the engine makes no other

    # Names

    def keys(self) -> list[str]:
        """Returns the names of the named nodes, sorted."""
        return list(self._reader().names())

    def values(self) -> list[AnyNode]:
        """Returns the named nodes, in the order of their names."""
        return [self._node(ref) for ref in self._reader().names().values()]

    def items(self) -> list[tuple[str, AnyNode]]:
        """Returns pairs of a name and its node, sorted by name."""
        return [(name, self._node(ref)) for name, ref in self._reader().names().items()]

    def nodes(self) -> list[AnyNode]:
        """Returns all nodes that have a value, in the order they were made.

        Calls that ended in an error are left out.
        """
        found = []
        for ref in self._reader().nodes():
            try:
                found.append(self._node(ref))
            except NodeError:
                log.debug("%s is a call that ended in an error", ref.short)
        return found

    def __getitem__(self, name: str) -> AnyNode:
        return self._node(self._reader().named(name))

    def __getattr__(self, name: str) -> AnyNode:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except NotFoundError as error:
            raise NameNotFoundError(error.message, hint=error.hint) from None

    def __contains__(self, name: object) -> bool:
        return name in self._reader().names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._reader().names())

    def __bool__(self) -> bool:
        return True

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self.keys()})

    def _ipython_key_completions_(self) -> list[str]:
        return self.keys()

    # Making it

    def add_tag(self, tag: str) -> None:
        """Adds a label to the draft."""
        self._writer().add_tag(tag)

    def __setitem__(self, name: str, value: Any) -> None:
        self.put(value, name=name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            text = f"a DAG's {name!r} cannot be set; dag[{name!r}] = ... gives a node that name"
            raise AttributeError(text)
        else:
            self.put(value, name=name)

    @overload
    def put(
        self, value: Union[Scalar, ScalarNode], *, name: Optional[str] = None
    ) -> ScalarNode: ...
    @overload
    def put(
        self, value: Union[list[Any], tuple[Any, ...], ListNode], *, name: Optional[str] = None
    ) -> ListNode: ...
    @overload
    def put(
        self, value: Union[dict[Any, Any], MapNode], *, name: Optional[str] = None
    ) -> MapNode: ...
    @overload
    def put(
        self, value: Union[set[Any], frozenset[Any], SetNode], *, name: Optional[str] = None
    ) -> SetNode: ...
    @overload
    def put(self, value: Union[Blob, BlobNode], *, name: Optional[str] = None) -> BlobNode: ...
    @overload
    def put(
        self, value: Union[Runnable, RunnableNode], *, name: Optional[str] = None
    ) -> RunnableNode: ...
    @overload
    def put(self, value: Any, *, name: Optional[str] = None) -> AnyNode: ...
    @accepts("doc")
    def put(self, value: Any, *, name: Optional[str] = None) -> Any:
        """Adds a value, or a collection of values and nodes. Returns its node.

        A collection that holds nodes refers to them: their values are not copied.
        A node of another committed DAG is imported. Codecs turn objects of other
        types into values (:mod:`daggerml.codecs`).

        :raises CodecError: when no codec knows an object.
        :raises DmlRepoError: when the DAG is committed.

        >>> import daggerml
        >>> with daggerml.temporary() as repo, repo.new("puts") as dag:
        ...     answer = dag.put(42, name="answer")
        ...     dag.put({"a": 1, "b": [answer, "23"]}).value()
        ...     dag.commit(answer)
        {'a': 1, 'b': [42, '23']}
        """
        ref, type_name = self._writer().put(value, name, self._codec)
        return node_class(type_name)(self, ref, type_name)

    def put_file(self, source: Union[Path, BinaryFile], *, name: Optional[str] = None) -> BlobNode:
        """Adds the bytes of a file as a blob. Returns its node.

        They may be as many as the disk holds: a few MiB of them are in memory. Equal bytes have
        one id, and are stored once.

        :param source: the path of a file, or a binary file that is open for reading, which is
            read to its end: any object whose ``read(n)`` returns at most ``n`` bytes, and none at
            the end.
        :raises DmlRepoError: when the file cannot be read, or was written to meanwhile.

        >>> import daggerml, io
        >>> with daggerml.temporary() as repo, repo.new("files") as dag:
        ...     node = dag.put_file(io.BytesIO(bytes(10_000_000)), name="data")
        ...     node.size, node.name
        ...     dag.commit(node)
        (10000000, 'data')
        """
        if hasattr(source, "read"):
            ref, _ = self._writer().put_blob(source, name)
        else:
            ref, _ = self._writer().put_file(source, name)
        return BlobNode(self, ref, "blob")

    def require(
        self,
        dag: Union[str, Dag],
        node: Optional[str] = None,
        *,
        name: Optional[str] = None,
    ) -> AnyNode:
        """Imports a node of a committed DAG: the one named ``node``, or else its result.

        :raises NotFoundError: when there is no such DAG or node.

        >>> import daggerml
        >>> with daggerml.temporary() as repo:
        ...     with repo.new("data") as data:
        ...         data.commit(data.put([1, 2], name="xs"))
        ...     with repo.new("use") as dag:
        ...         dag.commit(dag.require("data", "xs", name="xs"))
        ...     repo.load("use").xs.context() == data
        True
        """
        source = self.dml.load(dag) if isinstance(dag, str) else dag
        wanted = None if node is None else source._reader().named(node)
        return self._imported(source, wanted, name)

    @accepts("sleep")
    def call(
        self,
        fn: Any,
        *args: Any,
        name: Optional[str] = None,
        timeout: Optional[float] = None,
        cache: Optional[bool] = None,
        retries: Optional[int] = None,
    ) -> Node:
        """Calls a runnable, a node of one, or a funk. Returns the node of its result.

        An equal call (the same runnable and arguments) that succeeded before is not
        run again: its result is taken from the cache.

        >>> import daggerml
        >>> @daggerml.funk
        ... def double(dag, x):
        ...     return x.value() * 2
        >>> with daggerml.temporary() as repo, repo.new("call") as dag:
        ...     four = dag.call(double, 2, name="four")
        ...     dag.commit(dag.call(double, four))
        ...     repo.load("call").result.value()
        8

        :param name: the name of the result's node.
        :param timeout: how many seconds it may take, with all waits and retries.
        :param cache: ``False`` runs it even if an equal call is in the cache.
        :param retries: how many more times to run it when the adapter fails.
        :raises NodeError: the error that the function ended in, which is recorded too.
        :raises BadExecutionStatusError: when the adapter failed, or the time was up.
        """
        from daggerml.calls import call

        options = {"timeout": timeout, "cache": cache, "retries": retries}
        return call(self, fn, args, name=name, **options)  # type: ignore[arg-type]

    def explain(self, fn: Any, *args: Any) -> Explanation:
        """Explains why :meth:`call` with these arguments would be a hit or a miss."""
        return self.dml.exec.explain(fn, *args)

    def map(
        self,
        fn: Any,
        items: Iterable[Any],
        *args: Any,
        parallel: Optional[int] = None,
        timeout: Optional[float] = None,
        cache: Optional[bool] = None,
        retries: Optional[int] = None,
        on_error: str = "raise",
        progress: Optional[bool] = None,
    ) -> list[Any]:
        """Calls a runnable once for every item, several at a time.

        Returns the nodes of the results, in the order of the items. ``args`` are more
        arguments, the same for every call. After the first error no more calls begin, and it
        is raised when the running ones have ended. With ``on_error="keep"`` all calls are
        made, and the list has a :class:`NodeError` in the place of each failed one.

        >>> import daggerml
        >>> @daggerml.funk
        ... def power(dag, x, n):
        ...     return x.value() ** n.value()
        >>> with daggerml.temporary() as repo, repo.new("map") as dag:
        ...     dag.commit(dag.map(power, [1, 2, 3], 2))
        ...     repo.load("map").result.value()
        [1, 4, 9]

        :param parallel: how many calls run at once, at most; by default the number of
            processors for the adapter ``local``, 256 for ``dask``, and 64 for others.
        :param timeout: how many seconds each call may take; ``cache`` and ``retries`` are those
            of :meth:`call`.
        :param progress: whether to show a bar on standard error; by default when it is a
            terminal. Without a bar, messages go to the logger ``daggerml``.
        :raises NodeError: the first error that a call ended in.
        :raises BadExecutionStatusError: when the adapter failed, or the time was up.
        """
        from daggerml.calls import map_items

        return map_items(
            self,
            fn,
            items,
            args,
            parallel=parallel,
            timeout=timeout,
            cache=cache,
            retries=retries,
            on_error=on_error,
            progress=progress,
        )

    def commit(self, value: Any) -> None:
        """Commits the DAG with its result: a node, a value to put, or an :class:`Error`.

        From then on the DAG cannot change, and :attr:`ref` is its ref.
        """
        core = self._writer()
        if isinstance(value, Error):
            ref, _ = core.fail(value.message, value.origin, value.type, value.stack)
        else:
            node, _ = core.put(value, None, self._codec)
            ref, _ = core.commit(node)
        self._ref, self._open = ref, None
        log.debug("committed DAG %r as %s", self._name, ref.short)

    def freeze(self, message: Optional[str] = None) -> Dag:
        """Writes the draft to disk, and refuses changes until :meth:`unfreeze`.

        Any process can continue it: ``daggerml.resume(dag.token)``. Returns the DAG itself.
        """
        self._writer().freeze(message or "")
        return self

    def unfreeze(self) -> Dag:
        """Allows changes again after :meth:`freeze`. Returns the DAG itself."""
        self._writer().unfreeze()
        return self

    def flush(self) -> None:
        """Writes the draft to disk, so that it can be resumed after a crash."""
        self._writer().flush()

    @accepts("max_retries")
    def cancel(self) -> NoReturn:
        """Throws the draft away, and raises :class:`CancellationError` to leave its block."""
        self._writer().discard()
        log.info("cancelled DAG %r", self._name)
        self._open = None
        text = f"the DAG {self._name!r} was cancelled"
        raise CancellationError(text)

    def __enter__(self) -> Dag:
        self._writer()
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._open is None:
            return
        if exc is None:
            if not self._is_frozen():
                text = "the block of DAG %r ended without dag.commit(...), so it is still a draft"
                log.warning(text, self._name)
            return
        try:
            self.commit(Error.from_ex(exc))
        except Exception as problem:  # noqa: BLE001  it is logged
            # The exception of the block matters more than that it could not be recorded.
            log.error("the error of DAG %r could not be recorded: %s", self._name, problem)

    # Inside

    def _is_frozen(self) -> bool:
        drafts = self.dml.indexes()
        return any(it["index"] == self.token and it["state"] == "frozen" for it in drafts)

    def _committed(self) -> DagView:
        if self._view is None:
            if self._ref is None:
                text = f"the DAG {self._name!r} was cancelled"
                raise DmlRepoError(text, kind="closed")
            self._view = self.dml._handle.view(self._ref)
        return self._view

    def _reader(self) -> Union[OpenDag, DagView]:
        return self._open or self._committed()

    def _writer(self) -> OpenDag:
        core = self._open
        if core is None:
            how = "was cancelled" if self._ref is None else "is committed and cannot change"
            text = f"the DAG {self._name!r} {how}; begin a new one"
            raise DmlRepoError(text, kind="closed")
        return core

    def _node(self, ref: Ref) -> AnyNode:
        try:
            type_name = self._reader().type_of(ref)
        except NodeError as error:
            error.dag = self
            raise
        return node_class(type_name)(self, ref, type_name)

    def _builtin(self, op: str, *args: Any, name: Optional[str] = None) -> Node:
        ref, type_name = self._writer().builtin(op, list(args), name, self._codec)
        return node_class(type_name)(self, ref, type_name)

    def _import(self, node: Node) -> Node:
        """Returns ``node`` as a node of this draft; one of another DAG is imported."""
        if node.dag is self:
            return node
        if node.dag.dml != self.dml:
            text = f"{node!r} is in another repository ({node.dag.dml.root}); put its value()"
            raise DmlRepoError(text)
        return self._imported(node.dag, node.ref)

    def _imported(self, dag: Dag, node: Optional[Ref], name: Optional[str] = None) -> AnyNode:
        if dag.ref is None:
            text = f"the DAG {dag.name!r} is not committed; commit it before importing from it"
            raise DmlRepoError(text)
        ref, type_name = self._writer().import_node(dag.ref, node, name)
        return node_class(type_name)(self, ref, type_name)

    def _codec(self, value: Any) -> Any:
        """Returns what a codec makes of an object: a value, or the ref of a node of this DAG."""
        if isinstance(value, Node):  # no other codec is asked, and a call has many of these
            return self._import(value).ref
        from daggerml.codecs import encode

        return encode(value, self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dag):
            return NotImplemented
        if self._ref is None or other._ref is None:
            return self is other
        return self._ref == other._ref and self.dml == other.dml

    def __hash__(self) -> int:
        # A draft and the committed DAG that it becomes have the same hash.
        return hash(self.dml)

    def __repr__(self) -> str:
        name = f" {self._name!r}" if self._name else ""
        state = self._ref.short if self._ref else "open" if self._open else "cancelled"
        return f"<Dag{name} {state}>"

    def __copy__(self) -> Dag:
        return self

    def __reduce__(self) -> NoReturn:
        text = (
            "a DAG belongs to its repository and cannot be pickled; send its ref (or the token "
            "of a draft), and load (or resume) it there"
        )
        raise TypeError(text)

    def _repr_html_(self) -> str:
        from daggerml.html import dag_html

        return dag_html(self)
