"""The drafts: DAGs that still take nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daggerml_ui.rendering import Page

if TYPE_CHECKING:
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["drafts"]

_ROWS = 100


def drafts(source: Source, links: Links, *, skip: int = 0) -> Page:
    """Makes the page. The nodes of a draft can be read only by who resumes it."""
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
