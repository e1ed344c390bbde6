"""Makes the pictures of docs/guide/ui.md: real pages in a real Chromium.

    python python/tests/screenshots.py

It needs daggerml and daggerml-ui as they are installed, playwright and a Chromium
(`DML_CHROMIUM` names another one).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import daggerml
from daggerml_ui.server import Server

TARGET = Path(__file__).parents[2] / "docs" / "guide" / "images"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@daggerml.funk
def train(dag: Any, rows: Any, rate: Any) -> Any:
    """Fits a line by gradient descent."""
    slope, offset, losses = 0.0, 0.0, []
    points = [(row["size"], row["price"]) for row in rows.value()]
    for step in range(60):
        errors = [slope * x + offset - y for x, y in points]
        losses.append(sum(error * error for error in errors) / len(points))
        slope -= rate.value() * sum(e * x for e, (x, _) in zip(errors, points)) / len(points)
        offset -= rate.value() * sum(errors) / len(points)
        if step % 20 == 0:
            print(f"step {step}: loss {losses[-1]:.4f}")
    return {"slope": slope, "offset": offset, "losses": losses}


@daggerml.funk
def evaluate(dag: Any, seconds: Any) -> Any:
    """Works for a while, and says how far it is."""
    import time

    for number in range(1, 1000):
        print(f"fold {number:3}: accuracy {0.9 + number % 7 / 100:.2f}")
        time.sleep(seconds.value())
    return 1


def fill(dml: daggerml.Dml) -> None:
    """Makes a small history with values of several kinds."""
    rows = [
        {"city": city, "size": round(0.5 + at * 0.11, 2), "price": round(1.1 + at * 0.27, 2)}
        for at, city in enumerate(["Basel", "Bern", "Chur", "Genf", "Thun", "Zug"] * 2)
    ]
    for rate, message in ((0.1, "First model"), (0.3, "Learn faster")):
        with dml.new("prices", message=message) as dag:
            table = dag.put(rows, name="rows")
            model = dag.call(train, table, dag.put(rate, name="rate"), name="model")
            losses = model["losses"]
            dag.commit(dag.put({"losses": losses, "last": losses[-1]}, name="report"))
        if rate < 0.2:
            dml.tag.create("v1")
            dml.branch.create("trial")


def main() -> None:
    """Makes all pictures, in both themes."""
    program = os.environ.get("DML_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        dml = daggerml.Dml.init(folder, user="Ada")
        fill(dml)
        prices = dml.load("prices")
        assert prices.ref is not None
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        server = Server(dml, allow_changes=True)
        threading.Thread(target=server.run, daemon=True).start()
        reader = prices._reader()

        def node(name: str) -> str:
            return f"/node/{prices.ref and prices.ref.id()}/{reader.named(name).id()}"

        def work() -> None:
            try:
                with dml.new("folds") as dag:
                    dag.call(evaluate, 0.02)
            except daggerml.Error:
                pass  # it is cancelled below

        thread = threading.Thread(target=work)
        thread.start()
        while not (running := [it for it in dml.exec.list() if it.status == "running"]):
            time.sleep(0.05)
        pages = {
            "history": "/",
            "dag": f"/dag/{prices.ref.id()}",
            # The losses: the second entry of the map.
            "value": f"{node('report')}?at=1",
            "running": f"/call/{running[0].key}",
        }
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 980, "height": 640}, color_scheme=theme
            )
            page = context.new_page()
            page.goto(server.address)
            for name, path in pages.items():
                page.goto(server.address.partition("/?")[0] + path)
                if name == "running":
                    page.get_by_text("fold  60").first.wait_for()
                page.screenshot(path=TARGET / f"ui-{name}-{theme}.png")
            context.close()
        dml.exec.cancel(running[0].key)
        thread.join()
        browser.close()
        server.stop()
    for picture in sorted(TARGET.glob("ui-*.png")):
        print(picture.name, picture.stat().st_size)


if __name__ == "__main__":
    main()
