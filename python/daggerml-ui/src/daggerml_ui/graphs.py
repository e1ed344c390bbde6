"""DAGs as lists of nodes and edges, and which of them to draw.

A committed DAG never changes, so what was read of it is kept for the next page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Optional

from daggerml.errors import DmlRepoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daggerml._core import Ref
    from daggerml.dag import Dag

__all__ = ["DRAWN", "MOST", "Choice", "Graph", "Graphs", "Vertex", "choose"]

#: How many nodes are drawn at once.
DRAWN = 200

#: A DAG of more nodes is listed, but not drawn.
MOST = 100_000

#: How many nodes, of all DAGs together, are kept for the next page.
_KEPT = 100_000

#: How many inputs are drawn of a node whose own inputs are hidden.
_INPUTS = 24


class Vertex(NamedTuple):
    """A node of a DAG, as it is drawn and listed."""

    ref: Ref
    #: ``literal``, ``argv``, ``import``, ``builtin`` or ``call``.
    kind: str
    #: What made it: the name of the builtin, or else its kind.
    how: str
    names: tuple[str, ...]
    #: The DAG that it was called or imported from.
    dag: Optional[Ref]

    @property
    def title(self) -> str:
        """Its names, or else what made it."""
        return ", ".join(self.names) or self.how


@dataclass
class Graph:
    """The nodes of a DAG, inputs first, with the numbers of their inputs and users."""

    vertices: list[Vertex]
    inputs: list[tuple[int, ...]]
    result: Optional[int]
    number: dict[Ref, int] = field(default_factory=dict)
    users: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = {vertex.ref: at for at, vertex in enumerate(self.vertices)}
        self.users = [[] for _ in self.vertices]
        for at, inputs in enumerate(self.inputs):
            for start in inputs:
                self.users[start].append(at)

    @classmethod
    def of(cls, dag: Dag) -> Graph:
        """Reads the nodes of a committed DAG."""
        reader = dag._reader()
        names: dict[Ref, list[str]] = {}
        for name, ref in reader.names().items():
            names.setdefault(ref, []).append(name)
        number: dict[Ref, int] = {}
        vertices: list[Vertex] = []
        inputs: list[tuple[int, ...]] = []
        for ref in reader.nodes():
            told = reader.describe(ref)
            kind = told["kind"]
            number[ref] = len(vertices)
            vertices.append(
                Vertex(ref, kind, told.get("op", kind), tuple(names.get(ref, ())), told.get("dag"))
            )
            inputs.append(tuple(dict.fromkeys(number[arg] for arg in told["args"])))
        result = None if dag.error is not None else dag._committed().result()
        return cls(vertices, inputs, None if result is None else number[result])


class Graphs:
    """The graphs of the DAGs that were looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Ref, Graph] = OrderedDict()

    def of(self, dag: Dag) -> Optional[Graph]:
        """Returns the graph of a committed DAG; ``None`` when it has too many nodes to draw."""
        if dag.ref is None:
            raise DmlRepoError("a draft cannot be drawn; commit it first")
        with self._lock:
            found = self._kept.get(dag.ref)
            if found is not None:
                self._kept.move_to_end(dag.ref)
                return found
        if dag._committed().count() > MOST:
            return None
        made = Graph.of(dag)
        with self._lock:
            self._kept[dag.ref] = made
            while sum(len(graph.vertices) for graph in self._kept.values()) > _KEPT:
                self._kept.popitem(last=False)
        return made


@dataclass(frozen=True)
class Choice:
    """What is drawn of a graph."""

    #: Numbers of nodes, in the order of the graph.
    nodes: list[int]
    #: Pairs of numbers of drawn nodes: from what is used to what is made of it. Where what
    #: lies between is hidden, the pair is in :attr:`bridges` too.
    edges: list[tuple[int, int]]
    bridges: set[tuple[int, int]]
    #: How many inputs and users of a drawn node are not drawn because they are too far away.
    left_out: dict[int, tuple[int, int]]
    #: How many nodes were hidden because they have no name.
    hidden: int
    #: How many there are to draw, with those that are too far away.
    total: int


