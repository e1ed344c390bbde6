"""What is needed of ``typing`` when the program runs, without importing it.

``typing`` takes longer to import than all of this package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import cast, overload
else:

    def cast(kind: object, value: object) -> object:
        """Return the value: casts are for type checkers."""
        return value

    def overload(function: object) -> object:
        """Return the function: overloads are for type checkers."""
        return function


__all__ = ["cast", "overload"]
