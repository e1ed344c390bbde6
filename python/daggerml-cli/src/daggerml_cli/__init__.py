"""The ``dml`` command, which runs the program inside ``daggerml._core``.

It prepares the process as Rust does for the native ``dml``, so that both behave the same:
Ctrl-C ends the program at once, and the three standard streams are open. It imports as
little as possible, to start quickly.
"""

# The part of `signal` in C. The rest imports `enum`, which takes longer than `dml --version`.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys

__all__ = ["main"]


def main() -> None:
    """Runs the command line in ``sys.argv``, and exits with its status."""
    _end_on_interrupt()
    _open_standard_streams()
    _say_where_programs_are()
    from daggerml import _core

    # Arguments that are not UTF-8 are in sys.argv with surrogate escapes; the
    # extension turns them back into the very bytes that were typed.
    sys.exit(_core.run_cli(["dml", *sys.argv[1:]]))


def _end_on_interrupt() -> None:
    """Lets Ctrl-C end the process at once. Python's handler would wait until Rust returns."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _open_standard_streams() -> None:
    """Opens the null device for a closed stream, so that no other file gets its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _say_where_programs_are() -> None:
    """Lets `dml ui` find the program of a package that is installed in the same environment."""
    if sys.executable:
        os.environ.setdefault("DML_PROGRAMS", os.path.dirname(sys.executable))  # noqa: PTH120  pathlib is slow to import
