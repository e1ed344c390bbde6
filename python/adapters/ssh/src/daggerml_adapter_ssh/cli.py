"""The program ``daggerml-adapter-ssh``."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daggerml.adapters import lines, options
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from daggerml_adapter_ssh.calls import Calls

#: The name by which a runnable asks for this adapter.
NAME = "ssh"

#: The name of the package that has this program.
DISTRIBUTION = "daggerml-adapter-ssh"

Message = dict[str, Any]


def main() -> int:
    """Answers the requests on standard input, one JSON line each, until it is closed."""
    from daggerml_adapter_ssh import calls, connection, hosts

    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Runs DaggerML calls on hosts that ssh reaches. DaggerML starts it; it "
        "answers adapter requests: one JSON line on standard input, one on standard output.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    parser.add_argument(
        "--host",
        action="append",
        metavar="HOST[:SLOTS]",
        help="a host of ~/.ssh/config, and how many calls it runs at once (by default one for "
        "each processor); may be repeated; without it, $DAGGERML_SSH_HOSTS has them",
    )
    parser.add_argument("--python", default="python3", help="the hosts' Python: python3")
    parser.add_argument("--wheels", type=Path, help="a folder with wheels for other platforms")
    parser.add_argument("--config", help="a file in the place of ~/.ssh/config")
    parser.add_argument(
        "--patience",
        default="5m",
        help="how long a host may be out of reach until its calls are run elsewhere: 5m",
    )
    options.add_arguments(parser, calls.RESOURCES)
    given = parser.parse_args()
    try:
        made = calls.Calls(
            hosts.parsed(given.host or hosts.from_environment()),
            connection.Way(connection.checked_python(given.python), given.config),
            options.resources(given, calls.RESOURCES),
            wheels=given.wheels,
            patience=options.seconds("patience", given.patience),
        )
    except InvalidError as problem:
        parser.error(str(problem))
    lines.serve(_handlers(made))
    made.close()
    sys.stderr.flush()
    os._exit(0)  # threads that read from ssh may still wait


def _handlers(made: Calls) -> dict[str, Any]:
    return {
        "invoke": made.invoke,
        "poll": lambda request: made.poll(lines.token_of(request)),
        "cancel": lambda request: made.cancel(lines.token_of(request)),
        "describe": lines.describing(NAME, DISTRIBUTION),
    }


if __name__ == "__main__":
    main()
