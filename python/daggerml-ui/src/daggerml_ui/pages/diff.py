"""What differs between two revisions, down to values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import Error
from daggerml_ui.differences import Difference, differences
from daggerml_ui.pages.dags import outcome
from daggerml_ui.rendering import Page
from daggerml_ui.texts import brief

if TYPE_CHECKING:
    from daggerml._core import DagView, Ref
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["dags_diff", "diff"]

_ROWS = 100

#: How many names of two DAGs are compared, and how many differences of a value are shown.
_NAMES = 200
_PLACES = 50


def diff(source: Source, links: Links, *, before: str = "", after: str = "", skip: int = 0) -> Page:
    """Makes the page of two revisions.

    :param before: by default, the parent of ``after``.
    :param after: by default, what is checked out.
    """
    dml = source.dml
    context: dict[str, Any] = {
        "before": before,
        "after": after,
        "rows": [],
        "older": None,
        "newer": None,
        "shown": "",
        "total": 0,
        "options": [*dml.branch.list(), *dml.tag.list()][:200],
    }
    if after or dml.status()["commit"]:
        found = dml.diff(after or "HEAD", before or None)
        names = sorted(found)
        context.update(
            rows=[_row(source, name, *found[name]) for name in names[skip : skip + _ROWS]],
            total=len(names),
            older=links.to("diff", before=before, after=after, skip=skip + _ROWS)
            if len(names) > skip + _ROWS
            else None,
            newer=links.to("diff", before=before, after=after, skip=max(0, skip - _ROWS) or None)
            if skip
            else None,
            shown=f"{skip + 1:,} to {min(skip + _ROWS, len(names)):,} of {len(names):,}",
        )
    title = f"{before} → {after}" if before else f"Changes of {after or 'HEAD'}"
    return Page("diff", title, context)


def _row(source: Source, name: str, old: Optional[Ref], new: Optional[Ref]) -> dict[str, Any]:
    how = "added" if old is None else "removed" if new is None else "changed"
    return {
        "name": name,
        "how": how,
        "old": old,
        "new": new,
        "before": None if old is None else outcome(source, old),
        "after": None if new is None else outcome(source, new),
    }


def dags_diff(source: Source, old: str, new: str) -> Page:
    """Makes the page of two DAGs: their names, results and errors side by side."""
    before, after = source.dag(old), source.dag(new)
    views: tuple[DagView, DagView] = (before._committed(), after._committed())
    names = [dict(view.names()) for view in views]
    rows = []
    both = sorted({*names[0], *names[1]})
    for name in both[:_NAMES]:
        row = _compared(views, name, names[0].get(name), names[1].get(name))
        if row is not None:
            rows.append(row)
    results = [None if view.error() is not None else view.result() for view in views]
    result = _compared(views, "", *results)
    return Page(
        "dags_diff",
        f"{source.title(before)} → {source.title(after)}",
        {
            "old": before,
            "new": after,
            "old_title": source.title(before),
            "new_title": source.title(after),
            "errors": [before.error, after.error],
            "rows": rows,
            "result": result,
            "more": max(0, len(both) - _NAMES),
        },
    )


def _compared(
    views: tuple[DagView, DagView], name: str, old: Optional[Ref], new: Optional[Ref]
) -> Optional[dict[str, Any]]:
    """Returns how a name differs; ``None`` when it has the same value in both DAGs."""
    if old == new:
        return None
    values: list[Any] = []
    for view, ref in zip(views, (old, new)):
        try:
            values.append(None if ref is None else view.data(ref))
        except Error as error:  # a call that failed
            values.append(error.message)
    places: list[Difference] = []
    if all(value is not None and not isinstance(value, str) for value in values):
        places = list(islice(differences(*values), _PLACES + 1))
        if not places:
            return None
    else:
        shown = [it if it is None or isinstance(it, str) else brief(it) for it in values]
        places = [Difference("", shown[0], shown[1])]
    return {
        "name": name,
        "old": old,
        "new": new,
        "places": places[:_PLACES],
        "more": len(places) > _PLACES,
    }
