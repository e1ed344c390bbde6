"""What is in the store: what garbage collection would remove, and damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daggerml_ui.rendering import Page

if TYPE_CHECKING:
    from daggerml_ui.sources import Source

__all__ = ["state"]

_FINDINGS = 200


def state(source: Source, *, check: bool = False) -> Page:
    """Makes the page.

    :param check: whether to read everything, which takes long in a large repository.
    """
    counted = source.dml.gc(dry_run=True) if check else None
    findings = source.dml.fsck() if check else None
    return Page(
        "state",
        "State of the store",
        {
            "root": source.dml.root,
            "counted": counted,
            "kinds": sorted({*counted["kept"], *counted["removed"]}) if counted else [],
            "findings": None if findings is None else findings[:_FINDINGS],
            "more": 0 if findings is None else max(0, len(findings) - _FINDINGS),
        },
    )
