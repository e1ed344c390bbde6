"""Nodes of every kind: what is taken out and made, and where it comes from."""

from __future__ import annotations

import re
from typing import Any

import pytest

import daggerml
from daggerml import ListNode, MapNode, Projection, RunnableNode, ScalarNode, SetNode, Uri

pytestmark = pytest.mark.usefixtures("repo")


@pytest.mark.parametrize(
    ("value", "cls", "name"),
    [
        (None, ScalarNode, "null"),
        (True, ScalarNode, "bool"),
        (1, ScalarNode, "int"),
        (1.0, ScalarNode, "float"),
        ("x", ScalarNode, "string"),
        (b"x", ScalarNode, "bytes"),
        (Uri("x:y"), ScalarNode, "uri"),
        ([1], ListNode, "list"),
        ((1,), ListNode, "list"),
        ({"a": 1}, MapNode, "map"),
        ({1}, SetNode, "set"),
        (frozenset({1}), SetNode, "set"),
        (daggerml.Runnable("x:y"), RunnableNode, "runnable"),
    ],
)
def test_the_class_follows_the_type(value: object, cls: type, name: str) -> None:
    dag = daggerml.new("types")
    node = dag.put(value, name="it")
    assert (type(node), node.type) == (cls, name)
    dag.commit(node)
    loaded = daggerml.load("types")["it"]
    assert (type(loaded), loaded.type) == (cls, name)


def test_the_same_content_is_the_same_node() -> None:
    one, two = daggerml.new("one"), daggerml.new("two")
    assert one.put(1) == one.put(1) == two.put(1)
    assert len({one.put(1), two.put(1), one.put(2)}) == 2
    assert one.put(1) != one.put(1.0) != one.put(True)
    assert one.put(1) != 1


def test_lists_while_open() -> None:
    dag = daggerml.new("lists")
    xs = dag.put([10, 20, 30], name="xs")
    assert [node.value() for node in xs] == [10, 20, 30]
    assert xs[-1].value() == 30
    assert xs[1:].value() == [20, 30]
    assert xs[::-1].value() == [30, 20, 10]
    assert xs[dag.put(0)].value() == 10
    assert xs.conj(40).value() == xs.append(dag.put(40)).value() == [10, 20, 30, 40]
    assert xs.assoc(0, 11).value() == [11, 20, 30]
    assert xs.remove(0).value() == [20, 30]
    assert xs.contains(20).value() is True
    assert 20 in xs
    assert 21 not in xs
    assert 20.0 not in xs
    assert len(xs) == 3
    assert xs
    with pytest.raises(LookupError, match="out of range"):
        _ = xs[3]
    with pytest.raises(ValueError, match="index"):
        _ = xs["a"]
    assert xs.append(1, name="more") == dag.more


def test_maps_while_open() -> None:
    dag = daggerml.new("maps")
    m = dag.put({"a": 1, "b": {"c": [5]}})
    assert m["a"].value() == 1
    assert m["b"]["c"][0].value() == 5
    assert m.get("z").value() is None
    assert m.get("z", 7).value() == 7
    assert m.keys() == list(m) == ["a", "b"]
    assert [node.value() for node in m.values()] == [1, {"c": [5]}]
    assert {key: node.value() for key, node in m.items()} == m.value()
    assert m.assoc("c", dag.put(3)).value() == {"a": 1, "b": {"c": [5]}, "c": 3}
    assert m.update({"a": 2, "d": 4}).value() == {"a": 2, "b": {"c": [5]}, "d": 4}
    assert m.remove("b").value() == {"a": 1}
    assert "a" in m
    assert "z" not in m
    assert m.contains("z").value() is False
    assert len(m) == 2
    with pytest.raises(LookupError, match="z"):
        _ = m["z"]


