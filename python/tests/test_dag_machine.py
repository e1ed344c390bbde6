"""Random histories of a DAG's life against a plain Python model of it."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)
from strategies import same, scalars, values

import daggerml
from daggerml import Dml, ListNode, MapNode, Node

names = st.sampled_from(["a", "b", "x y", "é", "put"])


class DagMachine(RuleBasedStateMachine):
    """A repository and one open DAG; beside them, what they should hold."""

    nodes = Bundle("nodes")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="dml-machine-")
        self.repo = Dml.init(self.folder)
        self.committed: dict[str, tuple[Any, dict[str, Any]]] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        self.dag = self.repo.new("dag")
        self.names: dict[str, Any] = {}
        self.frozen = False
        self.life = getattr(self, "life", 0) + 1

    def _alive(self, node: tuple[int, Node, Any]) -> bool:
        return node[0] == self.life

    @rule(target=nodes, value=values, name=st.none() | names)
    @precondition(lambda self: not self.frozen)
    def put(self, value: Any, name: str | None) -> tuple[int, Node, Any]:
        node = self.dag.put(value, name=name)
        if name is not None:
            self.names[name] = value
        return self.life, node, value

    @rule(target=nodes, items=st.lists(nodes, max_size=3), key=scalars)
    @precondition(lambda self: not self.frozen)
    def put_nodes(self, items: list[tuple[int, Node, Any]], key: Any) -> tuple[int, Node, Any]:
        items = [item for item in items if self._alive(item)]
        node = self.dag.put({key: [node for _, node, _ in items]})
        return self.life, node, {key: [value for _, _, value in items]}

    @rule(target=nodes, item=nodes, index=st.integers(-3, 3))
    @precondition(lambda self: not self.frozen)
    def take(self, item: tuple[int, Node, Any], index: int) -> tuple[int, Node, Any]:
        _, node, value = item
        if not self._alive(item):
            return item
        if isinstance(node, ListNode):
            if not -len(value) <= index < len(value):
                with pytest.raises(LookupError):
                    _ = node[index]
                return item
            taken = node[index]
            assert isinstance(taken, Node)
            return self.life, taken, value[index]
        if isinstance(node, MapNode) and value:
            key = node.keys()[index % len(value)]
            taken = node[key]
            assert isinstance(taken, Node)
            return self.life, taken, value[key]
        return item

    @rule(target=nodes, item=nodes, extra=values)
    @precondition(lambda self: not self.frozen)
    def grow(self, item: tuple[int, Node, Any], extra: Any) -> tuple[int, Node, Any]:
        _, node, value = item
        if not self._alive(item):
            return item
        if isinstance(node, ListNode):
            return self.life, node.append(extra), [*value, extra]
        if isinstance(node, MapNode):
            return self.life, node.assoc("grown", extra), {**value, "grown": extra}
        return item

    @rule(item=nodes)
    def look(self, item: tuple[int, Node, Any]) -> None:
        _, node, value = item
        if self._alive(item):
            assert same(node.value(), value)
            if isinstance(node, (ListNode, MapNode)):
                assert len(node) == len(value)

    @rule()
    def freeze(self) -> None:
        if self.frozen:
            with pytest.raises(daggerml.DmlRepoError, match="frozen"):
                self.dag.put(1)
            self.dag.unfreeze()
        else:
            self.dag.freeze("a pause")
        self.frozen = not self.frozen

    @rule()
    def resume(self) -> None:
        """Continues the DAG as another process would after a crash."""
        if not self.frozen:
            self.dag.flush()
        token = self.dag.token
        assert token is not None
        old = self.dag
        self.dag = self.repo.resume(token, name="dag")
        self.life += 1  # nodes of the old handle belong to it
        if not self.frozen:
            with pytest.raises(daggerml.DmlRepoError) as caught:
                old.commit(None)
            assert caught.value.kind == "closed"

    @rule(item=consumes(nodes))
    @precondition(lambda self: not self.frozen)
    def commit(self, item: tuple[int, Node, Any]) -> None:
        _, node, value = item
        self.dag.commit(node if self._alive(item) else value)
        self.committed["dag"] = value, dict(self.names)
        assert self.dag.ref == self.repo.load("dag").ref
        with pytest.raises(daggerml.DmlRepoError, match="is committed"):
            self.dag.put(1)
        self.begin()

    @rule()
    @precondition(lambda self: not self.frozen)
    def fail(self) -> None:
        with pytest.raises(KeyError), self.dag:
            raise KeyError(self.life)
        error = self.repo.load("dag").error
        assert error is not None
        assert (error.type, error.message) == ("KeyError", str(self.life))
        self.committed.pop("dag", None)
        self.begin()

    @rule()
    @precondition(lambda self: not self.frozen)
    def cancel(self) -> None:
        with pytest.raises(daggerml.CancellationError):
            self.dag.cancel()
        self.begin()

    @invariant()
    def names_are_right(self) -> None:
        if hasattr(self, "dag"):
            assert self.dag.keys() == sorted(self.names)
            for name, value in self.names.items():
                assert same(self.dag[name].value(), value)

    @invariant()
    def committed_dags_stay(self) -> None:
        for name, (value, named) in self.committed.items():
            loaded = self.repo.load(name)
            assert same(loaded.result.value(), value)
            assert loaded.keys() == sorted(named)


TestDagMachine = DagMachine.TestCase
TestDagMachine.settings = settings(max_examples=15, stateful_step_count=25)
