"""Nodes: the values in a DAG, with how they were made."""

from __future__ import annotations

from daggerml import operators
from daggerml.errors import NodeError
from daggerml.typing_shim import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, NoReturn, Optional, Union

    from daggerml._core import Blob, Data, Ref, Runnable, Uri
    from daggerml.any_node import AnyNode
    from daggerml.blobs import BlobFile, Path
    from daggerml.dag import Dag
    from daggerml.projection import Projection

__all__ = [
    "BlobNode",
    "CollectionNode",
    "DictNode",
    "ListNode",
    "MapNode",
    "Node",
    "RunnableNode",
    "ScalarNode",
    "SetNode",
]


class Node:
    """One value in a DAG, with how it was made.

    Nodes with equal content are equal: the same value made in the same way is one node,
    also in two DAGs.

    >>> import daggerml
    >>> with daggerml.temporary() as repo, repo.new("nodes") as dag:
    ...     one = dag.put(1, name="one")
    ...     print(one.type, one.value(), one.name, one == dag.put(1))
    ...     dag.commit(one)
    int 1 one True
    """

    __slots__ = ("__weakref__", "_data", "_type", "dag", "ref")

    dag: Dag
    ref: Ref

    def __init__(self, dag: Dag, ref: Ref, type_name: str) -> None:
        self.dag = dag
        self.ref = ref
        self._type = type_name
        self._data: Optional[Data] = None

    @property
    def type(self) -> str:
        """The type of the value.

        One of ``null``, ``bool``, ``int``, ``float``, ``string``, ``bytes``, ``uri``, ``list``,
        ``set``, ``map``, ``runnable`` and ``blob``.
        """
        return self._type

    @property
    def name(self) -> Optional[str]:
        """The name of the node in its DAG (the first of several); ``None`` when it has none."""
        for name, ref in self.dag._reader().names().items():
            if ref == self.ref:
                return name
        return None

    def value(self) -> Any:
        """Returns the value, as a new Python object."""
        try:
            return self.dag._reader().value(self.ref)
        except NodeError as error:
            error.dag = self.dag
            raise

    def unpack(self) -> Any:
        """Returns the value, with arrays and tables that were packed as what they stand for.

        See :func:`daggerml.codecs.unpack`.
        """
        from daggerml.packed import unpack

        return unpack(self.value())

    def context(self, *, root: bool = True) -> Dag:
        """Returns the DAG that produced the value.

        It follows calls and imports back, also through collections that the value was put
        into and taken out of.

        :param root: ``True`` for the DAG in which the value began, ``False`` for the nearest
            DAG that it was called or imported from.
        """
        from daggerml.provenance import context

        return context(self, (), root=root)

    if TYPE_CHECKING:
        # What a node holds is known only when the program runs. So type checkers allow
        # on every node what any collection and any blob has.
        def __getitem__(self, key: Any) -> Any: ...
        def __len__(self) -> int: ...
        def __iter__(self) -> Iterator[Any]: ...
        def __contains__(self, item: object) -> bool: ...
        def open(self) -> BlobFile: ...
        def save(self, path: Path) -> None: ...
        @property
        def size(self) -> int: ...

    def __call__(self, *args: Any, **options: Any) -> Any:
        text = f"a node of type {self.type!r} is not callable"
        raise TypeError(text)

    def __eq__(self, other: object) -> bool:
        return self.ref == other.ref if isinstance(other, Node) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.ref)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.ref.short})"

    def _repr_html_(self) -> str:
        from daggerml.html import node_html

        return node_html(self)

    def __reduce__(self) -> NoReturn:
        text = (
            "a node belongs to its repository and cannot be pickled; "
            "send its value(), or the DAG's name and the node's"
        )
        raise TypeError(text)

    def _look(self) -> Data:
        """Returns the value as the engine holds it. It is read once, since it cannot change."""
        if self._data is None:
            self._data = self.dag._reader().data(self.ref)
        return self._data

    @property
    def _is_open(self) -> bool:
        return self.dag._open is not None


class ScalarNode(Node):
    """A node whose value is null, a bool, a number, a string, bytes or a Uri."""

    __slots__ = ()

    def value(self) -> Union[bool, int, float, str, bytes, Uri, None]:
        """Returns the value."""
        return cast("Union[None, bool, int, float, str, bytes, Uri]", super().value())


