"""What the pages read: a repository, and what is kept of it between two pages."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Optional

from daggerml import Ref
from daggerml.errors import DmlRepoError, NotFoundError
from daggerml_ui.graphs import Graphs
from daggerml_ui.search_index import SearchIndex
from daggerml_ui.texts import brief
from daggerml_ui.values import is_larger

if TYPE_CHECKING:
    from daggerml._core import Data
    from daggerml.dag import Dag
    from daggerml.dml import Dml

__all__ = ["Source", "ref_of"]


class Source:
    """A repository that pages are made of."""

    def __init__(self, dml: Dml, *, most: Optional[int] = None) -> None:
        """Makes pages of ``dml``.

        :param most: values of more bytes are left out; ``None`` leaves out none.
        """
        self.dml = dml
        self.most = most
        self.graphs = Graphs()
        self.search = SearchIndex(dml)
        self._lock = threading.Lock()
        self._names: tuple[Optional[Ref], dict[Ref, str]] = (None, {})

    def dag(self, text: str) -> Dag:
        """Returns the DAG of an id.

        :raises NotFoundError: when there is no such DAG.
        """
        return self.dml.load(ref_of("dag", text))

    def node(self, dag: Dag, text: str) -> Ref:
        """Returns the ref of a node of a DAG by its id.

        :raises NotFoundError: when the DAG has no such node.
        """
        ref = ref_of("node", text)
        graph = self.graphs.of(dag)
        if ref not in (dag._reader().nodes() if graph is None else graph.number):
            message = f"the DAG has no node {text}"
            raise NotFoundError(message)
        return ref

    def leaves_out(self, data: Data) -> bool:
        """Tells whether a value is left out because it is too large."""
        return self.most is not None and is_larger(data, self.most)

    def brief(self, data: Data) -> str:
        """Returns a value in one line."""
        return f"({data.type}, left out)" if self.leaves_out(data) else brief(data)

    def name(self, dag: Dag) -> str:
        """Returns what a DAG is called in the commit that is checked out; ``""`` for nothing."""
        commit = self.dml.status()["commit"]
        with self._lock:
            known, names = self._names
        if known != commit:
            names = {ref: name for name, ref in self.dml.dags().items()} if commit else {}
            with self._lock:
                self._names = (commit, names)
        return "" if dag.ref is None else names.get(dag.ref, "")

    def title(self, dag: Dag) -> str:
        """Returns the name of a DAG, or else the first digits of its id."""
        return self.name(dag) or (f"DAG {dag.ref.id()[:12]}" if dag.ref is not None else "DAG")


def ref_of(kind: str, text: str) -> Ref:
    """Returns the ref of an id.

    :raises NotFoundError: when the text is no id.
    """
    try:
        return Ref(f"{kind}:{text}")
    except (DmlRepoError, ValueError):
        message = f"{text!r} is not the id of a {kind}"
        raise NotFoundError(message) from None
