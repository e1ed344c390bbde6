"""Measure maps of small calls on the adapters for other machines, beside Dask.

    python bench/places.py --items 1000 dask slurm

Runs each place on this machine, started as the tests start it, so it needs their environment:
our packages, `pytest`, `distributed`, and what the places need (sshd, podman or docker, Slurm).
Prints a table of the overhead of an item.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "python" / "tests"))

import daggerml as dml
from daggerml import calls

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a place is called, and how many of the items a place gets that is slow.
SHARES = {"container": 10, "ssh": 1, "slurm": 1, "slurm-groups": 1, "dask": 1}


@dml.funk(adapter="place")
def total(dag, xs):  # noqa: ANN001, ANN201, ARG001
    """Adds them up."""
    return sum(xs.value())


def dask(folder: Path) -> Iterator[list[str]]:
    """Runs a scheduler and two workers."""
    from clusters import Cluster

    cluster = Cluster(workers=2, folder=folder)
    yield ["daggerml-adapter-dask", "--scheduler", cluster.address]
    cluster.close()


def ssh(folder: Path) -> Iterator[list[str]]:
    """Runs an sshd that is two hosts of two slots."""
    from ssh_servers import Server

    server = Server(folder)
    yield ["daggerml-adapter-ssh", *server.command()]
    server.stop()


def container(folder: Path) -> Iterator[list[str]]:
    """Makes an image."""
    from images import found_engine

    engine = found_engine(folder)
    words = ["--engine", engine.program, "--python", engine.python, "--image", engine.image]
    yield ["daggerml-adapter-container", *words]


def slurm(folder: Path, *more: str) -> Iterator[list[str]]:
    """Runs a cluster of two nodes."""
    from slurm_clusters import Slurm

    cluster = Slurm(folder, array=1001)
    os.environ["SLURM_CONF"] = str(cluster.config)
    yield ["daggerml-adapter-slurm", "--folder", str(folder / "shared"), *more]
    print(f"{len(cluster.submissions())} job arrays", file=sys.stderr)
    cluster.stop()


def slurm_groups(folder: Path) -> Iterator[list[str]]:
    """Runs a cluster of two nodes, and twenty calls in a job."""
    yield from slurm(folder, "--group", "20")


PLACES: dict[str, Any] = {
    "dask": dask, "ssh": ssh, "container": container, "slurm": slurm, "slurm-groups": slurm_groups,
}  # fmt: skip


def measured(name: str, folder: Path, items: int) -> tuple[int, float]:
    """Returns the number of items and the time of a map over new ones."""
    items //= SHARES[name]
    running = PLACES[name](folder)
    program, *words = next(running)
    command = ",".join([str(Path(sys.executable).parent / program), *words])
    repo = dml.Dml.init(folder / "repo")
    repo.config.set("adapters.allow", "place", user=True)
    repo.config.set("adapter.place.command", command, user=True)
    # A queue takes all of a map at once; containers run as many at once as there are processes.
    repo.config.set("adapter.place.processes", "1" if "slurm" in name else "4", user=True)
    with repo.new("first") as dag:
        dag.commit(dag.call(total, [-1]))
    with repo.new("map") as dag:
        begun = time.perf_counter()
        nodes = dag.map(total, [[number] for number in range(items)], parallel=1000)
        took = time.perf_counter() - begun
        dag.commit(nodes)
    calls.release(repo.root)
    next(running, None)
    return items, took


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1000, help="of the maps")
    parser.add_argument("places", nargs="+", choices=PLACES, metavar="PLACE")
    options = parser.parse_args()
    found = {}
    for name in options.places:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DML_CONFIG_DIR"] = str(Path(folder) / "settings")
            found[name] = measured(name, Path(folder), options.items)
    first = next(iter(found.values()))
    base = first[1] / first[0]
    print(f"| place | items | s | ms an item | beside `{options.places[0]}` |")
    print("|---|--:|--:|--:|--:|")
    for name, (items, seconds) in found.items():
        each = seconds / items
        cells = (f"{items:,}", f"{seconds:.1f}", f"{each * 1000:.1f}", f"{each / base:.1f}")
        print(f"| `{name}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
