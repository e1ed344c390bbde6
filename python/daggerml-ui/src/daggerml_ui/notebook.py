"""DAGs and values as HTML for notebooks, by the same pieces as the pages.

:mod:`daggerml.html` asks for it when this package is installed. There is no script in it, and its
style applies to nothing else in the notebook: every rule is below one class.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional

from markupsafe import Markup

from daggerml.promised import promised
from daggerml_ui.drawing import draw
from daggerml_ui.graphs import Graph, Vertex, choose
from daggerml_ui.links import Links
from daggerml_ui.rendering import Renderer
from daggerml_ui.static_files import static
from daggerml_ui.texts import brief
from daggerml_ui.values import image_type, show

if TYPE_CHECKING:
    from daggerml._core import Data
    from daggerml.dag import Dag

__all__ = ["drawing_html", "value_html"]

#: The class that everything is in.
_CLASS = "dml-note"

_TEMPLATE = '{% from "value.html" import value %}<b>{{ caption }}</b>{{ value(shown, "", "", "") }}'


class _Nowhere(Links):
    """Links of a piece of HTML that stands alone."""

    live = False

    def __init__(self, image: str = "") -> None:
        self._image = image

    def to(self, page: str, *parts: Any, **query: Any) -> Optional[str]:  # noqa: ARG002
        """Returns ``None``: there are no other pages."""
        return None

    def bytes(self, dag: str, node: str, at: str) -> Optional[str]:  # noqa: ARG002
        """Returns the image itself."""
        return self._image


def value_html(data: Data, *, caption: str) -> str:
    """Returns a value as HTML: a table, a plot, an image, code or text."""
    image = ""
    if data.type == "bytes":
        content = data.value()
        media = image_type(content)
        image = f"data:{media};base64,{base64.b64encode(content).decode()}" if media else ""
    renderer = Renderer(_Nowhere(image))
    return _framed(renderer.text(_TEMPLATE, caption=caption, shown=show(data)))


def drawing_html(dag: Dag) -> str:
    """Returns the drawing of a DAG that has ended; of a large one, what is near its result."""
    graph = Graph.of(dag)
    most = 60
    choice = choose(graph, focus=None, side="all", named=len(graph.vertices) > most, most=most)
    reader = dag._reader()

    def value(vertex: Vertex) -> str:
        return promised(reader, vertex.ref) or brief(reader.data(vertex.ref))

    title = dag.name or "DAG"
    short = dag.ref.id()[:12] if dag.ref is not None else ""
    made = draw(
        graph, choice, name=short, title=title, focus=None, href=lambda _: None, value=value
    )
    return _framed(Markup('<div class="scroll">{}</div>').format(made))


def _framed(inside: str) -> str:
    return f'<div class="{_CLASS}"><style>{_style(inside)}</style>{inside}</div>'


@lru_cache(maxsize=1)
def _rules() -> list[tuple[str, str, str]]:
    """Returns the rules of the pages: what they are within, their selectors, what they say."""
    text = re.sub(r"/\*.*?\*/", "", static("ui.css").decode(), flags=re.DOTALL)
    found, around = [], ""
    for opening, closing in re.findall(r"([^{}]+)\{|([^{}]*)\}", text):
        if opening.strip().startswith("@"):
            around = opening.strip()
        elif opening:
            found.append([around, opening.strip(), ""])
        elif closing.strip():
            found[-1][2] = closing.strip()
        else:
            around = ""
    return [(around, selectors, said) for around, selectors, said in found]


def _style(inside: str) -> str:
    """Returns the rules that the HTML needs, each below the class."""
    names = set(re.findall(r"<(\w+)", inside))
    classes = {name for text in re.findall(r'class="([^"]*)"', inside) for name in text.split()}
    parts = []
    for around, selectors, said in _rules():
        kept = [
            _below(selector.strip())
            for selector in selectors.split(",")
            if _applies(selector.strip(), names, classes)
        ]
        if kept:
            rule = f"{','.join(kept)}{{{said}}}"
            parts.append(f"{around}{{{rule}}}" if around else rule)
    own = (
        f".{_CLASS}{{background:var(--back);color:var(--text);font:14px/1.5 system-ui,sans-serif;"
        "border:1px solid var(--line);border-radius:6px;padding:8px 12px;max-width:100%}"
    )
    return own + "".join(parts)


def _below(selector: str) -> str:
    if selector.startswith(":root"):
        return f".{_CLASS}"
    return f".{_CLASS} {selector}"


def _applies(selector: str, names: set[str], classes: set[str]) -> bool:
    if selector.startswith(":root"):
        return "data-theme" not in selector or "not(" in selector
    if not re.fullmatch(r"[\w\s.>:*-]+", selector):
        return False
    words = re.findall(r"(?<![\w.:-])([a-z]\w*)", selector)
    return set(re.findall(r"\.([\w-]+)", selector)) <= classes and set(words) <= names
