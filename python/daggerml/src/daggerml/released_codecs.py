"""The functions and codecs by which DaggerML 0.1.x turned objects into values.

:meth:`Dag.put <daggerml.Dag.put>` does it by itself. These are for codecs of 0.1.x that call them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from daggerml._core import Ref
    from daggerml.codecs import LiteralCodec
    from daggerml.dag import Dag

__all__ = [
    "MiscPyTypeCodec",
    "NodeCodec",
    "ProjectionCodec",
    "apply_codec",
    "apply_codecs",
    "codecs",
    "ensure_literal_codec_plugins_loaded",
    "iter_codecs",
]


def apply_codec(value: Any, *, dag: Dag) -> Any:
    """Returns what the first codec that knows ``value`` makes of it.

    :raises CodecError: when no codec knows it, or the codec fails.
    """
    from daggerml.codecs import encode
    from daggerml.errors import CodecError

    encoded = encode(value, dag)
    if encoded is value:
        raise CodecError.unsupported(value)
    return encoded


def apply_codecs(value: Any, *, dag: Dag) -> Any:
    """Returns ``value`` with codecs applied to it and to all that it holds.

    What is left are values, collections of them, and the refs of nodes of ``dag``.

    :raises CodecError: when no codec knows an object in it, or a codec fails.

    >>> from collections import UserDict
    >>> apply_codecs(UserDict({"xs": range(3)}), dag=None)
    {'xs': [0, 1, 2]}
    """
    from daggerml._core import Ref, Runnable, Uri

    scalars = (type(None), bool, int, float, str, bytes, bytearray, Uri, Ref, Runnable)
    while not isinstance(value, (*scalars, list, tuple, dict, set, frozenset)):
        value = apply_codec(value, dag=dag)
    if isinstance(value, (list, tuple)):
        return [apply_codecs(item, dag=dag) for item in value]
    if isinstance(value, dict):
        return {key: apply_codecs(item, dag=dag) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return {apply_codecs(item, dag=dag) for item in value}
    return value


def iter_codecs() -> list[LiteralCodec]:
    """Returns all codecs, in the order in which they are asked; see :mod:`daggerml.codecs`."""
    from daggerml.codecs import codecs as registered

    return registered()


def ensure_literal_codec_plugins_loaded() -> None:
    """Loads the codecs of the installed packages now.

    :raises CodecError: when one of them fails to load.
    """
    iter_codecs()


class NodeCodec:
    """Encodes a node as its ref; a node of another committed DAG is imported."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is a node."""
        from daggerml.node import Node

        return isinstance(value, Node)

    def encode(self, value: Any, dag: Dag) -> Ref:
        """Returns the ref of the node in ``dag``."""
        return dag._import(value).ref


class ProjectionCodec:
    """Encodes a projection: imports its base, and takes the same steps in the DAG."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is a projection."""
        from daggerml.projection import Projection

        return isinstance(value, Projection)

    def encode(self, value: Any, dag: Dag) -> Ref:
        """Returns the ref of the last step."""
        ref: Ref = value._put_into(dag).ref
        return ref


class MiscPyTypeCodec:
    """Encodes any mapping as a dict, and any sequence as a list."""

    def can_encode(self, value: Any) -> bool:
        """Tells whether ``value`` is a mapping, or a sequence that is neither text nor bytes."""
        from collections.abc import Mapping, Sequence

        sequence = isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))
        return sequence or isinstance(value, Mapping)

    def encode(self, value: Any, dag: Dag) -> Any:
        """Returns the dict or the list, with codecs applied to its items."""
        from collections.abc import Mapping

        return apply_codecs(dict(value) if isinstance(value, Mapping) else list(value), dag=dag)


def codecs() -> list[tuple[int, LiteralCodec]]:
    """Returns these three with their priority, as the entry point of 0.1.x did."""
    return [(0, NodeCodec()), (0, MiscPyTypeCodec()), (0, ProjectionCodec())]
