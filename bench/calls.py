"""Measure calls: cold, warm, cached, and a thousand at once, here and on a Dask cluster.

    python bench/calls.py --find-links dist

Installs our wheels and `distributed` in an environment of their own (under
target/bench), and `daggerml==0.1.7` in another, whose calls need an S3 endpoint:
a `moto` server answers on loopback. Prints a table and the overhead of an item.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from python_peers import PEER, environment, s3

HERE = Path(__file__).parent


def ran(python: Path, program: str, folder: str, env: dict[str, str], *more: str) -> Any:
    """Runs one of the programs in ``folder``; return what it measured."""
    ended = subprocess.run(
        [python, HERE / program, folder, *more],
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            **env,
            "HOME": folder,
            "DML_CONFIG_HOME": folder,
            # 0.1.7 finds its adapter there.
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        },
        check=True,
        timeout=3600,
    )
    return json.loads(ended.stdout.splitlines()[-1])


def milliseconds(seconds: float | None) -> str:
    """Returns a cell of the table."""
    return "-" if seconds is None else f"{seconds * 1000:.3g}"


def main() -> None:
    """Parses the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--find-links", default="dist", help="folder with our wheels")
    parser.add_argument("--items", type=int, default=1000, help="of the maps")
    parser.add_argument("--python", help="use this interpreter, which has ours, instead")
    parser.add_argument("--peer", help="use this interpreter, which has 0.1.7, instead")
    parser.add_argument("--moto", help="use this folder of programs with moto_server, instead")
    options = parser.parse_args()
    work = HERE.parent / "target" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    if options.python is None:
        ours, *_ = environment(
            work / "calls",
            ["daggerml", "daggerml-cli", "daggerml-adapter-dask"],
            "--find-links",
            options.find_links,
        )
        python = ours / "python"
    else:
        python = Path(options.python)
    peer = Path(options.peer) if options.peer else environment(work / "peer", [PEER])[0] / "python"
    moto = Path(options.moto) if options.moto else environment(work / "moto", ["moto[server]"])[0]

    with tempfile.TemporaryDirectory(dir=work) as folder:
        own = ran(python, "calls_program.py", folder, {}, str(options.items))
    theirs: dict[str, float] = {}
    with s3(moto) as env, tempfile.TemporaryDirectory(dir=work) as folder:
        try:
            theirs = ran(peer, "calls_peer_program.py", folder, env)
        except subprocess.SubprocessError as problem:
            print(f"{PEER} did not run: {problem}", file=sys.stderr)
    print("| call | 0.1.7, ms | ours, ms | ratio |\n|---|--:|--:|--:|")
    for name, seconds in own["calls"].items():
        known = theirs.get(name)
        ratio = "-" if known is None else f"{known / seconds:,.0f}"
        print(f"| {name} | {milliseconds(known)} | {milliseconds(seconds)} | {ratio} |")
    print(f"\n| {options.items:,} calls by `dag.map` | s | ms an item |\n|---|--:|--:|")
    for name, (items, seconds) in own["maps"].items():
        print(f"| {name} | {seconds:.2f} | {seconds / items * 1000:.2f} |")


if __name__ == "__main__":
    main()
