"""The log of a call that runs, in a real browser: of a call that another process makes."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from browsers import chromium, window
from pages import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import daggerml

#: How many lines are written, and how many in a second.
LINES = 300
RATE = 60

#: How many updates of the page there may be between the writing of a line and its appearance.
BEHIND = 20

PROGRAM = """
import sys
import daggerml

@daggerml.funk
def told(dag, folder, lines, rate):
    import os
    import time
    where = folder.value()

    def wait(name):
        while not os.path.exists(where + name):
            time.sleep(0.01)

    os.write(2, b"\\xff\\xfe\\x1b[2J<script>document.title = 'taken'</script>\\xe2\\x80\\xae\\n")
    os.write(2, b"half \\xe2\\x82")
    wait("/begin")
    os.write(2, b"\\xac whole\\n")
    for number in range(lines.value()):
        print("line", number)
        time.sleep(1 / rate.value())
    open(where + "/written", "w").close()
    wait("/end")
    print("the last word")
    return 1

with daggerml.Dml.open(sys.argv[1]).new("told") as dag:
    dag.commit(dag.call(told, sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


def until(ready: Any) -> Any:
    """Waits for something that comes soon."""
    deadline = time.monotonic() + 120
    while not (found := ready()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture
def teller(repo: daggerml.Dml, tmp_path: Path) -> Iterator[str]:
    """A call in another process, which has written its first lines; gives its key."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    arguments = [sys.executable, str(program), repo.root, str(tmp_path), str(LINES), str(RATE)]
    with subprocess.Popen(arguments) as process:
        [record] = until(lambda: [it for it in repo.exec.list() if it.status == "running"])
        until(lambda: "half" in repo.exec.log(record.key))
        yield record.key
        for name in ("begin", "end"):
            (tmp_path / name).touch()
        assert process.wait(120) == 0


def test_the_page_keeps_up_with_a_log(
    browser: Any, repo: daggerml.Dml, teller: str, tmp_path: Path
) -> None:
    with served(repo) as site, window(browser, site.address) as watched:
        watched.go(f"/call/{teller}")
        page = watched.page
        log = page.get_by_role("log", name="Log")
        assert "\\x1b[2J<script>document.title = 'taken'</script>\\u202e\n" in log.inner_text()
        page.evaluate(
            """last => {
              const log = document.getElementById("log");
              window.updates = 0;
              new MutationObserver(() => {
                window.updates += 1;
                if (!window.seen && log.textContent.includes(last)) window.seen = window.updates;
              }).observe(log, { childList: true, characterData: true, subtree: true });
            }""",
            f"line {LINES - 1}\n",
        )
        (tmp_path / "begin").touch()
        until((tmp_path / "written").exists)
        at_end = page.evaluate("window.updates")
        page.wait_for_function("() => window.seen")
        seen = page.evaluate("window.seen")
        assert seen <= at_end + BEHIND
        # More than one update came, so that it was not shown only at the end.
        assert seen > BEHIND
        shown = page.evaluate("document.getElementById('log').textContent")
        lines = "".join(f"line {number}\n" for number in range(LINES))
        assert shown.endswith(f"half € whole\n{lines}")
        # The end is what is seen, until somebody looks at another part.
        box = "it => it.scrollHeight - it.scrollTop - it.clientHeight"
        assert log.evaluate(box) < 8
        # When the call has ended, the page shows what was recorded.
        (tmp_path / "end").touch()
        recorded = page.get_by_role("region", name="Log of run 1")
        recorded.get_by_text("the last word").wait_for()
        assert recorded.locator("pre").inner_text() == shown + "the last word\n"
        assert "taken" not in page.title()


def test_who_looks_at_the_beginning_stays_there(
    browser: Any, repo: daggerml.Dml, teller: str, tmp_path: Path
) -> None:
    with served(repo) as site, window(browser, site.address, "phone", "dark") as watched:
        watched.go(f"/call/{teller}")
        page = watched.page
        log = page.locator("#log")
        (tmp_path / "begin").touch()
        has = "last => document.getElementById('log').textContent.includes(last)"
        page.wait_for_function(has, arg="line 99\n")
        log.focus()
        page.keyboard.press("Home")
        page.wait_for_function("() => !document.getElementById('tail').checked")
        page.wait_for_function(has, arg=f"line {LINES - 1}\n")
        assert log.evaluate("it => it.scrollTop") < 100
        page.get_by_label("Show the end").check()
        page.wait_for_function(
            "log => log.scrollTop + log.clientHeight > log.scrollHeight - 8",
            arg=log.element_handle(),
        )
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_log_is_there_without_a_script(repo: daggerml.Dml, teller: str) -> None:
    with served(repo) as site:
        page = site.page(f"/call/{teller}")
        assert "&lt;script&gt;document.title" in page
        # A browser that lost the connection goes on where it was.
        start = page.index(f"/events/{teller}?after=")
        address = page[start : page.index('"', start)]
    assert address.partition("?after=")[2].partition("-")[2] == str(
        len(b"\xff\xfe\x1b[2J<script>document.title = 'taken'</script>\xe2\x80\xae\nhalf ")
    )
