"""Search over names, values and code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from daggerml.errors import Error
from daggerml_ui.rendering import Page
from daggerml_ui.texts import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daggerml._core import Data, Ref
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["search"]

#: How many things are on a page, and how long it looks for them, in seconds.
_FOUND = 50
_SECONDS = 2.0

#: Of longer texts, and larger collections, only the beginning is searched.
_TEXT = 1_000_000
_ELEMENTS = 200


def search(
    source: Source, links: Links, *, query: str = "", revision: str = "", begin: str = ""
) -> Page:
    """Makes the page.

    The DAGs of a revision are read one after another, and the page ends when it has found
    enough or has taken too long; then it links to where it goes on.

    :param begin: where to begin: the number of a DAG and of a node of it, ``"12.300"``.
    """
    wanted = query.casefold().strip()
    found: list[dict[str, Any]] = []
    goes_on = None
    if wanted:
        first, _, after = begin.partition(".")
        place = (int(first) if first.isdecimal() else 0, int(after) if after.isdecimal() else 0)
        status = source.dml.status()
        names = source.dml.dags(revision=revision or None) if revision or status["commit"] else {}
        deadline = time.monotonic() + _SECONDS
        for where, hit in _hits(source, list(names.items()), wanted, place):
            if hit is not None:
                found.append(hit)
            if len(found) >= _FOUND or time.monotonic() > deadline:
                goes_on = f"{where[0]}.{where[1] + 1}"
                break
    return Page(
        "search",
        f"Search: {query}" if query else "Search",
        {
            "query": query,
            "revision": revision,
            "found": found,
            "more": links.to("search", q=query, rev=revision, begin=goes_on) if goes_on else None,
        },
    )


def _hits(
    source: Source, names: list[tuple[str, Ref]], wanted: str, place: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], Any]]:
    """Yields each place that was looked at, with what was found there, if anything."""
    for number, (name, ref) in enumerate(names):
        if number < place[0]:
            continue
        begin = place[1] if number == place[0] else 0
        about = {"dag": ref.id(), "dag_name": name, "node": None}
        # Place 0 is the DAG itself; its nodes follow.
        if begin == 0:
            hit = wanted in name.casefold() or (len(wanted) >= 6 and ref.id().startswith(wanted))  # noqa: PLR2004
            yield (number, 0), {**about, "what": "DAG", "text": name} if hit else None
        try:
            yield from _in_dag(source, about, ref, wanted, (number, begin))
        except Error:  # a part of it was excised
            continue


def _in_dag(
    source: Source, about: dict[str, Any], ref: Ref, wanted: str, place: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], Any]]:
    view = source.dml._handle.view(ref)
    names: dict[Ref, list[str]] = {}
    for name, node in view.names().items():
        names.setdefault(node, []).append(name)
    for at, node in enumerate(view.nodes(), 1):
        if at < place[1]:
            continue
        here, hit = (place[0], at), None
        told = {
            **about,
            "node": node.id(),
            "title": ", ".join(names.get(node, ())) or node.id()[:12],
        }
        if any(wanted in name.casefold() for name in names.get(node, ())):
            hit = {**told, "what": "name", "text": told["title"]}
        elif len(wanted) >= 6 and node.id().startswith(wanted):  # noqa: PLR2004
            hit = {**told, "what": "id", "text": node.id()}
        else:
            kind = view.describe(node)["kind"]
            # What other nodes made is found where it was made.
            if kind in {"literal", "call"} or names.get(node):
                text = _within(view, node, wanted)
                if text is not None:
                    hit = {**told, "what": text[0], "text": text[1]}
        yield here, hit


def _within(view: Any, node: Ref, wanted: str) -> Any:
    """Returns what kind of text has the wanted one, and the part of it around that."""
    try:
        data = view.data(node)
    except Error as error:
        return ("error", _around(error.message, wanted)) if _has(error.message, wanted) else None
    for kind, text in _texts(data, 3):
        if _has(text, wanted):
            return kind, _around(text, wanted)
    return None


def _has(text: str, wanted: str) -> bool:
    return wanted in text[:_TEXT].casefold()


def _texts(data: Data, depth: int) -> Iterator[tuple[str, str]]:
    if data.type == "string":
        yield "value", data.value()
    elif data.type == "runnable":
        runnable = data.value()
        yield "code", runnable.uri.uri
        for value in runnable.innermost().kwargs.values():
            if isinstance(value, str):
                yield "code", value
    elif data.type in {"list", "map"} and depth:
        keys = range(len(data)) if data.type == "list" else data.keys()
        for key in keys[:_ELEMENTS]:
            if isinstance(key, str):
                yield "key", key
            yield from _texts(data.get(key), depth - 1)
    elif data.type not in {"bytes", "list", "map"}:
        yield "value", brief(data)


def _around(text: str, wanted: str) -> str:
    at = max(0, text[:_TEXT].casefold().find(wanted))
    start = max(0, at - 40)
    end = at + len(wanted) + 80
    part = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{part}{'…' if end < len(text) else ''}"
