"""How many of the layers around a runnable are done: the member ``depth`` of a request.

A process that runs a call imports this, and not all of :mod:`daggerml.adapters.layers`.
"""

from __future__ import annotations

from daggerml.adapters.lines import AdapterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from daggerml._core import Runnable

__all__ = ["URI", "depth_of", "inner"]

#: The URI of a runnable that is a layer.
URI = "daggerml:on/1"


def inner(runnable: Runnable, depth: int) -> Runnable:
    """Returns the runnable below ``depth`` layers."""
    for _ in range(depth):
        if runnable.uri.uri != URI or runnable.sub is None:
            raise AdapterError("invalid_request", f"the call has not {depth} layers")
        runnable = runnable.sub
    return runnable


def depth_of(request: Mapping[str, Any]) -> int:
    """Returns how many layers of a call are done."""
    depth = request.get("depth", 0)
    if not isinstance(depth, int) or isinstance(depth, bool) or not 0 <= depth <= 64:  # noqa: PLR2004
        raise AdapterError("invalid_request", f"depth is a number from 0 to 64, not {depth!r}")
    return depth
