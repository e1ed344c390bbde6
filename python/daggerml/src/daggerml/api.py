"""The names that DaggerML 0.1.x had here; see the guide "from 0.1"."""

from __future__ import annotations

from daggerml._core import Ref, Runnable, Uri
from daggerml.codecs import CodecError, LiteralCodec
from daggerml.dag import Dag
from daggerml.dml import Dml
from daggerml.errors import CancellationError, DmlRepoError, Error, NodeError
from daggerml.node import (
    CollectionNode,
    DictNode,
    ListNode,
    MapNode,
    Node,
    RunnableNode,
    ScalarNode,
    SetNode,
)
from daggerml.projection import Projection
from daggerml.session import (
    clear_default_dml,
    get_default_dml,
    load,
    new,
    resume,
    set_default_dml,
    status,
    temporary,
    use_default_dml,
)

__all__ = [
    "CancellationError",
    "CodecError",
    "CollectionNode",
    "Dag",
    "DictNode",
    "Dml",
    "DmlRepoError",
    "Error",
    "ListNode",
    "LiteralCodec",
    "MapNode",
    "Node",
    "NodeError",
    "Projection",
    "Ref",
    "Runnable",
    "RunnableNode",
    "ScalarNode",
    "SetNode",
    "Uri",
    "clear_default_dml",
    "get_default_dml",
    "load",
    "new",
    "resume",
    "set_default_dml",
    "status",
    "temporary",
    "use_default_dml",
]
