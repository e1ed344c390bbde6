"""What notebooks show: well-formed, escaped, short."""

from __future__ import annotations

import re
import sys
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import daggerml
from daggerml import calls

EVIL = "<script>alert(1)</script> & \"'"


@pytest.fixture(params=["alone", "with daggerml-ui"], autouse=True)
def pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether daggerml-ui is installed."""
    if request.param == "alone":
        # A module that is None cannot be imported.
        monkeypatch.setitem(sys.modules, "daggerml_ui", None)
        monkeypatch.delitem(sys.modules, "daggerml_ui.notebook", raising=False)
        return False
    pytest.importorskip("daggerml_ui")
    return True


def parsed(text: str) -> ET.Element:
    """Parses HTML that is also XML: what is not escaped or not closed is an error."""
    root = ET.fromstring(text)  # noqa: S314  our own
    assert not [item for item in root.iter() if item.tag.endswith("script")]
    return root


def words(root: ET.Element) -> str:
    return " ".join(root.itertext())


def test_a_dag(repo: daggerml.Dml, *, pages: bool) -> None:
    with repo.new(EVIL, tags=[EVIL]) as dag:
        dag[EVIL] = f"{EVIL}, the value"
        part = dag.put([1, 2], name="part")
        assert "open" in words(parsed(dag._repr_html_()))
        dag.commit(dag.put({"part": part, "of": part[0], EVIL: 1}, name="whole"))
    root = parsed(dag._repr_html_())
    text = words(root)
    for word in (EVIL, "part", "whole", "result", "[1, 2]", str(dag.ref and dag.ref.short)):
        assert word in text
    if pages:
        assert [name for name in ("part", "whole", EVIL) if name in text.rpartition("result")[2]]
        return
    svg = root.find("{http://www.w3.org/2000/svg}svg")
    assert svg is not None
    titles = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[1:] == [f"{EVIL}: literal", "part: literal", "get", "whole: map"]
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}path"))) == 3


def test_nodes_and_projections(repo: daggerml.Dml) -> None:
    dag = repo.new("d")
    dag.commit(dag.put({EVIL: [EVIL]}, name=EVIL))
    for shown in (dag.result, dag.result[EVIL], dag.result[EVIL][0]):
        text = words(parsed(shown._repr_html_()))
        assert "alert(1)" in text


def test_values_are_shown_as_on_the_pages(repo: daggerml.Dml, *, pages: bool) -> None:
    with repo.new("values") as dag:
        dag.put([{"x": at, EVIL: at * at} for at in range(5)], name="rows")
        dag.put(b"\x89PNG\r\n\x1a\n" + bytes(8), name="picture")
        dag.commit(1)
    dag = repo.load("values")
    rows = dag["rows"]._repr_html_()
    root = parsed(rows)
    assert ("<table" in rows) == pages
    assert "data:image/png;base64," in dag["picture"]._repr_html_() or not pages
    # No rule of the style applies to anything else in the notebook.
    for style in root.iter("style"):
        for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", str(style.text)):
            for selector in selectors.rpartition("{")[2].split(","):
                assert selector.startswith(".dml-note"), selector
        # And each class of a rule is used here.
        assert len(str(style.text)) < 6_000


def test_an_error(repo: daggerml.Dml) -> None:
    with pytest.raises(ValueError, match="alert"), repo.new("broken"):
        raise ValueError(EVIL)
    assert EVIL in words(parsed(repo.load("broken")._repr_html_()))


def test_a_named_call_that_failed(repo: daggerml.Dml) -> None:
    @daggerml.funk
    def fails(dag: Any, text: Any) -> Any:
        raise ValueError(text.value())

    with repo.new("failed") as dag:
        with pytest.raises(daggerml.NodeError):
            dag.call(fails, EVIL, name="attempt")
        dag.commit(1)
    text = words(parsed(repo.load("failed")._repr_html_()))
    assert "attempt error '<script>alert(1)</script>" in text
    calls.release(repo.root)


def test_a_canceled_dag(repo: daggerml.Dml) -> None:
    dag = repo.new("gone")
    with pytest.raises(daggerml.CancellationError):
        dag.cancel()
    assert "cancelled" in words(parsed(dag._repr_html_()))


def test_large_things_are_abridged(repo: daggerml.Dml) -> None:
    dag = repo.new("large")
    dag.text = "x" * 100_000
    dag.numbers = list(range(100_000))
    node: daggerml.Node = dag.put(0, name="n0")
    for number in range(60):
        node = dag.put([node], name=f"n{number}")
    text = dag._repr_html_()
    assert len(text) < 20_000
    assert "more names" in words(parsed(text))
    assert "dml dag graph" in text
