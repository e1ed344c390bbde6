"""Calls in a repository that comes from somebody else, with traps in ``.dml``."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

import pytest

import daggerml
from daggerml import Dml
from daggerml.errors import DmlRepoError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes are made as on Unix")

CONTENT = "precious"
OWNER = "0123456789abcdef0123456789abcdef"
# Longer than any call needs on any machine: a bound for what hangs.
BOUND = 120

CALL = """
import daggerml as dml

@dml.funk
def f(dag, x):
    return x.value() + 1

with dml.new("c") as dag:
    dag.commit(dag.call(f, 1))
"""


def _fifo(path: Path, victim: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, victim: Path) -> None:
    # Its path must be short when it is made.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as made:
        made.bind(f"{folder}/s")
        Path(f"{folder}/s").rename(path)


def _huge(path: Path, victim: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 42)


def _unreadable(path: Path, victim: Path) -> None:
    path.touch()
    path.chmod(0)


TRAPS: dict[str, Callable[[Path, Path], object]] = {
    "a link to a file": lambda path, victim: path.symlink_to(victim / ".bashrc"),
    "a link to a folder": lambda path, victim: path.symlink_to(victim),
    "a link to nothing": lambda path, victim: path.symlink_to(victim / "made"),
    "a hard link": lambda path, victim: os.link(victim / ".bashrc", path),
    "a pipe": _fifo,
    "a socket": _socket,
    "a folder": lambda path, victim: path.mkdir(),
    "an empty file": lambda path, victim: path.touch(),
    "a huge file": _huge,
    "an unreadable file": _unreadable,
}
NAMES = ["owners", f"owners/{OWNER}", "owners/aaaa", "lock.mdb", "config.toml", "data.mdb"]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    folder.mkdir()
    for name in ("a.txt", ".bashrc", OWNER):
        (folder / name).write_text(CONTENT)
    return folder


def _everything(folder: Path) -> dict[str, tuple[object, ...]]:
    facts = {path: path.lstat() for path in sorted(folder.iterdir())}
    return {path.name: (path.read_text(), it.st_mode, it.st_mtime_ns) for path, it in facts.items()}


def _script(folder: Path, code: str) -> list[str]:
    """Writes a program, for a funk has its source from a file; the command that runs it."""
    path = folder / "program.py"
    path.write_text(code)
    return [sys.executable, "-B", str(path)]


def _run(command: list[str], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_call_among_traps_harms_nobody(tmp_path: Path, victim: Path, name: str) -> None:
    before = _everything(victim)
    for trap, lay in TRAPS.items():
        root = tmp_path / "stranger"
        Dml.init(root)
        path = root / ".dml" / name
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            path.unlink()
        lay(path, victim)
        done = _run(_script(tmp_path, CALL), root)
        assert _everything(victim) == before, (trap, done.stderr)
        assert CONTENT not in done.stdout + done.stderr, trap
        # It works, or says why not; it does not crash.
        assert done.returncode in {0, 1}, (trap, done)
        if done.returncode:
            assert "DmlRepoError" in done.stderr, (trap, done.stderr)
        elif trap.startswith("a link"):
            assert path.is_symlink(), trap  # not removed either
        shutil.rmtree(root)


MODES = """
import daggerml as dml

@dml.funk
def modes(dag):
    import os
    import stat

    found = [".dml"] + [os.path.join(at, name) for at, *names in os.walk(".dml")
                        for name in names[0] + names[1]]
    return {path: oct(stat.S_IMODE(os.stat(path).st_mode)) for path in found}

with dml.init(".", shared=SHARED).new("c") as dag:
    print(dag.call(modes).value())
    dag.commit(1)
"""


def test_what_a_call_makes_is_private(tmp_path: Path) -> None:
    for shared, folder, file in ((None, 0o700, 0o600), ("group", 0o2770, 0o660)):
        root = tmp_path / str(shared)
        root.mkdir()
        program = _script(tmp_path, MODES.replace("SHARED", repr(shared)))
        made = _run(["sh", "-c", 'umask 027; exec "$@"', "sh", *program], root)
        assert made.returncode == 0, made.stderr
        found = ast.literal_eval(made.stdout)
        assert len(found) >= 5, found  # with the file of the one that calls, in owners
        for path, mode in found.items():
            assert mode == oct(folder if path in {".dml", ".dml/owners"} else file), (path, found)


def test_a_refusal_has_a_kind_and_a_hint(tmp_path: Path) -> None:
    Dml.init(tmp_path)
    (tmp_path / ".dml").chmod(0o777)
    with pytest.raises(DmlRepoError, match="everybody may write to it") as raised:
        Dml.open(tmp_path)
    assert raised.value.kind == "unsafe"
    assert "safe.directories" in (raised.value.hint or "")
    (tmp_path / ".dml").chmod(0o700)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / ".dml").symlink_to(tmp_path / ".dml")
    with pytest.raises(DmlRepoError, match="it is a link") as raised:
        daggerml.Dml(tmp_path / "inner")
    assert raised.value.kind == "unsafe"
    with pytest.raises(DmlRepoError, match="shared must be"):
        Dml.init(tmp_path, shared="all")  # type: ignore[arg-type]


def test_lists_of_settings_are_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "config"))
    repo = Dml.init(tmp_path)
    repo.config.add("safe.directories", "/srv/a,b", user=True)
    repo.config.add("safe.directories", "*", user=True)
    assert repo.config.get("safe.directories") == '["/srv/a,b", "*"]'
    with pytest.raises(DmlRepoError, match="in your own settings only"):
        repo.config.add("safe.directories", "*")


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_no_system_call_of_a_call_leads_outside(tmp_path: Path, victim: Path) -> None:
    root, temporary = tmp_path / "stranger", tmp_path / "temporary"
    temporary.mkdir()
    Dml.init(root)
    (root / ".dml" / "owners").symlink_to(victim)
    (root / ".dml" / "config.toml").symlink_to(victim / ".bashrc")
    trace = tmp_path / "trace"
    for trap in ("owners", "config.toml", None):
        options = ["-f", "-y", "-qq", "-s", "4096", "-e", "trace=file", "-o", str(trace)]
        command = ["strace", *options, *_script(tmp_path, CALL)]
        done = _run(command, root, TMPDIR=str(temporary))
        if not trace.exists() or "execve(" not in trace.read_text("utf-8", "replace"):
            pytest.skip("strace may not trace here")
        _judge(trace.read_text("utf-8", "replace"), str(victim), [str(root), str(temporary)])
        if trap is None:
            assert done.returncode == 0, done.stderr
        else:
            (root / ".dml" / trap).unlink()


def _judge(trace: str, victim: str, allowed: list[str]) -> None:
    """Checks that no call that succeeded touched the victim, or wrote anywhere but here."""
    seen = 0
    for line in trace.splitlines():
        _, _, call = line.partition(" ")
        name, _, rest = call.strip().partition("(")
        if " = -1 " in rest or ") = " not in rest or name in {"execve", "readlink", "chdir"}:
            continue
        looks = "stat" in name or "access" in name
        assert looks or victim not in rest, line
        opens = name in {"open", "openat", "openat2"}
        flags = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
        changes = any(flag in rest for flag in flags) if opens else not looks and name != "getcwd"
        if changes and "/dev/null" not in rest and "readlink" not in name:
            assert any(folder in rest for folder in allowed), line
            seen += 1
    assert seen
