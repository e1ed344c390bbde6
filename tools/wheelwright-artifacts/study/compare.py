"""Compare wheelwright's audit with independent tools; see docs/audit-study.md.

    python tools/wheelwright-artifacts/study/compare.py WHEELWRIGHT FOLDER OUT.json

Runs `wheelwright audit --policy ours --json` and auditwheel, abi3audit,
`twine check --strict` and check-wheel-contents (installed beside the running
Python) over every artifact in FOLDER, and writes what each says as JSON. Prints
the questions on which they disagree, one line each: question, file, verdicts.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


def run(*command: object, limit: int = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=limit, check=False
    )


def auditwheel(file: Path) -> dict[str, Any] | None:
    """Whether the wheel keeps the lowest platform its name promises."""
    if not re.search(r"(many|musl)linux", file.name):
        return None
    done = run(BIN / "auditwheel", "show", file)
    text = " ".join((done.stdout + done.stderr).split())
    found = re.search(r'consistent with the following platform tag: "([^"]+)"', text)
    crashed = "Traceback" in text
    return {"earned": found.group(1) if found else None, "crashed": crashed, "text": text[-600:]}


def abi3audit(file: Path) -> dict[str, Any] | None:
    if "-abi3-" not in file.name:
        return None
    done = run(BIN / "abi3audit", "--strict", "--report", file)
    return {"ok": done.returncode == 0, "text": (done.stdout + done.stderr)[-800:]}


def twine(file: Path) -> dict[str, Any]:
    done = run(BIN / "twine", "check", "--strict", file)
    return {"ok": done.returncode == 0, "text": done.stdout[-800:]}


def contents(file: Path) -> dict[str, Any] | None:
    if file.suffix != ".whl":
        return None
    done = run(BIN / "check-wheel-contents", file)
    return {
        "codes": sorted(set(re.findall(r"\b(W\d{3})\b", done.stdout))),
        "text": done.stdout[-800:],
    }


def promised(name: str) -> set[str]:
    """Return the Linux platforms of a wheel's name, old names translated."""
    old = {
        "manylinux1_": "manylinux_2_5_",
        "manylinux2010_": "manylinux_2_12_",
        "manylinux2014_": "manylinux_2_17_",
    }
    tags = set()
    for tag in name.removesuffix(".whl").rsplit("-", 1)[1].split("."):
        now = tag
        for before, after in old.items():
            now = now.replace(before, after)
        tags.add(now)
    return tags


def earned_enough(name: str, earned: str | None) -> bool:
    """Whether the platform auditwheel finds is no newer than every promised one."""

    def version(tag: str) -> tuple[str, int, int]:
        match = re.match(r"(manylinux|musllinux)_(\d+)_(\d+)_", tag)
        return (match[1], int(match[2]), int(match[3])) if match else ("", 99, 99)

    return earned is not None and all(
        version(earned)[0] == version(tag)[0] and version(earned) <= version(tag)
        for tag in promised(name)
    )


# check-wheel-contents codes and the rules that ask the same.
CODES = {
    "W001": {"leftover"},
    "W004": {"module-name"},
    "W005": {"top-level"},
    "W007": {"module-present"},
}


def questions(file: str, row: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """(question, file, wheelwright's answer, the other's) where they differ."""
    rules = {finding["rule"] for finding in row["wheelwright"]}
    differ: list[tuple[str, str, str, str]] = []

    def ask(question: str, ours: bool, theirs: bool) -> None:
        if ours != theirs:
            differ.append(
                (question, file, "ok" if ours else "broken", "ok" if theirs else "broken")
            )

    if row["auditwheel"]:
        # auditwheel judges no search paths, stacks or suffixes.
        ours = not rules & {"elf-version", "elf-needed", "tag-machine"}
        if row["auditwheel"]["crashed"]:
            differ.append(
                ("platform tag (auditwheel)", file, "ok" if ours else "broken", "no answer")
            )
        else:
            ask("platform tag (auditwheel)", ours, earned_enough(file, row["auditwheel"]["earned"]))
    if row["abi3audit"]:
        ask("stable ABI (abi3audit)", "abi3-symbol" not in rules, row["abi3audit"]["ok"])
    metadata = {
        "metadata-format",
        "metadata-field",
        "metadata-missing",
        "license-expression",
        "readme-renders",
        "readme-present",
        "sdist-metadata",
        "license-files",
    }
    ask("metadata (twine check --strict)", not rules & metadata, row["twine"]["ok"])
    if row["contents"]:
        for code, same in CODES.items():
            ask(
                f"{code} (check-wheel-contents)",
                not rules & same,
                code not in row["contents"]["codes"],
            )
    return differ


def speed(wheelwright: str, file: Path, rounds: int = 5) -> dict[str, float]:
    """Median seconds of each tool on one wheel."""
    commands: dict[str, list[object]] = {
        "wheelwright audit": [wheelwright, "audit", "--json", file],
        "auditwheel show": [BIN / "auditwheel", "show", file],
        "abi3audit": [BIN / "abi3audit", "--strict", file],
        "twine check": [BIN / "twine", "check", "--strict", file],
        "check-wheel-contents": [BIN / "check-wheel-contents", file],
    }
    medians = {}
    for name, command in commands.items():
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            run(*command)
            times.append(time.perf_counter() - start)
        medians[name] = statistics.median(times)
    return medians


def main() -> None:
    wheelwright, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    files = sorted(f for f in folder.iterdir() if f.name.endswith((".whl", ".tar.gz")))
    done = run(wheelwright, "audit", "--json", *files)
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    reports = {Path(r["file"]).name: r["findings"] for r in json.loads(done.stdout)}

    # The others' verdicts do not change with wheelwright: keep those of last time.
    known = json.loads(out.read_text())["rows"] if out.exists() else {}

    def study(file: Path) -> tuple[str, dict[str, Any]]:
        row = known.get(file.name) or {
            "auditwheel": auditwheel(file),
            "abi3audit": abi3audit(file),
            "twine": twine(file),
            "contents": contents(file),
        }
        return file.name, {**row, "wheelwright": reports.get(file.name, [])}

    with ThreadPoolExecutor(2) as pool:
        rows = dict(pool.map(study, files))
    differ = [q for name, row in rows.items() for q in questions(name, row)]
    asked = sum(
        1 + bool(r["auditwheel"]) + bool(r["abi3audit"]) + len(CODES) * bool(r["contents"])
        for r in rows.values()
    )
    ten_megabytes = min(
        (f for f in files if "-abi3-manylinux" in f.name),
        key=lambda f: abs(f.stat().st_size - 10_000_000),
    )
    result = {
        "files": len(files),
        "questions": asked,
        "disagreements": differ,
        "speed": {
            "file": ten_megabytes.name,
            "size": ten_megabytes.stat().st_size,
            "medians": speed(wheelwright, ten_megabytes),
        },
        "rows": rows,
    }
    out.write_text(json.dumps(result, indent=1))
    for line in differ:
        print("\t".join(line))
    print(f"{len(files)} files, {asked} questions, {len(differ)} disagreements", file=sys.stderr)
    print(json.dumps(result["speed"], indent=1), file=sys.stderr)


if __name__ == "__main__":
    main()
