"""Good artifacts, and ways to write them wrongly."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import struct
import tarfile
import zlib
from dataclasses import dataclass, field, replace

METADATA = """\
Metadata-Version: 2.4
Name: demo
Version: 1.0
Summary: A demonstration
License-Expression: MIT
License-File: LICENSE
Requires-Python: >=3.9
Description-Content-Type: text/markdown

# demo

See [the site](https://example.org).
"""


@dataclass(frozen=True)
class Member:
    """One member of a zip, and how its headers are written."""

    path: str
    data: bytes
    mode: int = 0o100644
    flags: int = 0
    method: int = 0
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    local_path: str | None = None
    crc: int | None = None
    size: int | None = None
    made_on: int = 3


@dataclass(frozen=True)
class Wheel:
    """A wheel that is good until it is changed."""

    tags: str = "py3-none-any"
    name: str = "demo"
    version: str = "1.0"
    build: str = ""
    info: str = ""
    file_name: str = ""
    metadata: str = METADATA
    wheel: str = ""
    entry_points: str | bytes = ""
    files: tuple[Member, ...] = (Member("demo/__init__.py", b"x = 1\n"),)
    record: str | None = None
    before: bytes = b""
    after: bytes = b""
    comment: bytes = b""
    #: Members to write besides, or in the place of those of the same path.
    odd: tuple[Member, ...] = field(default=())

    def called(self) -> str:
        """Return its file name."""
        build = f"-{self.build}" if self.build else ""
        return self.file_name or f"{self.name}-{self.version}{build}-{self.tags}.whl"

    def folder(self) -> str:
        """Return the name of its `.dist-info` folder."""
        return self.info or f"{self.name}-{self.version}.dist-info"

    def members(self) -> list[Member]:
        """Return what it holds, in the order of a good wheel."""
        info = self.folder()
        python, abi, platform = self.tags.split("-")
        tags = "".join(
            f"Tag: {p}-{a}-{x}\n"
            for p in python.split(".")
            for a in abi.split(".")
            for x in platform.split(".")
        )
        build = f"Build: {self.build}\n" if self.build else ""
        wheel = f"Wheel-Version: 1.0\nGenerator: oracle\nRoot-Is-Purelib: true\n{build}{tags}"
        texts: dict[str, str | bytes] = {
            "METADATA": self.metadata,
            "WHEEL": self.wheel or wheel,
            "entry_points.txt": self.entry_points,
            "licenses/LICENSE": "MIT License\n",
        }
        found = list(self.files)
        for path, text in texts.items():
            if text:
                data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
                found.append(Member(f"{info}/{path}", data))
        record = self.record
        if record is None:
            rows = [row(member.path, member.data) for member in found]
            record = "".join(rows) + f"{info}/RECORD,,\n"
        if record:
            found.append(Member(f"{info}/RECORD", record.encode()))
        for odd in self.odd:
            if any(member.path == odd.path for member in found):
                found = [odd if member.path == odd.path else member for member in found]
            else:
                found.append(odd)
        return found

    def bytes(self) -> bytes:
        """Return the file."""
        return self.before + zipped(self.members(), self.comment) + self.after

    def with_record(self, change: str) -> Wheel:
        """Return it with rows added to a right RECORD."""
        info = self.folder()
        rows = "".join(row(m.path, m.data) for m in self.members() if "RECORD" not in m.path)
        return replace(self, record=f"{rows}{info}/RECORD,,\n{change}")


def row(path: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def zipped(members: list[Member], comment: bytes = b"") -> bytes:
    out, directory = b"", b""
    for member in members:
        start = len(out)
        packed = member.data
        if member.method == 8:  # noqa: PLR2004 - deflate
            packed = zlib.compress(member.data, 9, -15)
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        size = len(member.data) if member.size is None else member.size
        path = member.path.encode()
        local = (member.local_path or member.path).encode()
        numbers = (member.flags, member.method, 0, 0x21, crc, len(packed), size)
        head = struct.pack("<HHHHHIII", 20, *numbers)
        out += b"PK\3\4" + head + struct.pack("<HH", len(local), len(member.local_extra))
        out += local + member.local_extra + packed
        if member.flags & 8:
            out += b"PK\7\x08" + struct.pack("<III", crc, len(packed), size)
        directory += b"PK\1\2" + bytes([20, member.made_on]) + head
        directory += struct.pack("<HHHHH", len(path), len(member.extra), len(member.comment), 0, 0)
        directory += struct.pack("<II", member.mode << 16, start)
        directory += path + member.extra + member.comment
    end = struct.pack("<HHIIH", len(members), len(members), len(directory), len(out), len(comment))
    return out + directory + b"PK\5\6\0\0\0\0" + end + comment


@dataclass(frozen=True)
class Sdist:
    """A source distribution that is good until it is changed."""

    stem: str = "demo-1.0"
    folder: str = ""
    file_name: str = ""
    metadata: str = METADATA
    files: tuple[tuple[str, bytes], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    after: bytes = b""

    def called(self) -> str:
        """Return its file name."""
        return self.file_name or f"{self.stem}.tar.gz"

    def bytes(self) -> bytes:
        """Return the file."""
        top = self.folder or self.stem
        files = {
            f"{top}/LICENSE": b"MIT License\n",
            f"{top}/PKG-INFO": self.metadata.encode(),
            f"{top}/pyproject.toml": b"[build-system]\n",
            f"{top}/src/demo.py": b"x = 1\n",
            **dict(self.files),
        }
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, data in files.items():
                if path.removeprefix(f"{top}/") not in self.without:
                    info = tarfile.TarInfo(path)
                    info.size, info.mode, info.mtime = len(data), 0o644, 315532800
                    tar.addfile(info, io.BytesIO(data))
            for path, target in self.links:
                info = tarfile.TarInfo(path)
                info.type, info.linkname = tarfile.SYMTYPE, target
                tar.addfile(info)
        return gzip.compress(out.getvalue(), mtime=0) + self.after
