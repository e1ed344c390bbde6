"""Measures `dml ui` in a repository of many nodes: memory, the search, and the first paint.

    python bench/ui.py [--nodes 1000000]

It needs daggerml and daggerml-ui as they are installed, and for the first paint playwright and a
Chromium. The repository and the server are those of this run, in a temporary folder.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

#: How many nodes each DAG has.
EACH = 10_000


def fill(folder: str, nodes: int) -> None:
    """Makes a repository of so many nodes, some of them with names."""
    import daggerml

    dml = daggerml.Dml.init(folder, user="bench")
    for number in range(nodes // EACH):
        with dml.new(f"dag {number}") as dag:
            last = None
            for at in range(EACH - 2):
                given = [f"text {number} {at}"] if last is None or at % 2 else [last, at]
                last = dag.put(given, name=f"part {at}" if at % 100 == 0 else None)
            dag.commit(dag.put([last], name="result"))


def memory(pid: int) -> str:
    """Returns the memory of a process: its own, and pages of files, which the system may drop."""
    status = Path(f"/proc/{pid}/status").read_text()
    own, files = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("RssAnon", "RssFile"))
    return f"{own / 1024:.0f} MB, and {files / 1024:.0f} MB of files"


def first_paint(address: str, path: str) -> list[float]:
    """Returns the first contentful paints of a page, in milliseconds."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        seen = []
        for _ in range(5):
            page.goto(address.partition("/?")[0] + path)
            seen.append(
                page.evaluate(
                    """() => new Promise(done => new PerformanceObserver((list) => {
                      const it = list.getEntriesByName('first-contentful-paint')[0];
                      if (it) done(it.startTime);
                    }).observe({ type: 'paint', buffered: true }))"""
                )
            )
        browser.close()
    return seen


def main() -> None:
    """Runs the measurements and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    nodes = parser.parse_args().nodes
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        fill(folder, nodes)
        print(f"a repository of {nodes:,} nodes: {time.perf_counter() - began:.0f} s to make")
        command = [sys.executable, "-m", "daggerml_ui", "-C", folder, "--no-browser"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            base = address.partition("/?")[0]
            opener = urllib.request.build_opener(
                urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
            )

            def ask(path: str) -> str:
                with opener.open(base + path) as answer:
                    return str(answer.read(), "utf-8")

            def timed(path: str) -> str:
                start = time.perf_counter()
                ask(path)
                return f"{(time.perf_counter() - start) * 1000:.0f} ms"

            opener.open(address).read()
            print(f"memory of the server when it has begun: {memory(server.pid)}")
            dags = re.findall(r'href="(/dag/[0-9a-f]+)"', ask("/dags"))
            print(f"page of a DAG of {EACH:,} nodes: {timed(dags[0])}, again {timed(dags[0])}")
            for dag in dags:
                ask(dag)
            print(f"memory after the pages of {len(dags)} DAGs: {memory(server.pid)}")
            start = time.perf_counter()
            while "still to be read" in ask("/search?q=nothing+has+this"):
                pass
            print(f"reading all for the search: {time.perf_counter() - start:.0f} s")
            print(f"memory after that: {memory(server.pid)}")
            for query in ("text+7+99", "part+100", "zz", "dag+5"):
                print(f"search for {query.replace('+', ' ')!r}: {timed(f'/search?q={query}')}")
            try:
                paints = first_paint(address, dags[1])
                print("first paint of that page:", ", ".join(f"{it:.0f} ms" for it in paints))
            except ImportError:
                print("first paint: not measured, playwright is not installed")
            server.terminate()


if __name__ == "__main__":
    main()
