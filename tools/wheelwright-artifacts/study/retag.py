"""Make wheels that lie, from the honest ones; see docs/audit-study.md.

    python tools/wheelwright-artifacts/study/retag.py FOLDER NEW_FOLDER

Hard-links every Linux wheel under a name that promises glibc 2.5 (or musl 1.1
for glibc code), and every stable-ABI wheel under a name that promises CPython
3.2, so that agreement can be tested on broken wheels too.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path


def lies(name: str) -> list[str]:
    stem, python, abi, platform = name.removesuffix(".whl").rsplit("-", 3)
    names = []
    if "manylinux" in platform:
        machine = re.sub(r".*manylinux(_\d+_\d+|\d+)_", "", platform)
        names.append(f"{stem}-{python}-{abi}-manylinux_2_5_{machine}.whl")
        names.append(f"{stem}-{python}-{abi}-musllinux_1_1_{machine}.whl")
    if abi == "abi3":
        names.append(f"{stem}-cp32-{abi}-{platform}.whl")
    return names


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for wheel in sorted(source.glob("*.whl")):
        for name in lies(wheel.name):
            if not (target / name).exists():
                os.link(wheel, target / name)


if __name__ == "__main__":
    main()
