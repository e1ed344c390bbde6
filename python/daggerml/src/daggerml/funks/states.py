"""What objects keep where Python's attributes do not show it: in C.

``Decimal("1.0")`` equals ``Decimal("1.00")``, and a deque with a bound one without; a
generator of random numbers has no equality at all. What pickle would keep tells them apart.
"""

from __future__ import annotations

import _thread
import copyreg
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_hidden", "kept"]

_METHODS = ("__reduce_ex__", "__reduce__", "__getstate__")
_PROTOCOL = 4


def kept(thing: object, is_own: Callable[[type], bool]) -> Optional[list[Any]]:
    """Returns what pickle would keep of an object, by the rules of its package.

    ``None`` is for those that have no rules of their own, and for those that cannot be kept.
    """
    told = copyreg.dispatch_table.get(type(thing))
    if told is not None:
        return _listed(told(thing))
    for cls in type(thing).__mro__[:-1]:
        method = next((each for each in _METHODS if each in vars(cls)), None)
        if method is None or is_own(cls):  # the author's may leave anything out
            continue
        args = (_PROTOCOL,) if method == "__reduce_ex__" else ()
        try:
            return _listed(vars(cls)[method](thing, *args))
        except Exception:  # noqa: BLE001  it refuses to be kept
            return None
    return None


def _listed(found: Any) -> list[Any]:
    """Returns the same with the items of iterators, which are the fourth part and the fifth."""
    if not isinstance(found, tuple):
        return [found]
    return [list(part) if at > 2 and part is not None else part for at, part in enumerate(found)]  # noqa: PLR2004


def is_hidden(thing: object) -> bool:
    """Tells whether an object has something that neither attributes nor pickle show."""
    if isinstance(thing, _thread._local):
        return False
    try:
        object.__reduce_ex__(thing, _PROTOCOL)
    except Exception:  # noqa: BLE001  whatever it says, nothing is known
        return True
    return False
