"""Any value can be shown by the pages of daggerml-ui, and any two can be compared."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pages import Page
from strategies import same, texts, values
from test_hostile_text import ALL, orders

import daggerml
from daggerml_ui.code import highlighted, is_python
from daggerml_ui.differences import differences
from daggerml_ui.links import Links
from daggerml_ui.pages import dag as dag_page
from daggerml_ui.pages import dags, diff, node, origin
from daggerml_ui.rendering import Renderer
from daggerml_ui.sources import Source


@given(value=values)
@example(value=[math.nan, math.inf, -math.inf, 1.0])
@example(value=[1e308, -1e308, 1e308])
@example(value=[10**400, 1])
@example(value={"a": 10**400, "b": 1})
@example(value=[{"a": 1}, {"a": 2}, {"b": ALL}])
@example(value={ALL: [ALL, {ALL: {ALL}}]})
def test_any_value_is_shown(value: Any) -> None:
    with daggerml.Dml.temporary() as dml:
        with dml.new("any") as dag:
            dag.put([value, value], name="list")
            dag.put({"key": value}, name="map")
            dag.commit(dag.put(value, name="value"))
        source, links = Source(dml), Links()
        renderer = Renderer(links)
        made = dml.load("any")
        assert made.ref is not None
        seen = [
            dags.dags(source, links),
            dag_page.dag(source, links, made.ref.id()),
            diff.diff(source, links),
        ]
        for name in made:
            ref = made._reader().named(name).id()
            seen += [
                node.node(source, links, made.ref.id(), ref),
                origin.origin(source, links, made.ref.id(), ref),
            ]
        for page in seen:
            text = renderer.page(page)
            assert orders(text) == []
            tags = [tag for tag, _ in Page(text).elements]
            assert tags.count("script") == 1
            assert tags.count("html") == 1


@given(old=values, new=values)
def test_any_two_values_are_compared(old: Any, new: Any) -> None:
    with daggerml.Dml.temporary() as dml, dml.new("two") as dag:
        core = dag._writer()
        first, second = (core.data(dag.put(value).ref) for value in (old, new))
        assert list(differences(first, first)) == []
        assert (list(differences(first, second)) == []) == same(old, new)
        dag.commit(1)


@given(text=st.one_of(texts, st.lists(st.sampled_from("def f(x):\n  '\"#\\\t{}1é")).map("".join)))
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@example(text="def f():\n    return f'{1}' + '''\n'''\n")
@example(text="x = 'not closed\n")
@example(text="\r\x80")
@example(text="\t\x80\n\x001")
@example(text="\x0cdef f(): pass\n\r\n\x0b\u2028x")
def test_colours_change_no_text(text: str) -> None:
    is_python(text)
    shown = highlighted(text)
    assert orders(shown) == []
    from daggerml.text import safe

    words = Page(f"<pre>{shown}</pre>").words
    assert "".join(words) == safe(text, keep="\n\t")


def test_elements_that_moved_are_compared_with_themselves(repo: daggerml.Dml) -> None:
    dag = repo.new("lists")
    core = dag._writer()

    def found(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
        first, second = (core.data(dag.put(value).ref) for value in (old, new))
        return [(it.path, it.before, it.after) for it in differences(first, second)]

    old = [{"id": number, "name": f"n{number}"} for number in range(20)]
    new = [{"id": 99, "name": "first"}, *old[:7], *old[8:]]
    new[12] = {**new[12], "name": "changed"}
    added, removed, changed = found(old, new)
    assert (added[0], added[1]) == ("[0]", None)
    assert (removed[0], removed[2]) == ("[7]", None)
    assert changed == ('[12]["name"]', '"n12"', '"changed"')
    assert found([1, 2, 3], [0, 1, 2, 4]) == [("[0]", None, "0"), ("[2 → 3]", "3", "4")]
