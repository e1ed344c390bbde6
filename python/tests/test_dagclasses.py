"""Dag classes: what they are compiled to, and how they run."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Union

import pytest

import daggerml as dml
from daggerml import Node
from daggerml.contrib import api
from daggerml.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


@dml.dagclass
class Report:
    raw: Union[list[str], Node]
    scale: int = 10

    def clean(self, raw: Node) -> list[int]:
        return [int(text) for text in raw.value()]

    def total(self, clean: Node, scale: Node) -> int:
        numbers: list[int] = clean.value()
        return sum(numbers) * int(scale.value())

    def largest(self, clean: Node) -> Any:
        return clean[0].dag.put({"most": max(clean.value())}, name="inside")


def test_every_step_is_a_call_by_its_name(repo: dml.Dml) -> None:
    dag = dml.run(Report(["1", "5"]), name="report", message="why", tags=["a"])
    assert dag == repo.load("report")
    assert dag.keys() == ["clean", "largest", "raw", "scale", "total"]
    assert dag.result.value() == {"total": 60, "largest": {"most": 5}}
    assert dag.tags == ["a"]
    assert repo.log()[0]["message"] == "why"
    assert dag["largest"].context(root=False).keys() == ["inside"]
    assert dag["total"].context(root=False).argv.value() == [[1, 5], 10]


def test_steps_are_cached_by_what_they_take(repo: dml.Dml) -> None:
    dml.run(Report(["1", "5"]))
    before = len(repo.exec.list())
    dag = dml.run(Report(["1", "5"], scale=2), name="other")
    assert dag["total"].value() == 12
    assert len(repo.exec.list()) == before + 1


def test_a_step_can_be_the_last(repo: dml.Dml) -> None:
    dag = dml.run(Report(["3"]), entrypoint="largest")
    assert dag.keys() == ["clean", "largest", "raw"]
    assert dag.result.value() == {"most": 3}
    with pytest.raises(NotFoundError, match="no method 'nope'"):
        dml.run(Report(["3"]), entrypoint="nope")


def test_a_failed_step_is_named_and_nothing_that_needs_it_begins(repo: dml.Dml) -> None:
    with pytest.raises(dml.StepError, match="step 'clean' of Report: invalid literal") as caught:
        dml.run(Report(["x"]), name="bad")
    assert caught.value.step == "clean"
    assert caught.value.type == "ValueError"
    recorded = repo.load("bad")
    assert recorded.error is not None
    assert "step 'clean' of Report" in recorded.error.message
    assert recorded.keys() == ["clean", "raw", "scale"]
    assert caught.value.context().error is not None


def test_steps_run_side_by_side_as_soon_as_they_can(repo: dml.Dml, tmp_path: Path) -> None:
    """`late` needs only `quick`, and `slow` ends only when `late` is there."""

    @dml.dagclass
    class Sides:
        folder: str

        def slow(self, folder: Node) -> bool:
            import pathlib
            import time

            flag = pathlib.Path(folder.value(), "late")
            while not flag.exists():
                time.sleep(0.01)
            return True

        def quick(self, folder: Node) -> int:
            return 1

        def late(self, quick: Node, folder: Node) -> bool:
            import pathlib

            pathlib.Path(folder.value(), "late").touch()
            return True

    dag = dml.run(Sides(str(tmp_path)), parallel=2)
    assert dag.result.value() == {"slow": True, "late": True}


def test_methods_call_each_other_through_self(repo: dml.Dml) -> None:
    @dml.dagclass
    class Pipeline:
        scale: int

        def clean(self, values: Any) -> Any:
            return [int(value) for value in values.value()]

        def main(self, values: Any) -> Any:
            self.cleaned = self.clean(values)
            return sum(self.cleaned.value()) * self.scale.value()  # type: ignore[attr-defined]

    @dml.dagclass
    class Outer:
        inner = Pipeline(scale=3)

        def main(self, batches: Any) -> Any:
            return {name: self.inner(batch) for name, batch in batches.items()}  # type: ignore[operator]

    dag = dml.run(Pipeline(2), ["1", "2"], name="inner")
    assert dag.result.value() == 6
    assert dag["main"].context(root=False).keys() == ["clean", "cleaned", "scale"]
    assert dml.run(Outer(), {"a": ["1"]}).result.value() == {"a": 3}
    with repo.new("put") as made:
        made["scale"] = 100  # it is another one
        made.commit(made.put(Pipeline(4))(["1"]))
    assert repo.load("put").result.value() == 4
    with pytest.raises(InvalidError, match="takes the arguments: values; 2 were given"):
        dml.run(Pipeline(2), 1, 2)


def test_nodes_as_fields_keep_where_they_come_from(repo: dml.Dml) -> None:
    with repo.new("raw") as raw:
        raw.commit(["4"])
    dag = dml.run(Report(raw=repo.load("raw").result))
    assert dag["raw"].context() == raw
    assert dag["total"].value() == 40


def test_options_of_a_method_are_those_of_a_funk(repo: dml.Dml) -> None:
    def twice(x: int) -> int:
        return 2 * x

    @dml.dagclass
    class Optional:
        start: int

        @dml.funk(helpers=[twice], tags=["t"], prepop={"more": 5})
        def main(self, start: Node) -> int:
            return twice(start.value()) + self.more.value()  # type: ignore[attr-defined, no-any-return]

    with pytest.raises(InvalidError, match=r"unknown dagclass member reference: self\.more"):
        Optional(1)

    @dml.dagclass
    class Twice:
        start: int
        more = 5

        @dml.funk(helpers=[twice], tags=["t"])
        def main(self, start: Node) -> int:
            return twice(start.value()) + self.more.value()  # type: ignore[attr-defined, no-any-return]

    dag = dml.run(Twice(1))
    assert dag.result.value() == 7
    assert dag["main"].context(root=False).tags == ["t"]


def test_inherited_steps_are_steps_and_can_be_replaced(repo: dml.Dml) -> None:
    class Half(Report):
        def total(self, clean: Node, scale: Node) -> int:
            return len(clean.value())

    assert dml.run(Half(["7", "8"]), name="half")["total"].value() == 2


def test_mistakes_are_found_when_it_is_made() -> None:
    @dml.dagclass
    class Unknown:
        def main(self, value: Any) -> Any:
            return self.missing(value)  # type: ignore[attr-defined]

    with pytest.raises(InvalidError, match=r"Unknown\.main: unknown .* self\.missing"):
        Unknown()

    @dml.dagclass
    class Cycle:
        def left(self, right: Any) -> Any:
            return right

        def right(self, left: Any) -> Any:
            return left

    with pytest.raises(dml.DmlRepoError, match="cycle: left -> right -> left"):
        Cycle()

    @dml.dagclass
    class Reserved:
        def main(self, value: Any) -> Any:
            self.put = value
            return value

    with pytest.raises(InvalidError, match="reserved dagclass names: put"):
        Reserved()

    @dml.dagclass
    class Taken:
        commit: int

    with pytest.raises(InvalidError, match="reserved names for its members: commit"):
        Taken(1)

    @dml.dagclass
    class NoSelf:
        def main() -> int:  # type: ignore[misc]
            return 1

    with pytest.raises(InvalidError, match=r"first parameter of NoSelf\.main must be self"):
        NoSelf()
    with pytest.raises(InvalidError, match="cannot have slots"):
        dml.dagclass(slots=True)(type("Slots", (), {}))
    with pytest.raises(InvalidError, match="is a dataclass already"):
        dml.dagclass(kw_only=True)(dataclasses.dataclass(type("Made", (), {})))


def test_what_is_no_dag_class_is_not_run(repo: dml.Dml) -> None:
    with pytest.raises(InvalidError, match="is not an instance of a dag class"):
        dml.run(3)
    with pytest.raises(InvalidError, match="run an instance of it"):
        dml.run(Report)


def test_references_and_loads_are_bound(repo: dml.Dml) -> None:
    with repo.new("before") as before:
        before.commit(before.put(9, name="nine"))

    @api.funkify(prepop={"offset": api.ref("offset")})
    def adding(dag: Any, value: Any) -> Any:
        return dag.offset.value() + value.value()

    @api.dagclass
    class Bound:
        offset: int
        add = adding
        nine = api.load("before", "nine")

        def main(self, value: Any) -> Any:
            return [self.add(value), self.nine]

    dag = api.run(Bound(offset=7), 5, name="bound")
    assert dag.result.value() == [12, 9]

    @api.dagclass
    class Unbound:
        add = adding

    with pytest.raises(InvalidError, match="unknown dagclass member reference: offset"):
        Unbound()


INTERRUPTED = """
import os, signal, sys, threading, time
import daggerml as dml

