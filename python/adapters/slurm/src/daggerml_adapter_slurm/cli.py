"""The program ``daggerml-adapter-slurm``."""

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
    from daggerml_adapter_slurm.calls import Calls

#: The name by which a runnable asks for this adapter.
NAME = "slurm"

#: The name of the package that has this program.
DISTRIBUTION = "daggerml-adapter-slurm"

#: The environment variables with defaults of options.
FOLDER, PYTHON = "DAGGERML_SLURM_FOLDER", "DAGGERML_SLURM_PYTHON"

#: The options that ``sbatch`` gets as they are.
_HANDED_ON = {
    "partition": "the partition of the jobs; by default Slurm's own",
    "account": "the account that the jobs are charged to",
    "qos": "the quality of service of the jobs",
    "constraint": "features that the nodes must have",
}

Message = dict[str, Any]


def main() -> int:
    """Answers the requests on standard input, one JSON line each, until it is closed."""
    from daggerml_adapter_slurm import batches, calls, cluster, folder

    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Runs DaggerML calls on a Slurm cluster. DaggerML starts it; it answers "
        "adapter requests: one JSON line on standard input, one on standard output.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    for name, text in _HANDED_ON.items():
        parser.add_argument(f"--{name}", help=text)
    options.add_arguments(parser, calls.RESOURCES)
    parser.add_argument(
        "--folder",
        default=os.environ.get(FOLDER),
        help="a folder that this machine and the nodes share, for calls and results; by "
        f"default ${FOLDER}, then ~/.cache/daggerml/slurm",
    )
    parser.add_argument(
        "--python",
        default=os.environ.get(PYTHON),
        help="the nodes' Python, which is sent what it lacks; by default "
        f"${PYTHON}, then this program's own, at the same path",
    )
    parser.add_argument(
        "--group",
        default="1",
        metavar="N",
        help="how many calls one job runs, one after the other: 1",
    )
    parser.add_argument(
        "--patience",
        default="5m",
        help="how long a job may be held, and Slurm be out of reach or take no more jobs: 5m",
    )
    given = parser.parse_args()
    try:
        words = tuple(
            f"--{name}={cluster.checked_name(name, getattr(given, name))}"
            for name in _HANDED_ON
            if getattr(given, name) is not None
        )
        python = sys.executable if given.python is None else cluster.checked_python(given.python)
        resources = options.resources(given, calls.RESOURCES)
        group = options.count("group", given.group)
        patience = options.seconds("patience", given.patience)
        made = calls.Calls(
            folder.checked_folder(given.folder or str(_cache() / "slurm")),
            batches.Settings(resources, python, words, group, patience),
            send=given.python is not None,
        )
    except InvalidError as problem:
        parser.error(str(problem))
    lines.serve(_handlers(made))
    made.close()
    sys.stderr.flush()
    os._exit(0)  # a thread may still wait for Slurm


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "daggerml"


def _handlers(made: Calls) -> dict[str, Any]:
    return {
        "invoke": made.invoke,
        "poll": lambda request: made.poll(lines.token_of(request)),
        "cancel": lambda request: made.cancel(lines.token_of(request)),
        "describe": lines.describing(NAME, DISTRIBUTION),
    }


if __name__ == "__main__":
    main()
