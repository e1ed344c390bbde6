"""What all tests of the Python packages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import daggerml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[daggerml.Dml]:
    """Return a new repository, which is also the default one."""
    dml = daggerml.Dml.init(tmp_path / "repo")
    with daggerml.use_default_dml(dml):
        yield dml
