"""Branches, tags, and the commits as a graph."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from daggerml_ui.rendering import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daggerml._core import Ref
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["history"]

#: How many commits are on a page, and how many branches and tags.
_COMMITS = 50
_LABELS = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

#: The size of a row of the drawing of commits, in pixels, and the distance of two lines.
_ROW, _LANE = 44, 14


class _Row(NamedTuple):
    """A commit in the drawing: where it is, and the lines beside it and below it."""

    lane: int
    width: int
    #: Pairs of lanes: the line goes from the first, at this row, to the second at the next.
    lines: list[tuple[int, int]]
    #: Whether a line comes from the row above.
    above: bool


def history(source: Source, links: Links, *, revision: str = "", skip: int = 0) -> Page:
    """Makes the page.

    :param revision: the branch, tag or commit whose commits are shown; by default all branches.
    """
    dml = source.dml
    status = dml.status()
    branches, tags = dml.branch.list(), dml.tag.list()
    # As they were at the last fetch: no page asks another machine.
    followed = {
        f"{remote}/{name}": ref
        for remote in dml.remotes.list()
        for name, ref in dml.remotes.branches(remote).items()
    }
    labels: dict[Ref, list[tuple[str, str]]] = {}
    for kind, refs in (("branch", branches), ("remote", followed), ("tag", tags)):
        for name, ref in refs.items():
            labels.setdefault(ref, []).append((kind, name))
    entries: list[dict[str, Any]] = []
    if revision or status["commit"] or branches or followed:
        tips = [ref.id() for ref in dict.fromkeys([*branches.values(), *followed.values()])]
        start, *more = [revision] if revision else tips or ["HEAD"]
        if not revision and status["commit"]:
            more.append("HEAD")
        entries = dml._handle.log(start, _COMMITS + 1, None, False, skip, more)
    shown = entries[:_COMMITS]
    for entry in shown:
        entry["when"] = _EPOCH + timedelta(microseconds=entry["time"])
        entry["labels"] = labels.get(entry["commit"], [])
        entry["head"] = entry["commit"] == status["commit"]
    rows = _lanes([(entry["commit"], entry["parents"]) for entry in shown])
    widest = max((row.width for row in rows), default=1)
    older = links.to("history", rev=revision, skip=skip + _COMMITS)
    newer = links.to("history", rev=revision, skip=max(0, skip - _COMMITS) or None)
    return Page(
        "history",
        f"History of {revision}" if revision else "History",
        {
            "status": status,
            "branches": list(branches.items())[:_LABELS],
            "followed": list(followed.items())[:_LABELS],
            "tags": list(tags.items())[:_LABELS],
            "revision": revision,
            "entries": list(zip(shown, rows)),
            "row": _ROW,
            "lane": _LANE,
            "width": (min(widest, 12) + 1) * _LANE,
            "older": older if len(entries) > _COMMITS else None,
            "newer": newer if skip else None,
            "shown": f"{skip + 1:,} to {skip + len(shown):,}",
        },
    )


def _lanes(commits: Sequence[tuple[Ref, Sequence[Ref]]]) -> list[_Row]:
    """Returns where each commit of a list, newest first, is drawn."""
    waiting: list[Any] = []  # for each lane, the commit that it leads to, or None
    rows = []
    for commit, parents in commits:
        above = commit in waiting
        lane = waiting.index(commit) if above else _free(waiting)
        before = list(waiting)
        before[lane : lane + 1] = [commit]
        waiting = [None if other == commit else other for other in before]
        lines = []
        for parent in parents:
            if parent not in waiting:
                waiting[lane if waiting[lane] is None else _free(waiting)] = parent
            lines.append((lane, waiting.index(parent)))
        # Lines that pass by.
        lines += [
            (at, waiting.index(other))
            for at, other in enumerate(before)
            if other is not None and other != commit
        ]
        # A second line to this commit ends here; it was drawn to its lane by the row above.
        while waiting and waiting[-1] is None:
            waiting.pop()
        rows.append(_Row(lane, max(len(before), len(waiting), 1), sorted(set(lines)), above))
    return rows


def _free(waiting: list[Any]) -> int:
    if None in waiting:
        return waiting.index(None)
    waiting.append(None)
    return len(waiting) - 1