@dml.dagclass
class Slow:
    flag: str

    def wait(self, flag):
        import pathlib, time
        pathlib.Path(flag.value()).touch()
        while True:
            time.sleep(1)

def interrupt():
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    signal.raise_signal(signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
dml.init(".")
dml.run(Slow(sys.argv[1]), name="slow")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt is of the console there")
def test_an_interrupt_stops_the_steps(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(INTERRUPTED, "utf-8")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "flag")],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr
    repo = dml.Dml.open(tmp_path)
    [record] = repo.exec.list()
    assert record.status == "canceled"
    assert repo.load("slow").error is not None


def test_the_bar_counts_steps(
    repo: dml.Dml, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is drawn from time to time, and these steps may be quicker than that.
    monkeypatch.setattr("daggerml.progress._EVERY", 0.001)
    dml.run(Report(["1"]), progress=True)
    assert "3/3" in capsys.readouterr().err


def test_it_can_be_run_in_a_thread(repo: dml.Dml) -> None:
    found: list[Any] = []
    thread = threading.Thread(
        target=lambda: found.append(dml.run(Report(["2"]), dml=repo).result.value())
    )
    thread.start()
    thread.join()
    assert found == [{"total": 20, "largest": {"most": 2}}]


def test_the_same_run_makes_the_same_dag_whoever_is_first(repo: dml.Dml, tmp_path: Path) -> None:
    @dml.dagclass
    class Race:
        folder: str

        def one(self, folder: Node) -> int:
            import pathlib
            import time

            while pathlib.Path(folder.value(), "wait").exists():
                time.sleep(0.01)
            return 1

        def two(self, folder: Node) -> int:
            import pathlib

            pathlib.Path(folder.value(), "wait").unlink(missing_ok=True)
            return 2

    (tmp_path / "wait").touch()  # so that `one` is last
    first = dml.run(Race(str(tmp_path)), name="first", parallel=2)
    second = dml.run(Race(str(tmp_path)), name="second", parallel=1, cache=False)
    third = dml.run(Race(str(tmp_path)), name="third")
    assert third.ref == second.ref
    assert list(map(repr, first.nodes())) == list(map(repr, third.nodes()))
    assert repo.indexes() == []
