"""The pages of daggerml-ui about calls, drafts and the store, and what they may change."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from pages import Page, Site, served

import daggerml

if TYPE_CHECKING:
    from pathlib import Path


@daggerml.funk
def double(dag: Any, x: Any) -> Any:
    import sys

    print("<b>working</b>\x1b[31m", file=sys.stderr)
    return x.value() * 2


@daggerml.funk
def waiting(dag: Any, path: Any) -> Any:
    """Waits until a file is there."""
    import os
    import time

    while not os.path.exists(path.value()):  # noqa: PTH110  the funk imports little
        time.sleep(0.02)
    return 1


def until(ready: Any) -> None:
    """Waits for something that comes soon."""
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_in_background(dml: daggerml.Dml, path: Path) -> threading.Thread:
    """Begins a call that runs until ``path`` is there, in a thread."""

    def work() -> None:
        try:
            with dml.new("waits") as dag:
                dag.commit(dag.call(waiting, str(path)))
        except daggerml.Error:
            pass  # it was cancelled

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: [it for it in dml.exec.list() if it.status == "running"])
    return thread


@daggerml.funk
def needy(dag: Any, path: Any) -> Any:
    """Fails unless a file is there; then waits for another one."""
    import os
    import time

    print("looking")
    assert os.path.exists(path.value()), "it is not there"  # noqa: PTH110
    while not os.path.exists(path.value() + ".go"):  # noqa: PTH110
        time.sleep(0.02)
    return 7


@pytest.fixture
def called(repo: daggerml.Dml) -> str:
    """Makes two calls, and gives the key of the second."""
    with repo.new("calls") as dag:
        dag.call(double, 20)
        first = {record.key for record in repo.exec.list()}
        dag.commit(dag.call(double, 21))
    [key] = {record.key for record in repo.exec.list()} - first
    return key


def test_calls_are_listed_and_explained(repo: daggerml.Dml, called: str) -> None:
    with served(repo) as site:
        page = Page(site.page("/calls"))
        assert f"/call/{called}" in page.links
        assert "ok cached" in page.text
        page = Page(site.page(f"/call/{called}"))
    assert "double" in page.text
    assert "the log" not in page.text
    assert "<b>working</b>\\x1b[31m" in page.text
    assert "argument 1" in page.text
    assert "20" in page.text
    assert "a hit" in page.text


def test_the_node_of_a_call_leads_to_it(repo: daggerml.Dml) -> None:
    with repo.new("calls") as dag:
        dag.commit(dag.call(double, 20, name="forty"))
    with pytest.raises(daggerml.Error), repo.new("fails") as dag:
        dag.call(double, None, name="no")
    keys = {f"/call/{record.key}" for record in repo.exec.list()}
    found = set()
    with served(repo) as site:
        for dag_name, name in (("calls", "forty"), ("fails", "no")):
            made = repo.load(dag_name)
            assert made.ref is not None
            node = made._reader().named(name).id()
            found |= set(Page(site.page(f"/node/{made.ref.id()}/{node}")).links)
    assert keys <= found


def test_a_call_that_runs_is_told_as_it_changes(repo: daggerml.Dml, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with served(repo) as site:
        thread = wait_in_background(repo, go)
        [record] = [it for it in repo.exec.list() if it.status == "running"]
        page = site.page(f"/call/{record.key}")
        assert f'data-events="/events/{record.key}?after=' in page
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        connection.request(
            "GET",
            f"/events/{record.key}",
            headers={"Cookie": site.cookie, "Host": f"127.0.0.1:{site.port}"},
        )
        answer = connection.getresponse()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        seen = [answer.readline() for _ in range(2)]
        assert seen[0] == b"event: state\n"
        assert json.loads(seen[1].partition(b":")[2])["status"] == "running"
        go.touch()
        rest = answer.read()
        assert b'"status": "ok"' in rest
        assert rest.endswith(b"event: ended\ndata: {}\n\n")
        connection.close()
        thread.join()


def test_a_call_is_cancelled_by_a_form(repo: daggerml.Dml, tmp_path: Path) -> None:
    with served(repo, allow_changes=True) as site:
        thread = wait_in_background(repo, tmp_path / "never")
        [record] = [it for it in repo.exec.list() if it.status == "running"]
        assert "Cancel the run" in site.page(f"/call/{record.key}")
        assert site.change(f"/call/{record.key}/cancel").status == 303
        thread.join(60)
        assert not thread.is_alive()
        assert "canceled" in Page(site.page(f"/call/{record.key}")).text


def test_a_call_that_failed_is_run_again(repo: daggerml.Dml, tmp_path: Path) -> None:
    place = tmp_path / "it"
    with pytest.raises(daggerml.Error), repo.new("fails") as dag:
        dag.call(needy, str(place))
    [record] = repo.exec.list()
    with served(repo, allow_changes=True) as site:
        address = f"/call/{record.key}"
        assert "Run again" in site.page(address)
        # It fails once more, and then it does not.
        assert site.change(f"{address}/run").status == 303
        until(lambda: [it.status for it in repo.exec.show(record.key)] == ["error"] * 2)
        place.touch()
        assert site.change(f"{address}/run").status == 303
        until(lambda: repo.exec.list()[0].status == "running")
        page = site.page(address)
        assert "Run again" not in page
        until(lambda: "looking" in site.page(address))
        assert site.change(f"{address}/run").status == 400  # it runs already
        (tmp_path / "it.go").touch()
        until(lambda: repo.exec.list()[0].status == "ok")
        assert "Run again" not in site.page(address)
    assert len(repo.exec.show(record.key)) == 3
    # What it made answers calls now.
    with repo.new("works") as dag:
        dag.commit(dag.call(needy, str(place)))
    assert repo.load("works").result.value() == 7
    assert len(repo.exec.show(record.key)) == 3


def test_a_run_that_a_page_began_is_cancelled(repo: daggerml.Dml, tmp_path: Path) -> None:
    place = tmp_path / "it"
    with pytest.raises(daggerml.Error), repo.new("fails") as dag:
        dag.call(needy, str(place))
    place.touch()
    [record] = repo.exec.list()
    address = f"/call/{record.key}"
    for end in ("form", "stop"):
        with served(repo, allow_changes=True) as site:
            assert site.change(f"{address}/run").status == 303
            until(lambda: repo.exec.list()[0].status == "running")
            if end == "form":
                assert site.change(f"{address}/cancel").status == 303
                until(lambda: repo.exec.list()[0].status == "canceled")
        # The server takes its runs along when it ends.
        until(lambda: repo.exec.list()[0].status == "canceled")


def test_a_call_whose_arguments_were_collected_says_so(repo: daggerml.Dml) -> None:
    draft = repo.new("never committed")
    with pytest.raises(daggerml.Error):
        draft.call(double, {"only": "here"}, timeout=0.000001)
    [record] = repo.exec.list()
    with pytest.raises(daggerml.CancellationError):
        draft.cancel()
    repo.gc()
    with served(repo, allow_changes=True) as site:
        answer = site.change(f"/call/{record.key}/run")
    assert answer.status == 400
    assert "argument 1 was collected; run the program that makes it" in Page(answer.text).text


def test_a_call_is_removed_from_the_cache(repo: daggerml.Dml, called: str) -> None:
    with served(repo, allow_changes=True) as site:
        assert site.change(f"/call/{called}/invalidate").status == 303
        assert "Remove from the cache" not in site.page(f"/call/{called}")
    assert [it.cached for it in repo.exec.list() if it.key == called] == [False]


def changes(repo: daggerml.Dml, called: str) -> list[str]:
    """Returns the addresses of all forms that change something."""
    [draft] = [it["index"].id() for it in repo.indexes()]
    return [
        f"/call/{called}/invalidate",
        f"/call/{called}/cancel",
        f"/call/{called}/run",
        f"/drafts/{draft}/discard",
        "/state/gc",
    ]


def test_nothing_is_changed_unless_that_is_allowed(repo: daggerml.Dml, called: str) -> None:
    draft = repo.new("a draft", message="later")
    draft.put(1)
    draft.freeze("for later")
    before = (repo.indexes(), repo.exec.list(), repo.gc(dry_run=True))
    with served(repo) as site:
        for address in changes(repo, called):
            assert site.change(address).status == 403, address
            assert site.ask(address).status in {404, 405}, address
        for page in ("/drafts", "/state?check=yes", f"/call/{called}"):
            assert 'method="post"' not in site.page(page)
    assert (repo.indexes(), repo.exec.list(), repo.gc(dry_run=True)) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "{base}", "Cookie": ""},
        {"Origin": "{base}", "Host": "evil.example"},
    ],
)
def test_another_site_changes_nothing(
    repo: daggerml.Dml, called: str, headers: dict[str, str]
) -> None:
    with served(repo, allow_changes=True) as site:
        sent = {name: value.replace("{base}", site.base) for name, value in headers.items()}
        answer = site.ask(f"/call/{called}/invalidate", method="POST", headers=sent)
        assert answer.status == 403
    assert [it.cached for it in repo.exec.list() if it.key == called] == [True]


def test_drafts_are_listed_and_thrown_away(repo: daggerml.Dml) -> None:
    draft = repo.new("a draft", message="<i>later</i>")
    draft.put(1)
    draft.freeze("for later")
    [told] = repo.indexes()
    with served(repo, allow_changes=True) as site:
        page = Page(site.page("/drafts"))
        for word in ("a draft", "<i>later</i>", "frozen: for later"):
            assert word in page.text
        assert site.change(f"/drafts/{told['index'].id()}/discard").status == 303
        assert "There are none" in site.page("/drafts")
        assert site.change(f"/drafts/{told['index'].id()}/discard").status == 404
    assert repo.indexes() == []


def test_the_nodes_of_a_draft_are_shown_while_it_is_made(repo: daggerml.Dml) -> None:
    draft = repo.new("a draft")
    first = draft.put([1, 2, 3], name="<b>numbers</b>")
    draft.put({"text": "<script>alert(1)</script>"})
    draft.put("x" * 200_000, name="large")
    first[1]
    draft.freeze("for later")
    [told] = repo.indexes()
    with served(repo) as site:
        [address] = [link for link in Page(site.page("/drafts")).links if "/draft/" in link]
        page = Page(site.page(address))
        for text in ("[1, 2, 3]", "<b>numbers</b>", "get", "alert(1)", "(string, large)"):
            assert text in page.text, text
        # The draft still belongs to who makes it, and is read in parts.
        draft.unfreeze()
        for number in range(20_000):
            draft.put(f"text {number}", name=f"n{number}")
        draft.freeze("now it is long")
        page = Page(site.page(address))
        assert f"1 to 100 of {told['nodes'] + 20_000:,}" in page.text
        page = Page(site.page(f"{address}?skip=19950"))
        assert "n19949" in page.text
        assert "n20000" not in page.text
        draft.unfreeze()
        draft.commit(draft.put(1))
        assert site.ask(address).status == 404


def test_the_store_is_checked_and_cleaned(repo: daggerml.Dml) -> None:
    with repo.new("kept") as dag:
        dag.commit(1)
    repo.branch.create("side")
    repo.checkout("side")
    with repo.new("lost") as dag:
        dag.commit("only here")
    repo.checkout("main")
    repo.branch.delete("side", force=True)

    def asked(site: Site) -> str:
        return Page(site.page("/state?check=yes")).text

    with served(repo, allow_changes=True) as site:
        assert "Check everything" in site.page("/state")
        assert "None: everything" in asked(site)
        assert "Remove the garbage" in site.page("/state?check=yes")
        assert site.change("/state/gc").status == 303
        assert "Remove the garbage" not in site.page("/state?check=yes")
    assert repo.gc(dry_run=True)["removed"] == {}
