"""A worker or a scheduler of a Dask cluster that does not tell the truth."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from daggerml.adapters.lines import AdapterError

distributed = pytest.importorskip("distributed")

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "ab" * 32
REQUEST = {"key": "00", "attempt": 1, "bundle": ""}


class Text(str):
    """Text that is something else later."""

    __slots__ = ()


class OddError(Exception):
    """An error that cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError


class Liar:
    """A future of a task that ended, with what it gave."""

    key = "daggerml-00-1"

    def __init__(self, given: Any) -> None:
        self.given = given
        self.status = "error" if isinstance(given, BaseException) else "finished"

    def add_done_callback(self, tell: Any) -> None:
        tell(self)

    def result(self, timeout: float) -> Any:
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given


def answered(given: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Submits a call to a cluster whose worker answers this; returns what is answered."""
    if not isinstance(given, BaseException):
        given = {"daggerml-00-1": (given, 0.1)}
    return returned(given, monkeypatch)


def returned(given: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Submits a call to a cluster whose task returns this; returns what is answered."""
    from daggerml_adapter_dask import cluster, tasks

    client = SimpleNamespace(
        id="Client-1",
        scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"),
        subscribe_topic=lambda topic, handler: None,
        nthreads=lambda: {"tcp://127.0.0.1:2": 1},
        submit=lambda *args, **options: Liar(given),
    )
    monkeypatch.setattr(tasks, "MOMENT", 300)
    monkeypatch.setattr(cluster, "connected", lambda: client)
    try:
        return tasks.submit(dict(REQUEST))
    except AdapterError as error:
        return error.answer


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"bytes",
        [],
        {},
        {"state": None},
        {"state": "pending", "token": "daggerml-ff-1"},
        {"state": "canceled"},
        {"state": Text("done"), "bundle": b"", "dag": ID},
        {"state": "done", "dag": ID},
        {"state": "done", "bundle": "text", "dag": ID},
        {"state": "done", "bundle": b"", "dag": "../../x"},
        {"state": "done", "bundle": b"", "dag": ID, "log": b"bytes"},
        {"state": "error"},
        {"state": "error", "error": {"kind": 1, "message": ""}},
    ],
)
def test_what_is_no_answer(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(given, monkeypatch)
    assert answer["state"] == "error"
    assert answer["error"]["kind"] == "worker_unfit"
    assert not answer["error"]["transient"]


@pytest.mark.parametrize(
    "given", [b"bytes", [], {"daggerml-00-1": {}}, {"daggerml-00-1": (1, 2, 3)}, Text("x")]
)
def test_what_is_no_outcomes(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = returned(given, monkeypatch)
    assert (answer["error"]["kind"], answer["error"]["transient"]) == ("worker_unfit", False)


def test_a_listener_is_told_lies() -> None:
    from daggerml_adapter_dask.groups import Groups

    listeners: list[Any] = []
    submitted: list[str] = []

    def submit(run: Any, name: str, *args: Any, **options: Any) -> Any:
        submitted.append(name)
        return SimpleNamespace(add_done_callback=lambda tell: None)

    client: Any = SimpleNamespace(
        id="Client-1",
        scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"),
        subscribe_topic=lambda topic, handler: listeners.append(handler),
        nthreads=lambda: {"tcp://127.0.0.1:2": 1},
        submit=submit,
    )
    groups = Groups(client, print)
    call = groups.add("daggerml-00-1", dict(REQUEST))
    for _ in range(1000):
        if submitted:
            break
        time.sleep(0.01)
    [group] = submitted
    told: list[Any] = [
        None,
        [],
        {},
        {"group": "daggerml-00-2", "outcomes": (("daggerml-00-1", 7, 1.0),)},
        {"group": group, "returned": ("daggerml-00-9", 7, [])},
        {"group": group, "outcomes": "daggerml-00-1"},
        {"group": group, "outcomes": (None, ("daggerml-00-1",), (["daggerml-00-1"], 7, 1.0))},
        {"group": [], "outcomes": {}},
    ]
    for message in told:
        listeners[0]((0.0, message))
        assert not call.ended
    listeners[0]((0.0, {"group": group, "outcomes": (("daggerml-00-1", 7, "x"),)}))
    assert call.error is not None
    assert call.error.answer["error"]["kind"] == "worker_unfit"


def test_an_answer_holds_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"state": "done", "bundle": b"x", "dag": ID, "log": "a" * (1 << 20), "id": 99}
    answer = answered({**given, "token": "t", "error": {"kind": "k"}}, monkeypatch)
    assert answer == {"state": "done", "bundle": "eA==", "dag": ID, "log": "a" * (1 << 18)}
    error = {"kind": "k" * 1000, "message": "m" * (1 << 20), "transient": "yes", "more": 1}
    answer = answered({"state": "error", "error": error, "id": 7}, monkeypatch)
    assert set(answer) == {"state", "error", "log"}
    assert set(answer["error"]) == {"kind", "message", "transient"}
    assert len(answer["error"]["kind"]) < 110
    assert len(answer["error"]["message"]) < 17_000
    assert answer["error"]["transient"] is False


@pytest.mark.parametrize(
    ("wait", "retried", "passed"),
    [
        (500, True, {"retry_after_ms": 500, "retried": True}),
        (0, False, {"retry_after_ms": 0}),
        (-1, "yes", {}),
        (10**13, 1, {}),
        (True, None, {}),
        ("5", [], {}),
    ],
)
def test_when_to_try_again_comes_along(
    wait: Any, retried: Any, passed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"state": "done", "bundle": b"x", "dag": ID}
    answer = answered({**given, "retry_after_ms": wait, "retried": retried}, monkeypatch)
    assert answer == {"state": "done", "bundle": "eA==", "dag": ID, "log": "", **passed}


def test_a_bundle_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    from daggerml.adapters import answers

    monkeypatch.setattr(answers, "MAX_BUNDLE", 10)
    answer = answered({"state": "done", "bundle": b"x" * 11, "dag": ID}, monkeypatch)
    assert "11 bytes" in answer["error"]["message"]


@pytest.mark.parametrize(
    "raised",
    [
        SystemExit(0),
        GeneratorExit(),
        TimeoutError("never"),
        UnboundLocalError("x"),
        AdapterError("done", "as if"),
        OddError(),
        RecursionError("x" * (1 << 20)),
    ],
)
def test_an_error_ends_nothing(raised: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(raised, monkeypatch)
    assert answer["error"]["kind"] == "task_failed"
    assert len(answer["error"]["message"]) < 17_000


@pytest.mark.parametrize("token", ["", "x", "daggerml-00-1/../x", "daggerml-00-1\n", "a" * 9999])
def test_names_of_others_are_no_tokens(token: str) -> None:
    from daggerml_adapter_dask import tasks

    for ask in (tasks.collect, tasks.stop):
        with pytest.raises(AdapterError) as caught:
            ask(token)
        assert caught.value.answer["error"]["kind"] == "invalid_request"


def lie(group: str, topic: str, calls: list[tuple[str, dict[str, Any]]], scheduler: str) -> Any:
    """Does as a worker whose code was changed would."""
    [(token, request)] = calls
    answer = {"state": "done", "bundle": request["bundle"], "dag": 7, "name": group}
    return {token: (answer, 0.1)}


@pytest.fixture
def client() -> Iterator[Any]:
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as found:
        yield found


def test_a_real_cluster(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import cloudpickle

    from daggerml_adapter_dask import cluster, tasks, worker

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(cluster, "connected", lambda: client)
    monkeypatch.setattr(worker, "run", lie)
    monkeypatch.setattr(tasks, "MOMENT", 300)
    with pytest.raises(AdapterError) as caught:
        tasks.submit(dict(REQUEST))
    assert "7 for the id of a DAG" in caught.value.answer["error"]["message"]
