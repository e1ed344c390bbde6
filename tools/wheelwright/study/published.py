"""Packs the compiled library of published wheels again, and compares the wheels.

`published.py PROGRAM WORK` downloads the sdists of published.txt and their wheels for this
machine with pip. `PROGRAM pack` packs the library of each such wheel from the sdist, as it
is, and `PROGRAM sdist` makes the sdist again. Files and METADATA are compared with those
that the publisher made. Nothing is compiled.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

from strangers import PYTHON, compared, ran, unpacked, verdict

LIST = Path(__file__).with_name("published.txt")


def published(name: str, version: str, folder: Path) -> Path | None:
    """Downloads the wheel for this machine, if there is one."""
    folder.mkdir(exist_ok=True)
    if not list(folder.glob("*.whl")):
        wanted = f"{name}=={version}"
        ran([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary",
             name, wanted, "-d", "."], folder)  # fmt: skip
    return next(iter(folder.glob("*.whl")), None)


def library(wheel: Path, folder: Path) -> Path | None:
    """Unpacks the extension of a wheel."""
    with zipfile.ZipFile(wheel) as file:
        own = [path for path in file.namelist() if path.endswith(".so") and ".libs/" not in path]
        if not own:
            return None
        there = folder / "library.so"
        there.write_bytes(file.read(own[0]))
    return there


def packed(program: str, project: Path, extension: Path, out: Path) -> str | Path:
    """Packs a wheel; returns it, or what is wrong."""
    command = [program, "pack", "--project", str(project), "--extension", str(extension),
               "--platform-tag", "manylinux_2_28_x86_64", "--out", str(out)]  # fmt: skip
    done = ran(command, out)
    if done.returncode and "--interpreter" in done.stderr:
        done = ran([*command, "--interpreter", PYTHON], out)
    return done.stderr.strip() if done.returncode else Path(done.stdout.strip())


def sdist(program: str, project: Path, out: Path) -> str:
    """Makes the sdist again; returns what is wrong, or that nothing is."""
    done = ran([program, "sdist", "--project", str(project), "--out", str(out)], out)
    if done.returncode:
        return "no: " + done.stderr.strip()
    with tarfile.open(done.stdout.strip()) as file:
        return f"yes, {len(file.getnames())} files"


def main() -> None:
    """Prints a table."""
    program, work = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
    print("| project | sdist | differs from the published wheel |\n|---|---|---|")
    for name in LIST.read_text().splitlines():
        if name[:1] == "#":
            continue
        project = unpacked(name, work)
        folder = work / name / "packed"
        folder.mkdir(exist_ok=True)
        made = sdist(program, project, folder)
        wheel = published(name, project.name.rpartition("-")[2], work / name / "published")
        extension = library(wheel, folder) if wheel else None
        if wheel is None or extension is None:
            said = "there is no wheel with an extension for this machine"
        else:
            ours = packed(program, project, extension, folder)
            said = ours if isinstance(ours, str) else verdict({"compared": compared(ours, wheel)})
        print(f"| {project.name} | {made} | {said} |", flush=True)


if __name__ == "__main__":
    main()
