"""Where a value comes from, as a path through nodes and DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daggerml.errors import Error, NodeError, NotFoundError
from daggerml.provenance import trace
from daggerml_ui.rendering import Page
from daggerml_ui.texts import text_of
from daggerml_ui.values import follow, keys_to, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daggerml.dag import Dag
    from daggerml.node import Node
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["origin"]

#: A longer path is cut.
_STEPS = 200

#: What each kind of node says of its place on the path.
_WORDS = {
    "import": "it was imported from another DAG",
    "call": "a call made it",
    "literal": "it was put here, as a literal",
    "argv": "it was given to the call, as an argument",
}


def origin(source: Source, links: Links, dag_text: str, text: str, *, at: str = "") -> Page:
    """Makes the page of the node with the id ``text`` in a DAG.

    :param at: the place of an element in the value (:mod:`daggerml_ui.values`).
    """
    dag = source.dag(dag_text)
    try:
        node = dag._node(source.node(dag, text))
    except NodeError:
        message = "the node has no value: it is a call that failed"
        raise NotFoundError(message) from None
    data, steps = follow(node._look(), at)
    path = keys_to(node._look(), at)
    places: list[dict[str, Any]] = []
    failed = ""
    try:
        for place, there in trace(node, path):
            if len(places) == _STEPS:
                failed = f"the path is longer than {_STEPS} steps; open the last node to go on"
                break
            places.append(_place(source, place, there))
    except Error as error:  # a DAG on the way was excised, say
        failed = error.message
    what = steps[-1].label if steps else places[0]["title"]
    return Page(
        "origin",
        f"Origin of {what}",
        {
            "dag_id": dag_text,
            "node_id": text,
            "at": at,
            "type": data.type,
            "places": places,
            "failed": failed,
            "inputs": _inputs(source, places[-1]) if places and not failed else [],
            "links_to_drawing": links.to("dag", dag_text, focus=text, side="from"),
        },
    )


def _place(source: Source, node: Node, path: Sequence[Any]) -> dict[str, Any]:
    told = node.dag._reader().describe(node.ref)
    names = [name for name, ref in node.dag._reader().names().items() if ref == node.ref]
    kind = told["kind"]
    return {
        "node": node,
        "dag_id": node.dag.ref.id() if node.dag.ref is not None else "",
        "dag_title": source.title(node.dag),
        "id": node.ref.id(),
        "title": ", ".join(names) or f"{told.get('op', kind)} {node.ref.id()[:12]}",
        "kind": kind,
        "how": told.get("op", kind),
        "path": "".join(f"[{text_of(step, 40)}]" for step in path),
        "at": place_of(node._look(), path),
        "words": _words(node.dag, told),
        "args": told["args"],
    }


def _words(dag: Dag, told: dict[str, Any]) -> str:
    if told["kind"] == "literal" and dag._reader().argv() is not None:
        return "the function of the call made it"
    return _WORDS.get(told["kind"]) or f"it passed through {told['op']}"


def _inputs(source: Source, place: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what the last place of a path was computed from."""
    if place["kind"] != "builtin":
        return []
    dag = place["node"].dag
    found = []
    for ref in place["args"][:50]:
        node = dag._node(ref)
        found.append(_place(source, node, ()))
    return found
