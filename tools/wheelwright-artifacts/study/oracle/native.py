"""Compiled wheels, honest and lying: what auditwheel and abi3audit say of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(sys.executable).parent
#: What ours says to the questions of the two.
LINUX = frozenset({"elf-version", "elf-needed", "tag-machine"})
STABLE = frozenset({"abi3-symbol"})


@dataclass(frozen=True)
class Native:
    """A wheel under its own name or another one."""

    name: str
    file: Path


def lies(dist: Path, folder: Path) -> Iterator[Native]:
    """Copy the stable-ABI wheels for glibc here, under names that promise more or less."""
    machine = "x86_64"
    for wheel in sorted(dist.glob(f"*-abi3-manylinux*_{machine}.whl")):
        stem, python, abi, platform = wheel.name.removesuffix(".whl").rsplit("-", 3)
        names = {
            "as built": f"{python}-{abi}-{platform}",
            "newer glibc": f"{python}-{abi}-manylinux_2_40_{machine}",
            "glibc 2.5": f"{python}-{abi}-manylinux_2_5_{machine}",
            "glibc 2.17": f"{python}-{abi}-manylinux_2_17_{machine}",
            "CPython 3.2": f"cp32-{abi}-{platform}",
            "CPython 3.13": f"cp313-{abi}-{platform}",
        }
        for what, tags in names.items():
            copy = folder / what.replace(" ", "-") / f"{stem}-{tags}.whl"
            copy.parent.mkdir(parents=True)
            shutil.copyfile(wheel, copy)
            yield Native(f"native/{what}", copy)


def auditwheel(file: Path) -> str | None:
    """Whether the wheel earns the glibc that its name promises."""
    command = [str(BIN / "auditwheel"), "show", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = " ".join(done.stdout.split())
    earned = re.search(r'following platform tag: "manylinux_2_(\d+)_', text)
    promised = re.search(r"-manylinux_2_(\d+)_", file.name)
    if earned and promised and int(earned[1]) <= int(promised[1]):
        return None
    return f"it earns glibc 2.{earned[1]}" if earned else done.stderr[-200:] or "it earns no tag"


def abi3audit(file: Path) -> str | None:
    """Whether the wheel stays within the stable ABI of its version."""
    command = [str(BIN / "abi3audit"), "--strict", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stdout + done.stderr)[-200:]


def bills(dist: Path) -> Iterator[str]:
    """Say which bills of materials in our wheels break the schema that they name."""
    for wheel in sorted(dist.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if ".dist-info/sboms/" not in name:
                    continue
                text = archive.read(name).decode("utf-8")
                version = SchemaVersion.from_version(json.loads(text)["specVersion"])
                broken = JsonStrictValidator(version).validate_str(text)
                if broken is not None:
                    yield f"{wheel.name}: {name}: {broken}"


def answers(native: Native, found: set[str]) -> Iterator[tuple[str, bool, str | None]]:
    """Give each judge, whether ours refuses what it is asked, and what it says."""
    yield "auditwheel", bool(LINUX & found), auditwheel(native.file)
    yield "abi3audit", bool(STABLE & found), abi3audit(native.file)
