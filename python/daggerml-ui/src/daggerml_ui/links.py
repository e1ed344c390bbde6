"""The address of each page."""

from __future__ import annotations

from typing import Any, Optional
from urllib.parse import quote, urlencode

__all__ = ["Links"]


class Links:
    """The addresses of the pages that a server shows.

    Addresses are made of ids, so that one can be kept and sent to somebody who has the
    repository too. A subclass returns ``None`` for a page that it does not have.
    """

    #: Whether a server answers, so that forms and choices do something.
    live = True

    #: Whether there is a page of the history.
    history = True

    def to(self, page: str, *parts: Any, **query: Any) -> Optional[str]:
        """Returns the address of a page.

        :param page: its name; ``"history"`` is the first page.
        :param parts: what the page is about: ids, or a revision.
        :param query: what is chosen on the page; ``None`` is left out.
        """
        path = "/".join(quote(str(part), safe="") for part in parts)
        address = "/" if page == "history" and not parts else f"/{page}/{path}".rstrip("/")
        chosen = {name: value for name, value in query.items() if value not in {None, ""}}
        return f"{address}?{urlencode(chosen)}" if chosen else address

    def static(self, name: str) -> str:
        """Returns the address of a file of this package."""
        return f"/static/{name}"

    def bytes(self, dag: str, node: str, at: str) -> Optional[str]:
        """Returns the address of an image that is the element ``at`` of a node's value."""
        return self.to("bytes", dag, node, at=at)
