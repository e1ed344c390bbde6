"""Measure a push and a clone by S3 beside the released 0.1.x, in one run.

    python bench/remote_peers.py --find-links dist

Both are installed in environments of their own (under target/bench), have a commit of a DAG of the
same literals, push it by `dml push` and take it by `dml clone`, in turns, by the same `moto`
server on loopback, which counts requests. The table shows medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
from python_peers import PEER, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
WORK = HERE.parent / "target" / "bench"
AUTHOR = """
import sys
import daggerml as dml
repo = dml.Dml.init(sys.argv[1])
dag = dml.new("literals", "bench", dml=repo)
nodes = [dag.put(number) for number in range(int(sys.argv[2]))]
dag.commit(dag.put(nodes))
"""


@contextmanager
def serving(programs: Path) -> Iterator[str]:
    """Runs the S3 server; gives its address."""
    command = [programs / "python", HERE / "s3_server.py"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip() if server.stdout else ""
        endpoint = f"http://127.0.0.1:{port}"
        bucket = urllib.request.Request(f"{endpoint}/bench", method="PUT")  # noqa: S310  loopback
        urllib.request.urlopen(bucket).close()  # noqa: S310
        yield endpoint
    finally:
        server.kill()
        server.wait()


def counts(endpoint: str) -> dict[str, int]:
    """Returns what the server was asked since this was last called."""
    with urllib.request.urlopen(f"{endpoint}/--counts") as answer:  # noqa: S310  loopback
        told: dict[str, int] = json.load(answer)
    return told


def timed(command: list[Any], folder: Path, env: dict[str, str], endpoint: str) -> dict[str, float]:
    """Runs a command; its seconds, and what it asked of the server."""
    counts(endpoint)
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    asked = counts(endpoint)
    up, down = asked.pop("up", 0), asked.pop("down", 0)
    return {"seconds": seconds, "requests": sum(asked.values()), "up": up, "down": down}


def one(
    programs: Path, endpoint: str, number: int, literals: int, *, ours: bool
) -> dict[str, dict[str, float]]:
    """Makes a DAG, pushes and clones it."""
    place = f"s3://bench/{'ours' if ours else 'theirs'}-{number}"
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        env = os.environ | {
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "HOME": name,
            "DML_CONFIG_HOME": f"{name}/config",
            "DML_CONFIG_DIR": f"{name}/config",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
        if not ours:
            env["DML_REMOTE_ROOT"] = place
        source, dml = folder / "source", programs / "dml"
        source.mkdir()
        author = [programs / "python", "-c", AUTHOR, source, str(literals)]
        subprocess.run(author, env=env, check=True, cwd=source)
        if ours:
            add = [dml, "remote", "add", "origin", place]
            subprocess.run(add, cwd=source, env=env, check=True, stdout=subprocess.DEVNULL)
        push = [dml, "push", "origin", "main"] if ours else [dml, "push"]
        clone = [dml, "clone", place, "copy"] if ours else [dml, "clone", "--project-home", "copy"]
        return {
            "push": timed(push, source, env, endpoint),
            "clone": timed(clone, folder, env, endpoint),
        }


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--find-links", default="dist", help="folder with our wheels")
    parser.add_argument("--ours", type=Path, help="bin folder of an environment that is there")
    parser.add_argument("--peer", type=Path, help="the same for the released one")
    parser.add_argument("--moto", type=Path, help="the same with moto[server]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--literals", type=int, default=1000)
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    packages = ["daggerml", "daggerml-cli", "daggerml-adapter-objectstore"]
    links = ("--find-links", options.find_links)
    ours = options.ours or environment(WORK / "ours", packages, *links)[0]
    peer = options.peer or environment(WORK / "peer", [PEER])[0]
    moto = options.moto or environment(WORK / "moto", ["moto[server]"])[0]
    found: dict[tuple[str, bool], list[dict[str, float]]] = {}
    with serving(moto) as endpoint:
        for number in range(options.rounds):
            for own in (False, True):
                programs = ours if own else peer
                done = one(programs, endpoint, number, options.literals, ours=own)
                for name, measured in done.items():
                    found.setdefault((name, own), []).append(measured)
    print("| | 0.1.7 | ours | ratio |\n|---|--:|--:|--:|")
    units = {"seconds": ", s", "requests": ", requests", "up": ", bytes up", "down": ", bytes down"}
    for name in ("push", "clone"):
        for what, unit in units.items():
            theirs, own_ = (
                statistics.median(each[what] for each in found[name, own]) for own in (False, True)
            )
            cells = (
                f"{value:.3g}" if what == "seconds" else f"{value:,.0f}" for value in (theirs, own_)
            )
            print(f"| {name}{unit} | {' | '.join(cells)} | {theirs / max(own_, 1e-9):.3g} |")


if __name__ == "__main__":
    main()
