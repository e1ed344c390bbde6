"""Parts of the adapter for Dask without a cluster: moments that are too short to hit."""

from __future__ import annotations

import os
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from daggerml.adapters.lines import AdapterError

CommClosedError = pytest.importorskip("distributed.comm").CommClosedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Lost:
    """A future whose scheduler is gone."""

    key = "daggerml-00-1"

    error: BaseException = CancelledError(key)
    status = "cancelled"

    def add_done_callback(self, tell: Callable[[Any], None]) -> None:
        tell(self)

    def result(self, timeout: float) -> Any:
        raise self.error


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    from daggerml_adapter_dask import cluster

    found = SimpleNamespace(
        id="Client-1",
        subscribe_topic=lambda topic, handler: None,
        nthreads=lambda: {"tcp://127.0.0.1:2": 1},
        scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"),
        submit=lambda *args, **options: Lost(),
        get_dataset=lambda name: Lost(),
    )
    monkeypatch.setattr(cluster, "connected", lambda: found)
    return found


def test_a_scheduler_that_is_lost_while_it_is_told_of_a_call(client: SimpleNamespace) -> None:
    from daggerml_adapter_dask import tasks

    with pytest.raises(AdapterError) as caught:
        tasks.submit({"key": "00", "attempt": 1, "bundle": ""})
    # `unknown_token` is no answer to `invoke`: it ended the call, which is to be tried again.
    assert caught.value.answer["error"]["kind"] == "scheduler_lost"
    assert caught.value.answer["error"]["transient"]
    with pytest.raises(AdapterError) as caught:
        tasks.collect("daggerml-00-1")
    assert caught.value.answer["error"]["kind"] == "unknown_token"


@pytest.mark.parametrize(
    "error", [UnboundLocalError("cannot access local variable 'result'"), CommClosedError("gone")]
)
def test_a_connection_that_is_no_good(
    client: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from daggerml_adapter_dask import cluster, tasks

    forgotten: list[int] = []
    monkeypatch.setattr(cluster, "forget", lambda: forgotten.append(1))
    monkeypatch.setattr(Lost, "error", error)

    def asked(answer: Callable[[], Any]) -> Any:
        with pytest.raises(AdapterError) as caught:
            answer()
        return caught.value.answer["error"]

    for found in (
        asked(lambda: tasks.submit({"key": "00", "attempt": 1, "bundle": ""})),
        asked(lambda: tasks.collect("daggerml-00-1")),
    ):
        assert (found["kind"], found["transient"]) == ("scheduler_lost", True)
    assert forgotten == [1, 1]


@pytest.mark.skipif(os.name == "nt", reason="a cluster of one's own is for Unix")
@pytest.mark.parametrize("planted", ["link", "nowhere", "file", "open"])
def test_the_folder_of_a_local_cluster_is_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    from daggerml_adapter_dask import cluster

    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    (victim / "lock").write_text("precious")
    place = tmp_path / f"daggerml-dask-{os.getuid()}-{os.getppid()}"
    if planted == "open":
        place.mkdir()
        place.chmod(0o777)
    elif planted == "file":
        place.touch()
    else:
        place.symlink_to(victim if planted == "link" else tmp_path / "none")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(AdapterError, match="not a private folder of this user"):
        cluster._local()
    assert (victim / "lock").read_text() == "precious"
    assert [path.name for path in victim.iterdir()] == ["lock"]
