"""The ``dml`` command: a thin front of the program inside ``daggerml._core``.

It does what the native ``dml`` binary gets from the Rust runtime, so that both
behave the same: Ctrl-C ends the program at once, and the three standard streams
are open. Only what is needed is imported, since people wait for it.
"""

import os
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line in ``sys.argv`` and exit with its status."""
    _end_on_interrupt()
    _open_standard_streams()
    from daggerml import _core

    # Arguments that are not UTF-8 are in sys.argv with surrogate escapes; the
    # extension turns them back into the very bytes that were typed.
    sys.exit(_core.run_cli(["dml", *sys.argv[1:]]))


def _end_on_interrupt() -> None:
    """Let Ctrl-C end the process; Python's handler would wait for Rust to return."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _open_standard_streams() -> None:
    """Open the null device for a closed stream, before a database file takes its place."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
