"""The pages of daggerml-ui: what they show, to whom, and that text stays text."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from conftest import installed
from pages import Page, Site, served
from test_hostile_text import ALL, orders

import daggerml
from daggerml_ui.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The smallest PNG: one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8"
    "cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


@daggerml.funk
def total(dag: Any, xs: Any) -> Any:
    """Adds the numbers."""
    return sum(xs.value())  # all of them


@daggerml.funk
def failing(dag: Any, x: Any) -> Any:
    raise ValueError(f"cannot take {x.value()}")


def fill(dml: daggerml.Dml) -> None:
    """Makes a history with a branch that was merged, and a DAG for each kind of value."""
    with dml.new("data", message="Load", tags=["raw"]) as dag:
        dag.put([{"x": n, "y": math.sin(n)} for n in range(250)], name="rows")
        dag.put({"a": 1.5, "b": 2}, name="scores")
        dag.put([float(n) for n in range(1000)], name="numbers")
        dag.put(PNG, name="picture")
        dag.put(b"\x00\x01text", name="raw bytes")
        dag.put({1, 2, 3}, name="a set")
        dag.put("def f(x):\n    return x  # the same\n", name="code")
        dag.put({"deep": [{"er": "found it"}]}, name="nested")
        dag.put(10**5000, name="huge")
        dag.commit(dag.put([1, 2, 3], name="xs"))
    dml.tag.create("v1")
    dml.branch.create("trial")
    dml.checkout("trial")
    with dml.new("sums", message="Add") as dag:
        xs = dag.require("data", name="xs")
        six = dag.call(total, xs, name="six")
        dag.commit(dag.put({"six": six, "xs": xs}, name="whole"))
    dml.checkout("main")
    with pytest.raises(daggerml.Error), dml.new("broken", message="Break") as dag:
        dag.commit(dag.call(failing, 7, name="no"))
    dml.merge("trial", message="Merge trial")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> daggerml.Dml:
    dml = daggerml.Dml.init(tmp_path_factory.mktemp("filled"), user="Ada")
    fill(dml)
    return dml


@pytest.fixture(scope="module")
def site(filled: daggerml.Dml) -> Iterator[Site]:
    with served(filled) as site:
        yield site


def node_page(filled: daggerml.Dml, dag: str, name: str) -> str:
    found = filled.load(dag)
    assert found.ref is not None
    return f"/node/{found.ref.id()}/{found._reader().named(name).id()}"


# What the pages show


def test_history_shows_commits_branches_and_tags(site: Site) -> None:
    page = Page(site.page("/"))
    for word in ("Load", "Add", "Break", "Merge trial", "Ada", "main", "trial", "v1", "HEAD"):
        assert word in page.text
    older = Page(site.page("/?rev=v1"))
    assert "Load" in older.text
    assert "Merge trial" not in older.text


def test_all_branches_are_in_the_history(tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path)
    with dml.new("one", message="base") as dag:
        dag.commit(1)
    dml.branch.create("side")
    dml.checkout("side")
    with dml.new("two", message="only on the side") as dag:
        dag.commit(2)
    dml.checkout("main")
    with served(dml) as site:
        assert "only on the side" in site.page("/")
        assert "only on the side" not in site.page("/?rev=main")


def test_branches_of_remotes_are_in_the_history(tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path / "here")
    with dml.new("one", message="shared") as dag:
        dag.commit(1)
    dml.remotes.add("origin", str(tmp_path / "there"))
    dml.push(set_upstream=True)
    other = daggerml.Dml.clone(str(tmp_path / "there"), tmp_path / "other")
    with other.new("two", message="only at the other") as dag:
        dag.commit(2)
    other.push()
    dml.fetch()
    with served(dml) as site:
        page = Page(site.page("/"))
    assert "only at the other" in page.text
    assert "origin/main" in page.text
    assert "1 behind" in page.text


def test_an_empty_repository_has_pages(tmp_path: Path) -> None:
    with served(daggerml.Dml.init(tmp_path)) as site:
        assert "Nothing is committed yet" in site.page("/")
        assert "There are no DAGs" in site.page("/dags")
        site.page("/search?q=x")


def test_long_lists_have_pages(tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path)
    for number in range(120):
        with dml.new(f"dag {number:03}", message=f"message {number:03}") as dag:
            dag.commit(number)
    with served(dml) as site:
        for start, first, last in (
            ("/", "message 119", "message 000"),
            ("/dags", "dag 000", "dag 119"),
        ):
            seen, address = [], start
            while address:
                text = site.page(address)
                seen.append(text)
                following = [
                    given["href"] for _, given in Page(text).elements if given.get("rel") == "next"
                ]
                address = str(following[0]) if following else ""
            assert len(seen) == (3 if start == "/" else 2)
            assert first in seen[0]
            assert last not in seen[0]
            assert last in seen[-1]


def test_dags_show_results_and_errors(site: Site, filled: daggerml.Dml) -> None:
    page = Page(site.page("/dags"))
    assert "[1, 2, 3]" in page.text
    assert "ValueError: cannot take 7" in page.text
    assert "raw" in page.text
    for ref in filled.dags().values():
        assert f"/dag/{ref.id()}" in page.links


def test_a_dag_is_drawn_by_the_layout_of_the_engine(site: Site, filled: daggerml.Dml) -> None:
    sums = filled.dags()["sums"]
    page = Page(site.page(f"/dag/{sums.id()}"))
    drawn = [given for tag, given in page.elements if tag == "a" and "data-node" in given]
    assert len(drawn) == len(filled.load("sums")._reader().nodes())
    assert all(given["href"] in page.links for given in drawn)
    edges = [given for tag, given in page.elements if tag == "path" and "data-from" in given]
    wanted = sum(
        len(set(filled.load("sums")._reader().describe(ref)["args"]))
        for ref in filled.load("sums")._reader().nodes()
    )
    assert len(edges) == wanted


def test_names_alone_can_be_drawn(site: Site, filled: daggerml.Dml) -> None:
    sums = filled.dags()["sums"]
    page = Page(site.page(f"/dag/{sums.id()}?named=yes"))
    drawn = [given for _, given in page.elements if "data-node" in given]
    assert len(drawn) == len(filled.load("sums"))


def test_a_focus_shows_one_side(site: Site, filled: daggerml.Dml) -> None:
    sums = filled.load("sums")
    assert sums.ref is not None
    six = sums.six.ref.id()

    def labels(side: str) -> str:
        page = Page(site.page(f"/dag/{sums.ref.id()}?focus={six}&side={side}"))  # type: ignore[union-attr]
        return " ".join(
            str(given["aria-label"]) for _, given in page.elements if "data-node" in given
        )

    assert "xs" in labels("from")
    assert "whole" not in labels("from")
    assert "whole" in labels("to")
    assert "xs" not in labels("to")


def test_an_error_is_shown_with_its_stack(site: Site, filled: daggerml.Dml) -> None:
    page = Page(site.page(f"/dag/{filled.dags()['broken'].id()}"))
    assert "cannot take 7" in page.text
    assert "frame of the stack" in page.text
    page = Page(site.page(node_page(filled, "broken", "no")))
    assert "cannot take 7" in page.text


def test_a_list_of_maps_is_a_table(site: Site, filled: daggerml.Dml) -> None:
    text = site.page(node_page(filled, "data", "rows"))
    page = Page(text)
    assert [tag for tag, _ in page.elements].count("tr") == 101
    assert text.count('class="plot"') == 2
    assert "1 to 100 of 250" in page.text
    last = Page(site.page(node_page(filled, "data", "rows") + "?skip=200"))
    assert [tag for tag, _ in last.elements].count("tr") == 51


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("scores", 'class="barfill"'),
        ("numbers", 'class="line"'),
        ("picture", "<img"),
        ("raw bytes", "00 01 74 65 78 74"),
        ("a set", "3 elements"),
        ("code", '<span class="k">def</span>'),
        ("huge", "an integer of"),
    ],
)
def test_a_value_is_shown_as_what_it_is(
    site: Site, filled: daggerml.Dml, name: str, wanted: str
) -> None:
    assert wanted in site.page(node_page(filled, "data", name))


def test_code_of_a_funk_is_highlighted(site: Site, filled: daggerml.Dml) -> None:
    sums = filled.load("sums")
    assert sums.ref is not None
    [runnable] = [node.ref for node in sums.nodes() if node.type == "runnable"]
    text = site.page(f"/node/{sums.ref.id()}/{runnable.id()}")
    assert '<span class="k">return</span>' in text
    assert "sum(xs.value())" in Page(text).text


def test_an_element_has_an_address(site: Site, filled: daggerml.Dml) -> None:
    address = node_page(filled, "data", "nested")
    deep = Page(site.page(f"{address}?at=0.0.0"))
    assert "found it" in deep.text
    assert site.ask(f"{address}?at=0.7").status == 404
    assert site.ask(f"{address}?at=x").status == 404


def test_images_are_images_and_nothing_else_is(site: Site, filled: daggerml.Dml) -> None:
    address = node_page(filled, "data", "picture").replace("/node/", "/bytes/")
    answer = site.ask(address)
    assert (answer.status, answer.body) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("raw bytes", "code"):
        other = node_page(filled, "data", name).replace("/node/", "/bytes/")
        assert site.ask(other).status == 404


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("sums", "sums"),
        ("found it", "nested"),
        ("xs.value", "code"),
        ("SCORES", "scores"),
        ("cannot take", "no"),
    ],
)
def test_search_finds_names_values_and_code(site: Site, query: str, wanted: str) -> None:
    page = Page(site.page(f"/search?q={query.replace(' ', '+')}"))
    assert wanted in page.text
    assert "0 places" not in page.text


def test_search_goes_on_where_it_ended(tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path)
    with dml.new("many") as dag:
        for number in range(130):
            dag.put(f"needle {number}", name=f"n{number}")
        dag.commit(1)
    found, address = set(), "/search?q=needle"
    with served(dml) as site:
        while address:
            page = Page(site.page(address))
            found |= {link for link in page.links if link.startswith("/node/")}
            following = [given["href"] for _, given in page.elements if given.get("rel") == "next"]
            address = str(following[0]) if following else ""
    assert len(found) == 130


def test_an_id_is_found_by_its_first_digits(site: Site, filled: daggerml.Dml) -> None:
    address = node_page(filled, "data", "nested")
    dag, node = address.split("/")[2:]
    assert address in Page(site.page(f"/search?q={node[:8]}")).links
    assert f"/dag/{dag}" in Page(site.page(f"/search?q={dag[:8]}")).links


@pytest.mark.parametrize("trigrams", [True, False])
def test_the_search_looks_for_text_and_nothing_else(repo: daggerml.Dml, *, trigrams: bool) -> None:
    from daggerml_ui.search_index import SearchIndex

    texts = ["50% of it", "a_b", 'say "yes"', "OR NOT", "ab*", "Größe", "x" * 200_000 + "far"]
    with repo.new("texts") as dag:
        for number, text in enumerate(texts):
            dag.put(text, name=f"n{number}")
        dag.commit(1)
    index = SearchIndex(repo, trigrams=trigrams)
    assert index.build(repo.dags(), 60) == 0

    def found(text: str) -> list[str]:
        return [hit.title for hit in index.find(text, 0, 50) if hit.what == "value"]

    assert found("50%") == ["n0"]
    assert found("0% o") == ["n0"]
    assert found("a_b") == ["n1"]
    assert found("%") == ["n0"]
    assert found('"yes"') == ["n2"]
    assert found("or not") == ["n3"]
    assert found("b*") == ["n4"]
    assert found("größe") == ["n5"]
    assert found("far") == []
    for hostile in ('"', '" OR "', "*", "\\", "'; DROP TABLE text; --", "\0"):
        assert found(hostile) in ([], ["n2"], ["n4"]), hostile


def test_only_the_revision_that_is_asked_for_is_searched(repo: daggerml.Dml) -> None:
    from daggerml_ui.search_index import SearchIndex

    for text in ("first needle", "second needle"):
        with repo.new("changes") as dag:
            dag.commit(dag.put(text, name="it"))
    index = SearchIndex(repo)
    for revision, text in (("HEAD", "second"), ("HEAD~1", "first"), ("HEAD", "second")):
        assert index.build(repo.dags(revision=revision), 60) == 0
        [hit] = index.find("needle", 0, 50)
        assert hit.text == f"{text} needle"


# Whom they are shown to


def test_who_has_no_token_is_refused(site: Site) -> None:
    for path in ("/", "/dags", "/static/ui.css", "/?token=", "/?token=wrong"):
        assert site.ask(path, cookie=False).status == 403, path
    assert site.ask("/", headers={"Cookie": site.cookie[:-1]}).status == 403


def test_the_token_is_exchanged_for_a_cookie(site: Site) -> None:
    query = site.address.partition("?")[2]
    answer = site.ask(f"/dags?{query}&skip=1", cookie=False)
    assert answer.status == 303
    assert answer.headers["Location"] == "/dags?skip=1"
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert query.partition("=")[2] not in answer.headers["Set-Cookie"]
    # It never leads to another machine.
    assert site.ask(f"//evil.example/?{query}").headers["Location"] == "/evil.example/"


def test_the_token_for_a_browser_counts_once(filled: daggerml.Dml) -> None:
    server = Server(filled)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        site = Site(server)
        path = server.address_once().removeprefix(site.base)
        assert path != site.address.removeprefix(site.base)
        assert [site.ask(path, cookie=False).status for _ in range(2)] == [303, 403]
    finally:
        server.stop()
        thread.join(30)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    sent = {name: value.replace("{port}", str(site.port)) for name, value in headers.items()}
    assert site.ask("/", headers=sent).status == 403
    assert site.ask("/", headers={"Host": f"localhost:{site.port}"}).status == 200


def test_every_answer_has_the_headers(site: Site, filled: daggerml.Dml) -> None:
    paths = ["/", "/nothing", "/static/ui.js", node_page(filled, "data", "picture")]
    for path in paths:
        for cookie in (True, False):
            headers = site.ask(path, cookie=cookie).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Cache-Control"] == "no-store"


def test_only_loopback_is_served(site: Site) -> None:
    import socket

    with socket.socket() as sock:
        sock.connect(("127.0.0.1", site.port))
    # Another address of this machine, where it has one.
    for family, _, _, _, address in socket.getaddrinfo(socket.gethostname(), site.port):
        if family != socket.AF_INET or str(address[0]).startswith("127."):
            continue
        with socket.socket() as sock:
            sock.settimeout(5)
            assert sock.connect_ex(address) != 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/static/../cli.py", 404),
        ("/static/%2e%2e%2fcli.py", 404),
        ("/dag/xyz", 404),
        (f"/dag/{'0' * 64}", 404),
        ("/dags/no-such-branch", 404),
        ("/?rev=no-such-branch", 404),
        (f"/?skip={'9' * 40}", 200),
        ("/?skip=999999999999", 200),
        ("/dags?skip=-1", 200),
        ("/search?q=x&begin=a.b", 200),
    ],
)
def test_bad_addresses_are_answered(site: Site, path: str, status: int) -> None:
    answer = site.ask(path)
    assert answer.status == status, answer.text[-500:]


def test_a_node_of_another_dag_is_not_found(site: Site, filled: daggerml.Dml) -> None:
    other = node_page(filled, "data", "scores").rpartition("/")[2]
    assert site.ask(f"/node/{filled.dags()['sums'].id()}/{other}").status == 404


# Text stays text


def test_hostile_text_is_only_shown(tmp_path: Path) -> None:
    dml = daggerml.Dml.init(tmp_path, user="Eve" + ALL.replace("\n", ""))
    with dml.new("dag <script>alert(1)</script>", message=ALL) as dag:
        dag.put({ALL: [ALL], "n": 1}, name="<img src=x onerror=alert(2)>")
        dag.put(ALL, name="text")
        dag.put([{ALL: ALL}], name="table")
        dag.commit(1)
    with pytest.raises(daggerml.Error, match="cannot take"), dml.new("stop") as dag:
        dag.call(failing, ALL, name="\u202e'\"><script>")
    with served(dml) as site:
        seen, waiting = set(), ["/", f"/search?q={'script'}"]
        while waiting:
            address = waiting.pop()
            if address in seen:
                continue
            seen.add(address)
            text = site.page(address)
            page = Page(text)
            waiting += page.links
            assert orders(text) == [], address
            for tag, given in page.elements:
                assert tag not in {"iframe", "object", "embed", "style", "base"}, address
                assert not any(key.startswith("on") or key == "style" for key in given), address
                if tag == "script":
                    assert given.get("src") == "/static/ui.js"
                if tag == "img":
                    assert str(given["src"]).startswith("/bytes/")
        assert len(seen) > 10


# The program


def test_the_command_starts_the_program(filled: daggerml.Dml) -> None:
    for program in ([installed("dml"), "ui"], [installed("daggerml-ui")]):
        with subprocess.Popen(
            [*program, "--no-browser"],
            cwd=filled.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as started:
            assert started.stdout is not None
            line = started.stdout.readline()
            assert filled.root in line
            address = line.split()[-1]
            # It keeps no cookie, so the token leads to a refusal.
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(address, timeout=60)  # noqa: S310  our own
            if sys.platform == "win32":
                started.terminate()
            else:
                started.send_signal(signal.SIGINT)
            assert "Traceback" not in started.communicate(timeout=60)[1]


def test_both_commands_have_the_same_options() -> None:
    """The engine's command passes its options on, so each must be one of the program's."""
    options = []
    for program in ([installed("dml"), "ui"], [installed("daggerml-ui")]):
        ran = subprocess.run(
            [*program, "--help"], capture_output=True, text=True, timeout=60, check=True
        )
        options.append(set(re.findall(r"--[a-z][a-z-]*", ran.stdout)))
    everywhere = {"--json", "--color", "--quiet", "--verbose", "--help"}
    assert options[0] - everywhere == options[1] - everywhere - {"--version"}


def test_the_command_passes_on_the_repository(tmp_path: Path) -> None:
    ran = subprocess.run(
        [installed("dml"), "-C", str(tmp_path), "ui", "--no-browser"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode != 0
    assert str(tmp_path) in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_command_says_how_to_install_the_pages(native: str, tmp_path: Path) -> None:
    import shutil

    alone = tmp_path / f"dml{'.exe' if sys.platform == 'win32' else ''}"
    shutil.copy(native, alone)
    environment = {**os.environ, "PATH": str(tmp_path), "DML_PROGRAMS": str(tmp_path)}
    ran = subprocess.run(
        [str(alone), "ui"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert "pip install daggerml-ui" in ran.stderr


def test_a_port_that_is_taken_is_said(site: Site, filled: daggerml.Dml) -> None:
    ran = subprocess.run(
        [installed("daggerml-ui"), "-C", filled.root, "--no-browser", "--port", str(site.port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert f"the port {site.port}" in ran.stderr
