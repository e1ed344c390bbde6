"""A real Chromium, and what must not happen in it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

#: How long a browser may take for a step, in milliseconds: the machine may be busy.
PATIENCE = 180_000

#: What the pages are looked at with: a desk and a phone.
SIZES = {"desk": {"width": 1200, "height": 900}, "phone": {"width": 375, "height": 700}}


@contextmanager
def chromium() -> Iterator[Any]:
    """Starts the browser; skips the test where there is none. ``DML_CHROMIUM`` names another."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = os.environ.get("DML_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium here; DML_CHROMIUM names one")
    # In containers and for root there is no sandbox. Only our own pages are opened.
    options = ["--no-sandbox"] if sys.platform == "linux" else []
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=options, timeout=PATIENCE)
        yield opened
        opened.close()


class Watched:
    """A window, and what must not happen in it."""

    def __init__(self, page: Any, base: str) -> None:
        self.page = page
        self.base = base
        self.wrong: list[str] = []
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", self._asks)
        page.on("request", self._asked)

    def _told(self, message: Any) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def _asks(self, dialog: Any) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self.base):
            self.wrong.append(f"a request left the machine: {request.url}")

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)


@contextmanager
def window(
    browser: Any, address: str, size: str = "desk", theme: str = "light"
) -> Iterator[Watched]:
    """Opens the first page of a server in a window of its own."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    watched = Watched(page, address.partition("/?")[0])
    page.goto(address)
    yield watched
    context.close()
    assert watched.wrong == []
