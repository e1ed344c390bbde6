"""What can be read of any DAG, open or committed."""

from __future__ import annotations

from daggerml import log
from daggerml.errors import DmlRepoError, NameNotFoundError, NodeError, NotFoundError
from daggerml.light import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Optional, Union

    from daggerml._core import DagView, OpenDag, Ref
    from daggerml.any_node import AnyNode
    from daggerml.dag import Dag
    from daggerml.dml import Dml
    from daggerml.errors import Error
    from daggerml.node import ListNode

__all__ = ["ReadableDag", "fill"]


class ReadableDag:
    """What can be read of a DAG; :class:`daggerml.Dag` says what DAGs are."""

    __slots__ = ("__weakref__", "_message", "_name", "_open", "_ref", "_view", "dml")

    dml: Dml
    _name: str
    _message: str
    _open: Optional[OpenDag]
    _view: Optional[DagView]
    _ref: Optional[Ref]

    # What it is

    @property
    def name(self) -> str:
        """The name that it was begun or loaded under; empty when it was reached otherwise."""
        return self._name

    @property
    def message(self) -> str:
        """The message that it was begun with; empty for a DAG that was loaded."""
        return self._message

    @property
    def ref(self) -> Optional[Ref]:
        """The ref of the committed DAG; ``None`` while it is open."""
        return self._ref

    @property
    def token(self) -> Optional[Ref]:
        """The ref that the open DAG can be resumed by; ``None`` when it is not open."""
        return None if self._open is None else self._open.index

    @property
    def tags(self) -> list[str]:
        """The DAG's labels, in order."""
        return self._reader().tags()

    @property
    def error(self) -> Optional[Error]:
        """The error that the DAG ended in; ``None`` when there is none."""
        reader = self._reader()
        if self._open is not None:
            return None
        error: Optional[Error] = reader.error()  # type: ignore[union-attr]
        return error

    @property
    def result(self) -> AnyNode:
        """The result of the committed DAG. If it ended in an error, that is raised."""
        if self._open is not None:
            text = "an open DAG has no result; commit it first"
            raise DmlRepoError(text)
        return self._node(self._committed().result())

    @property
    def argv(self) -> ListNode:
        """The arguments, in the DAG of a call."""
        ref = self._reader().argv()
        if ref is None:
            text = "this DAG has no argv: it is not the DAG of a call"
            raise DmlRepoError(text)
        return cast("ListNode", self._node(ref))  # the engine makes no other

    # Names

    def keys(self) -> list[str]:
        """Return the names of the named nodes, in order."""
        return list(self._reader().names())

    def values(self) -> list[AnyNode]:
        """Return the named nodes, in the order of their names."""
        return [self._node(ref) for ref in self._reader().names().values()]

    def items(self) -> list[tuple[str, AnyNode]]:
        """Return the names with their nodes, in order."""
        return [(name, self._node(ref)) for name, ref in self._reader().names().items()]

    def nodes(self) -> list[AnyNode]:
        """Return all nodes that have a value, in the order they were made."""
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

    # Inside

    def _committed(self) -> DagView:
        if self._view is None:
            if self._ref is None:
                text = f"the DAG {self._name!r} was cancelled"
                raise DmlRepoError(text, kind="closed")
            self._view = self.dml._handle.view(self._ref)
        return self._view

    def _reader(self) -> Union[OpenDag, DagView]:
        return self._open or self._committed()

    if TYPE_CHECKING:

        def _node(self, ref: Ref) -> AnyNode: ...

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadableDag):
            return NotImplemented
        if self._ref is None or other._ref is None:
            return self is other
        return self._ref == other._ref and self.dml == other.dml

    def __hash__(self) -> int:
        # An open DAG and the committed one that it becomes keep one hash.
        return hash(self.dml)

    def __repr__(self) -> str:
        name = f" {self._name!r}" if self._name else ""
        state = self._ref.short if self._ref else "open" if self._open else "cancelled"
        return f"<Dag{name} {state}>"


_set_dml, _set_name, _set_message, _set_open, _set_view, _set_ref = (
    ReadableDag.__dict__[slot].__set__
    for slot in ("dml", "_name", "_message", "_open", "_view", "_ref")
)


def fill(  # noqa: PLR0917  it fills a new object, in the order of its fields
    dag: Dag,
    dml: Dml,
    name: str,
    message: str,
    core: Optional[OpenDag],
    view: Optional[DagView],
    ref: Optional[Ref],
) -> Dag:
    """Fill a new DAG, past its ``__setattr__``, which asks of every name whether it is a node's."""
    _set_dml(dag, dml)
    _set_name(dag, name)
    _set_message(dag, message)
    _set_open(dag, core)
    _set_view(dag, view)
    _set_ref(dag, ref)
    return dag
