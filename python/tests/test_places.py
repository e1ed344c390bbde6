"""One program on every adapter, as places that the user's settings name.

The results and the DAGs of the calls are the same everywhere, and what one place computed is
a cache hit at the others.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from conftest import installed

from daggerml import Dml, calls, funk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="places are POSIX systems")


@funk(adapter="place")
def fit(dag: Any, setting: Any, points: Any) -> Any:
    """The parameter sweep of the guide to clusters."""
    rate, steps = setting["rate"].value(), setting["steps"].value()
    slope = offset = 0.0
    data = points.value()
    for _ in range(steps):
        errors = [(slope * x + offset - y, x) for x, y in data]
        slope -= rate * 2 * sum(e * x for e, x in errors) / len(data)
        offset -= rate * 2 * sum(e for e, _ in errors) / len(data)
    loss = sum((slope * x + offset - y) ** 2 for x, y in data) / len(data)
    return {"rate": rate, "steps": steps, "loss": loss, "slope": slope}


SETTINGS = [{"rate": rate, "steps": steps} for rate in (0.01, 0.1, 0.5) for steps in (10, 100)]


def sweep(repo: Dml, name: str) -> tuple[Any, list[Any]]:
    """Runs the sweep. Returns its result, and the DAGs of its calls."""
    with repo.new(name) as dag:
        points = dag.put([[x / 10, 3 * x / 10 + 1] for x in range(11)], name="points")
        fits = dag.map(fit, SETTINGS, points)
        made = [fit.context(root=False).ref for fit in fits]
        dag.commit({"fits": fits})
    return repo.load(name).result.value(), made


def local(_folder: Path) -> Iterator[list[str]]:
    yield [sys.executable, "-m", "daggerml.adapters.local"]


def dask(folder: Path) -> Iterator[list[str]]:
    pytest.importorskip("distributed")
    from clusters import Cluster

    cluster = Cluster(workers=1, folder=folder)
    yield [installed("daggerml-adapter-dask"), "--scheduler", cluster.address]
    cluster.close()


def ssh(folder: Path) -> Iterator[list[str]]:
    from ssh_servers import Server

    server = Server(folder)
    yield [installed("daggerml-adapter-ssh"), *server.command()]
    server.stop()


def container(folder: Path) -> Iterator[list[str]]:
    from images import found_engine

    engine = found_engine(folder)
    program = installed("daggerml-adapter-container")
    words = ["--engine", engine.program, "--python", engine.python, "--image", engine.image]
    yield [program, *words]


def slurm(folder: Path) -> Iterator[list[str]]:
    from slurm_clusters import Slurm

    cluster = Slurm(folder)
    # The adapter gets the user's environment, which says where Slurm is.
    os.environ["SLURM_CONF"] = str(cluster.config)
    yield [installed("daggerml-adapter-slurm"), "--folder", str(folder / "shared")]
    cluster.stop()
    del os.environ["SLURM_CONF"]


PLACES = {place.__name__: place for place in (local, dask, ssh, container, slurm)}


@pytest.fixture(params=PLACES)
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Gives an adapter the name `place`."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    with Dml.temporary() as repo:
        running = PLACES[request.param](folder)
        repo.config.set("adapters.allow", "place", user=True)
        repo.config.set("adapter.place.command", ",".join(next(running)), user=True)
        repo.config.set("adapter.place.processes", "2", user=True)
    yield request.param
    next(running, None)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Dml:
    """Gives one repository for all places."""
    return Dml.init(tmp_path_factory.mktemp("shared"))


def test_results_are_the_same_and_hits_everywhere(place: str, shared: Dml, tmp_path: Path) -> None:
    alone = Dml.init(tmp_path / "alone")
    result, made = sweep(alone, "sweep")
    assert [record.status for record in alone.exec.list()] == ["ok"] * len(SETTINGS)
    calls.release(alone.root)
    before = len(shared.exec.list())
    assert sweep(shared, f"sweep-{place}") == (result, made)
    ran = len(shared.exec.list()) - before
    assert ran == (len(SETTINGS) if before == 0 else 0)
    calls.release(shared.root)
