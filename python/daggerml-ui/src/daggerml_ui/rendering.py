"""Templates, in which everything is escaped.

Each text that a template writes passes :func:`daggerml.text.safe` first, so that a name with
controls or changes of direction is shown by its escapes, and is then escaped as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape

from daggerml.text import safe

if TYPE_CHECKING:
    from daggerml_ui.links import Links

__all__ = ["MENU", "Page", "Renderer", "count", "lines", "moment"]

#: The pages that every page leads to.
MENU = [
    ("history", "History"),
    ("dags", "DAGs"),
    ("diff", "Differences"),
    ("calls", "Calls"),
    ("drafts", "Drafts"),
    ("state", "State"),
]


@dataclass(frozen=True)
class Page:
    """What a page shows."""

    #: The name of its template, without the ending.
    template: str
    #: What the browser's tab is called.
    title: str
    #: What the template is given.
    context: dict[str, Any] = field(default_factory=dict)
    #: The status of the HTTP answer.
    status: int = 200


def _finalize(value: Any) -> Any:
    # A value that is missing must stay what it is, so that it is an error.
    if value is None:
        return ""
    if isinstance(value, (Markup, Undefined)):
        return value
    return safe(str(value))


def lines(text: str) -> Markup:
    """Returns text of several lines as HTML: line ends and tabs stay as they are."""
    return escape(safe(text, keep="\n\t"))


def moment(time: datetime) -> Markup:
    """Returns a time as HTML, in UTC; the script of the pages shows it in the local zone."""
    time = time.astimezone(timezone.utc)
    shown = f"{time:%Y-%m-%d %H:%M}"
    return Markup('<time datetime="{}">{} UTC</time>').format(f"{time:%Y-%m-%dT%H:%M:%SZ}", shown)


def count(number: int, one: str, many: str = "") -> str:
    """Returns a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class Renderer:
    """Writes pages as HTML, with the addresses of ``links``."""

    def __init__(
        self, links: Links, *, root: str = "", allow_changes: bool = False, policy: str = ""
    ) -> None:
        """Makes a renderer.

        :param root: the folder of the repository, to be shown.
        :param policy: the policy of pages that come without headers.
        """
        self.links = links
        self._environment = Environment(
            loader=PackageLoader("daggerml_ui"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(lines=lines, moment=moment)
        self._environment.globals.update(
            links=links,
            root=root,
            menu=MENU,
            allow_changes=allow_changes,
            policy=policy,
            count=count,
        )

    def page(self, page: Page) -> str:
        """Returns a whole document."""
        return self._render(page, "base.html")

    def body(self, page: Page) -> str:
        """Returns what is inside of a page's ``<main>``."""
        return self._render(page, "bare.html")

    def text(self, template: str, **given: Any) -> str:
        """Returns what a template makes that is no file."""
        return str(self._environment.from_string(template).render(given))

    def _render(self, page: Page, base: str) -> str:
        template = self._environment.get_template(f"{page.template}.html")
        shown = template.render(page.context, title=page.title, template=page.template, base=base)
        return str(shown)
