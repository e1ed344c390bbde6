"""Projections: elements of the values of committed nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daggerml._core import Data
    from daggerml.blobs import BlobFile, Path
    from daggerml.dag import Dag
    from daggerml.node import Node

__all__ = ["Projection"]


class Projection:
    """An element of a committed node's value: ``base`` and the ``path`` to it.

    It can be read, and put into a draft: that imports the base and takes the same
    steps along the path there.

    >>> import daggerml
    >>> with daggerml.temporary() as repo:
    ...     with repo.new("data") as dag:
    ...         dag.commit({"labels": ["fresh", "local"]})
    ...     label = repo.load("data").result["labels"][0]
    ...     print(label.value(), label.path, label.type)
    ...     with repo.new("reuse") as dag:
    ...         dag.commit(dag.put(label))
    ...     print(repo.load("reuse").result.context().ref == label.context().ref)
    fresh ('labels', 0) string
    True
    """

    __slots__ = ("_data", "base", "path")

    base: Node
    path: tuple[Any, ...]

    def __init__(self, base: Node) -> None:
        self.base = base
        self.path = ()
        self._data: Data = base._look()

    def _to(self, step: Any) -> Projection:
        from daggerml.node import Node

        if isinstance(step, (Node, Projection)):
            step = step.value()
        self.path = (*self.path, step)
        self._data = self._data.get(step)
        return self

    @property
    def dag(self) -> Dag:
        """The DAG of the base."""
        return self.base.dag

    @property
    def type(self) -> str:
        """The type of the element, by the same names as :attr:`Node.type`."""
        return self._data.type

    def value(self) -> Any:
        """Returns the element, as a new Python object."""
        return self._data.value()

    def unpack(self) -> Any:
        """Returns the element, as :meth:`Node.unpack` does."""
        from daggerml.packed import unpack

        return unpack(self.value())

    def open(self) -> BlobFile:
        """Returns the bytes of a blob, as :meth:`BlobNode.open` does."""
        return self.dag.dml.open_blob(self.value())

    def save(self, path: Path) -> None:
        """Writes the bytes of a blob to a file, as :meth:`BlobNode.save` does."""
        self.dag.dml._handle.open_blob(self.value()).save(path)

    def context(self, *, root: bool = True) -> Dag:
        """Returns the DAG that produced the element; see :meth:`Node.context`."""
        from daggerml.provenance import context

        return context(self.base, self.path, root=root)

    def __getitem__(self, step: Any) -> Projection:
        if self.type not in {"list", "map"}:
            text = f"a value of type {self.type!r} has no elements"
            raise TypeError(text)
        found = Projection(self.base)
        found.path, found._data = self.path, self._data
        return found._to(step)

    def get(self, key: Any, default: Any = None) -> Any:
        """Returns the projection of a map's ``key``, or ``default`` where there is none."""
        return self[key] if key in self else default

    def keys(self) -> list[Any]:
        """Returns a map's keys, in canonical order."""
        if self.type != "map":
            text = f"a value of type {self.type!r} has no keys"
            raise TypeError(text)
        return self._data.keys()

    def values(self) -> list[Projection]:
        """Returns a map's values, in the order of the keys."""
        return [self[key] for key in self.keys()]

    def items(self) -> Iterator[tuple[Any, Projection]]:
        """Iterates over a map's keys with their values."""
        for key in self.keys():
            yield key, self[key]

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        if self.type == "list":
            for index in range(len(self)):
                yield self[index]
        else:
            yield from self._data.keys()

    def __contains__(self, item: object) -> bool:
        return self._data.contains(item)

    def __call__(self, *args: Any, **options: Any) -> NoReturn:
        text = f"a projection of type {self.type!r} is not callable; put it into a draft first"
        raise TypeError(text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Projection):
            return NotImplemented
        return self.base == other.base and self.path == other.path

    def __hash__(self) -> int:
        return hash((self.base, repr(self.path)))

    def __repr__(self) -> str:
        return f"Projection({self.base!r}, path={self.path!r})"

    def _repr_html_(self) -> str:
        from daggerml.html import value_html

        return value_html(self, caption=f"{self.base!r} {self.path!r}")

    def _put_into(self, dag: Dag) -> Node:
        """Imports the base into a draft, and takes the same steps there."""
        node = dag._import(self.base)
        for step in self.path:
            if isinstance(step, slice):
                node = dag._builtin("slice", node, step.start, step.stop, step.step)
            else:
                node = dag._builtin("get", node, step)
        return node
