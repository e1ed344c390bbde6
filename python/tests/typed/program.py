"""A typed program of a user: mypy and pyright are both strict about it, and it runs."""

from __future__ import annotations

from typing import Any, Optional

import daggerml as dml
from daggerml import (
    Dag,
    Dml,
    Error,
    ListNode,
    MapNode,
    Node,
    NodeError,
    Ref,
    Runnable,
    ScalarNode,
    SetNode,
    Uri,
)


def make(repo: Dml) -> Dag:
    with repo.new("typed", message="m", tags=["a"]) as dag:
        one: ScalarNode = dag.put(1, name="one")
        xs: ListNode = dag.put([1, 2, 3], name="xs")
        m: MapNode = dag.put({"a": xs, "b": one})
        s: SetNode = dag.put({1, 2})
        more: ListNode = xs.append(4)
        first: Any = xs[0]
        longer: ListNode = dag.xs.append(5)
        last: Any = dag["xs"].conj(6)[-1]
        m2: MapNode = m.assoc("c", s).update({"d": 1})
        uri: ScalarNode = dag.put(Uri("s3://bucket/key"))
        dag["two"] = 2
        dag.three = 3
        total: int = len(xs) + len(more)
        values: list[Any] = xs.value()
        mapping: dict[Any, Any] = m2.value()
        for name in dag:
            node: Node = dag[name]
            print(node.name, node.type, node.ref.short)
        run = dag.put(Runnable("a:b", kwargs={"x": 1}))
        target: Uri = run.value().uri
        print(total, values, mapping, first, longer, last, uri, target)
        dag.commit(m2)
    return dag


def look(repo: Dml) -> Optional[Ref]:
    dag = repo.load("typed")
    result: Node = dag.result
    try:
        print(result.value(), result["a"], result.context().name)
    except NodeError as error:
        print(error.message, error.origin, error.type, error.stack)
    recorded: Optional[Error] = dag.error
    print(recorded)
    commits: list[dict[str, Any]] = repo.log("HEAD", 5)
    print(commits, repo.branch.list(), repo.tag.create("v1"), repo.gc()["kept"], repo.fsck())
    changed: dict[str, tuple[Optional[Ref], Optional[Ref]]] = repo.diff()
    print(changed, repo.merge("main", favor="ours"), repo.config.get("user.name"))
    return dag.ref


def main() -> None:
    with dml.temporary() as repo, dml.use_default_dml(repo):
        make(repo)
        look(repo)
        with dml.new("other") as other:
            other.commit(other.require("typed", "xs"))
        print(dml.load("other").result.value(), dml.status(), dml.version(), dml.__version__)


if __name__ == "__main__":
    main()
