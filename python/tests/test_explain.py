"""Why a call is a hit or a miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dml, NodeError, funk
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from daggerml.explanations import Explanation


def clamp(value: Any) -> Any:
    return min(value, 1)


def bound(value: Any) -> Any:
    return max(value, 0)


@funk(helpers=[clamp], prepop={"low": {"value": 1}}, tags=["a"])
def train(dag: Any, data: Any, options: Any) -> Any:
    return [clamp(it) for it in data.value()]


def parts(found: Explanation) -> list[str]:
    return [f"{it.part}{it.path}" for it in found.differences]


def made(repo: Dml, fn: Any, *args: Any, **options: Any) -> None:
    with repo.new("made") as dag:
        dag.call(fn, *args, **options)
        dag.commit(None)


def test_arguments(repo: Dml) -> None:
    data, options = [1, 2], [{"lr": 0.1}, {"lr": 0.2}]
    first = repo.exec.explain(train, data, options)
    assert (first.verdict, first.name, first.nearest) == ("new", "train", None)
    assert "There is no earlier call of train." in str(first)
    made(repo, train, data, options)
    hit = repo.exec.explain(train, data, options)
    assert hit.hit
    assert hit.recorded is not None
    assert hit.recorded.tzinfo is not None
    [record] = repo.exec.list()
    assert (hit.key, hit.dag) == (record.key, record.dag)
    assert repo.exec.explain(record.key[:8]) == hit

    miss = repo.exec.explain(train, data, [{"lr": 0.1}, {"lr": 0.3}])
    assert (miss.verdict, miss.nearest) == ("new", hit.key)
    [difference] = miss.differences
    assert (difference.part, difference.path) == ("argument 2", '[1]["lr"]')
    assert (difference.before, difference.after) == (0.2, 0.3)
    assert 'argument 2[1]["lr"]: 0.2 -> 0.3' in str(miss)
    assert parts(repo.exec.explain(train, data)) == ["argument 2"]
    assert len(repo.exec.list()) == 1  # nothing was run


def test_nodes_and_open_dags(repo: Dml) -> None:
    made(repo, train, [1], 2)
    with repo.new("nodes") as dag:
        one = dag.put([1], name="one")
        fn, first = dag.put(train, name="fn"), one[0]
        before = len(dag.nodes())
        assert dag.explain(train, one, 2).hit
        assert dag.explain(fn, one, 2).hit
        assert parts(dag.explain(train, [first, 3], 2)) == ["argument 1[1]"]
        assert len(dag.nodes()) == before  # nothing was put
        dag.commit(None)
    assert repo.exec.explain(repo.load("nodes")["fn"], repo.load("nodes")["one"], 2).hit
    assert repo.indexes() == []


def test_what_a_runnable_is_made_of(repo: Dml) -> None:
    made(repo, train, [1], 2)
    function = train.function
    options: dict[str, Any] = {"helpers": [clamp], "prepop": {"low": {"value": 1}}, "tags": ["a"]}

    def against(**changes: Any) -> list[str]:
        return parts(repo.exec.explain(funk(function, **{**options, **changes}), [1], 2))

    assert against() == []
    assert against(adapter="dask") == ["adapter"]
    assert against(tags=["b"]) == ["tags[0]"]
    assert against(prepop={"low": {"value": 2}}) == ['prepop["low"]["value"]']
    assert against(prepop={}) == ["prepop"]
    assert against(helpers=[clamp, bound]) == ["code of bound"]
    assert against(transient=[OSError]) == ["transient"]


def test_code(repo: Dml) -> None:
    def version(number: int) -> Any:
        code = f"def helper(x):\n    return x + {number}\n\ndef f(dag, x):\n    return helper(x)\n"
        kwargs = {"function": "f", "source": code}
        return daggerml.Runnable("daggerml:funk/1", adapter="local", kwargs=kwargs)

    with repo.new("made") as dag:
        with pytest.raises(NodeError):  # an int and a node are not added
            dag.call(version(1), 1)
        dag.commit(None)
    found = repo.exec.explain(version(2), 1)
    [difference] = found.differences
    assert difference.part == "code of helper"
    assert difference.diff is not None
    assert "-    return x + 1\n+    return x + 2\n" in difference.diff
    assert "    +    return x + 2\n" in str(found)


def test_what_is_shown_cannot_command_the_terminal(repo: Dml) -> None:
    made(repo, train, [1], {"\x1b]0;": "\x1b[31m"})
    said = str(repo.exec.explain(train, [2], {"\x1b]0;": "\x1b[32m\n"}))
    assert "\x1b" not in said
    assert "argument 2" in said


def test_the_nearest_is_compared(repo: Dml) -> None:
    for data in ([1], [2], [3]):
        made(repo, train, data, 5)
    found = repo.exec.explain(train, [2], 6)
    assert parts(found) == ["argument 2"]
    assert found.nearest == repo.exec.explain(train, [2], 5).key
    # Of what was made, the earlier ones.
    last = repo.exec.explain(train, [3], 5)
    assert last.nearest == repo.exec.explain(train, [2], 5).key
    assert (last.compared, last.limited) == (2, False)


def test_of_calls_that_differ_in_one_argument_the_more_similar_is_compared(repo: Dml) -> None:
    made(repo, train, [1, 2, 3], 5)
    made(repo, train, [9, 9, 3], 5)
    found = repo.exec.explain(train, [1, 2, 4], 5)
    assert found.nearest == repo.exec.explain(train, [1, 2, 3], 5).key
    assert parts(found) == ["argument 1[2]"]


def test_why_it_is_no_hit(repo: Dml) -> None:
    made(repo, train, [1], 2)
    key = repo.exec.list()[0].key
    repo.exec.invalidate(key)
    assert repo.exec.explain(key).verdict == "invalidated"
    made(repo, train, [1], 2)
    assert repo.exec.explain(key).verdict == "cached"
    never = repo.exec.explain(train.options(cache=False), [1], 2)
    assert (never.verdict, never.hit) == ("uncached", False)
    assert "cache=False" in str(never)
    with pytest.raises(InvalidError, match="give arguments with a funk"):
        repo.exec.explain(key, [1])
    with pytest.raises(InvalidError, match="only a runnable can be called"):
        repo.exec.explain(3)
    with pytest.raises(daggerml.NotFoundError):
        repo.exec.explain("abcdef")
