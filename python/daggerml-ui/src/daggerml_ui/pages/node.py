"""A node with its value, or an element of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from daggerml import _core
from daggerml.errors import Error, NodeError, NotFoundError
from daggerml.promised import promised
from daggerml_ui.rendering import Page
from daggerml_ui.values import ROWS, Shown, follow, image_type, is_larger, show

if TYPE_CHECKING:
    from daggerml._core import Ref
    from daggerml.dag import Dag
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["image", "node"]

#: How many inputs and users of a node are listed.
_NEIGHBOURS = 50

#: Of a call with larger arguments the key is not computed, in bytes.
_KEYED = 1_000_000


def node(
    source: Source, links: Links, dag_text: str, text: str, *, at: str = "", skip: int = 0
) -> Page:
    """Makes the page of the node with the id ``text`` in a DAG.

    :param at: the place of an element in the value (:mod:`daggerml_ui.values`).
    """
    dag = source.dag(dag_text)
    ref = source.node(dag, text)
    reader = dag._reader()
    told = reader.describe(ref)
    names = [name for name, named in reader.names().items() if named == ref]
    graph = source.graphs.of(dag)
    users: list[Ref] = []
    if graph is not None:
        number = graph.number[ref]
        users = [graph.vertices[user].ref for user in graph.users[number][:_NEIGHBOURS]]
    title = ", ".join(names) or f"{told.get('op', told['kind'])} {text[:12]}"
    context: dict[str, Any] = {
        "dag": dag,
        "dag_id": dag_text,
        "dag_title": source.title(dag),
        "node_id": text,
        "names": names,
        "told": told,
        "made_in": told.get("dag"),
        "call": _call(source, dag, told["args"]) if told["kind"] == "call" else "",
        "title_of_node": title,
        "inputs": [_neighbour(source, dag, arg) for arg in told["args"][:_NEIGHBOURS]],
        "more_inputs": max(0, len(told["args"]) - _NEIGHBOURS),
        "users": [_neighbour(source, dag, user) for user in users],
        "is_result": dag.error is None and dag._committed().result() == ref,
        "at": at,
        "error": None,
        "shown": None,
        "steps": [],
    }
    try:
        data, context["steps"] = follow(reader.data(ref), at)
    except NodeError as error:
        context["error"] = error
        return Page("node", title, context)
    if source.leaves_out(data):
        shown = Shown(data.type, notes=["left out, because it is large"])
    else:
        shown = show(data, at=at, skip=skip)
    more = shown.total > skip + ROWS
    context.update(
        shown=shown,
        older=links.to("node", dag_text, text, at=at, skip=skip + ROWS) if more else None,
        newer=links.to("node", dag_text, text, at=at, skip=max(0, skip - ROWS) or None)
        if skip
        else None,
        range=f"{skip + 1:,} to {skip + len(shown.rows):,} of {shown.total:,}",
    )
    return Page("node", title, context)


def _call(source: Source, dag: Dag, args: list[Ref]) -> str:
    """Returns the key of a call by its arguments; ``""`` when nothing is known of it here."""
    try:
        data = [dag._reader().data(arg) for arg in args]
        # The key is the hash of all of them.
        if any(is_larger(each, _KEYED) for each in data):
            return ""
        return str(
            source.dml._handle.exec_state(_core.call_key([it.value() for it in data]))["key"]
        )
    except Error:
        return ""


def _neighbour(source: Source, dag: Dag, ref: Ref) -> dict[str, Any]:
    reader = dag._reader()
    told = reader.describe(ref)
    try:
        value = promised(reader, ref) or source.brief(reader.data(ref))
    except Error as error:
        value = error.message
    return {"id": ref.id(), "how": told.get("op", told["kind"]), "value": value}


def image(source: Source, dag_text: str, text: str, at: str) -> tuple[bytes, str]:
    """Returns an image that is a value, and its media type.

    :raises NotFoundError: when the value is none.
    """
    dag = source.dag(dag_text)
    data, _ = follow(dag._reader().data(source.node(dag, text)), at)
    found: Optional[str] = None
    if data.type == "bytes":
        content = data.value()
        found = image_type(content)
        if found is not None:
            return content, found
    message = "the value is no image"
    raise NotFoundError(message)
