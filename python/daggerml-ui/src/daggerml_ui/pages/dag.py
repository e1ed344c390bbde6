"""A DAG: its drawing, and the list of its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import Error
from daggerml.promised import promised
from daggerml_ui.drawing import draw
from daggerml_ui.graphs import DRAWN, Graph, Vertex, choose
from daggerml_ui.rendering import Page

if TYPE_CHECKING:
    from daggerml.dag import Dag
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["SIDES", "dag"]

_ROWS = 100

#: How much of a value is in the drawing.
_TITLE = 40

#: What can be drawn, seen from the focus.
SIDES = {
    "all": "everything around it",
    "from": "what it is made from",
    "to": "what is made of it",
    "both": "both",
}


def dag(
    source: Source,
    links: Links,
    text: str,
    *,
    focus: str = "",
    side: str = "",
    named: str = "",
    find: str = "",
    skip: int = 0,
) -> Page:
    """Makes the page of the DAG with the id ``text``.

    :param focus: the id of the node to draw around; by default the result.
    :param side: a key of :data:`SIDES`.
    :param named: ``"yes"`` draws only nodes with names, ``"no"`` all; by default, only nodes with
        names are drawn when not all can be.
    :param find: only nodes with this text in their name or kind are listed.
    """
    made = source.dag(text)
    title = source.title(made)
    graph = source.graphs.of(made)
    context: dict[str, Any] = {
        "dag": made,
        "name": source.name(made),
        "error": made.error,
        "tags": made.tags,
        "sides": SIDES,
        "find": find,
        "drawing": None,
        "focus": None,
        "side": side if side in SIDES else "both" if focus else "all",
    }
    if graph is None:
        nodes = made._reader().nodes()
        context.update(total=len(nodes), result=None, hides=False)
        vertices = [_alone(made, ref) for ref in nodes[skip : skip + _ROWS]]
        matches = len(nodes)
    else:
        at = graph.number[source.node(made, focus)] if focus else None
        hides = named == "yes" or (named != "no" and len(graph.vertices) > DRAWN)
        choice = choose(graph, focus=at, side=context["side"], named=hides)

        def href(vertex: Vertex) -> Optional[str]:
            return links.to("node", text, vertex.ref.id())

        def value(vertex: Vertex) -> str:
            return str(_row(source, made, vertex)["value"])[:_TITLE]

        context.update(
            drawing=draw(
                graph, choice, name=text[:12], title=title, focus=at, href=href, value=value
            ),
            choice=choice,
            hides=hides,
            focus=None if at is None else graph.vertices[at],
            total=len(graph.vertices),
            result=None if graph.result is None else graph.vertices[graph.result],
        )
        found = _found(graph, find)
        matches = len(found)
        vertices = [graph.vertices[number] for number in found[skip : skip + _ROWS]]
    address = {"focus": focus, "side": side, "named": named, "find": find}
    context.update(
        rows=[_row(source, made, vertex) for vertex in vertices],
        matches=matches,
        older=links.to("dag", text, **address, skip=skip + _ROWS)
        if matches > skip + _ROWS
        else None,
        newer=links.to("dag", text, **address, skip=max(0, skip - _ROWS) or None) if skip else None,
        shown=f"{skip + 1:,} to {skip + len(vertices):,} of {matches:,}",
    )
    return Page("dag", title, context)


def _found(graph: Graph, find: str) -> list[int]:
    """Returns the nodes with a text, those with names first."""
    wanted = find.casefold()
    found = [
        at
        for at, vertex in enumerate(graph.vertices)
        if not wanted
        or wanted in vertex.how.casefold()
        or any(wanted in name.casefold() for name in vertex.names)
        or vertex.ref.id().startswith(wanted)
    ]
    return sorted(found, key=lambda at: not graph.vertices[at].names)


def _alone(made: Dag, ref: Any) -> Vertex:
    """Returns a node of a DAG that is too large to be read whole."""
    told = made._reader().describe(ref)
    return Vertex(ref, told["kind"], told.get("op", told["kind"]), (), told.get("dag"))


def _row(source: Source, made: Dag, vertex: Vertex) -> dict[str, Any]:
    value: Optional[str]
    try:
        reader = made._reader()
        value, kind, failed = promised(reader, vertex.ref), "", False
        if value is None:
            data = reader.data(vertex.ref)
            value, kind = source.brief(data), data.type
    except Error as error:  # a call that failed
        value, kind, failed = error.message, "", True
    return {"vertex": vertex, "value": value, "type": kind, "failed": failed}
