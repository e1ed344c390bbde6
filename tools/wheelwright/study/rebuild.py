"""Rebuilds releases of others, one after another, and makes the table of the study.

`rebuild.py run PROGRAM RESULTS [RELEASE...]` rebuilds (`wheelwright rebuild --run-code`,
so on a machine that has nothing to lose) what has no result in RESULTS yet, a file of
JSON lines; without releases, those of the study: 60 that this repository locks and 40
popular ones. WHEELWRIGHT_INDEX names the index. `rebuild.py table RESULTS` prints the
table of docs/rebuild-study.md.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "tools/checks/requirements.txt"
OF_LOCK = 60
POPULAR = Path(__file__).with_name("popular.txt")
# Why a release is different or was not built: somebody looked. RELEASE, tab, cause.
CAUSES_OF = Path(__file__).with_name("causes.tsv")
# What stands behind a pass, where nothing else is written down.
CAUSES = {
    "time": "members have the times of the publisher's files or build, not one fixed time",
    "mode": "members have the modes of the publisher's files or umask",
    "compression": "another zlib",
    "order": "the order of the publisher's folders",
}


def popular() -> list[str]:
    """Returns the releases of the list beside this script."""
    return [line for line in POPULAR.read_text().splitlines() if "==" in line]


def locked() -> list[str]:
    """Returns the releases that the lock names, the newest version of each."""
    found: dict[str, str] = {}
    for line in LOCK.read_text().splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if match:
            found[match[1]] = match[2]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def is_pure(release: str) -> bool:
    """Asks the index whether a release has an sdist and a wheel for any platform."""
    name, version = release.split("==")
    url = f"{os.environ['WHEELWRIGHT_INDEX'].rstrip('/')}/{name}/"
    kind = "application/vnd.pypi.simple.v1+json"
    request = urllib.request.Request(url, headers={"Accept": kind})  # noqa: S310 - the user's
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        files = [file["filename"] for file in json.load(answer)["files"]]
    own = [file for file in files if f"-{version}" in file]
    sdist = any(file.endswith(f"-{version}.tar.gz") for file in own)
    return sdist and any(file.endswith("-none-any.whl") for file in own)


def run(program: str, results: Path, releases: Iterable[str]) -> None:
    """Rebuilds each release that has no result yet."""
    done = {line["release"] for line in read(results)}
    for release in releases:
        if release in done:
            continue
        arguments = [program, "rebuild", release, "--run-code", "--json", "--time", "600"]
        ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
        line: dict[str, Any] = {"release": release, "exit": ended.returncode}
        if ended.stdout:
            line["report"] = cut(json.loads(ended.stdout))
        else:
            line["problem"] = ended.stderr.strip()[-400:]
        with results.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(release, ended.returncode, file=sys.stderr)


def cut(report: dict[str, Any]) -> dict[str, Any]:
    """Leaves out of a report all differences but the first hundred of a file."""
    for file in report["files"]:
        file["count"] = len(file.get("differences", []))
        file["differences"] = file.get("differences", [])[:100]
    return report


def read(results: Path) -> list[dict[str, Any]]:
    """Returns the results so far."""
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text().splitlines()]


def studied() -> list[str]:
    """Returns the releases of the study."""
    others = {release.split("==")[0] for release in popular()}
    pure = []
    for release in locked():
        if release.split("==")[0] not in others and is_pure(release):
            pure.append(release)
        if len(pure) == OF_LOCK:
            break
    return pure + popular()


def what_differs(file: dict[str, Any]) -> str:
    """Returns what differs: passes, or the first two members of all."""
    if file["verdict"] != "different":
        return ", ".join(file.get("passes", []))
    members = []
    for one in file["differences"][:2]:
        place = f", section {one['section']}" if one["section"] else ""
        members.append(f"{one['member']}{place}: {one['a'][:50]} / {one['b'][:50]}")
    more = file["count"] - len(members)
    return "; ".join(members) + (f"; and {more} more" if more else "")


def row(line: dict[str, Any], causes: dict[str, str]) -> str:
    """Returns the row of a release.

    Raises:
        SystemExit: nobody has written down why it is different, or was not built

    """
    release = line["release"]
    file: dict[str, Any] = {"verdict": "not-built"}
    if "report" in line:
        file = line["report"]["files"][0]
    verdict = file["verdict"]
    built = file.get("built", {})
    why = causes.get(release)
    if why is None and verdict in {"different", "not-built"}:
        raise SystemExit(f"causes.tsv has no cause for {release}: {line}")
    if why is None:
        why = "; ".join(CAUSES[name] for name in file.get("passes", []) if name in CAUSES)
    cells = [release, built.get("generator") or built.get("backend") or "", verdict]
    # What a table would take for the end of a cell.
    cells += [what_differs(file).replace("|", "\\|"), why]
    return "| " + " | ".join(cells) + " |"


def table(results: Path) -> None:
    """Prints the table, by name, and how often each verdict is there."""
    lines = sorted(read(results), key=lambda line: line["release"])
    causes = {}
    for text in CAUSES_OF.read_text().splitlines():
        if text and not text.startswith("#"):
            release, _, why = text.partition("\t")
            causes[release] = why
    print("| release | made by | verdict | what differs, published / rebuilt | cause |")
    print("|---|---|---|---|---|")
    counts: dict[str, int] = {}
    for line in lines:
        text = row(line, causes)
        print(text)
        verdict = text.split(" | ")[2]
        counts[verdict] = counts.get(verdict, 0) + 1
    print(len(lines), counts, file=sys.stderr)


def main() -> None:
    """Runs what the arguments name."""
    command, *arguments = sys.argv[1:]
    if command == "run":
        program, results, *releases = arguments
        run(program, Path(results), releases or studied())
    else:
        table(Path(arguments[0]))


if __name__ == "__main__":
    main()
