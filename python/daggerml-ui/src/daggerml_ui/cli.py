"""The program ``daggerml-ui``, which ``dml ui`` starts."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import TYPE_CHECKING, NoReturn, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daggerml.dml import Dml

__all__ = ["main"]

#: Larger values are left out of pages in files, in bytes.
_MOST = 1_000_000


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Runs the command line, and exits with its status."""
    given = _parser().parse_args(arguments)
    # Code from the repository is parsed, to be shown; what it may warn of is not our reader's.
    warnings.simplefilter("ignore", SyntaxWarning)
    from daggerml.dml import Dml
    from daggerml.errors import Error

    try:
        dml = Dml.discover(given.repository)
        if given.export is not None:
            _export(dml, given)
        else:
            _serve(dml, given)
    except Error as error:
        _fail(str(error))
    except ImportError as error:
        _fail(f"{error}; install daggerml-ui with what it needs: `pip install daggerml-ui`")


def _serve(dml: Dml, given: argparse.Namespace) -> None:
    from daggerml_ui.server import Server, open_browser

    try:
        server = Server(dml, port=given.port, allow_changes=given.allow_changes)
    except OSError as error:
        _fail(f"the port {given.port} of 127.0.0.1 cannot be opened: {error.strerror or error}")
    what = "can be changed by" if given.allow_changes else "is shown by"
    print(f"The repository {dml.root} {what} {server.address}", flush=True)
    print("Only this machine can open it, with the token in the address. Ctrl-C ends it.")
    sys.stdout.flush()
    if given.browser:
        reason = open_browser(server.address_once())
        if reason is not None:
            print(f"warning: {reason}; open the address yourself", file=sys.stderr)
    server.run()


def _export(dml: Dml, given: argparse.Namespace) -> None:
    from pathlib import Path

    from daggerml_ui.export import export

    target = Path(given.export)
    most = _MOST if given.max_value is None else given.max_value
    pages, size = export(dml, target, names=given.dag, revision=given.at or "HEAD", most=most)
    print(f"Wrote {pages:,} pages, {size:,} bytes: {target}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dml ui", description="Shows a DaggerML repository as pages in a browser."
    )
    parser.add_argument("--version", action="version", version=f"daggerml-ui {_version()}")
    parser.add_argument(
        "-C",
        "--repository",
        metavar="DIR",
        default=".",
        help="use the repository in DIR or the nearest folder above it",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="the port of 127.0.0.1 [default: a free one]",
    )
    parser.add_argument(
        "--no-browser", dest="browser", action="store_false", help="only print the address"
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="let the pages change the repository",
    )
    writing = parser.add_argument_group("pages that need no server")
    writing.add_argument(
        "--export",
        metavar="PATH",
        help="write them: one file that ends in .html, else a new folder",
    )
    writing.add_argument(
        "--dag", action="append", default=[], metavar="NAME", help="a DAG to write [default: all]"
    )
    writing.add_argument("--at", metavar="REVISION", help="the revision to look in [default: HEAD]")
    writing.add_argument(
        "--max-value",
        type=_bytes,
        metavar="BYTES",
        help=f"leave out values that are larger [default: {_MOST}]",
    )
    return parser


def _bytes(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:  # noqa: PLR2004  no value has so many
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bytes")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) >= 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number up to 65535")
    return int(text)


def _version() -> str:
    from importlib.metadata import version

    return version("daggerml-ui")


def _fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
