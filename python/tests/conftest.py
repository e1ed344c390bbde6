"""What the tests share: the programs under test, and a repository."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import daggerml

if TYPE_CHECKING:
    from collections.abc import Iterator

# No property is timed: the machine may be busy, or stop the tests for a while. And each run tries
# the same values, so that what turns red is what was changed; others are tried by
# `pytest --hypothesis-profile=others`.
settings.register_profile(
    "same",
    settings(),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("others", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


#: Modules whose time goes to programs that no interpreter changes: a browser, sshd, Slurm,
#: containers, servers. `cargo checks pythons` runs them on the oldest CPython only.
OUTSIDE = {
    "test_adapter_container",
    "test_adapter_slurm",
    "test_adapter_ssh",
    "test_remote_servers",
    "test_remote_ssh",
    "test_ui_browser",
    "test_ui_live_log",
}

#: The released version that programs may come from.
PEER = "daggerml==0.1.7"


def pytest_configure(config: pytest.Config) -> None:
    """Lets tests be chosen by whether they need programs from outside."""
    config.addinivalue_line("markers", "outside: most of the time goes to other programs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need programs from outside."""
    for item in items:
        if item.path.stem in OUTSIDE:
            item.add_marker("outside")


def installed(name: str) -> str:
    """Finds a program of the environment that the tests run in."""
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program is not None, f"{name} is not installed beside {sys.executable}"
    return program


def pip(python: str, *words: str) -> None:
    """Runs pip; skips the test where the last of the words cannot be had, or not soon."""
    command = [python, "-I", "-m", "pip", *words]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{words[-1]} does not come from the index in 5 minutes")
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["?"])[-1]
        pytest.skip(f"{words[-1]} cannot be had here: {reason}")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Lets nothing depend on the settings of whoever runs the tests, or change them."""
    os.environ["DML_CONFIG_DIR"] = str(tmp_path_factory.mktemp("settings"))


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> None:
    """Lets Ctrl-C reach what the tests start: in the background of a shell it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def front() -> str:
    """Gives the `dml` of the daggerml-cli wheel."""
    return installed("dml")


@pytest.fixture(scope="session")
def native() -> str:
    """Gives the native `dml`; `cargo checks` says where it is."""
    program = os.environ.get("DML_NATIVE")
    if program is None:
        pytest.skip("DML_NATIVE does not name a native dml to compare with")
    return program


@pytest.fixture(scope="session")
def adapter() -> str:
    """Gives the program of the daggerml-adapter-dask wheel."""
    return installed("daggerml-adapter-dask")


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Gives the Python of an environment with the released package."""
    folder = tmp_path_factory.mktemp("peer")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    pip(python, "install", "-q", "--only-binary", ":all:", PEER)
    yield python
    shutil.rmtree(folder, ignore_errors=True)  # pytest would keep it


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives the folder of the released source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    # What builds it comes as wheels: only its metadata is made.
    options = ["--no-deps", "--no-binary", "daggerml", "--dest", str(folder)]
    pip(sys.executable, "download", "-q", *options, PEER)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder)  # noqa: S202  pip took its metadata from it already
    [inner] = [path for path in folder.iterdir() if path.is_dir()]
    return inner


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[daggerml.Dml]:
    """Gives a new repository, which is also the default one."""
    dml = daggerml.Dml.init(tmp_path / "repo")
    with daggerml.use_default_dml(dml):
        yield dml
