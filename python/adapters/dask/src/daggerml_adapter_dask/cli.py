"""The program ``daggerml-adapter-dask``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from importlib.metadata import version
from typing import Any

from daggerml.adapters import lines

#: The name by which a runnable asks for this adapter.
NAME = "dask"

#: The name of the package that has this program.
DISTRIBUTION = "daggerml-adapter-dask"

Message = dict[str, Any]


def main() -> int:
    """Answers the requests on standard input, one JSON line each, until it is closed."""
    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Runs DaggerML calls on a Dask cluster. DaggerML starts it; it answers "
        "adapter requests: one JSON line on standard input, one on standard output.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="the scheduler, say tcp://10.0.0.1:8786, or `local` for a cluster on this machine; "
        "by default $DAGGERML_DASK_SCHEDULER, then Dask's own `scheduler-address`",
    )
    options = parser.parse_args()
    if options.scheduler is not None:
        os.environ["DAGGERML_DASK_SCHEDULER"] = options.scheduler
    # Messages of Dask about connections are shown only to those who ask for them.
    logging.getLogger("distributed").setLevel(os.environ.get("DAGGERML_DASK_LOG", "ERROR"))
    lines.serve(
        {
            "invoke": invoke,
            "poll": poll,
            "cancel": cancel,
            "describe": lines.describing(NAME, DISTRIBUTION),
        }
    )
    used = sys.modules.get("daggerml_adapter_dask.cluster")
    if used is not None:
        used.leave()
    sys.stderr.flush()
    os._exit(0)  # it does not wait for connections to a scheduler that may be gone


def invoke(request: Message) -> Message:
    """Submits a call, and waits a moment for its end."""
    from daggerml_adapter_dask import tasks

    return tasks.submit(request)


def poll(request: Message) -> Message:
    """Answers the state of a call that any process submitted."""
    from daggerml_adapter_dask import tasks

    return tasks.collect(lines.token_of(request))


def cancel(request: Message) -> Message:
    """Stops a call."""
    from daggerml_adapter_dask import tasks

    return tasks.stop(lines.token_of(request))


if __name__ == "__main__":
    main()
