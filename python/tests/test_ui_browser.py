"""The pages of daggerml-ui in a real browser: by mouse, by keyboard, in both themes, on a phone.

They need a Chromium, such as Debian's package of that name, and are skipped where there is
none. ``DML_CHROMIUM`` names another program.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import browsers
import pytest
from browsers import PATIENCE, Watched, chromium
from pages import served
from test_hostile_text import ALL
from test_ui import fill

import daggerml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> daggerml.Dml:
    dml = daggerml.Dml.init(tmp_path_factory.mktemp("seen"), user="Ada")
    fill(dml)
    with dml.new("big", message="10,000 nodes") as dag:
        last = dag.put([0], name="start")
        for group in range(100):
            for number in range(48):
                last = last.conj(number * 100 + group)
            last = dag.put([last], name=f"group {group}")
        dag.commit(last)
    with dml.new("<img src=x onerror=alert(0)>\u202e", message=ALL) as dag:
        dag.put("<script>document.title = 'taken'</script>", name="<script>alert(1)</script>")
        dag.commit(dag.put({ALL: "<img src=x onerror=alert(1)>"}, name="\u202eltr"))
    draft = dml.new("a draft", message="not yet")
    draft.put(1)
    draft.freeze("for later")
    return dml


@pytest.fixture(scope="module")
def address(repository: daggerml.Dml) -> Iterator[str]:
    with served(repository, allow_changes=True) as site:
        yield site.address


@pytest.fixture
def window(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    size, theme = getattr(request, "param", ("desk", "light"))
    with browsers.window(browser, address, size, theme) as watched:
        yield watched


def pages_of(repository: daggerml.Dml) -> dict[str, str]:
    """Returns an address for each kind of page."""
    dags = {name: ref.id() for name, ref in repository.dags().items()}
    data, sums = repository.load("data"), repository.load("sums")

    def node(dag: str, made: daggerml.Dag, name: str) -> str:
        return f"/node/{dags[dag]}/{made._reader().named(name).id()}"

    [hostile] = [ref for name, ref in dags.items() if name not in {"data", "sums", "broken", "big"}]
    return {
        "history": "/",
        "dags": "/dags",
        "dag": f"/dag/{dags['sums']}",
        "big": f"/dag/{dags['big']}",
        "broken": f"/dag/{dags['broken']}",
        "hostile": f"/dag/{hostile}",
        "table": node("data", data, "rows"),
        "bars": node("data", data, "scores"),
        "code": node("data", data, "code"),
        "image": node("data", data, "picture"),
        "element": node("data", data, "nested") + "?at=0.0",
        "result": node("sums", sums, "whole"),
        "search": "/search?q=found",
        "origin": node("sums", sums, "six").replace("/node/", "/origin/"),
        "differences": "/diff?before=v1&after=main",
        "dags differ": f"/dags-diff/{dags['data']}/{dags['sums']}",
        "calls": "/calls",
        "call": f"/call/{repository.exec.list()[0].key}",
        "drafts": "/drafts",
        "draft": f"/draft/{repository.indexes()[0]['index'].id()}",
        "state": "/state?check=yes",
        "missing": f"/dag/{'0' * 64}",
    }


KINDS = [
    "history", "dags", "dag", "big", "broken", "hostile", "table", "bars", "code", "image",
    "element", "result", "search", "origin", "differences", "dags differ", "calls", "call",
    "drafts", "draft", "state",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "window", [("desk", "light"), ("desk", "dark"), ("phone", "light")], indirect=True, ids=str
)
def test_everybody_can_use_a_page(window: Watched, repository: daggerml.Dml, kind: str) -> None:
    window.go(pages_of(repository)[kind])
    found = axe.Axe().run(window.page)
    assert found.violations_count == 0, found.generate_report()
    # Nothing is wider than the window.
    wide = window.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide


def test_a_click_leads_from_the_history_to_a_value(window: Watched) -> None:
    page = window.page
    page.get_by_role("link", name="Merge trial").click()
    page.get_by_role("link", name="sums", exact=True).click()
    page.locator('a.node[aria-label^="six"]').click()
    page.get_by_role("heading", name="six", exact=True).wait_for()
    assert page.locator("pre.value").inner_text() == "6"


def test_the_keyboard_is_enough(window: Watched, repository: daggerml.Dml) -> None:
    page = window.page
    page.keyboard.press("/")
    page.keyboard.type("found it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    assert page.locator(".found li").count() == 1
    window.go(pages_of(repository)["dag"])
    # From node to node, and into one.
    page.locator(".view").focus()
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.href.baseVal")
    page.keyboard.press("Tab")
    second = page.evaluate("document.activeElement.href.baseVal")
    assert first != second
    page.keyboard.press("Enter")
    page.wait_for_url("**/node/**")
    assert page.url.endswith(second)


def test_the_skip_link_is_first(window: Watched) -> None:
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.className") == "skip"


def test_the_drawing_is_moved_and_zoomed(window: Watched, repository: daggerml.Dml) -> None:
    window.go(pages_of(repository)["big"])
    page = window.page

    def look() -> str:
        return str(page.locator("svg.dag").evaluate("it => it.style.transform"))

    seen = [look()]
    page.locator(".view").focus()
    for key in ("ArrowLeft", "+", "0"):
        page.keyboard.press(key)
        seen.append(look())
    page.get_by_role("button", name="Smaller").click()
    seen.append(look())
    box = page.locator(".view").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90)
    page.mouse.up()
    seen.append(look())
    assert len(set(seen)) == len(seen)


def test_a_node_is_found_in_the_drawing(window: Watched, repository: daggerml.Dml) -> None:
    window.go(pages_of(repository)["big"])
    page = window.page
    page.get_by_label("Find in the drawing").fill("group 57")
    found = page.locator("a.node.found")
    assert found.count() == 1
    view, card = page.locator(".view").bounding_box(), found.bounding_box()
    assert view["x"] <= card["x"]
    assert card["x"] + card["width"] <= view["x"] + view["width"]
    assert view["y"] <= card["y"] <= view["y"] + view["height"]


def test_ten_thousand_nodes_are_drawn_in_parts(window: Watched, repository: daggerml.Dml) -> None:
    big = repository.load("big")
    assert len(big._reader().nodes()) > 9_000
    window.go(pages_of(repository)["big"])
    page = window.page
    assert 90 < page.locator("a.node").count() <= 200
    page.get_by_label("Nodes without a name").select_option("no")
    page.get_by_role("button", name="Draw").click()
    page.wait_for_url("**named=no**")
    assert page.locator("a.node").count() == 200
    # What is not drawn is reached through what is.
    before = page.locator("a.node").first
    assert "more" in str(before.get_attribute("aria-label"))
    before.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="draw what it is made from").click()
    page.wait_for_url("**side=from**")
    assert page.locator("a.node.focus").count() == 1
    assert page.locator("a.node").count() > 1


def test_the_theme_is_kept(window: Watched) -> None:
    page = window.page

    def back() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = back()
    button = page.get_by_role("button", name=re.compile("Theme"))
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    dark = back()
    assert dark != light
    window.go("/dags")
    assert back() == dark


def test_hostile_text_does_nothing(window: Watched, repository: daggerml.Dml) -> None:
    # What it tried is in window.wrong.
    window.go(pages_of(repository)["hostile"])
    page = window.page
    assert "alert(1)" in page.content()
    for link in page.locator("a.node").evaluate_all("all => all.map(it => it.href.baseVal)"):
        window.go(link)
        assert "taken" not in page.title()
    window.go("/")
    assert page.evaluate("[...document.scripts].every(it => it.src.endsWith('/static/ui.js'))")


def test_without_a_script_everything_is_reached(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="DAGs").click()
    page.get_by_role("link", name="sums", exact=True).click()
    assert page.locator("#theme").is_hidden()
    page.locator('a.node[aria-label^="six"]').click()
    page.get_by_role("heading", name="six", exact=True).wait_for()
    context.close()


def test_pages_in_files_work_from_disk(
    browser: Any, repository: daggerml.Dml, tmp_path: Path
) -> None:
    from daggerml_ui.export import export

    for target in (tmp_path / "pages", tmp_path / "report.html"):
        export(repository, target, names=["data", "sums"], revision="HEAD", most=1_000_000)
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watched = Watched(page, "file://")
        first = target if target.suffix else target / "index.html"
        page.goto(first.as_uri())
        page.get_by_role("link", name="sums", exact=True).click()
        drawing = page.locator(".drawing.live")
        assert drawing.count() == 1
        page.locator('a.node[aria-label^="six"]').locator("visible=true").click()
        page.get_by_role("heading", name="six", exact=True).wait_for()
        assert watched.wrong == []
        # Then, since axe fetches the style sheet, which pages in files may not do.
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        context.close()
