"""Builds projects of others as they are, and compares with what their own tools make.

`strangers.py run PROGRAM WORK RESULTS [NAME...]` downloads the sdists of strangers.txt
with pip (PIP_INDEX_URL names the index), unpacks each into WORK and runs `PROGRAM build`
in it: for this machine, and a native one for macOS arm64 and Windows. The wheel of this
machine is installed with its dependencies and imported. Then pip builds
the same sdist, and the two wheels are compared. Nothing is written into a project but the
`Cargo.lock` that one lacks. Code of the projects runs: use a machine that has nothing to
lose. What has a result in RESULTS, a file of JSON lines, is not built again.
`strangers.py reproduce PROGRAM WORK RESULTS NAME...` asks `PROGRAM reproduce` about some.
`strangers.py table RESULTS` prints the table of docs/strangers-study.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import BytesParser
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("strangers.txt")
# Another Python gives other wheels, but no other answers.
PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"
OTHERS = ["--platform", "macos-arm64", "--platform", "windows-amd64"]
# Fields that say the same in another way, and why.
SAME = {
    "Metadata-Version": "the version of the fields that are used",
    "Description-Content-Type": "with or without charset and variant",
    "Description": "white space at its ends",
    "Dynamic": "only an sdist's PKG-INFO has a use for it",
    "Home-Page": "an address is in Project-URL",
    "Author": "people with an address are in Author-email",
    "Author-email": "people with an address are in Author-email, quoted as e-mail asks",
    "License": "an SPDX expression is in License-Expression",
    "License-Expression": "an SPDX expression is in License-Expression",
    "Project-URL": "the crate's, by the same labels",
    "Keywords": "separated by commas",
    "Requires-Dist": "the same ranges, written in another way",
    "Requires-Python": "the same ranges, written in another way",
}
# The columns that are counted.
PLACES = ("host", "sdist", "imported", "reproduced", "macOS", "Windows")
# The package that each tool makes for an extension that no Python file belongs to.
MADE = "it is made for the extension and exports what that does"


def listed() -> dict[str, str]:
    """Returns the kind of each project, by its name."""
    lines = [line.split() for line in LIST.read_text().splitlines() if line[:1] != "#"]
    return {name: kind for kind, name in lines}


def ran(
    arguments: list[str], folder: Path, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end and keeps what it says."""
    environment = {**os.environ, **(more or {})}
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=folder, env=environment
    )


def pip(command: str, *arguments: str) -> list[str]:
    """Returns a command of pip that installs no dependency."""
    return [sys.executable, "-m", "pip", command, "--quiet", "--no-deps", *arguments]


