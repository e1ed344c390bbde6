"""The packages that another machine lacks, for its platform.

They are wheels: files of a folder that the user names, or, for a machine like this one, made
of what is installed here.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import sys
import sysconfig
import tempfile
import time
import zipfile
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path
from platform import libc_ver
from typing import Any, NamedTuple, Optional

from daggerml.adapters.lines import AdapterError

__all__ = ["Part", "cache", "fits", "here", "parts", "unpacked"]


#: How long what nobody uses is kept, in seconds.
KEPT = 60 * 86400


class Part(NamedTuple):
    """One wheel."""

    digest: str
    data: bytes


def parts(adapter: str, facts: dict[str, Any], wheels: Optional[Path]) -> list[Part]:
    """Returns the wheels that a machine needs to run calls on an adapter.

    ``facts`` is what the machine says of itself: ``python``, ``platform`` and ``libc``.
    """
    if not isinstance(facts.get("python"), list) or facts["python"] < [3, 9]:
        text = f"a call needs Python 3.9 or newer, not {facts.get('python')}; name one by --python"
        raise AdapterError("host_unfit", text)
    found = [_of(distribution("daggerml"), facts, wheels)]
    if adapter != "local":
        found.append(_of(_offering(adapter), facts, wheels))
    return [Part(hashlib.sha256(data).hexdigest(), data) for data in found]


def here() -> dict[str, Any]:
    """Returns what this machine says of itself."""
    return {
        "python": list(sys.version_info[:2]),
        "platform": sysconfig.get_platform(),
        "libc": list(libc_ver()),
    }


def cache() -> Path:
    """Returns the folder of what can be made again, of this user."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "daggerml"


def unpacked(part: Part, folder: Path) -> Path:
    """Unpacks a wheel into a folder, once. Returns where its packages are.

    What nobody used for :data:`KEPT` is removed from the folder.
    """
    place = folder / part.digest
    if place.is_dir():
        with contextlib.suppress(OSError):
            os.utime(place)
        return place
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.iterdir():
        with contextlib.suppress(OSError):  # another process removed it
            if time.time() - old.stat().st_mtime > KEPT:
                shutil.rmtree(old, ignore_errors=True)
    new = Path(tempfile.mkdtemp(dir=folder, prefix="new-"))
    try:
        with zipfile.ZipFile(io.BytesIO(part.data)) as wheel:
            wheel.extractall(new)
        new.chmod(0o755)  # the user of a container may be another one
        try:
            new.rename(place)
        except OSError:
            if not place.is_dir():  # no other process made it meanwhile
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return place


def fits(wheel: str, facts: dict[str, Any]) -> bool:
    """Tells whether a wheel runs on a machine, by the tags in the wheel's file name."""
    pythons, abis, platforms = wheel[: -len(".whl")].split("-")[-3:]
    version = [int(part) for part in facts["python"]]
    for python in pythons.split("."):
        number = re.fullmatch(r"(cp|py)([0-9])([0-9]*)", python)
        if number is None:
            continue
        least = [int(number[2]), int(number[3] or 0)]
        later = abis == "abi3" or number[1] == "py"
        if least > version or not (later or least == version):
            continue
        if any(_platform_fits(tag, facts) for tag in platforms.split(".")):
            return True
    return False


def _platform_fits(tag: str, facts: dict[str, Any]) -> bool:
    if tag == "any":
        return True
    here = re.sub(r"[-.]", "_", str(facts["platform"]))
    libc, version = ([str(each) for each in facts["libc"]] + ["", ""])[:2]
    linux = re.fullmatch(r"(manylinux|musllinux)_([0-9]+)_([0-9]+)_(.+)", tag)
    if linux is not None:
        if here != f"linux_{linux[4]}":
            return False
        if linux[1] == "musllinux":
            return libc != "glibc"
        least, has = [int(linux[2]), int(linux[3])], re.findall(r"[0-9]+", version)
        return libc == "glibc" and [int(each) for each in has[:2]] >= least
    mac = re.fullmatch(r"macosx_[0-9]+_[0-9]+_(.+)", tag)
    if mac is not None:
        return here.startswith("macosx_") and (here.endswith(mac[1]) or mac[1] == "universal2")
    return tag == here


def _of(package: Distribution, facts: dict[str, Any], wheels: Optional[Path]) -> bytes:
    name, version = package.metadata["Name"], package.version
    if wheels is None:
        if _alike(facts):
            return _made(package)
        text = (
            f"calls would run on {facts['platform']}, unlike this machine: get the wheels by `pip "
            f"download {name}=={version} --no-deps --only-binary :all: --platform ... -d "
            "wheels`, and name the folder by --wheels"
        )
        raise AdapterError("host_unfit", text)
    pattern = f"{re.sub('[-_.]+', '_', name)}-{version}-*.whl"
    for wheel in sorted(wheels.glob(pattern)):
        if fits(wheel.name, facts):
            return wheel.read_bytes()
    text = f"{wheels} has no {pattern} for {facts['platform']} and Python {facts['python']}"
    raise AdapterError("host_unfit", text)


def _alike(facts: dict[str, Any]) -> bool:
    libc = (facts.get("libc") or [""])[0]
    return bool(facts["platform"] == sysconfig.get_platform() and libc == libc_ver()[0])


def _offering(adapter: str) -> Distribution:
    """Returns the installed package that offers an adapter."""
    from daggerml.calls import GROUP
    from daggerml.codecs import entry_points

    for point in entry_points(GROUP):
        package: Optional[Distribution] = getattr(point, "dist", None)
        if point.name == adapter and package is not None:
            return package
        if point.name == adapter:  # Python 3.9 does not tell the package
            return distribution(f"daggerml-adapter-{adapter}")
    text = f"there is no adapter {adapter!r} here to send there; install its package"
    raise AdapterError("not_found", text)


def _made(package: Distribution) -> bytes:
    """Makes a wheel of an installed package: equal files make equal bytes."""
    name = re.sub(r"[-_.]+", "_", package.metadata["Name"])
    spec = find_spec(name)
    assert spec is not None  # noqa: S101  it is installed
    [place] = map(Path, spec.submodule_search_locations or ())
    found: dict[str, bytes] = {}
    for path in place.rglob("*"):
        if path.is_dir() and path.is_symlink():  # a package in development
            more = [(path / each.relative_to(path), each) for each in path.rglob("*")]
        else:
            more = [(path, path)]
        for named, file in more:
            if file.is_file() and "__pycache__" not in named.parts:
                found[f"{name}/{named.relative_to(place).as_posix()}"] = file.read_bytes()
    for member in ("METADATA", "WHEEL", "entry_points.txt"):
        text = package.read_text(member)
        if text is not None:
            found[f"{name}-{package.version}.dist-info/{member}"] = text.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in sorted(found):
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, found[member])
    return buffer.getvalue()