def test_sets_while_open() -> None:
    dag = daggerml.new("sets")
    s = dag.put({1, 2})
    assert s.conj(3).value() == s.add(3).value() == {1, 2, 3}
    assert s.union({5}).value() == s.update(frozenset({5})).value() == {1, 2, 5}
    assert s.intersection({2, 9}).value() == {2}
    assert s.difference(dag.put({2})).value() == {1}
    assert s.remove(2).value() == {1}
    assert list(s) == [1, 2]
    assert 1 in s
    assert True not in s


def test_collections_of_nodes_remember_them() -> None:
    dag = daggerml.new("nested")
    x, y = dag.put(1), dag.put("y")
    made = dag.put({"list": [x, [y, 2]], "set": {x, 3}, "plain": {"k": None}, "tuple": (x,)})
    assert made.value() == {
        "list": [1, ["y", 2]],
        "set": {1, 3},
        "plain": {"k": None},
        "tuple": [1],
    }
    assert dag._reader().describe(made.ref)["op"] == "map"
    assert x.ref in dag._reader().describe(dag.put([x, 5]).ref)["args"]
    by_node: Any = {y: x}
    assert dag.put(by_node).value() == {"y": 1}


def test_a_committed_node_is_read_only() -> None:
    dag = daggerml.new("done")
    dag.commit(dag.put({"a": [1, {"b": 2}], "s": {1}}))
    node = dag.result
    assert isinstance(node, MapNode)
    element = node["a"][1]["b"]
    assert isinstance(element, Projection)
    assert (element.base, element.path, element.type) == (node, ("a", 1, "b"), "int")
    assert element.value() == 2
    assert node["a"][0:1].value() == [1]
    assert [item.value() for item in node["a"]] == [1, {"b": 2}]
    assert node.get("z", 5) == 5
    assert node["a"][1].keys() == ["b"]
    assert node["a"][1].get("z") is None
    assert "b" in node["a"][1]
    assert len(node["a"]) == 2
    assert list(node["s"]) == [1]
    assert not hasattr(element, "ref")
    assert element == node["a"][1]["b"]
    assert hash(element) == hash(node["a"][1]["b"])
    with pytest.raises(daggerml.DmlRepoError, match="is committed"):
        node.assoc("z", 1)
    with pytest.raises(LookupError):
        _ = node["a"][7]
    with pytest.raises(TypeError, match="no elements"):
        _ = element["x"]
    with pytest.raises(TypeError, match="not callable"):
        element()


def test_putting_a_projection_imports_its_base() -> None:
    source = daggerml.new("source")
    source.commit({"labels": ["fresh", "local"], "n": 1})
    label = daggerml.load("source").result["labels"][0]
    dag = daggerml.new("reuse")
    node = dag.put(label, name="label")
    kinds = [dag._reader().describe(ref)["kind"] for ref in dag._reader().nodes()]
    assert "import" in kinds
    assert kinds.count("builtin") == 2
    dag.commit(dag.put([node, label]))
    assert daggerml.load("reuse").result.value() == ["fresh", "fresh"]
    assert daggerml.load("reuse").label.context() == source


def test_require_imports() -> None:
    data = daggerml.new("data")
    data.commit(data.put({"a": 42}, name="answer"))
    dag = daggerml.new("use")
    assert dag.require("data").value() == {"a": 42}
    node = dag.require(data, "answer", name="answer")
    assert dag.answer == node
    assert dag.put(data.answer, name="again") == node
    with pytest.raises(daggerml.NotFoundError, match="nope"):
        dag.require("data", "nope")
    with pytest.raises(daggerml.NotFoundError, match="nope"):
        dag.require("nope")
    other = daggerml.new("other")
    with pytest.raises(daggerml.DmlRepoError, match="is not committed"):
        dag.require(other)
    with pytest.raises(daggerml.DmlRepoError, match="is not committed"):
        dag.put(other.put(1))
    broken = daggerml.new("broken")
    broken.commit(daggerml.Error("no luck", origin="test", type="bad"))
    with pytest.raises(daggerml.Error, match="no luck"):
        dag.require("broken")


