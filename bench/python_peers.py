"""Measure `daggerml` beside the released 0.1.x from PyPI, in one run.

    python bench/python_peers.py --find-links dist

Both are installed in environments of their own (under target/bench) and run the
same program, `python_program.py`. The released one writes to an S3 endpoint, so
a `moto` server answers on loopback. Rounds of the two alternate; the table shows
medians. CPU is that of the program's own process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PEER = "daggerml==0.1.7"


def environment(
    folder: Path, requirements: list[str], *options: str
) -> tuple[Path, float, float, int]:
    """Makes a virtual environment; its bin folder, seconds and MB of the install, packages."""
    if folder.exists():
        shutil.rmtree(folder)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    before, packages = size(folder), installed(programs)
    begun = time.perf_counter()
    subprocess.run(
        [programs / "python", "-m", "pip", "install", "-q", *options, *requirements], check=True
    )
    took = time.perf_counter() - begun
    return programs, took, (size(folder) - before) / 1e6, installed(programs) - packages


def size(folder: Path) -> int:
    """Returns the bytes of all files below ``folder`` but compiled Python."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files)


def installed(programs: Path) -> int:
    """Returns the number of packages."""
    listed = subprocess.run(
        [programs / "python", "-m", "pip", "list", "--format=json"],
        stdout=subprocess.PIPE,
        check=True,
    )
    return len(json.loads(listed.stdout))


@contextmanager
def s3(programs: Path) -> Iterator[dict[str, str]]:
    """Runs an S3 server on loopback; yield the environment that leads to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [programs / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        bucket = urllib.request.Request(f"{endpoint}/bench", method="PUT")  # noqa: S310  loopback
        for _ in range(100):
            try:
                urllib.request.urlopen(bucket).close()  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        yield {
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "DML_REMOTE_ROOT": "s3://bench/dml",
        }
    finally:
        server.terminate()
        server.wait()


def program(programs: Path, env: dict[str, str], rounds: int, literals: int) -> dict[str, Any]:
    """Runs the program in a new folder; return its times."""
    with tempfile.TemporaryDirectory(dir=HERE.parent / "target" / "bench") as folder:
        ended = subprocess.run(
            [programs / "python", HERE / "python_program.py", folder, str(rounds), str(literals)],
            stdout=subprocess.PIPE,
            env={**os.environ, **env, "HOME": folder, "DML_CONFIG_HOME": folder},
            check=True,
        )
    times: dict[str, Any] = json.loads(ended.stdout)
    return times


def start(command: list[Any]) -> tuple[float, float]:
    """Returns wall-clock and CPU seconds of one run of ``command``."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def starts(programs: Path, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Times the starts of an interpreter and of the command line."""
    python, dml = programs / "python", programs / "dml"
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "python -c 'import daggerml'": [python, "-c", "import daggerml"],
        "python -c 'import daggerml; daggerml.Dml'": [
            python,
            "-c",
            "import daggerml; daggerml.Dml",
        ],
        "dml --help": [dml, "--help"],
    }
    return {name: [start(command) for _ in range(rounds)] for name, command in commands.items()}


def milliseconds(rounds: list[Any], column: int) -> float:
    """Returns the median of wall (0) or CPU (1) times."""
    return float(statistics.median(times[column] for times in rounds)) * 1000


def table(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Yields the lines of a Markdown table."""
    yield "| operation | wall: 0.1.7 | ours | ratio | CPU: 0.1.7 | ours | ratio |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for name, rounds in ours.items():
        cells = [name]
        for column in (0, 1):
            peer, own = milliseconds(theirs[name], column), milliseconds(rounds, column)
            cells += [f"{peer:.3g}", f"{own:.3g}", f"{peer / own:.0f}" if own else "-"]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Parses the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--find-links", default="dist", help="folder with our wheels")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--literals", type=int, default=1000, help="0 leaves that one out")
    options = parser.parse_args()
    work = HERE.parent / "target" / "bench"
    work.mkdir(parents=True, exist_ok=True)

    links = ("--no-index", "--find-links", options.find_links)
    ours, our_seconds, our_size, our_packages = environment(
        work / "ours", ["daggerml", "daggerml-cli"], *links
    )
    theirs, seconds, peer_size, packages = environment(work / "peer", [PEER])
    moto, *_ = environment(work / "moto", ["moto[server]"])

    own: dict[str, list[Any]] = {}
    peer: dict[str, list[Any]] = {}
    with s3(moto) as env:
        for half in range(2):
            literals = options.literals if half else 0
            for programs, env_, into in ((theirs, env, peer), (ours, {}, own)):
                found = program(programs, env_, options.rounds // 2, literals)
                found.update(starts(programs, options.rounds // 2))
                for name, rounds in found.items():
                    into.setdefault(name, []).extend(rounds)
    print("\n".join(table(own, peer)))
    print(
        f"\nInstall: {PEER} {seconds:.1f} s, {peer_size:.1f} MB, {packages} packages; "
        f"ours {our_seconds:.1f} s, {our_size:.1f} MB, {our_packages} packages."
    )


if __name__ == "__main__":
    main()
