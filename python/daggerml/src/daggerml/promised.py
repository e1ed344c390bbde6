"""Values that a filter left at a remote: lists tell of them, and do not fetch them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from daggerml._core import Ref


def promised(reader: Any, node: Ref) -> Optional[str]:
    """Returns where the value of a node stays until it is read, in one line.

    :param reader: the DAG that the node is of, as the engine reads it.
    :return: ``None`` when the value is here.
    """
    told = reader.describe(node).get("promised")
    if told is None:
        return None
    return f"stays at {told['remote']} until it is read: {told['bytes']:,} bytes"
