"""The DAGs of a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import Error
from daggerml.promised import promised
from daggerml_ui.rendering import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daggerml._core import Ref
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["dags", "outcome"]

_ROWS = 100


def dags(
    source: Source,
    links: Links,
    *,
    revision: str = "",
    skip: int = 0,
    only: Optional[Sequence[str]] = None,
) -> Page:
    """Makes the page.

    :param only: the names that are shown, all on one page; by default all names, in pages.
    :param revision: the revision; by default what is checked out.
    """
    dml = source.dml
    commit: Optional[dict[str, Any]] = None
    if revision or dml.status()["commit"]:
        commit = dml.log(revision or "HEAD", 1)[0]
    found = dml.dags(revision=revision or None) if commit else {}
    names = list(found) if only is None else list(only)
    most = _ROWS if only is None else len(names)
    rows = [
        {"name": name, "dag": found[name], **outcome(source, found[name])}
        for name in names[skip : skip + most]
    ]
    parts = [revision] if revision else []
    return Page(
        "dags",
        f"DAGs of {revision}" if revision else "DAGs",
        {
            "revision": revision,
            "commit": commit,
            "rows": rows,
            "total": len(names),
            "older": links.to("dags", *parts, skip=skip + _ROWS)
            if len(names) > skip + most
            else None,
            "newer": links.to("dags", *parts, skip=max(0, skip - _ROWS) or None) if skip else None,
            "shown": f"{skip + 1:,} to {skip + len(rows):,} of {len(names):,}",
        },
    )


def outcome(source: Source, ref: Ref) -> dict[str, Any]:
    """Returns how a DAG ended: ``result`` or ``error`` in one line, and how many nodes it has."""
    told: dict[str, Any] = {"result": "", "type": "", "error": "", "nodes": 0, "tags": []}
    try:
        view = source.dml._handle.view(ref)
        told["nodes"], told["tags"] = view.count(), view.tags()
        error = view.error()
        if error is not None:
            told["error"] = f"{error.type}: {error.message}"
        else:
            told["result"] = promised(view, view.result())
            if told["result"] is None:
                data = view.data(view.result())
                told["type"], told["result"] = data.type, source.brief(data)
    except Error as error:  # a part of it was excised, say
        told["error"] = error.message
    return told