def unpacked(name: str, work: Path) -> Path:
    """Downloads and unpacks the sdist of a project."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.tar.gz")):
        done = ran(pip("download", "--no-binary", name, name, "-d", "."), folder)
        if done.returncode:
            raise SystemExit(done.stderr)
    (sdist,) = folder.glob("*.tar.gz")
    source = folder / "source"
    if not source.exists():
        with tarfile.open(sdist) as file:
            file.extractall(source, filter="data")
    (project,) = source.iterdir()
    return project


def locked(project: Path) -> bool:
    """Makes the `Cargo.lock` that a project with a crate lacks. Returns whether it did."""
    manifests = sorted(project.glob("**/Cargo.toml"), key=lambda path: len(path.parts))
    if not manifests or list(project.glob("**/Cargo.lock")):
        return False
    ran(["cargo", "generate-lockfile", "--manifest-path", str(manifests[0])], project)
    return True


def error(said: str) -> str:
    """Returns the first error that a program told, or else its last line."""
    lines = said.strip().splitlines() or ["it said nothing"]
    errors = (line for line in lines if line.startswith(("error", "FAILED")))
    return next(errors, lines[-1])


def built(program: str, project: Path, out: Path, arguments: list[str]) -> dict[str, Any]:
    """Builds a project with wheelwright; returns its artifacts and problems."""
    done = ran([program, "build", "--json", "--out", str(out), *arguments], project)
    if not done.stdout:
        return {"problem": error(done.stderr)}
    rows = json.loads(done.stdout)["rows"]
    return {"rows": rows}


def fields(wheel: zipfile.ZipFile, name: str) -> dict[str, list[str]]:
    """Returns the fields of METADATA or WHEEL, the body as `Description`."""
    path = next(path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    message = BytesParser().parsebytes(wheel.read(path))
    found: dict[str, list[str]] = {}
    for key, value in message.items():
        found.setdefault(key, []).append(str(value))
    body = str(message.get_payload())
    if body.strip():
        found["Description"] = [body]
    return found


def names(wheel: zipfile.ZipFile) -> set[str]:
    """Returns the files of a wheel; an extension whatever its suffix."""
    found = set()
    for path in wheel.namelist():
        stem, suffix = os.path.splitext(path)  # noqa: PTH122 - a path in an archive
        if suffix in {".so", ".pyd"}:
            path = stem.split(".")[0] + " (extension)"  # noqa: PLW2901
        if not path.endswith("/"):
            found.add(path)
    return found


def compared(own: Path, other: Path) -> dict[str, Any]:
    """Compares wheelwright's wheel with pip's: files, METADATA, tags."""
    with zipfile.ZipFile(own) as ours, zipfile.ZipFile(other) as theirs:
        mine, others = names(ours), names(theirs)
        a, b = fields(ours, "METADATA"), fields(theirs, "METADATA")
        keys = sorted(
            key for key in a.keys() | b.keys() if sorted(a.get(key, [])) != sorted(b.get(key, []))
        )
        content = sorted(
            path
            for path in mine & others
            if path.endswith((".py", ".pyi")) and ours.read(path) != theirs.read(path)
        )
    return {
        "more": sorted(mine - others),
        "fewer": sorted(others - mine),
        "content": content,
        "fields": {key: [a.get(key, []), b.get(key, [])] for key in keys if key != "Description"},
        "description": "Description" in keys,
        "tags": [own.name.split("-", 2)[2], other.name.split("-", 2)[2]],
    }


def tried(wheel: Path, folder: Path) -> str:
    """Installs a wheel with what it needs, and imports each name in it."""
    with zipfile.ZipFile(wheel) as file:
        tops = {path.split("/")[0] for path in file.namelist()}
    modules = sorted(
        {top.split(".")[0] for top in tops if not top.endswith((".dist-info", ".data"))}
    )
    venv.create(folder, clear=True, with_pip=True)
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    done = ran([python, "-m", "pip", "install", "--quiet", str(wheel)], folder)
    if not done.returncode:
        done = ran([python, "-c", "".join(f"import {name}\n" for name in modules)], folder)
    return "yes" if not done.returncode else "no: " + done.stderr.strip().splitlines()[-1]


def study(program: str, name: str, kind: str, work: Path) -> dict[str, Any]:
    """Builds one project in every way; returns what came of it."""
    project = unpacked(name, work)
    line: dict[str, Any] = {"name": name, "kind": kind, "version": project.name}
    if kind == "native" and locked(project):
        line["lock"] = "made"
    own, other = work / name / "own", work / name / "other"
    python = ["--python", sys.executable]
    if kind == "native":
        python += ["--interpreter", PYTHON]
        line["others"] = built(program, project, own, [*python, "--no-smoke", *OTHERS])
        line["host"] = built(program, project, own, [*python, "--host"])
    else:
        line["host"] = built(program, project, own, python)
    environment = {"CARGO_TARGET_DIR": str(work / name / "target")}
    done = ran(pip("wheel", "--wheel-dir", str(other), str(project)), project, environment)
    wheels = [row["artifact"] for row in line["host"].get("rows", []) if row["sha256"]]
    wheels = [wheel for wheel in wheels if wheel.endswith(".whl")]
    if done.returncode:
        line["pip"] = done.stderr.strip().splitlines()[-1]
    elif wheels:
        (theirs,) = other.glob("*.whl")
        line["compared"] = compared(own / wheels[0], theirs)
    if wheels:
        line["tried"] = tried(own / wheels[0], work / name / "env")
    # Compiled code is large, and nothing here is asked about it again.
    for folder in ("target", "env"):
        shutil.rmtree(work / name / folder, ignore_errors=True)
    shutil.rmtree(project / "target", ignore_errors=True)
    return line


def run(program: str, work: Path, results: Path, chosen: list[str]) -> None:
    """Studies each project that has no result yet."""
    done = {line["name"] for line in read(results) if "host" in line}
    for name, kind in listed().items():
        if name in done or (chosen and name not in chosen):
            continue
        line = study(program, name, kind, work)
        with results.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(name, file=sys.stderr)


def reproduce(program: str, work: Path, results: Path, chosen: list[str]) -> None:
    """Asks of some projects whether two builds under unlike conditions are the same."""
    for name in chosen:
        project = unpacked(name, work)
        made = {"lock": "made"} if locked(project) else {}
        more = ["--host", "--interpreter", PYTHON, "--json"]
        done = ran([program, "reproduce", *more], project)
        artifacts = json.loads(done.stdout) if done.stdout else []
        line = {
            "name": name,
            "reproduced": len([one for one in artifacts if one["identical"]]),
            "different": [one["artifact"] for one in artifacts if not one["identical"]],
            "problem": None,
            **made,
        }
        if done.returncode and not artifacts:
            line["problem"] = error(done.stderr)
        shutil.rmtree(project / "target", ignore_errors=True)
        with results.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(name, file=sys.stderr)


def read(results: Path) -> list[dict[str, Any]]:
    """Returns the results so far, what is known of one project together."""
    found: dict[str, dict[str, Any]] = {}
    for line in results.read_text().splitlines() if results.exists() else []:
        one = json.loads(line)
        found.setdefault(one["name"], {}).update(one)
    return list(found.values())


def outcome(result: dict[str, Any], end: str) -> str:
    """Returns how a build of wheels whose names have this end came out."""
    if not result:
        return ""
    if "problem" in result:
        return f"no: {result['problem']}"
    rows = [
        row for row in result["rows"] if end in row["artifact"] and row["artifact"].endswith(".whl")
    ]
    words = []
    for row in rows:
        bad = [step for step in ("build", "audit", "smoke") if str(row[step]).startswith("failed")]
        words.append("no: " + ", ".join(bad) if bad else "yes")
    return words[0] if words else "no"


def reproduced(line: dict[str, Any]) -> str:
    """Returns what came of building twice."""
    if "reproduced" not in line:
        return ""
    problem = line.get("problem") or ", ".join(line["different"])
    return f"no: {problem}" if problem else "yes"


def verdict(line: dict[str, Any]) -> str:
    """Returns what differs from pip's wheel, each with a verdict."""
    found = line.get("compared")
    if found is None:
        return f"not compared: {line.get('pip', 'there is no wheel')}"
    parts = []
    for word, paths in (
        ("more", found["more"]),
        ("fewer", found["fewer"]),
        ("other text", found["content"]),
    ):
        made = [path for path in paths if path.count("/") == 1 and path.endswith("/__init__.py")]
        if word == "other text" and paths and paths == made:
            parts.append(f"`{paths[0]}` ({MADE})")
        elif paths:
            parts.append(
                f"{word}: "
                + ", ".join(f"`{path}`" for path in paths[:3])
                + (" ..." if paths[3:] else "")
            )
    parts.extend(f"{key} ({SAME.get(key, 'DIFFERENT')})" for key in found["fields"])
    if found["description"]:
        parts.append(f"Description ({SAME['Description']})")
    return "; ".join(parts) or "nothing"


