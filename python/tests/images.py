"""A container engine and a small image, as far as this machine can run one."""

from __future__ import annotations

import atexit
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from by_hand import call

#: Folders of a Python that no call needs.
_LEFT_OUT = {"test", "tests", "site-packages", "__pycache__", "idlelib", "ensurepip", "lib2to3"}


class Engine:
    """An engine that ran a container here, and an image that holds this Python."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.python = program, ""
        self.image = self._made(folder)

    def _made(self, folder: Path) -> str:
        """Makes an image of the interpreter and the libraries that it loads."""
        base = Path(sys.base_prefix).resolve()
        interpreter = Path(sys.executable).resolve()
        self.python = str(interpreter)
        library = base / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        files = [interpreter]
        for path in library.rglob("*"):
            if not _LEFT_OUT & set(path.relative_to(library).parts):
                files += [path] if path.is_file() else []
        names: dict[str, Path] = {str(path): path for path in files}
        from daggerml import _core

        objects = [
            Path(str(_core.__file__)),
            *(path for path in files if path == interpreter or ".so" in path.name),
        ]
        shown = subprocess.run(
            ["ldd", *map(str, objects)], capture_output=True, text=True, check=False
        )
        for name in re.findall(r"(/\S+) \(0x", shown.stdout):
            names[name] = Path(name).resolve()
        archive = folder / "image.tar"
        with tarfile.open(archive, "w") as tar:
            for folder_name in ("tmp", "daggerml", "work", "proc", "sys", "dev", "etc"):
                info = tarfile.TarInfo(folder_name)
                info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder_name == "tmp" else 0o755
                tar.addfile(info)
            for name, path in sorted(names.items()):
                info = tarfile.TarInfo(name.lstrip("/"))
                data = path.read_bytes()
                info.size, info.mode = len(data), 0o755
                tar.addfile(info, io.BytesIO(data))
        words = [self.program, "import", str(archive), "daggerml-test"]
        told = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
        archive.unlink()
        assert told.returncode == 0, told.stderr
        found = re.search(r"(?:sha256:)?([0-9a-f]{64})", told.stdout)
        assert found is not None, told.stdout
        return f"sha256:{found[1]}"

    def names(self, *calls: Any) -> list[str]:
        """Returns the names of the containers of calls: each a runnable and its arguments."""
        starts = tuple(f"daggerml-{call(*each)[0][:16]}-" for each in calls)
        words = [self.program, "ps", "--all", "--format", "{{.Names}}"]
        told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
        return [name for name in told.stdout.split() if name.startswith(starts)]


@lru_cache(maxsize=1)
def found_engine(folder: Path) -> Engine:
    """Returns an engine that works here; skips the test when there is none."""
    if sys.platform != "linux":
        pytest.skip("the image is made of this machine's Python, so it must be Linux")
    reasons = []
    for name in ("podman", "docker"):
        program = shutil.which(name)
        if program is None:
            reasons.append(f"{name} is not installed")
            continue
        if name == "podman":
            _configure_podman(folder)
        told = subprocess.run([program, "info"], capture_output=True, text=True, check=False)
        if told.returncode:
            reasons.append(f"{name}: {told.stderr.strip()[-200:]}")
            continue
        engine = Engine(program, folder)
        remove = [program, "rmi", "--force", engine.image]
        atexit.register(subprocess.run, remove, capture_output=True, check=False)
        words = ["run", "--rm", "--network", "none", "--entrypoint", engine.python, engine.image]
        told = subprocess.run(
            [program, *words, "-c", ""], capture_output=True, text=True, timeout=120, check=False
        )
        if told.returncode == 0:
            return engine
        reasons.append(f"{name}: {told.stderr.strip()[-200:]}")
    pytest.skip(f"no container runs here: {'; '.join(reasons)}")


def _configure_podman(folder: Path) -> None:
    """Lets podman run with the limits that this process may set, and where there is no systemd."""
    import resource

    limits = []
    for name in ("nofile", "nproc"):
        _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))
        most = 1024 if hard == resource.RLIM_INFINITY else min(hard, 1024)
        limits.append(f'"{name}={most}:{most}"')
    text = f"[containers]\ndefault_ulimits = [{', '.join(limits)}]\n"
    text += '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    if shutil.which("runc"):
        text += 'runtime = "runc"\n'
    place = folder / "containers.conf"
    place.write_text(text)
    os.environ["CONTAINERS_CONF"] = str(place)