def choose(
    graph: Graph, *, focus: Optional[int], side: str, named: bool, most: int = DRAWN
) -> Choice:
    """Chooses what to draw.

    :param focus: the node to begin from; by default the result.
    :param side: ``"from"`` draws what the focus is made from, ``"to"`` what is made of it,
        ``"both"`` these two, and ``"all"`` the nodes around it on any way.
    :param named: whether to hide nodes without a name. A result, a call and the focus stay.
    :param most: how many nodes to draw. The nearest to the focus are drawn.
    """
    inputs: Sequence[tuple[int, ...]] = graph.inputs
    bridges: set[tuple[int, int]] = set()
    hidden = 0
    if named:
        inputs, bridges, hidden = _collapsed(graph, focus)
    users: list[list[int]] = graph.users
    if named:
        users = [[] for _ in inputs]
        for at, starts in enumerate(inputs):
            for start in starts:
                users[start].append(at)
    shown = [at for at in range(len(inputs)) if not named or _stays(graph, at, focus)]
    if not shown:
        return Choice([], [], set(), {}, hidden, 0)
    start = next((at for at in (focus, graph.result) if at is not None), shown[-1])
    found, total = _near(start, side, inputs, users, shown, most)
    nodes = sorted(found)
    edges = [(end_from, end) for end in nodes for end_from in inputs[end] if end_from in found]
    left_out = {}
    for at in nodes:
        missing = (
            sum(other not in found for other in inputs[at]),
            sum(other not in found for other in users[at]),
        )
        if any(missing):
            left_out[at] = missing
    return Choice(nodes, edges, bridges, left_out, hidden, total)


def _stays(graph: Graph, at: int, focus: Optional[int]) -> bool:
    vertex = graph.vertices[at]
    return bool(vertex.names) or vertex.kind == "call" or at in {graph.result, focus}


def _collapsed(
    graph: Graph, focus: Optional[int]
) -> tuple[Sequence[tuple[int, ...]], set[tuple[int, int]], int]:
    """Returns the inputs of each node when nodes without a name are hidden.

    A hidden node hands on what it was made from. The second item holds the edges that lead
    over hidden nodes, the third is how many are hidden.
    """
    handed: list[tuple[int, ...]] = []
    shown: list[tuple[int, ...]] = []
    bridges: set[tuple[int, int]] = set()
    hidden = 0
    for at, inputs in enumerate(graph.inputs):
        starts: dict[int, None] = {}
        for start in inputs:
            if _stays(graph, start, focus):
                starts[start] = None
            else:
                starts.update(dict.fromkeys(handed[start]))
                bridges.update((far, at) for far in handed[start])
        found = tuple(starts)[:_INPUTS]
        if _stays(graph, at, focus):
            handed.append(())
            shown.append(found)
        else:
            hidden += 1
            handed.append(found)
            shown.append(())
    return shown, bridges, hidden


def _near(  # noqa: PLR0917  the same things each time
    start: int,
    side: str,
    inputs: Sequence[Sequence[int]],
    users: Sequence[Sequence[int]],
    shown: Iterable[int],
    most: int,
) -> tuple[set[int], int]:
    """Returns the nodes nearest to ``start``, and how many could be reached."""
    if side == "all":
        reached = _reach(start, [inputs, users])
        # What is not connected to the focus comes last.
        reached.extend(set(shown).difference(reached))
    else:
        reached = _reach(start, [inputs]) if side in {"from", "both"} else [start]
        if side in {"to", "both"}:
            others = _reach(start, [users])
            # Both sides get their share, the nearest first.
            reached = list(dict.fromkeys(_turns(reached, others)))
    return set(reached[:most]), len(reached)


def _turns(one: list[int], other: list[int]) -> Iterable[int]:
    for at in range(max(len(one), len(other))):
        yield from one[at : at + 1]
        yield from other[at : at + 1]


def _reach(start: int, ways: list[Sequence[Sequence[int]]]) -> list[int]:
    """Returns the nodes that can be reached, the nearest first."""
    found = {start: None}
    order = [start]
    for at in order:
        for way in ways:
            for other in way[at]:
                if other not in found:
                    found[other] = None
                    order.append(other)
    return order
