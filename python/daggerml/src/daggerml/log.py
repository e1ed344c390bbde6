"""Messages to the logger ``daggerml``, without loading ``logging`` for nobody.

A program that has not imported ``logging`` has no handler that would show an
information; so nothing is loaded for those.
"""

from __future__ import annotations

import sys

__all__ = ["debug", "error", "info"]

NAME = "daggerml"


def debug(message: str, *args: object) -> None:
    """Log what only matters when looking for a fault."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger(NAME).debug(message, *args)


def info(message: str, *args: object) -> None:
    """Log what happened."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger(NAME).info(message, *args)


def error(message: str, *args: object) -> None:
    """Log a failure."""
    import logging

    logging.getLogger(NAME).error(message, *args)
