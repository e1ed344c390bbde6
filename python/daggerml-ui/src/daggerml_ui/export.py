"""The pages as files that need no server."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from markupsafe import Markup

from daggerml.errors import Error, InvalidError
from daggerml_ui.graphs import DRAWN, choose
from daggerml_ui.links import Links
from daggerml_ui.pages import dag as dag_page
from daggerml_ui.pages import dags as dags_page
from daggerml_ui.pages import history as history_page
from daggerml_ui.pages import node as node_page
from daggerml_ui.rendering import Page, Renderer
from daggerml_ui.sources import Source
from daggerml_ui.static_files import STATIC, static

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daggerml.dag import Dag
    from daggerml.dml import Dml

__all__ = ["export"]

#: A DAG of more nodes has pages only for those that are drawn or have names.
_NODES = 2_000

#: What pages in files may use: what lies beside them.
_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; "
    "img-src 'self' file: data:"
)


class _Chosen(Links):
    """The addresses of the pages that are written."""

    live = False
    history = False

    def __init__(self, *, single: bool, source: Source) -> None:
        self._single = single
        self._source = source
        self.dags: set[str] = set()
        self.nodes: set[tuple[str, str]] = set()

    def to(self, page: str, *parts: Any, **query: Any) -> Optional[str]:
        """Returns the address of a page that is written; ``None`` for any other."""
        if any(query.get(name) for name in ("at", "skip", "focus")):
            return None
        words = tuple(str(part) for part in parts)
        if page == "history" and self.history and not words and not query.get("rev"):
            return self.address("history")
        if page in {"history", "dags"} and not words:
            return self.address("index")
        if page == "dag" and words[0] in self.dags:
            return self.address(f"dag-{words[0]}")
        if page == "node" and (words[0], words[1]) in self.nodes:
            return self.address(f"node-{words[0][:16]}-{words[1]}")
        return None

    def address(self, name: str) -> str:
        """Returns the address of the page of a name."""
        return f"#{name}" if self._single else f"{name}.html"

    def static(self, name: str) -> str:
        """Returns the address of a file of this package."""
        return name

    def bytes(self, dag: str, node: str, at: str) -> Optional[str]:
        """Returns an image itself, as a ``data:`` address."""
        content, media = node_page.image(self._source, dag, node, at)
        return f"data:{media};base64,{base64.b64encode(content).decode()}"


def export(
    dml: Dml, target: Path, *, names: Sequence[str], revision: str, most: int
) -> tuple[int, int]:
    """Writes the pages of DAGs, and of their nodes.

    :param target: one file, when it ends in ``.html``; else a folder, which must not be there
        or be empty.
    :param names: the DAGs; none for all of the revision.
    :param most: values of more bytes are left out.
    :returns: how many pages were written, and how many bytes.
    :raises Error: when there is no such DAG, or the target cannot be taken.
    """
    single = target.suffix.lower() in {".html", ".htm"}
    source = Source(dml, most=most)
    found = dml.dags(revision=revision)
    chosen = {name: found[name] for name in names if name in found} if names else found
    for name in names:
        if name not in found:
            dml.load(name, revision=revision)  # raises the error that says so
    links = _Chosen(single=single, source=source)
    links.dags = {ref.id() for ref in chosen.values()}
    # Who chooses DAGs does not choose the messages of all commits.
    links.history = not names
    for text in links.dags:
        links.nodes.update((text, node) for node in _nodes(source, source.dag(text)))
    pages = _pages(source, links, revision, list(chosen))
    return _file(target, links, pages) if single else _folder(target, links, pages)


def _nodes(source: Source, dag: Dag) -> list[str]:
    """Returns the ids of the nodes that have a page."""
    refs = dag._reader().nodes()
    if len(refs) <= _NODES:
        return [ref.id() for ref in refs]
    wanted = list(dag._reader().names().values())
    graph = source.graphs.of(dag)
    if graph is not None:
        drawn = choose(graph, focus=None, side="all", named=True, most=DRAWN).nodes
        wanted += [graph.vertices[at].ref for at in drawn]
    return [ref.id() for ref in dict.fromkeys(wanted[:_NODES])]


def _pages(
    source: Source, links: _Chosen, revision: str, names: Sequence[str]
) -> Iterator[tuple[str, Page]]:
    yield "index", dags_page.dags(source, links, revision=revision, only=names)
    if links.history:
        yield "history", history_page.history(source, links, revision=revision)
    for text in sorted(links.dags):
        yield f"dag-{text}", dag_page.dag(source, links, text)
    for text, node in sorted(links.nodes):
        yield f"node-{text[:16]}-{node}", node_page.node(source, links, text, node)


def _folder(target: Path, links: _Chosen, pages: Iterator[tuple[str, Page]]) -> tuple[int, int]:
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            message = f"{str(target)!r} is not empty; give a folder that is not there yet"
            raise InvalidError(message)
        renderer = Renderer(links, policy=_POLICY)
        written = size = 0
        for name in STATIC:
            size += (target / name).write_bytes(static(name))
        for name, page in pages:
            size += (target / f"{name}.html").write_bytes(renderer.page(page).encode())
            written += 1
    except OSError as error:
        raise _failed(target, error) from error
    return written, size


def _file(target: Path, links: _Chosen, pages: Iterator[tuple[str, Page]]) -> tuple[int, int]:
    style, script = static("ui.css").decode(), static("ui.js").decode()
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"
    )
    renderer = Renderer(links, policy=policy)
    first = Page("single", "DAGs", {"style": Markup(style)})  # noqa: S704  a file of the package
    written = 0
    try:
        # It appears whole or not at all.
        made, name = tempfile.mkstemp(dir=target.parent, prefix=".dml-ui-", suffix=".html")
        try:
            with os.fdopen(made, "wb") as file:
                file.write(renderer.page(first).encode())
                for page_name, page in pages:
                    body = renderer.body(page)
                    file.write(f'<article id="{page_name}">\n{body}</article>\n'.encode())
                    written += 1
                file.write(f"</main>\n<script>{script}</script>\n</body>\n</html>\n".encode())
            # As any other file that the user makes.
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return written, target.stat().st_size
    except OSError as error:
        raise _failed(target, error) from error


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _failed(target: Path, error: OSError) -> Error:
    return InvalidError(f"cannot write {str(target)!r}: {error.strerror or error}")