def test_nodes_of_another_repository_are_refused() -> None:
    with daggerml.temporary() as other:
        far = other.new("far")
        far.commit(1)
        with pytest.raises(daggerml.DmlRepoError, match="another repository"):
            daggerml.new("near").put(far.result)


def test_context_goes_back_to_where_a_value_began() -> None:
    first = daggerml.new("first")
    first.commit(first.put({"a": 1, "b": 2}, name="m"))
    second = daggerml.new("second")
    a = second.require("first", "m")["a"]
    new = second.put("new here")
    second.commit(second.put({"taken": [a], "new": new}))
    third = daggerml.new("third")
    whole = third.require("second")
    third.commit(whole)

    result = daggerml.load("third").result
    assert isinstance(result, MapNode)
    assert result.context() == result.context(root=False) == second
    taken = result["taken"][0]
    assert taken.value() == 1
    assert taken.context(root=False) == second
    assert taken.context(root=True) == first
    assert result["new"].context() == second
    assert a.context(root=False) == first
    assert new.context() is second


@pytest.mark.parametrize(
    "make",
    [
        lambda dag, x: dag.put([0, x])[1],
        lambda dag, x: dag.put([0, x])[-1],
        lambda dag, x: dag.put([0, x, 2])[1:][0],
        lambda dag, x: dag.put([0, x, 2])[::-1][1],
        lambda dag, x: dag.put([0]).append(x)[1],
        lambda dag, x: dag.put([0]).append(x)[-1],
        lambda dag, x: dag.put([0]).append(x).append(9)[1],
        lambda dag, x: dag.put([0, 0]).assoc(1, x)[-1],
        lambda dag, x: dag.put([0, 0, x]).remove(0)[1],
        lambda dag, x: dag.put({"k": x})["k"],
        lambda dag, x: dag.put({"k": {"l": [x]}})["k"]["l"][0],
        lambda dag, x: dag.put({"z": 0}).assoc("k", x)["k"],
        lambda dag, x: dag.put({"k": x}).assoc("z", 0)["k"],
        lambda dag, x: dag.put({"k": 0}).update({"k": x})["k"],
        lambda dag, x: dag.put({"k": x}).update({"z": 0})["k"],
        lambda dag, x: dag.put({"k": x, "z": 0}).remove("z")["k"],
        lambda dag, x: dag.put({}).get("k", x),
        lambda dag, x: dag.put({1.0: 0, "k": x}).get("k"),
    ],
)
def test_context_looks_through_collections(make: Any) -> None:
    source = daggerml.new("source")
    source.commit("the value")
    dag = daggerml.new("dag")
    taken = make(dag, dag.require("source"))
    assert taken.value() == "the value"
    assert taken.context() == source
    assert dag.put(0).context() is dag


def test_only_runnables_are_called() -> None:
    dag = daggerml.new("calls")
    with pytest.raises(TypeError, match="not callable"):
        dag.put(1)(2)
    with pytest.raises(daggerml.DmlRepoError, match="no argv"):
        _ = dag.argv


def test_names() -> None:
    dag = daggerml.new("names", tags=["b", "a"])
    dag.x = 1
    dag["grüße"] = [1]
    dag["put"] = 3
    node = dag.x
    dag.y = node
    assert dag.keys() == ["grüße", "put", "x", "y"]
    assert [value.value() for value in dag.values()] == [[1], 3, 1, 1]
    assert dict(dag.items())["y"] == node
    assert node.name in {"x", "y"}
    assert dag.put("anonymous").name is None
    assert dag["put"].value() == 3
    assert "x" in dir(dag)
    assert "x" in dag._ipython_key_completions_()
    dag["e\N{COMBINING ACUTE ACCENT}"] = 1
    assert dag["\N{LATIN SMALL LETTER E WITH ACUTE}"].value() == 1
    assert dag.tags == ["a", "b"]
    dag.add_tag("c")
    dag.commit(node)
    assert daggerml.load("names").tags == ["a", "b", "c"]
    for bad in ("", "a\nb", "x" * 2000):
        with pytest.raises(ValueError, match="name"):
            daggerml.new(bad)
    with pytest.raises(AttributeError):
        dag.message = "no"  # type: ignore[misc]


