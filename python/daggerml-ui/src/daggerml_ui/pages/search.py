"""Search over names, values and code."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from daggerml_ui.rendering import Page

if TYPE_CHECKING:
    from daggerml._core import Ref
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["search"]

#: How many things are on a page.
_FOUND = 50

#: How long a page waits for DAGs to be read that were not searched before, in seconds.
_SECONDS = 2.0

#: An id is looked for by so many digits at least.
_DIGITS = 6


def search(
    source: Source, links: Links, *, query: str = "", revision: str = "", begin: str = ""
) -> Page:
    """Makes the page.

    The first page has the names of DAGs and ids, and all pages have the nodes. While the DAGs
    of the revision are read for the first time, it shows what was found so far.

    :param begin: where to begin: the place of the last node of the page before.
    """
    wanted = query.casefold().strip()
    found: list[dict[str, Any]] = []
    goes_on = ""
    unread = 0
    if wanted:
        after = int(begin) if begin.isdecimal() and len(begin) <= 18 else 0  # noqa: PLR2004
        status = source.dml.status()
        names = source.dml.dags(revision=revision or None) if revision or status["commit"] else {}
        unread = source.search.build(names, _SECONDS)
        called: dict[str, str] = {}
        for name, ref in names.items():
            called.setdefault(ref.id(), name)
        if not begin:
            found += _named(source, names, called, wanted)
        hits = source.search.find(query.strip().lower(), after, _FOUND + 1)
        for hit in hits[:_FOUND]:
            about = {"dag": hit.dag, "dag_name": called.get(hit.dag, hit.dag[:12])}
            title = hit.title or hit.node[:12]
            found.append(
                {**about, "node": hit.node, "title": title, "what": hit.what, "text": hit.text}
            )
        if len(hits) > _FOUND:
            goes_on = str(hits[_FOUND - 1].place)
    again = {"q": query, "rev": revision}
    return Page(
        "search",
        f"Search: {query}" if query else "Search",
        {
            "query": query,
            "revision": revision,
            "found": found,
            "unread": unread,
            "more": links.to("search", **again, begin=goes_on) if goes_on else None,
            "again": links.to("search", **again, begin=begin) if unread else None,
        },
    )


def _named(
    source: Source, names: dict[str, Ref], called: dict[str, str], wanted: str
) -> list[dict[str, Any]]:
    """Returns the DAGs that have the text in their name or id, and the nodes of that id."""

    def has(name: str, ref: Ref) -> bool:
        of_id = len(wanted) >= _DIGITS and ref.id().startswith(wanted)
        return of_id or wanted in name.casefold()

    dags = (
        {"dag": ref.id(), "dag_name": name, "node": None, "what": "DAG", "text": name}
        for name, ref in names.items()
        if has(name, ref)
    )
    found = list(islice(dags, _FOUND))
    for dag, node in source.search.with_id(wanted, _FOUND):
        about = {"dag": dag, "dag_name": called.get(dag, dag[:12]), "node": node}
        found.append({**about, "title": node[:12], "what": "id", "text": node})
    return found
