"""The drawing of a DAG as SVG. The engine says where each node goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Optional
from unicodedata import category, east_asian_width

from markupsafe import Markup

from daggerml import _core
from daggerml.text import safe

if TYPE_CHECKING:
    from daggerml_ui.graphs import Choice, Graph, Vertex

__all__ = ["draw"]

_PAD = 12
_HEIGHT = 46
_MARGIN = 24
_TITLE = 26
_NARROW = "ijl.,:;'|! /()[]frt-"


def draw(
    graph: Graph,
    choice: Choice,
    *,
    name: str,
    title: str,
    focus: Optional[int],
    href: Callable[[Vertex], Optional[str]],
    value: Callable[[Vertex], str],
) -> Markup:
    """Returns the drawing of the chosen nodes.

    :param name: what tells this drawing from others on the same page.
    :param href: the address that a node leads to.
    :param value: the value of a literal without a name, which says more than that it is one.

    Each node is a link with its number, so that it can be reached by the keyboard and
    without a script; what the script does is in ``static/ui.js``.
    """
    place = {at: number for number, at in enumerate(choice.nodes)}
    vertices = [graph.vertices[at] for at in choice.nodes]
    titles = [
        _fit(safe(value(vertex) if vertex.kind == "literal" and not vertex.names else vertex.title))
        for vertex in vertices
    ]
    sizes = [_size(vertex, title) for vertex, title in zip(vertices, titles)]
    edges = [(place[start], place[end]) for start, end in choice.edges]
    (width, height), corners, lines = _core.layout(sizes, edges)
    whole = Markup('width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}"').format(
        width + 2 * _MARGIN, height + 2 * _MARGIN
    )
    parts = [
        Markup(
            '<svg class="dag" {} role="group" aria-label="{}">'
            '<defs><marker id="arrow-{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path class="head" d="M0 0.5 L8 4 L0 7.5 z"/></marker>'
            '</defs><g id="nodes-{}" transform="translate({} {})">'
        ).format(whole, safe(f"Drawing of {title}"), name, name, _MARGIN, _MARGIN)
    ]
    for (start, end), points in zip(choice.edges, lines):
        bridge = " bridge" if (start, end) in choice.bridges else ""
        parts.append(
            Markup(
                '<path class="edge{}" data-from="{}" data-to="{}" '
                'marker-end="url(#arrow-{})" d="{}"/>'
            ).format(bridge, start, end, name, _curve(points))
        )
    for at, text, size, corner in zip(choice.nodes, titles, sizes, corners):
        looks = [graph.vertices[at].kind]
        if at == graph.result:
            looks.append("result")
        if at == focus:
            looks.append("focus")
        parts.append(
            _box(graph.vertices[at], at, text, " ".join(looks), size, corner, href, choice)
        )
    parts.append(Markup("</g></svg>"))
    return Markup("\n").join(parts)


def _box(  # noqa: PLR0917  all that a box shows
    vertex: Vertex,
    at: int,
    title: str,
    looks: str,
    size: tuple[float, float],
    corner: tuple[float, float],
    href: Callable[[Vertex], Optional[str]],
    choice: Choice,
) -> Markup:
    address = href(vertex)
    link = Markup(' href="{}"').format(address) if address else ""
    inputs, users = choice.left_out.get(at, (0, 0))
    more = []
    if inputs:
        more.append(f"{inputs} more inputs")
    if users:
        more.append(f"{users} more users")
    told = " · ".join([vertex.how if vertex.names or vertex.kind == "literal" else "", *more])
    told = told or vertex.ref.id()[:12]
    label = ", ".join([title, vertex.how, *more])
    return Markup(
        '<a class="node {0}" data-node="{1}" aria-label="{2}"{3} '
        'transform="translate({4:.1f} {5:.1f})"><title>{2}</title>'
        '<rect class="card" width="{6:.0f}" height="{7:.0f}" rx="7"/>'
        '<rect class="bar" x="0" y="7" width="4" height="{8:.0f}" rx="2"/>'
        '<text class="title" x="{9}" y="20">{10}</text>'
        '<text class="how" x="{9}" y="36">{11}</text></a>'
    ).format(looks, at, label, link, *corner, *size, size[1] - 14, _PAD, title, told)


def _size(vertex: Vertex, title: str) -> tuple[float, float]:
    # The second line is smaller; "24 more inputs" may follow what made the node.
    second = 6.6 * (len(vertex.how) + 20)
    return max(_width(title), second) + 2 * _PAD, _HEIGHT


def _fit(text: str) -> str:
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…"


def _width(text: str) -> float:
    """Returns about how wide 13-pixel text is: fonts differ, so a bit generous."""
    return sum(
        0.0
        if category(char) == "Mn"
        else 14.0
        if east_asian_width(char) in {"W", "F"}
        else 5.5
        if char in _NARROW
        else 11.0
        if char.isupper() or char in "mw@%<>=+&#~^"
        else 8.4
        for char in text
    )


def _curve(points: list[tuple[float, float]]) -> str:
    """Returns a smooth line through the points that is vertical at each of them."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(path)