operators.refuse(ScalarNode)


class RunnableNode(Node):
    """A node whose value is a :class:`Runnable`: it can be called."""

    __slots__ = ()

    def value(self) -> Runnable:
        """Returns the runnable."""
        return cast("Runnable", super().value())

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Calls the runnable: the same as :meth:`Dag.call`."""
        return self.dag.call(self, *args, **options)


class BlobNode(Node):
    """A node whose value is a :class:`Blob`: bytes of any length, which are read when asked for.

    >>> import daggerml, io
    >>> with daggerml.temporary() as repo, repo.new("blobs") as dag:
    ...     node = dag.put_file(io.BytesIO(b"many bytes"))
    ...     node.type, node.size, node.open().read(4)
    ...     dag.commit(node)
    ('blob', 10, b'many')
    """

    __slots__ = ()

    def value(self) -> Blob:
        """Returns the blob: its size and its id, not its bytes."""
        return cast("Blob", super().value())

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.value().size

    def open(self) -> BlobFile:
        """Returns the bytes as a binary file, which can be read from any place."""
        return self.dag.dml.open_blob(self.value())

    def save(self, path: Path) -> None:
        """Writes the bytes to a file. One that is there is replaced when all are written."""
        self.dag.dml._handle.open_blob(self.value()).save(path)


class CollectionNode(Node):
    """A node whose value has elements.

    In a draft, taking an element or making a changed collection adds a node. In a
    committed DAG, elements are :class:`Projection` objects, which add nothing: they have
    the value and where it comes from.
    """

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._look())

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: object) -> bool:
        return self._look().contains(_plain(item))

    def contains(self, item: Any, *, name: Optional[str] = None) -> ScalarNode:
        """Adds a node of whether the collection has ``item``, or the map has the key ``item``."""
        return cast("ScalarNode", self.dag._builtin("contains", self, item, name=name))

    def _project(self, step: Any) -> Projection:
        from daggerml.projection import Projection

        return Projection(self)._to(step)


class ListNode(CollectionNode):
    """A node whose value is a list.

    >>> import daggerml
    >>> with daggerml.temporary() as repo, repo.new("lists") as dag:
    ...     xs = dag.put([1, 2, 3])
    ...     xs[0].value(), xs[1:].value(), xs.append(4).value(), len(xs), 2 in xs
    ...     dag.commit(xs)
    (1, [2, 3], [1, 2, 3, 4], 3, True)
    """

    __slots__ = ()

    def value(self) -> list[Any]:
        """Returns the list."""
        return cast("list[Any]", super().value())

    def __getitem__(self, key: Any) -> Any:
        if not self._is_open:
            return self._project(key)
        if isinstance(key, slice):
            return self.dag._builtin("slice", self, key.start, key.stop, key.step)
        return self.dag._builtin("get", self, key)

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def conj(self, item: Any, *, name: Optional[str] = None) -> ListNode:
        """Adds a node of the list with ``item`` at its end."""
        return cast("ListNode", self.dag._builtin("conj", self, item, name=name))

    append = conj

    def assoc(self, index: int, item: Any, *, name: Optional[str] = None) -> ListNode:
        """Adds a node of the list with ``item`` in the place of the element at ``index``."""
        return cast("ListNode", self.dag._builtin("assoc", self, index, item, name=name))

    def remove(self, index: int, *, name: Optional[str] = None) -> ListNode:
        """Adds a node of the list without the element at ``index``."""
        return cast("ListNode", self.dag._builtin("remove", self, index, name=name))


class MapNode(CollectionNode):
    """A node whose value is a map (a ``dict`` in Python).

    >>> import daggerml
    >>> with daggerml.temporary() as repo, repo.new("maps") as dag:
    ...     m = dag.put({"a": 1})
    ...     m["a"].value(), m.get("b", 0).value(), m.assoc("b", 2).value(), m.keys()
    ...     dag.commit(m.update({"c": 3}))
    (1, 0, {'a': 1, 'b': 2}, ['a'])
    """

    __slots__ = ()

    def value(self) -> dict[Any, Any]:
        """Returns the map as a dict."""
        return cast("dict[Any, Any]", super().value())

    def __getitem__(self, key: Any) -> Any:
        if not self._is_open:
            return self._project(key)
        return self.dag._builtin("get", self, key)

    def get(self, key: Any, default: Any = None, *, name: Optional[str] = None) -> Any:
        """Adds a node of the value of ``key``, or of ``default`` when the map has no such key.

        In a committed DAG it adds nothing, and returns a projection or ``default``.
        """
        if not self._is_open:
            return self[key] if key in self else default
        return self.dag._builtin("get", self, key, default, name=name)

    def keys(self) -> list[Any]:
        """Returns the keys, in canonical order."""
        return self._look().keys()

    def values(self) -> list[Any]:
        """Returns the values, in the order of the keys."""
        return [self[key] for key in self.keys()]

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Iterates over the keys with their values."""
        for key in self.keys():
            yield key, self[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys())

    def assoc(self, key: Any, value: Any, *, name: Optional[str] = None) -> MapNode:
        """Adds a node of the map with ``key`` set to ``value``."""
        return cast("MapNode", self.dag._builtin("assoc", self, key, value, name=name))

    def update(
        self, other: Union[Mapping[Any, Any], MapNode], *, name: Optional[str] = None
    ) -> MapNode:
        """Adds a node of the map with the entries of ``other`` added, which replace its own."""
        return cast("MapNode", self.dag._builtin("update", self, other, name=name))

    def remove(self, key: Any, *, name: Optional[str] = None) -> MapNode:
        """Adds a node of the map without ``key``."""
        return cast("MapNode", self.dag._builtin("remove", self, key, name=name))


