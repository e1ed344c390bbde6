"""Messages to the logger ``daggerml``, without importing ``logging`` needlessly.

A program that has not imported ``logging`` has no handler that shows messages below
``WARNING``, so they are dropped there.
"""

from __future__ import annotations

import sys

__all__ = ["debug", "error", "info", "warning"]

NAME = "daggerml"


def debug(message: str, *args: object) -> None:
    """Logs what matters only when looking for a fault."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger(NAME).debug(message, *args)


def info(message: str, *args: object) -> None:
    """Logs what happened."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger(NAME).info(message, *args)


def warning(message: str, *args: object) -> None:
    """Logs what is probably a mistake of the program."""
    import logging

    logging.getLogger(NAME).warning(message, *args)


def error(message: str, *args: object) -> None:
    """Logs a failure."""
    import logging

    logging.getLogger(NAME).error(message, *args)
