"""The drafts: DAGs that still take nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daggerml.errors import NotFoundError
from daggerml_ui.rendering import Page
from daggerml_ui.sources import ref_of
from daggerml_ui.texts import brief

if TYPE_CHECKING:
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["draft", "drafts"]

_ROWS = 100

#: Larger values are not read, in bytes.
_LARGEST = 100_000

#: So many arguments of a node are listed.
_ARGS = 8


def drafts(source: Source, links: Links, *, skip: int = 0) -> Page:
    """Makes the page of all drafts that were saved."""
    found = source.dml.indexes()
    rows = found[skip : skip + _ROWS]
    more = len(found) > skip + _ROWS
    return Page(
        "drafts",
        "Drafts",
        {
            "rows": rows,
            "older": links.to("drafts", skip=skip + _ROWS) if more else None,
            "newer": links.to("drafts", skip=max(0, skip - _ROWS) or None) if skip else None,
            "shown": f"{skip + 1:,} to {skip + len(rows):,} of {len(found):,}",
        },
    )


def draft(source: Source, links: Links, text: str, *, skip: int = 0) -> Page:
    """Makes the page of a draft: its nodes so far. Whoever makes it is not disturbed.

    :raises NotFoundError: when there is no such draft.
    """
    ref = ref_of("index", text)
    rows = [row for row in source.dml.indexes() if row["index"] == ref]
    if not rows:
        message = f"there is no draft {text}: it was committed or thrown away"
        raise NotFoundError(message)
    found = source.dml._handle.draft_nodes(ref, skip, _ROWS + 1, _LARGEST)
    nodes = [_node(told, number) for number, told in enumerate(found[:_ROWS], skip + 1)]
    return Page(
        "draft",
        rows[0]["name"],
        {
            "draft": text,
            "row": rows[0],
            "nodes": nodes,
            "older": links.to("draft", text, skip=skip + _ROWS) if len(found) > _ROWS else None,
            "newer": links.to("draft", text, skip=max(0, skip - _ROWS) or None) if skip else None,
            "shown": f"{skip + 1:,} to {skip + len(nodes):,} of {rows[0]['nodes']:,}",
        },
    )


def _node(told: dict[str, Any], number: int) -> dict[str, Any]:
    if told["data"] is not None:
        shown = brief(told["data"])
    else:
        shown = f"({told['type']}, large)" if told["type"] else "no value: the call failed"
    return {
        "number": number,
        "names": ", ".join(told["names"]),
        "kind": told["kind"],
        "what": told.get("op", told["kind"]),
        "shown": shown,
        "args": told["args"][:_ARGS],
        "more_args": max(0, len(told["args"]) - _ARGS),
        "dag": told.get("dag"),
        "ref": told["ref"],
    }
