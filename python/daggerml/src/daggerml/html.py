"""DAGs and nodes as HTML, for notebooks. All text in it is escaped."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml.errors import Error
from daggerml.graph import draw, escape
from daggerml.promised import promised

if TYPE_CHECKING:
    from collections.abc import Callable

    from daggerml._core import Data
    from daggerml.dag import Dag
    from daggerml.node import Node
    from daggerml.projection import Projection

__all__ = ["abridged", "dag_html", "node_html", "value_html"]

# More rows and characters do not fit a notebook cell.
MAX_ROWS = 20
MAX_TEXT = 80

_STYLE = (
    "font-family:system-ui,sans-serif;font-size:13px;border:1px solid #8886;"
    "border-radius:6px;padding:8px 12px;display:inline-block;max-width:100%;overflow-x:auto"
)
_CELL = "text-align:left;padding:2px 12px 2px 0;vertical-align:top"


def abridged(value: Any, length: int = MAX_TEXT) -> str:
    """Returns the value's repr, cut off after ``length`` characters."""
    import reprlib

    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = length
    short.maxlist = short.maxdict = short.maxset = 6
    text = short.repr(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def dag_html(dag: Dag) -> str:
    """Returns a DAG as HTML: its names and values, and its graph when that is small."""
    if dag.ref is None and dag.token is None:  # it was cancelled: nothing can be read
        return f'<div style="{_STYLE}">{escape(repr(dag))}</div>'
    name = escape(dag.name or "DAG")
    state = escape(dag.ref.short if dag.ref else "open")
    parts = [f'<div style="{_STYLE}"><b>{name}</b> <code>{state}</code>']
    parts.extend(f" <span>#{escape(tag)}</span>" for tag in dag.tags)
    error = dag.error
    if error is not None:
        parts.append(f'<div style="color:#c33">{escape(f"{error.type}: {error.message}")}</div>')
    reader = dag._reader()
    refs = reader.names()
    rows = [
        _row(
            name,
            functools.partial(dag.__getitem__, name),
            functools.partial(promised, reader, refs[name]),
        )
        for name in dag.keys()[:MAX_ROWS]
    ]
    if dag.ref is not None and error is None:
        stays = functools.partial(promised, reader, dag._committed().result())
        rows.append(_row("result", lambda: dag.result, stays, strong=True))
    parts.append(f'<table style="border-collapse:collapse">{"".join(rows)}</table>')
    if len(dag) > MAX_ROWS:
        parts.append(f"<div>and {len(dag) - MAX_ROWS} more names</div>")
    pages = _pages() if dag.ref is not None else None
    parts.append(draw(dag) if pages is None else pages.drawing_html(dag))
    return f"{''.join(parts)}</div>"


def node_html(node: Node) -> str:
    """Returns a node as HTML: its type, its value and its DAG."""
    caption = f"{node.name or node.ref.short} in {node.dag.name or 'a DAG'}"
    return value_html(node, caption=caption)


def value_html(item: Union[Node, Projection], *, caption: str) -> str:
    """Returns the type and the value of a node or an element as HTML.

    With daggerml-ui it is shown as on its pages: as a table, a plot, an image or code.
    """
    pages = _pages()
    try:
        if pages is not None:
            return str(pages.value_html(_data(item), caption=caption))
        value = abridged(item.value(), 400)
    except Error as error:
        value = error.message
    return (
        f'<div style="{_STYLE}"><b>{escape(caption)}</b> <i>{escape(item.type)}</i>'
        f'<pre style="margin:4px 0 0;white-space:pre-wrap">{escape(value)}</pre></div>'
    )


def _data(item: Union[Node, Projection]) -> Data:
    from daggerml.projection import Projection

    return item._data if isinstance(item, Projection) else item.dag._reader().data(item.ref)


def _pages() -> Any:
    """Returns what daggerml-ui makes of DAGs and values; ``None`` when it is not installed."""
    try:
        from daggerml_ui import notebook
    except ImportError:
        return None
    return notebook


def _row(
    name: str,
    find: Callable[[], Node],
    stays: Callable[[], Optional[str]],
    *,
    strong: bool = False,
) -> str:
    """Returns a row of a table. A value that stays at a remote, as ``stays`` tells, is not read."""
    kind = "error"
    try:
        where = stays()
        if where is None:
            node = find()  # raises the error of a call that failed
            kind, value = node.type, abridged(node.value())
        else:
            kind, value = "", where
    except Error as error:
        value = abridged(error.message)
    tag = "b" if strong else "span"
    return (
        f'<tr><td style="{_CELL}"><{tag}>{escape(name)}</{tag}></td>'
        f'<td style="{_CELL}"><i>{escape(kind)}</i></td>'
        f'<td style="{_CELL}"><code>{escape(value)}</code></td></tr>'
    )
