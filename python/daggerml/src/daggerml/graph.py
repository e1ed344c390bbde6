"""The graph of a small DAG as SVG."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, NamedTuple, Optional

from daggerml.text import safe

if TYPE_CHECKING:
    from daggerml._core import Ref
    from daggerml.dag import Dag

__all__ = ["draw", "escape"]

# Larger graphs are for `dml dag graph`.
MAX_NODES = 40

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 118, 26, 34, 14
_COLOURS = {
    "literal": "#4c78a8",
    "argv": "#4c78a8",
    "import": "#54a24b",
    "builtin": "#9d755d",
    "call": "#e45756",
}


def escape(text: str) -> str:
    """Returns text as HTML and XML have it, lines as they are."""
    return html.escape(safe(text, keep="\n"))


class _Box(NamedTuple):
    label: str
    kind: str
    title: str
    inputs: list[Ref]


def draw(dag: Dag) -> str:
    """Returns the DAG's graph as SVG; nothing when it has no edges or is too large to read.

    Literals without a name are left out: keys and constants would hide the rest.
    """
    boxes, result = _boxes(dag)
    if not any(box.inputs for box in boxes.values()):
        return ""
    if len(boxes) > MAX_NODES:
        return f"<div>{len(boxes)} nodes; draw them with <code>dml dag graph</code></div>"
    places = _places(boxes)
    width = max(x for x, _ in places.values()) + _WIDTH + 2
    height = max(y for _, y in places.values()) + _HEIGHT + 2
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" style="display:block;margin-top:6px">'
        f"<title>{escape(dag.name or 'DAG')}</title>"
    )
    parts = [head]
    parts.extend(
        _edge(places[start], places[end]) for end, box in boxes.items() for start in box.inputs
    )
    parts.extend(_drawn(box, places[ref], strong=ref == result) for ref, box in boxes.items())
    return f"{''.join(parts)}</svg>"


def _boxes(dag: Dag) -> tuple[dict[Ref, _Box], Optional[Ref]]:
    """Returns the nodes to draw, inputs first, and the result."""
    reader = dag._reader()
    result = None if dag.ref is None or dag.error is not None else dag._committed().result()
    names: dict[Ref, str] = {}
    for name, ref in reader.names().items():
        names[ref] = f"{names[ref]}, {name}" if ref in names else name
    boxes: dict[Ref, _Box] = {}
    for ref in reader.nodes():
        told = reader.describe(ref)
        kind, known = told["kind"], names.get(ref)
        if kind == "literal" and known is None and ref != result:
            continue
        what = told.get("op", kind)
        title = what if known is None else f"{known}: {what}"
        inputs = [start for start in told["args"] if start in boxes]
        boxes[ref] = _Box(known or what, kind, title, inputs)
    return boxes, result


def _places(boxes: dict[Ref, _Box]) -> dict[Ref, tuple[int, int]]:
    """Returns the corner of every box: a column per step, inputs to the left."""
    columns: dict[Ref, int] = {}
    rows: dict[int, int] = {}
    places: dict[Ref, tuple[int, int]] = {}
    for ref, box in boxes.items():  # nodes come after their inputs
        column = 1 + max((columns[start] for start in box.inputs), default=-1)
        columns[ref] = column
        row = rows.get(column, 0)
        rows[column] = row + 1
        places[ref] = (1 + column * (_WIDTH + _GAP_X), 1 + row * (_HEIGHT + _GAP_Y))
    return places


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0], end[1] + _HEIGHT // 2
    middle = (x1 + x2) // 2
    return (
        f'<path d="M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}" '
        'fill="none" stroke="#888" stroke-width="1.2"/>'
    )


def _drawn(box: _Box, place: tuple[int, int], *, strong: bool) -> str:
    x, y = place
    label = box.label if len(box.label) <= 16 else f"{box.label[:15]}…"  # noqa: PLR2004  fits the box
    colour = _COLOURS[box.kind]
    return (
        f"<g><title>{escape(box.title)}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" style="fill:Canvas"/>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{colour}22" '
        f'stroke="{colour}" stroke-width="{2.5 if strong else 1}"/>'
        f'<text x="{x + _WIDTH // 2}" y="{y + _HEIGHT // 2 + 4}" font-size="12" '
        f'text-anchor="middle" style="fill:CanvasText">{escape(label)}</text></g>'
    )
