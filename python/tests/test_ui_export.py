"""The pages of daggerml-ui as files, and what they tell of differences and origins."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from conftest import installed
from pages import Page, served
from test_hostile_text import ALL, orders
from test_ui import PNG, fill, node_page

import daggerml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pages import Site


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> daggerml.Dml:
    dml = daggerml.Dml.init(tmp_path_factory.mktemp("filled"), user="Ada")
    fill(dml)
    with dml.new("data", message="Other numbers") as dag:
        dag.put({"a": 1.5, "b": 3, "c": [1]}, name="scores")
        dag.put("def f(x):\n    return x + 1\n", name="code")
        dag.put({1, 2, 4}, name="a set")
        dag.put(7, name="new")
        dag.commit(dag.put([1, 2, 4], name="xs"))
    return dml


@pytest.fixture(scope="module")
def site(filled: daggerml.Dml) -> Iterator[Site]:
    with served(filled) as site:
        yield site


# Differences


def test_differences_of_revisions(site: Site) -> None:
    page = Page(site.page("/diff?before=v1&after=main"))
    for word in ("sums", "broken", "added", "data", "changed"):
        assert word in page.text
    page = Page(site.page("/diff"))
    assert "changed" in page.text
    assert "sums" not in page.text
    assert site.ask("/diff?after=nothing").status == 404


def test_differences_of_dags_go_down_to_values(site: Site, filled: daggerml.Dml) -> None:
    old, new = filled.dags(revision="v1")["data"], filled.dags()["data"]
    text = site.page(f"/dags-diff/{old.id()}/{new.id()}")
    page = Page(text)
    for words in (
        '["b"] 2 3',
        '["c"] — [1]',
        "[2] 3 4",
        "- return x # the same",
        "+ return x + 1",
    ):
        assert words in page.text, words
    # What has the same value is not told.
    assert '["a"]' not in page.text


def test_equal_dags_do_not_differ(site: Site, filled: daggerml.Dml) -> None:
    same = filled.dags()["sums"].id()
    assert "equal values" in site.page(f"/dags-diff/{same}/{same}")


# Origins


def test_an_origin_goes_through_collections_and_dags(site: Site, filled: daggerml.Dml) -> None:
    address = node_page(filled, "sums", "whole").replace("/node/", "/origin/")
    # The second entry of the map: xs, which was imported.
    keys = filled.load("sums").whole.value().keys()
    at = list(keys).index("xs")
    page = Page(site.page(f"{address}?at={at}.0"))
    data = filled.dags(revision="v1")["data"].id()
    assert f"/dag/{data}" in page.links
    assert "it begins here" in page.text
    assert [words for words in ("map", "import", "literal") if words in page.text] == [
        "map",
        "import",
        "literal",
    ]
    # The value of the call comes from the DAG of the call.
    page = Page(site.page(f"{address}?at={list(keys).index('six')}"))
    assert "the function of the call made it" in page.text


def test_a_failed_call_has_no_origin(site: Site, filled: daggerml.Dml) -> None:
    address = node_page(filled, "broken", "no")
    assert "/origin/" not in site.page(address)
    assert site.ask(address.replace("/node/", "/origin/")).status == 404


# Files


def export(dml: daggerml.Dml, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed("dml"), "-C", dml.root, "ui", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_pages_are_written_into_a_folder(filled: daggerml.Dml, tmp_path: Path) -> None:
    target = tmp_path / "pages"
    ran = export(filled, "--export", str(target))
    assert ran.returncode == 0, ran.stderr
    files = {path.name for path in target.iterdir()}
    assert {"index.html", "ui.css", "ui.js", "icon.svg"} < files
    for path in target.glob("*.html"):
        page = Page(path.read_text(encoding="utf-8"))
        for tag, given in page.elements:
            assert tag != "form"
            address = given.get("href") or given.get("src") or ""
            if address.startswith(("#", "data:image/")) or not address:
                continue
            # Nothing leads anywhere but to what was written.
            assert urlsplit(address).scheme == ""
            assert address in files, (path.name, address)
    again = export(filled, "--export", str(target))
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_one_file_has_what_is_chosen(filled: daggerml.Dml, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    ran = export(filled, "--export", str(target), "--dag", "sums", "--at", "HEAD")
    assert ran.returncode == 0, ran.stderr
    text = target.read_text(encoding="utf-8")
    page = Page(text)
    ids = [given["id"] for _, given in page.elements if given.get("id")]
    assert len(ids) == len(set(ids))
    anchors = [
        str(given["href"])[1:]
        for tag, given in page.elements
        if tag in {"a", "use"} and str(given.get("href") or "").startswith("#")
    ]
    assert set(anchors) <= set(ids)
    assert f"dag-{filled.dags()['sums'].id()}" in ids
    assert "cannot take 7" not in text
    assert "sha256-" in text
    assert "unsafe" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_large_values_are_left_out(filled: daggerml.Dml, tmp_path: Path) -> None:
    small, whole = tmp_path / "small.html", tmp_path / "whole.html"
    words = ("--dag", "data", "--at", "v1")
    assert export(filled, "--export", str(small), *words, "--max-value", "40").returncode == 0
    assert export(filled, "--export", str(whole), *words).returncode == 0
    import base64

    picture = base64.b64encode(PNG).decode()
    assert picture in whole.read_text()
    text = small.read_text()
    assert picture not in text
    assert "(list, left out)" in text
    assert "(bytes, left out)" in text
    assert "[1, 2, 3]" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--dag", "nothing"), "nothing"),
        (("--at", "no-such"), "no-such"),
        (("--max-value", "-1"), ""),
        (("--port", "1"), ""),
    ],
)
def test_what_cannot_be_written_is_said(
    filled: daggerml.Dml, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    target = tmp_path / "x.html"
    ran = export(filled, "--export", str(target), *words)
    assert ran.returncode != 0
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(tmp_path.iterdir())


def test_hostile_text_is_only_shown_in_files(tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path / "repo")
    with dml.new("</article><script>alert(1)</script>", message=ALL) as dag:
        dag.put({ALL: [ALL]}, name="</style><img src=x onerror=alert(2)>")
        dag.commit(ALL)
    target = tmp_path / "report.html"
    assert export(dml, "--export", str(target)).returncode == 0
    text = target.read_text(encoding="utf-8")
    assert orders(text) == []
    tags = [tag for tag, _ in Page(text).elements]
    assert tags.count("script") == 1
    assert tags.count("style") == 1
    assert "img" not in tags
    assert not re.search(
        r"\son\w+=[\"']", re.sub(r"<script>.*</script>", "", text, flags=re.DOTALL)
    )


def test_the_history_is_written_unless_dags_are_chosen(
    filled: daggerml.Dml, tmp_path: Path
) -> None:
    assert export(filled, "--export", str(tmp_path / "all")).returncode == 0
    assert export(filled, "--export", str(tmp_path / "one"), "--dag", "sums").returncode == 0
    page = Page((tmp_path / "all" / "history.html").read_text())
    [message] = {entry["message"] for entry in filled.log(limit=1)}
    assert message.split("\n")[0] in page.text
    assert "History" in Page((tmp_path / "all" / "index.html").read_text()).text
    # Where it is on this machine is nobody's business.
    assert filled.root not in (tmp_path / "all" / "history.html").read_text()
    assert not (tmp_path / "one" / "history.html").exists()
    assert "history.html" not in (tmp_path / "one" / "index.html").read_text()
    single = tmp_path / "all.html"
    assert export(filled, "--export", str(single)).returncode == 0
    assert '<article id="history">' in single.read_text()
