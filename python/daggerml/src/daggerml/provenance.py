"""Where a value comes from: the DAG that produced it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daggerml.dag import Dag
    from daggerml.node import Node

# The path to an element of a value: keys and indices.
Path = tuple[Any, ...]


def context(node: Node, path: Path, *, root: bool) -> Dag:
    """Returns the DAG that produced the element at ``path`` of the value of ``node``.

    It looks through collections: an element that was put into one and taken out again
    comes from where it was before. A call or an import leads into another DAG. Without
    ``root``, the first such DAG is returned.
    """
    last = node
    for place, _ in trace(node, path):
        # Each step begins at the place that the one before it led to.
        last = place
        if not root and place.dag is not node.dag:
            break
    return last.dag


def trace(node: Node, path: Path) -> Iterator[tuple[Node, Path]]:
    """Yields where an element was, from here back to where it began.

    Each place is a node and the path to the element in its value. The first is the given
    one. From the last one on, the element was made: put as a literal, given as an argument,
    or computed.
    """
    yield node, path
    while True:
        told = node.dag._reader().describe(node.ref)
        if told["kind"] in {"import", "call"}:
            dag = node.dag.dml.load(told["dag"])
            node = dag._node(told["node"]) if told["kind"] == "import" else dag.result
        elif told["kind"] == "builtin":
            before = _before(node, told["op"], told["args"], path)
            if before is None:
                return
            node, path = before
        else:
            return
        yield node, path


def _before(node: Node, op: str, refs: list[Any], path: Path) -> Optional[tuple[Node, Path]]:
    """Returns where a builtin took an element from; ``None`` if the builtin made it."""
    args = [node.dag._node(ref) for ref in refs]
    collection = args[0] if args else None
    if op == "get" and collection is not None:
        key = args[1].value()
        if collection.type == "map" and key not in collection:
            return args[2], path  # the default
        return collection, (key, *path)
    if op == "slice" and collection is not None:
        bounds = [arg.value() for arg in args[1:]]
        indices = range(len(collection))[slice(*(bounds or [None]))]
        return _within(collection, indices, path)
    if not path:
        return None
    step, *rest = path
    return _element(op, args, step, tuple(rest), path)


def _within(collection: Node, indices: range, path: Path) -> Optional[tuple[Node, Path]]:
    """Translates an index into a slice to an index into the whole list."""
    if not path or not isinstance(path[0], int):
        return None
    return collection, (indices[path[0]], *path[1:])


def _element(
    op: str, args: Sequence[Node], step: Any, rest: Path, path: Path
) -> Optional[tuple[Node, Path]]:
    """Returns where the element ``step`` of a collection that ``op`` made came from."""
    if op == "list" and isinstance(step, int):
        return args[step], rest
    if op == "map":
        for key, value in zip(args[::2], args[1::2]):
            if _same(key.value(), step):
                return value, rest
    if op == "conj" and args[0].type == "list" and isinstance(step, int):
        length = len(args[0])
        at = step + length + 1 if step < 0 else step
        return (args[1], rest) if at == length else (args[0], (at, *rest))
    if op == "assoc":
        at = args[1].value()
        if args[0].type == "list" and isinstance(step, int):
            length = len(args[0])
            at, step = at % length, step % length
        return (args[2], rest) if _same(at, step) else (args[0], path)
    if op == "update" and args[0].type == "map":
        return (args[1] if step in args[1] else args[0]), path
    if op == "remove" and args[0].type == "map":
        return args[0], path
    if op == "remove" and args[0].type == "list" and isinstance(step, int):
        length = len(args[0])
        kept = [index for index in range(length) if index != args[1].value() % length]
        return args[0], (kept[step], *rest)
    return None


def _same(left: Any, right: Any) -> bool:
    """Tells whether two keys are the same to DaggerML, for which 1, 1.0 and True differ."""
    return left.__class__ is right.__class__ and bool(left == right)
