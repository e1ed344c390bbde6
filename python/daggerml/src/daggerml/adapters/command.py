"""Commands: any executable as a function, without a shell.

:func:`command` makes the runnable, and :func:`run` runs it, in the adapter ``local``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml._core import Runnable, Uri
from daggerml.errors import Error, InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daggerml.dag import Dag

__all__ = ["URI", "command", "run"]

#: The URI of the runnable of a command.
URI = "daggerml:command/1"

#: The environment variables that every command gets.
STANDARD_ENV = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP")

#: How much of the end of standard error is in an error, in bytes.
_TAIL = 4096


def command(
    argv: Sequence[Union[str, int]],
    *,
    stdin: Union[str, bytes, int, None] = None,
    files: Optional[Mapping[str, Union[str, bytes, int]]] = None,
    outputs: Iterable[str] = (),
    store: Union[Uri, str, None] = None,
    env: Optional[Mapping[str, str]] = None,
    inherit: Iterable[str] = (),
    transient: Iterable[int] = (),
    adapter: str = "local",
) -> Runnable:
    r"""Makes a runnable of a program: an executable and its arguments, never a shell.

    A whole number in ``argv``, ``stdin`` or ``files`` stands for an argument of the call, by
    its position from 0. In ``argv`` its text is used, in ``stdin`` and ``files`` its bytes.
    The command runs in a new folder, which is removed afterwards. The result is a map with
    the bytes of ``stdout``, and with the bytes of each file in ``outputs`` under its name.

    An exit code other than 0 is an error of the call; its message holds the end of
    standard error.

    :param files: files to make in the folder first, by name.
    :param outputs: the names of the files to read from the folder at the end.
    :param store: the URI of a folder. Outputs are moved there, named by the hash of their
        bytes, and the result holds their URIs in the place of the bytes.
    :param env: environment variables and their values.
    :param inherit: names of environment variables to pass on. Without these, the command gets
        only ``PATH`` and a few more.
    :param transient: exit codes of failures that may not come again, such as 75 ("try again
        later"). The call is run again, and the error is not cached.
    :param adapter: the name of the adapter that runs it.

    >>> import daggerml
    >>> sort = daggerml.command(["sort", "-n"], stdin=0)
    >>> with daggerml.temporary() as repo, repo.new("sorted") as dag:
    ...     dag.commit(dag.call(sort, b"10\n9\n")["stdout"])
    ...     repo.load("sorted").result.value()
    b'9\n10\n'
    """
    if isinstance(argv, (str, bytes)):
        text = f"a command is a list of its program and arguments, not the text {argv!r}"
        raise InvalidError(text, hint="shlex.split(...) makes one, or write ['sh', '-c', ...]")
    kwargs: dict[str, Any] = {"argv": list(argv)}
    if not argv or not isinstance(argv[0], str):
        text = "a command needs a program: argv[0] must be its name"
        raise InvalidError(text)
    for part in argv:
        _check(part)
    if stdin is not None:
        kwargs["stdin"] = stdin
    if files:
        kwargs["files"] = {_inside(name): value for name, value in files.items()}
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    if names:
        kwargs["outputs"] = [_inside(name) for name in names]
    if store is not None:
        kwargs["store"] = store if isinstance(store, Uri) else Uri(store)
    if env:
        kwargs["env"] = {name: _variable(name, value) for name, value in env.items()}
    inherited = [inherit] if isinstance(inherit, str) else sorted(set(inherit))
    if inherited:
        kwargs["inherit"] = inherited
    codes = sorted({_exit_code(code) for code in transient})
    if codes:
        kwargs["transient"] = codes
    return Runnable(URI, adapter=adapter, kwargs=kwargs)


def _check(part: Any) -> None:
    """Refuses what can be no argument of a program."""
    if isinstance(part, int) and part < 0:
        text = f"{part} is no argument of a call: they are counted from 0"
        raise InvalidError(text, hint=f"for a number as text, write {str(part)!r}")
    _text(part)


def _variable(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidError(f"the environment variable {name!r} is a text, not {value!r}")
    return value


def _exit_code(code: object) -> int:
    if not isinstance(code, int) or isinstance(code, bool) or not 0 < code < 256:  # noqa: PLR2004
        text = f"transient is a list of exit codes from 1 to 255, not {code!r}"
        raise InvalidError(text)
    return code


def run(dag: Dag, runnable: Runnable) -> dict[str, Any]:
    """Runs a command as the call of ``dag``."""
    kwargs = runnable.kwargs
    args: list[Any] = dag.argv.value()
    argv = [_text(_given(part, args)) for part in kwargs["argv"]]
    names = [*STANDARD_ENV, *kwargs.get("inherit", ())]
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment.update(kwargs.get("env", {}))
    with tempfile.TemporaryDirectory(prefix="dml-command-") as folder:
        root = Path(folder)
        for name, given in kwargs.get("files", {}).items():
            place = root / _inside(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_bytes(_given(given, args)))
        stdin = _bytes(_given(kwargs.get("stdin", b""), args))
        stdout = _run(argv, root, environment, stdin, kwargs.get("transient", ()))
        found: dict[str, Any] = {"stdout": stdout}
        for name in kwargs.get("outputs", ()):
            found[name] = _output(root, _inside(name), kwargs.get("store"), argv[0])
        return found


def _run(
    argv: list[str],
    folder: Path,
    environment: dict[str, str],
    stdin: bytes,
    transient: Sequence[int],
) -> bytes:
    import threading

    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as problem:
        text = f"{argv[0]} cannot be started: {problem}"
        raise Error(text, "command", "CommandError") from None
    tail = bytearray()

    def forward() -> None:  # standard error is the adapter log
        assert process.stderr is not None  # noqa: S101
        while part := os.read(process.stderr.fileno(), 65536):
            sys.stderr.buffer.write(part)
            sys.stderr.buffer.flush()
            tail.extend(part)
            del tail[:-_TAIL]

    def feed() -> None:
        assert process.stdin is not None  # noqa: S101
        try:
            with process.stdin as pipe:
                pipe.write(stdin)
        except OSError:
            return  # the command does not read it

    threads = [threading.Thread(target=work, daemon=True) for work in (forward, feed)]
    with process:
        for thread in threads:
            thread.start()
        assert process.stdout is not None  # noqa: S101
        stdout = process.stdout.read()
        code = process.wait()
        for thread in threads:
            thread.join()
    if code:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        said = tail.decode("utf-8", "replace").strip()
        text = f"{argv[0]} {how}" + (f": {said}" if said else "")
        error = Error(text, "command", "CommandError")
        error.transient = code in transient
        raise error
    return stdout


def _given(part: Any, args: list[Any]) -> Any:
    """Returns the call's argument when ``part`` is a position, otherwise ``part`` itself."""
    if not isinstance(part, int) or isinstance(part, bool):
        return part
    if not 0 <= part < len(args):
        text = f"the command uses argument {part}, and the call has {len(args)}"
        raise InvalidError(text)
    return args[part]


def _text(value: Any) -> str:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Uri):
        return value.uri
    text = f"an argument of a command is text, a number or a Uri, not a {type(value).__name__}"
    raise InvalidError(text, hint="give bytes by files={name: position} or stdin=position")


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, Uri):
        return _path(value).read_bytes()
    return _text(value).encode()


def _path(uri: Uri) -> Path:
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(uri.uri)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        text = f"a command can only have local files as Uri, not {uri.uri}"
        raise InvalidError(text, hint="let the command itself fetch it: pass the Uri in argv")
    return Path(url2pathname(parts.path) if os.name == "nt" else unquote(parts.path))


def _output(root: Path, name: str, store: Optional[Uri], program: str) -> Any:
    try:
        data = (root / name).read_bytes()
    except OSError as problem:
        text = f"{program} made no file {name!r}: {problem.strerror}"
        raise Error(text, "command", "CommandError") from None
    if store is None:
        return data
    import hashlib

    folder = _path(store)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / hashlib.sha256(data).hexdigest()
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(data)
    Path(file.name).replace(place)  # atomically; a file that was there has the same bytes
    return Uri(place.resolve().as_uri())


def _inside(name: str) -> str:
    """Returns a file name, or raises an error when it is not inside the command's folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts:
        text = f"{name!r} is not the name of a file in the command's folder"
        raise InvalidError(text, hint="name it like 'data.csv' or 'out/plot.png'")
    return str(path)