def test_putting_a_ref_of_the_dag_names_the_node() -> None:
    dag = daggerml.new("refs")
    node = dag.put([1, 2])
    assert dag.put(node.ref, name="again") == node
    assert dag.again == node
    assert dag.put([node.ref, 3]).value() == [[1, 2], 3]
    with pytest.raises(daggerml.DmlRepoError, match="not in this DAG"):
        dag.put(daggerml.Ref("node:" + "0" * 64))
    with pytest.raises(daggerml.DmlRepoError, match="not a ref of a node"):
        dag.put(daggerml.Ref("dag:" + "0" * 64))


def test_refs() -> None:
    ref = daggerml.new("d").put(1).ref
    assert daggerml.Ref(ref.to) == ref
    assert hash(daggerml.Ref(ref.to)) == hash(ref)
    assert ref.ns() == "node"
    assert str(ref) == ref.to == f"node:{ref.id()}"
    assert ref.short == ref.to[: len("node:") + 12]
    assert ref != ref.to
    same = daggerml.Ref(ref.to)
    assert (ref < same, ref <= same, ref > same, ref >= same) == (False, True, False, True)
    for bad in ("x", "x:y", "node:zz", "index:12"):
        with pytest.raises(ValueError, match=r"id|ref"):
            daggerml.Ref(bad)


def test_an_element_is_that_of_the_whole_value(repo: daggerml.Dml) -> None:
    inner = {"list": [1, -2, 2.5, 0.1, "x", None, True, {"deep": b"y"}, 2**80], "": [], "e": {}}
    value = {"a": {"b": inner, "c": 300}, 5: "five", 2.5: [[], [1]], b"k": None, "\u00e9": {1, 2}}
    with repo.new("values") as dag:
        dag.commit(value)

    def same(found: Any, wanted: Any) -> None:
        assert found.value() == wanted
        assert found.type == dag.put(wanted).type
        if isinstance(wanted, (list, dict, set)):
            assert len(found) == len(wanted)
        if isinstance(wanted, list):
            assert [each.value() for each in found] == wanted
            for index in range(-len(wanted), len(wanted)):
                same(found[index], wanted[index])
            for index in (len(wanted), -len(wanted) - 1):
                with pytest.raises(LookupError):
                    found[index]
        if isinstance(wanted, dict):
            for key, element in wanted.items():
                same(found[key], element)
            for key in ("none", 7, 5.0, None, b""):
                with pytest.raises(LookupError):
                    found[key]

    dag = repo.new("types")
    for wanted in (value["a"], value[2.5], value["\u00e9"], value[5]):
        [key] = [key for key, each in value.items() if each is wanted]
        same(repo.load("values").result[key], wanted)
    with pytest.raises((TypeError, daggerml.Error)):
        repo.load("values").result[5][0]


@pytest.mark.parametrize(
    ("sign", "run"),
    [
        ("+", lambda node: node + 1),
        ("+", lambda node: sum([node])),
        ("*", lambda node: [1] * node),
        ("-", lambda node: -node),
        ("<", lambda node: sorted([1, node])),
        (">=", lambda node: node >= 1),
        ("the format '.2f'", lambda node: f"{node:.2f}"),
    ],
)
def test_operators_are_for_values_and_say_so(sign: str, run: Any) -> None:
    dag = daggerml.new("operators")
    words = f"^{re.escape(sign)} is for values, .* node.value"
    with pytest.raises(TypeError, match=words):
        run(dag.put(1.5))
    with pytest.raises(TypeError):
        run(dag.put({}))
    taken: list[Any] = [0]
    taken += dag.put([1, 2])
    assert [each if each == 0 else each.value() for each in taken] == [0, 1, 2]
    assert f"{dag.put(1.5)}".startswith("ScalarNode(")
    dag.commit(None)
