"""Calls of funks by the adapter `local`: cached, nested, failing, stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dml, NodeError, funk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@funk
def count(dag: Any, folder: Any, *more: Any) -> Any:
    """Leaves a file in a folder, and returns how many there are."""
    import pathlib
    import time

    place = pathlib.Path(folder.value())
    (place / str(time.monotonic_ns())).touch()
    return len(list(place.iterdir()))


@funk
def total(dag: Any, xs: Any) -> Any:
    return sum(xs.value())


@funk(prepop={"total": total})
def mean(dag: Any, xs: Any) -> Any:
    dag.call(dag.total, xs, name="sum")
    return dag["sum"].value() / len(xs)


@funk
def divide(dag: Any, x: Any, y: Any) -> Any:
    dag.put("before", name="before")
    return x.value() / y.value()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "files"
    found.mkdir()
    return found


def test_a_call_is_a_node_with_the_dag_of_the_call(repo: Dml) -> None:
    with repo.new("first") as dag:
        xs = dag.put([1, 2, 3], name="xs")
        node = dag.call(total, xs, name="sum")
        assert node.value() == 6
        assert node.dag is dag
        assert node == dag["sum"]
        dag.commit(node)
    found = repo.load("first").result
    assert found.value() == 6
    inner = found.context(root=False)
    assert inner.argv.value() == [[1, 2, 3]]
    assert inner.result.value() == 6


def test_call_syntax_and_what_can_be_called(repo: Dml) -> None:
    with repo.new("syntax") as dag:
        node = dag.put(total, name="total")
        assert node([4, 5], name="nine").value() == 9
        assert dag.total([4, 5]) == dag["nine"]
        assert dag.call(total.runnable, [1]).value() == 1
        assert dag.call(dag.put({"f": total})["f"], [2]).value() == 2
        dag.commit(None)
    with repo.new("later") as dag:
        assert dag.call(repo.load("syntax").total, [4, 5]).value() == 9
        for wrong in (3, "total", sum, dag.put(1), None):
            with pytest.raises(daggerml.DmlRepoError, match="only a runnable can be called"):
                dag.call(wrong, [1])
        with pytest.raises(TypeError, match="not callable"):
            dag.put(1)(2)
        dag.commit(None)
    with pytest.raises(daggerml.DmlRepoError, match="is committed"):
        repo.load("syntax").total([1])


def test_a_call_that_was_made_is_answered_from_the_cache(repo: Dml, folder: Path) -> None:
    with repo.new("a") as dag:
        assert dag.call(count, str(folder)).value() == 1
        assert dag.call(count, str(folder)).value() == 1
        dag.commit(None)
    with repo.new("b") as dag:
        first = dag.call(count, str(folder))
        assert first.value() == 1
        assert dag.call(count, str(folder), cache=False).value() == 2
        assert dag.call(count, str(folder)).value() == 2
        assert dag.call(count.options(cache=False), str(folder)).value() == 3
        assert dag.call(count, str(folder), 1).value() == 4
        dag.commit(first)
    key = repo.exec.list()[0].key
    assert repo.exec.invalidate(key)
    with repo.new("c") as dag:
        assert dag.call(count, str(folder), 1).value() == 5
        dag.commit(None)


def test_nested_calls_are_cached_and_seen(repo: Dml) -> None:
    with repo.new("nested") as dag:
        node = dag.call(mean, [1, 2, 3, 6])
        assert node.value() == 3.0
        dag.commit(node)
    inner = repo.load("nested").result.context(root=False)
    assert inner.keys() == ["sum", "total"]
    assert inner["sum"].context(root=False).argv.value() == [[1, 2, 3, 6]]
    assert len(repo.exec.list()) == 2
    with repo.new("direct") as dag:
        assert dag.call(total, [1, 2, 3, 6]).value() == 12
        dag.commit(None)
    assert [len(repo.exec.show(record.key)) for record in repo.exec.list()] == [1, 1]


def test_a_call_nested_in_itself_is_an_error(repo: Dml) -> None:
    @funk
    def again(dag: Any, me: Any) -> Any:
        return dag.call(me, me)

    with repo.new("cycle") as dag:
        with pytest.raises(NodeError, match="nested in itself"):
            dag.call(again, again)
        dag.commit(None)


def test_a_failing_function_is_a_node_error_that_can_be_inspected(repo: Dml) -> None:
    with repo.new("fails") as dag:
        with pytest.raises(NodeError) as caught:
            dag.call(divide, 1, 0, name="failed")
        error = caught.value
        assert (error.origin, error.type, error.message) == (
            "python",
            "ZeroDivisionError",
            "division by zero",
        )
        assert error.stack[-1]["line"] == "return x.value() / y.value()"
        if sys.version_info >= (3, 11):
            assert error.__notes__[0].startswith("ZeroDivisionError raised in the call, at:")
            assert "in divide\n    return x.value() / y.value()" in error.__notes__[0]
        assert error.context()["before"].value() == "before"
        with pytest.raises(NodeError, match="division by zero"):
            dag.call(divide, 1, 0)
        dag.commit(dag.call(divide, 1, 2))
    assert len(repo.exec.show(repo.exec.list()[-1].key)) == 1
    with pytest.raises(NodeError) as caught:
        repo.load("fails")["failed"]
    assert caught.value.context().error == error.context().error


def test_the_error_of_a_nested_call_goes_all_the_way(repo: Dml) -> None:
    @funk(prepop={"divide": divide})
    def outer(dag: Any) -> Any:
        return dag.divide(1, 0)

    with repo.new("outer") as dag:
        with pytest.raises(NodeError) as caught:
            dag.call(outer)
        assert (caught.value.origin, caught.value.type) == ("python", "ZeroDivisionError")
        dag.commit(None)


def test_what_it_prints_is_in_the_log(repo: Dml, capfd: pytest.CaptureFixture[str]) -> None:
    @funk
    def noisy(dag: Any) -> Any:
        import os

        print("printed")
        os.write(1, b"\x00garbage{}\n")
        return 1

    with repo.new("noisy") as dag:
        assert dag.call(noisy).value() == 1
        dag.commit(None)
    [record] = repo.exec.list()
    assert repo.exec.log(record.key) == "printed\n\x00garbage{}\n"
    assert capfd.readouterr() == ("", "")


def test_a_function_that_ends_its_process(repo: Dml) -> None:
    @funk
    def leaves(dag: Any) -> Any:
        import os
        import sys

        print("last words", file=sys.stderr, flush=True)
        os._exit(7)

    with repo.new("leaves") as dag:
        with pytest.raises(daggerml.BadExecutionStatusError, match="last words") as caught:
            dag.call(leaves, retries=0)
        assert caught.value.kind == "adapter"
        dag.commit(None)
    [record] = repo.exec.list()
    assert (record.status, record.dag, record.cached) == ("error", None, False)


def test_adapters_are_found_by_name_only(repo: Dml) -> None:
    with repo.new("names") as dag:
        for name, words in [
            ("nowhere", 'no adapter "nowhere"; there are: .*local'),
            ("../local", "not the name of an adapter"),
            ("/bin/sh", "not the name of an adapter"),
            ("sh -c id", "not the name of an adapter"),
            ("$(id)", "not the name of an adapter"),
            ("Local", "not the name of an adapter"),
        ]:
            with pytest.raises(daggerml.DmlRepoError, match=words) as caught:
                dag.call(total.options(adapter=name), [1])
            # In the repository's own settings it would change nothing.
            hint = caught.value.hint
            assert hint is None or "dml config --user" in hint
        assert dag.call(total.options(adapter=""), [1]).value() == 1
        dag.commit(None)


@funk
def version_of(dag: Any, name: Any) -> Any:
    import importlib

    return importlib.import_module(name.value()).VERSION


def test_modules_are_found_where_the_caller_finds_them(
    repo: Dml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("old", "new"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "told.py").write_text(f"VERSION = {version!r}")
    # A folder that may come from anywhere: nothing in it is imported or run.
    here = tmp_path / "here"
    (here / "daggerml" / "adapters").mkdir(parents=True)
    for name in ("json.py", "told.py", "daggerml/__init__.py", "daggerml/adapters/__init__.py"):
        (here / name).write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(tmp_path / "old"))
    with repo.new("paths") as dag:
        assert dag.call(version_of, "told").value() == "old"
        monkeypatch.syspath_prepend(str(tmp_path / "new"))
        monkeypatch.setattr(sys, "path", ["\udcff", *sys.path])
        assert dag.call(version_of, "told", cache=False).value() == "new"
        dag.commit(None)


def test_a_fresh_process_imports_nothing_that_takes_long(repo: Dml) -> None:
    @funk
    def loaded(dag: Any) -> Any:
        import sys

        names = ["contextlib", "enum", "json", "linecache", "re", "threading", "typing"]
        names.append("daggerml.history")
        return sorted(name for name in names if name in sys.modules)

    start = "import sys; print(*sys.modules)"
    bare = subprocess.run([sys.executable, "-c", start], stdout=subprocess.PIPE, check=True)
    with repo.new("imports") as dag:
        assert set(dag.call(loaded).value()) <= {*bare.stdout.decode().split()}
        dag.commit(None)


def test_options_that_make_no_sense(repo: Dml) -> None:
    wrong: dict[str, list[Any]] = {
        "timeout": ["1", float("nan"), [], timedelta(seconds=1)],
        "retries": [-1, 1.5, "2"],
        "parallel": [0, -1, 2.0, "3"],
    }
    with repo.new("options") as dag:
        for name, each in wrong.items():
            for given in each:
                with pytest.raises(ValueError, match=f"{name} is .*, not "):
                    dag.map(total, [[1]], **{name: given})
        assert dag.call(total, [1], timeout=float("inf")).value() == 1
        assert dag.call(total, [2], timeout=-1, retries=0).value() == 2
        dag.commit(None)


def test_a_function_without_the_dag(repo: Dml) -> None:
    @funk
    def forgetful(xs: Any) -> Any:
        return xs.value()

    @funk
    def mistaken(dag: Any, xs: Any) -> Any:
        return len(1)  # type: ignore[arg-type]

    with repo.new("forgetful") as dag:
        with pytest.raises(NodeError, match="a funk gets the DAG of its call, and then") as caught:
            dag.call(forgetful, [1])
        assert (caught.value.type, caught.value.stack) == ("TypeError", [])
        with pytest.raises(NodeError, match=r"has no len\(\)") as caught:
            dag.call(mistaken, [1])
        assert "gets the DAG" not in caught.value.message
        dag.commit(None)


def test_map(repo: Dml) -> None:
    with repo.new("map") as dag:
        items = dag.put([[1], [2, 3], [4]], name="items")
        nodes = dag.map(total, items)
        assert [node.value() for node in nodes] == [1, 5, 4]
        ones = dag.map(total, [[1], [1], [1]], parallel=3)
        assert [node.value() for node in ones] == [1, 1, 1]
        assert dag.map(total, []) == []
        dag.commit(nodes)
    assert repo.load("map").result.value() == [1, 5, 4]
    assert len(repo.exec.list()) == 3


def test_map_with_errors(repo: Dml) -> None:
    with repo.new("errors") as dag:
        with pytest.raises(NodeError, match="division by zero"):
            dag.map(divide, [1, 2, 3], 0, parallel=1)
        assert len(repo.exec.list()) == 1
        kept = dag.map(divide, [1, "x", 3], 2, on_error="keep")
        assert [getattr(each, "type", None) for each in kept] == ["float", "TypeError", "float"]
        with pytest.raises(daggerml.DmlRepoError, match="on_error"):
            dag.map(divide, [1], 2, on_error="ignore")
        dag.commit(None)


def test_a_call_of_a_map_that_is_nested_in_another_one(repo: Dml) -> None:
    @funk
    def counts(dag: Any, number: Any, itself: Any) -> Any:
        n = number.value()
        # A later call of the map, which may be claimed already, without a process to run in.
        return dag.call(itself, n + 7, itself).value() if n % 10 == 2 else n

    repo.config.set("adapter.local.processes", "1")
    with repo.new("nested") as dag:
        nodes = dag.map(counts, range(40), dag.put(counts), parallel=1, timeout=60)
        assert [node.value() for node in nodes] == [n + 7 * (n % 10 == 2) for n in range(40)]
        dag.commit(None)


def test_commands_are_called_like_functions(repo: Dml) -> None:
    sort = daggerml.command(["sort", "-n"], stdin=0)
    with repo.new("sorted") as dag:
        assert dag.call(sort, b"10\n9\n")["stdout"].value() == b"9\n10\n"
        with pytest.raises(NodeError, match=r"sort: .*invalid option") as caught:
            dag.call(daggerml.command(["sort", "-?"]))
        assert caught.value.origin == "command"
        dag.commit(None)


def test_a_large_dag_of_a_call(repo: Dml) -> None:
    @funk
    def many(dag: Any, n: Any) -> Any:
        return [dag.put([number]) for number in range(n.value())][-1]

    with repo.new("large") as dag:
        node = dag.call(many, 20_000)
        assert len(node.context(root=False).nodes()) > 20_000
        dag.commit(node)


def test_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    import io

    from daggerml.progress import Progress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown, hidden = Terminal(), io.StringIO()
    for stream in (shown, hidden):
        with Progress(2, "train", stream=stream) as bar:
            bar.event({"item": 0, "state": "invoked"})
            bar.event({"item": 0, "state": "done"})
            # It is drawn though nothing more happens.
            until = time.monotonic() + 60
            while stream is shown and "1/2" not in shown.getvalue():
                assert time.monotonic() < until
                time.sleep(0.01)
            bar.event({"item": 1, "state": "done"})
    assert "train [###############---------------] 1/2" in shown.getvalue()
    assert shown.getvalue().splitlines()[-1].split(",")[0].endswith("] 2/2")
    assert hidden.getvalue() == ""


@pytest.mark.parametrize("name", ["f", "a_name_that_takes_half_of_a_line_or_so", "x" * 300])
def test_the_bar_fits_a_line(name: str) -> None:
    import io

    from daggerml.progress import Progress

    stream = io.StringIO()
    with Progress(1000, name, shown=True, stream=stream) as bar:
        for item in range(400):
            bar.event({"item": item, "state": "cached"})
        bar.event({"item": 999, "state": "invoked"})
        bar._draw()
    lines = stream.getvalue().strip().split("\r")
    assert "400/1000, 400 cached, 1 running" in lines[-1]
    assert max(len(line.rstrip()) for line in lines) < 80


@pytest.fixture(autouse=True)
def _no_orphans(repo: Dml) -> Iterator[None]:
    yield
    from daggerml import calls

    calls.release(repo.root)