def table(results: Path) -> None:
    """Prints the table, and the counts below it."""
    print(
        "| project | this machine | sdist | imported | reproduced | macOS arm64 | Windows "
        "| tags, ours / pip's | what differs from pip's wheel |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    lines = [line for line in read(results) if "host" in line]
    counts: dict[str, int] = {}
    for line in lines:
        host, others = line["host"], line.get("others", {})
        sdists = [row for row in host.get("rows", []) if row["artifact"].endswith(".tar.gz")]
        steps = [sdists[0][step] for step in ("build", "audit")] if sdists else ["missing"]
        sdist = "yes" if steps == ["ok", "ok"] else "no: " + ", ".join(map(str, steps))
        tags = " / ".join(
            f"`{tag.removesuffix('.whl')}`" for tag in line.get("compared", {}).get("tags", [])
        )
        cells = [
            outcome(host, ""),
            sdist,
            line.get("tried", "no"),
            reproduced(line),
            outcome(others, "macosx"),
            outcome(others, "win_"),
            tags,
            verdict(line),
        ]
        for place, cell in zip(PLACES, cells, strict=False):
            counts[f"{line['kind']} {place}"] = counts.get(f"{line['kind']} {place}", 0) + (
                cell == "yes"
            )
        lock = " (no Cargo.lock)" if "lock" in line else ""
        print(
            "| "
            + " | ".join([line["version"] + lock, *(cell.replace("|", "\\|") for cell in cells)])
            + " |"
        )
    print(len(lines), counts, file=sys.stderr)


def main() -> None:
    """Runs what the arguments name."""
    command, *arguments = sys.argv[1:]
    if command in {"run", "reproduce"}:
        program, work, results, *chosen = arguments
        ask = run if command == "run" else reproduce
        ask(str(Path(program).resolve()), Path(work).resolve(), Path(results), chosen)
    else:
        table(Path(arguments[0]))


if __name__ == "__main__":
    main()
