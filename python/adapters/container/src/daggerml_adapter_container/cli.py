"""The program ``daggerml-adapter-container``."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daggerml.adapters import lines, options
from daggerml.adapters.lines import AdapterError
from daggerml.errors import InvalidError

#: The name by which a runnable asks for this adapter.
NAME = "container"

#: The name of the package that has this program.
DISTRIBUTION = "daggerml-adapter-container"

Message = dict[str, Any]


def main() -> int:
    """Answers the requests on standard input, one JSON line each, until it is closed."""
    from daggerml_adapter_container import containers, images

    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Runs DaggerML calls in containers, by docker or podman. DaggerML starts it; "
        "it answers adapter requests: one JSON line on standard input, one on standard output.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    parser.add_argument(
        "--engine",
        help="docker, podman, or a program that takes the same arguments; by default "
        "$DAGGERML_CONTAINER_ENGINE, then the one that is installed",
    )
    parser.add_argument(
        "--python",
        default=os.environ.get(containers.PYTHON) or "python3",
        help="the Python of the images; by default $DAGGERML_CONTAINER_PYTHON, then python3",
    )
    parser.add_argument(
        "--image",
        metavar="NAME@DIGEST",
        help="the image of calls that do not name one; it is then not part of their keys",
    )
    parser.add_argument("--wheels", type=Path, help="a folder with wheels for other platforms")
    options.add_arguments(parser, containers.RESOURCES)
    given = parser.parse_args()
    try:
        resources = options.resources(given, containers.RESOURCES)
        python = containers.checked_python(given.python)
        image = None if given.image is None else images.checked(given.image)
    except InvalidError as problem:
        parser.error(str(problem))
    made: list[containers.Containers] = []

    def invoke(request: Message) -> Message:
        if not made:
            try:
                engine = containers.found_engine(given.engine)
            except InvalidError as problem:
                raise AdapterError("no_engine", str(problem)) from None
            settings = containers.Settings(engine, resources, python, given.wheels, image)
            made.append(containers.Containers(settings))
        return made[0].invoke(request)

    lines.serve(
        {
            "invoke": invoke,
            "poll": poll,
            "cancel": cancel,
            "describe": lines.describing(NAME, DISTRIBUTION),
        }
    )
    sys.stderr.flush()
    os._exit(0)


def poll(request: Message) -> Message:
    """Answers that the token is unknown: ``invoke`` waits for the end of a call."""
    text = f"this adapter makes no tokens, so it does not know {request.get('token')!r}"
    raise AdapterError("unknown_token", text)


def cancel(_request: Message) -> Message:
    """Answers that the call is stopped: no call runs while a request is read."""
    return {"state": "canceled"}


if __name__ == "__main__":
    main()
