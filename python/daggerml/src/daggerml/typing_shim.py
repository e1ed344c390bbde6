"""A typing shim: ``cast`` and ``overload`` without importing ``typing`` at run time.

Importing ``typing`` takes longer than importing all of this package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import cast, overload
else:

    def cast(kind: object, value: object) -> object:
        """Returns the value; casts are only for type checkers."""
        return value

    def overload(function: object) -> object:
        """Returns the function; overloads are only for type checkers."""
        return function


__all__ = ["cast", "overload"]
