"""One call in one container.

The container's process is the adapter ``local``, and its standard streams are those of the
engine's client (``docker run``, ``podman run``): the call goes in and its result comes out as
lines. When this process ends for any reason, the container's input ends, and with that the
container.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Optional

from daggerml.adapters import answers, layers, options, payload
from daggerml.adapters.lines import AdapterError
from daggerml.adapters.process import Process
from daggerml.adapters.records import name_of
from daggerml.errors import InvalidError
from daggerml_adapter_container import images

__all__ = [
    "ENGINE",
    "PYTHON",
    "RESOURCES",
    "Containers",
    "Settings",
    "checked_python",
    "found_engine",
]

#: The environment variable that names the engine's program.
ENGINE = "DAGGERML_CONTAINER_ENGINE"

#: The environment variable that names the Python of the images.
PYTHON = "DAGGERML_CONTAINER_PYTHON"

#: The resources that this adapter can give to calls.
RESOURCES = ("cpus", "memory", "gpus", "time", "workdir")

#: Where the container sees daggerml, and where the folder for work.
_LIBRARY, _WORK = "/daggerml", "/work"

#: The user of the container for a caller who is root.
_NOBODY = 65534

#: How many processes a call may have.
_PROCESSES = 4096

#: How long the engine may take to remove a container, in seconds.
_REMOVAL = 30

#: How long is waited for the end of a container that has answered, for its log, in seconds.
_LAST_WORDS = 5.0

#: Exit codes of the engine itself: it failed, or cannot run the program, or finds none.
_FAILURES = {125: "the engine failed", 126: "its Python cannot run", 127: "it has no such Python"}

_PROGRAM = (
    f"import sys; sys.path.insert(0, {_LIBRARY!r}); from daggerml.adapters.local import run; run()"
)

_FACTS = (
    "import json, platform, sys, sysconfig; print(json.dumps({'python': list(sys.version_info[:2]),"
    " 'platform': sysconfig.get_platform(), 'libc': list(platform.libc_ver())}))"
)

Message = dict[str, Any]


class Settings(NamedTuple):
    """What the user says of all containers."""

    #: The engine's program: docker, podman, or one that takes the same arguments.
    engine: str
    resources: dict[str, Any]
    #: The interpreter in the image.
    python: str = "python3"
    #: A folder with wheels for images that are unlike this machine.
    wheels: Optional[Path] = None
    #: The image of calls that do not name one.
    image: Optional[str] = None


def found_engine(given: Optional[str]) -> str:
    """Returns the engine's program: the given one, else podman or docker, as it is installed."""
    asked = given or os.environ.get(ENGINE)
    for name in [asked] if asked else ["podman", "docker"]:
        if found := shutil.which(name):
            return found
    what = f"{asked!r} is not installed" if asked else "neither podman nor docker is installed"
    raise InvalidError(what, hint=f"install one, or name it by --engine or {ENGINE}")


def checked_python(given: str) -> str:
    """Returns the name or the absolute path of an interpreter in an image."""
    if not re.fullmatch(r"/?[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,500}", given):
        text = f"{given!r} is neither the name nor the absolute path of a Python"
        raise InvalidError(text)
    return given


def _network(given: object) -> bool:
    if not isinstance(given, bool):
        text = f"network is True or False, not {given!r}"
        raise InvalidError(text)
    return given


_CHECKS: dict[str, layers.Check] = {
    "image": images.checked,
    "network": _network,
    "gpus": lambda given: options.count("gpus", given),
}