class SetNode(CollectionNode):
    """A node whose value is a set.

    >>> import daggerml
    >>> with daggerml.temporary() as repo, repo.new("sets") as dag:
    ...     s = dag.put({1, 2})
    ...     s.add(3).value(), s.union({5}).value(), s.difference({1}).value(), list(s)
    ...     dag.commit(s)
    ({1, 2, 3}, {1, 2, 5}, {2}, [1, 2])
    """

    __slots__ = ()

    def value(self) -> set[Any]:
        """Returns the set."""
        return cast("set[Any]", super().value())

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the elements, as plain values in canonical order."""
        return iter(self._look().keys())

    def conj(self, item: Any, *, name: Optional[str] = None) -> SetNode:
        """Adds a node of the set with ``item``."""
        return cast("SetNode", self.dag._builtin("conj", self, item, name=name))

    add = conj

    def remove(self, item: Any, *, name: Optional[str] = None) -> SetNode:
        """Adds a node of the set without ``item``, which must be in it."""
        return cast("SetNode", self.dag._builtin("remove", self, item, name=name))

    def union(
        self, other: Union[set[Any], frozenset[Any], SetNode], *, name: Optional[str] = None
    ) -> SetNode:
        """Adds a node of the elements of either set."""
        return cast("SetNode", self.dag._builtin("update", self, other, name=name))

    update = union

    def intersection(
        self, other: Union[set[Any], frozenset[Any], SetNode], *, name: Optional[str] = None
    ) -> SetNode:
        """Adds a node of the elements that both sets have."""
        return cast("SetNode", self.dag._builtin("intersection", self, other, name=name))

    def difference(
        self, other: Union[set[Any], frozenset[Any], SetNode], *, name: Optional[str] = None
    ) -> SetNode:
        """Adds a node of the elements of this set that the other does not have."""
        return cast("SetNode", self.dag._builtin("difference", self, other, name=name))


#: The name of :class:`MapNode` in 0.1.x.
DictNode = MapNode

_CLASSES: dict[str, type[Any]] = {
    "blob": BlobNode,
    "list": ListNode,
    "map": MapNode,
    "set": SetNode,
    "runnable": RunnableNode,
}


def node_class(type_name: str) -> type[AnyNode]:
    """Returns the class of nodes whose value has that type."""
    return _CLASSES.get(type_name, ScalarNode)


def _plain(item: Any) -> Any:
    """Returns the value of a node or projection, and anything else as it is."""
    from daggerml.projection import Projection

    return item.value() if isinstance(item, (Node, Projection)) else item
