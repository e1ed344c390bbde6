"""Links between the pages of documentation lead somewhere."""

from __future__ import annotations

import posixpath
import re
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from repository import files, read

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The page that must lead to every other page under `docs/`.
INDEX = "docs/README.md"

MARKDOWN = MarkdownIt("commonmark").enable("table")

FILES = files()
PAGES = [file for file in FILES if file.endswith(".md")]


def links(text: str) -> Iterator[tuple[int, str]]:
    """Finds the targets of a page's links and images, with their lines."""
    for token in MARKDOWN.parse(text):
        line = token.map[0] + 1 if token.map else 0
        for part in token.children or ():
            target = part.attrGet("href") or part.attrGet("src")
            if target is not None:
                yield line, unquote(str(target))
            line += part.type in {"softbreak", "hardbreak"}


def anchors(text: str) -> set[str]:
    """Returns the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    tokens = MARKDOWN.parse(text)
    for opening, inline in zip(tokens, tokens[1:]):
        if opening.type == "heading_open":
            title = "".join(part.content for part in inline.children or ())
            slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
            names = (f"{slug}-{number}" if number else slug for number in count())
            found.add(next(name for name in names if name not in found))
    return found


def problem(page: str, link: str) -> str | None:
    """Says what is wrong with a link of a page."""
    path, _, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
    if target not in FILES and not any(file.startswith(f"{target}/") for file in FILES):
        return f"nothing is at {link}"
    if anchor and target in PAGES and anchor not in anchors(read(target)):
        return f"{target} has no heading for #{anchor}"
    return None


def inside(text: str) -> list[tuple[int, str]]:
    """Returns the links that lead to another place of the repository."""
    return [(at, link) for at, link in links(text) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    found = [(line, problem(page, link)) for line, link in inside(read(page))]
    assert [f"{page}:{line}: {what}" for line, what in found if what] == []


def test_the_index_leads_to_every_page() -> None:
    targets = {link.partition("#")[0] for _, link in inside(read(INDEX))}
    led_to = {posixpath.normpath(f"docs/{target}") for target in targets} | {INDEX}
    assert [page for page in PAGES if page.startswith("docs/") and page not in led_to] == []


def test_links_are_found_outside_code() -> None:
    text = (
        "[a](b.md) and [`c`](d.md#e)\n```\n[x](y)\n```\n`[x](y)` [f](https://g)\n\n"
        "![p](q.svg) [two\nlines](r.md)\nand [v](w.md)\n\n[s][t]\n\n[t]: u.md\n\n"
        "| h |\n|---|\n| [k](l.md) |\n"
    )
    paragraphs = [(1, "b.md"), (1, "d.md#e"), (5, "https://g"), (7, "q.svg"), (7, "r.md")]
    assert list(links(text)) == [*paragraphs, (9, "w.md"), (11, "u.md"), (17, "l.md")]
    assert len(inside(text)) == len(paragraphs) + 2


@pytest.mark.parametrize(
    ("link", "what"),
    [("guide/blocks.md#shell", None), ("../README.md", None), ("guide/", None),
     ("no.md", "nothing"), ("guide/blocks.md#no", "no heading"), ("../../x.md", "nothing")],
)  # fmt: skip
def test_a_link_starts_from_its_page(link: str, what: str | None) -> None:
    found = problem(INDEX, link)
    assert found is None if what is None else what in str(found)


def test_headings_have_the_anchors_that_github_gives_them() -> None:
    page = "# The `dml` command!\n## Set up\n## Set up\n```\n# not one\n```\n#tag\n"
    assert anchors(page) == {"the-dml-command", "set-up", "set-up-1"}