class Containers:
    """The containers of a process of this adapter, one after the other."""

    def __init__(self, settings: Settings) -> None:
        """Starts nothing yet."""
        self._settings = settings
        self._libraries: dict[str, Path] = {}

    def invoke(self, request: Message) -> Message:
        """Runs a call in a new container, to its end."""
        name_of(request.get("key"), request.get("attempt"))
        layer = layers.read(request, _CHECKS)
        image = layer.options.get("image", self._settings.image)
        if image is None:
            text = "a call in a container needs an image: on('container', funk, image='...@sha256:"
            raise AdapterError("invalid", f"{text}...')")
        if layer.adapter != "local":
            text = f"a container runs functions and commands, not the adapter {layer.adapter!r}; "
            raise AdapterError("invalid", f"{text}its function must be on 'local'")
        members = ("op", "key", "attempt", "ancestors", "bundle")
        inner = {**{each: request.get(each) for each in members}, "depth": layer.depth}
        library = self._library(image)
        name = f"daggerml-{str(request['key'])[:16]}-{request['attempt']}-{secrets.token_hex(8)}"
        command = self._command(name, image, layer.options, library)
        try:
            answer, code, late = self._run(name, command, inner)
        finally:
            self._remove(name)
        if late:
            text = f"the call was stopped after its time, {self._settings.resources['time']} s"
            raise AdapterError("timeout", text)
        found = answers.checked(answer, "the container", encoded=True)
        if found["state"] == "error" and found["error"]["kind"] == "died":
            self._explain(code, answers.told(found["log"]))
        return found

    def _run(
        self, name: str, command: list[str], request: Message
    ) -> tuple[Message, Optional[int], bool]:
        process = Process(None, command)
        late = threading.Event()

        def end() -> None:
            late.set()
            self._remove(name)
            process.kill()

        limit = self._settings.resources.get("time")
        clock = threading.Timer(limit or 0, end)
        clock.daemon = True
        if limit is not None:
            clock.start()
        try:
            answer = process.ask(**request)
            answer["log"] += process.last_words(_LAST_WORDS)
        finally:
            clock.cancel()
            process.close()
            code = process.code
            process.kill()
        return answer, code, late.is_set()

    def _explain(self, code: Optional[int], log: str) -> NoReturn:
        """Raises the error of a container that ended before it answered."""
        why = _FAILURES.get(code or 0)
        if why is not None:
            raise AdapterError("container", f"the container did not start: {why}: {log.strip()}")
        text = f"the container ended with exit code {code} before it answered"
        if "memory" in self._settings.resources:
            text += "; perhaps its memory was too small"
        raise AdapterError("died", f"{text}: {log.strip()}".rstrip(": "), transient=True)

    def _command(self, name: str, image: str, given: dict[str, Any], library: Path) -> list[str]:
        """Returns the engine's command for a call."""
        has = {**self._settings.resources, **given}
        user, group = os.getuid(), os.getgid()
        if user == 0:
            user = group = _NOBODY
        words = [
            *(self._settings.engine, "run", "--rm", "--interactive", "--name", name),
            *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--security-opt", "label=disable", "--pids-limit", str(_PROCESSES)),
            *("--network", "bridge" if has.get("network") else "none"),
            *("--user", f"{user}:{group}", "--env", "HOME=/tmp", "--env", "TMPDIR=/tmp"),
            *("--tmpfs", "/tmp:rw,exec,nosuid,nodev,mode=1777"),  # noqa: S108  the container's
            *("--mount", f"type=bind,source={_source(library)},target={_LIBRARY},readonly"),
        ]
        if self._is("podman") and os.getuid() != 0:  # so that the user is the same outside
            words += ["--userns", "keep-id"]
        if "workdir" in has:
            source = _source(Path(has["workdir"]))
            words += ["--mount", f"type=bind,source={source},target={_WORK}", "--workdir", _WORK]
        else:
            words += ["--workdir", "/tmp"]  # noqa: S108
        if "cpus" in has:
            words += ["--cpus", str(has["cpus"])]
        if "memory" in has:
            words += ["--memory", str(has["memory"]), "--memory-swap", str(has["memory"])]
        if "gpus" in has:
            words += self._gpus(has["gpus"])
        for variable, value in has.get("env", {}).items():
            words += ["--env", f"{variable}={value}"]
        words += ["--entrypoint", self._settings.python, image, "-B", "-c", _PROGRAM]
        return words

    def _is(self, engine: str) -> bool:
        """Tells which engine it is, by the name of its program."""
        return Path(self._settings.engine).name == engine

    def _gpus(self, number: int) -> list[str]:
        if self._is("docker"):
            return ["--gpus", str(number)]
        return [word for each in range(number) for word in ("--device", f"nvidia.com/gpu={each}")]

    def _remove(self, name: str) -> None:
        """Removes a container, in case that its end did not."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [self._settings.engine, "rm", "--force", name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_REMOVAL,
                check=False,
            )

    def _library(self, image: str) -> Path:
        """Returns a folder with the daggerml that fits an image."""
        like_here = self._settings.wheels is None
        kind = "" if like_here else image
        found = self._libraries.get(kind)
        if found is None or not found.is_dir():
            facts = payload.here() if like_here else self._facts(image)
            [part] = payload.parts("local", facts, self._settings.wheels)
            found = self._libraries[kind] = payload.unpacked(part, payload.cache() / "packages")
        return found

    def _facts(self, image: str) -> dict[str, Any]:
        """Returns what an image says of its platform and Python."""
        words = [self._settings.engine, "run", "--rm", "--network", "none", "--read-only"]
        words += ["--entrypoint", self._settings.python, image, "-I", "-c", _FACTS]
        made = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if made.returncode:
            self._explain(made.returncode, made.stderr.decode("utf-8", "replace"))
        try:
            found = json.loads(made.stdout)
            return {name: found[name] for name in ("python", "platform", "libc")}
        except (ValueError, TypeError, KeyError):
            text = f"the Python of {image} does not tell what it is"
            raise AdapterError("container", text) from None


def _source(path: Path) -> str:
    """Returns a path for ``--mount``, whose parts are separated by commas."""
    text = str(path)
    if set(text) & set(',"\n\r'):
        error = f"the folder {text!r} cannot be mounted: it has a comma, a quote or a line break"
        raise AdapterError("invalid", error)
    return text
