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
from daggerml.released_codecs import (
    MiscPyTypeCodec,
    NodeCodec,
    ProjectionCodec,
    apply_codec,
    apply_codecs,
    codecs,
    ensure_literal_codec_plugins_loaded,
    iter_codecs,
)
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
    "MiscPyTypeCodec",
    "Node",
    "NodeCodec",
    "NodeError",
    "Projection",
    "ProjectionCodec",
    "Ref",
    "Runnable",
    "RunnableNode",
    "ScalarNode",
    "SetNode",
    "Uri",
    "apply_codec",
    "apply_codecs",
    "clear_default_dml",
    "codecs",
    "ensure_literal_codec_plugins_loaded",
    "get_default_dml",
    "iter_codecs",
    "load",
    "new",
    "resume",
    "set_default_dml",
    "status",
    "temporary",
    "use_default_dml",
]
