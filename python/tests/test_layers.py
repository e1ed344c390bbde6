"""What adapters share: layers, resources and options, records, jobs in folders."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")

import base64

from by_hand import Adapter, call, outcome

from daggerml import Runnable, Uri, funk
from daggerml.adapters import layers, options
from daggerml.adapters.layers import on
from daggerml.adapters.lines import AdapterError
from daggerml.adapters.records import Records, name_of
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from pathlib import Path


@funk
def total(dag: Any, *xs: Any) -> Any:
    return sum(x.value() for x in xs)


def request(runnable: Any, *args: Any, **members: Any) -> dict[str, Any]:
    key, bundle = call(runnable, *args)
    encoded = base64.b64encode(bundle).decode()
    return {"op": "invoke", "key": key, "attempt": 1, "ancestors": [], "bundle": encoded, **members}


def test_layers_are_read_from_the_outside() -> None:
    runnable = on("outer", on("inner", total, env={"A": "1"}), gpus=2)
    count = {"gpus": lambda given: options.count("gpus", given)}
    outer = layers.read(request(runnable), count)
    assert (outer.options, outer.adapter, outer.depth) == ({"gpus": 2}, "inner", 1)
    inner = layers.read(request(runnable, depth=1), {})
    assert (inner.options, inner.adapter, inner.depth) == ({"env": {"A": "1"}}, "local", 2)
    last = layers.read(request(runnable, depth=2), {})
    assert (last.options, last.adapter, last.depth) == ({}, "local", 2)
    assert last.runnable == total.runnable


@pytest.mark.parametrize("depth", [3, -1, True, "1", 65, None])
def test_a_depth_that_is_none_is_refused(depth: Any) -> None:
    with pytest.raises(AdapterError):
        layers.read(request(on("a", on("b", total)), depth=depth), {})


def test_a_layer_is_not_left_out() -> None:
    runnable = on("container", total, image="x")
    with Adapter() as local:
        error = local.ask(**request(runnable, 1))["error"]
        assert (error["kind"], "daggerml:on/1" in error["message"]) == ("unsupported", True)
        assert outcome(local.ask(**request(runnable, 1, 2, depth=1))) == 3
        assert local.ask(**request(total, 1, depth=1))["error"]["kind"] == "invalid_request"


def test_what_cannot_change_a_result_is_no_option_of_a_runnable() -> None:
    for name in ("cpus", "memory", "time", "workdir"):
        with pytest.raises(InvalidError, match="cannot change a result"):
            on("ssh", total, **{name: 1})
    with pytest.raises(InvalidError, match="only a funk"):
        on("ssh", len)


@pytest.mark.parametrize(
    "env",
    [{"A=B": "1"}, {"": "1"}, {"A\0": "1"}, {"1A": "1"}, {"A": "\0"}, {"A": 1}, ["A"], {1: "1"},
     {"A-B": "1"}, {"A": "x" * (1 << 18)}, None],
)  # fmt: skip
def test_hostile_environments_are_refused_here_and_there(env: Any) -> None:
    with pytest.raises(InvalidError):
        on("ssh", total, env=env)
    uri = Uri(layers.URI)
    if env != {1: "1"}:  # kwargs are written by another hand
        runnable = Runnable(uri, adapter="ssh", kwargs={"env": env}, sub=total.runnable)
        with pytest.raises(AdapterError):
            layers.read(request(runnable), {})


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("cpus", "4", 4),
        ("memory", "4GiB", 4 << 30),
        ("memory", str(1 << 30), 1 << 30),
        ("time", "90", 90),
        ("time", "2h", 7200),
        ("time", "1d", 86400),
        ("workdir", "/scratch/me", "/scratch/me"),
    ],
)
def test_resources(name: str, given: str, found: Any) -> None:
    assert options.resources(argparse.Namespace(**{name: given}), [name]) == {name: found}


@pytest.mark.parametrize(
    ("name", "given"),
    [("cpus", "0"), ("cpus", "1e3"), ("cpus", "\u0664"), ("memory", "1MiB"), ("memory", "4 GiB"),
     ("memory", "9" * 30), ("time", "0"), ("time", "2 h"), ("time", "400d"), ("workdir", "x"),
     ("workdir", "/a\0"), ("workdir", "/"), ("workdir", "/a/.."), ("gpus", "all")],
)  # fmt: skip
def test_resources_that_are_none(name: str, given: str) -> None:
    with pytest.raises(InvalidError, match=name):
        options.resources(argparse.Namespace(**{name: given}), [name])


def test_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path))
    records = Records("ssh")
    key = "0" * 64
    assert records.all() == {}
    records.write(name_of(key, 1), host="a")
    records.write(name_of(key, 2), host="b")
    records.write(name_of("1" * 64, 1), host="c")
    (tmp_path / "jobs" / "ssh" / name_of(key, 3)).write_text("half a reco")
    assert [each["host"] for each in Records("ssh").all(key).values()] == ["a", "b"]
    assert Records("other").all() == {}
    records.remove(name_of(key, 1))
    records.remove(name_of(key, 1))
    assert records.read(name_of(key, 1)) is None
    for wrong in ("", "x" * 64, "0" * 63, "../" + "0" * 61):
        with pytest.raises(AdapterError):
            name_of(wrong, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="jobs run on POSIX systems")
def test_a_job_runs_in_its_folder(tmp_path: Path) -> None:
    job = {"request": request(total, 1, 2), "slots": str(tmp_path / "slots"), "cpus": 8}
    (tmp_path / "job.json").write_text(json.dumps(job))
    words = [sys.executable, "-m", "daggerml.adapters.job", str(tmp_path)]
    subprocess.run(words, check=True, timeout=60)
    assert outcome(json.loads((tmp_path / "answer.json").read_text())) == 3
    (tmp_path / "job.json").write_text(json.dumps({**job, "adapter": "nowhere"}))
    subprocess.run(words, check=True, timeout=60)
    error = json.loads((tmp_path / "answer.json").read_text())["error"]
    assert error["kind"] == "not_found"
