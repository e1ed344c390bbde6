"""What the tests share: the programs under test."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest


def installed(name: str) -> str:
    """Find a program of the environment that the tests run in."""
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program is not None, f"{name} is not installed beside {sys.executable}"
    return program


@pytest.fixture(scope="session")
def front() -> str:
    """Give the `dml` of the daggerml-cli wheel."""
    return installed("dml")


@pytest.fixture(scope="session")
def native() -> str:
    """Give the native `dml`; `cargo checks` says where it is."""
    program = os.environ.get("DML_NATIVE")
    if program is None:
        pytest.skip("DML_NATIVE does not name a native dml to compare with")
    return program


@pytest.fixture(scope="session")
def adapter() -> str:
    """Give the program of the daggerml-adapter-dask wheel."""
    return installed("daggerml-adapter-dask")
