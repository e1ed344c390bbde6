"""Text from a repository is text wherever it is shown: on a page and on a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import traceback
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import daggerml

# Parts that something would take for more than text, among any other characters.
PARTS = [
    "\x1b[2J",
    "\x1b]8;;https://evil.example/\x1b\\",
    "\x9b31m",
    "\r",
    "\t",
    "\x08",
    "\x7f",
    "\x85",
    "\u200b",
    "\u202e",
    "\u2066",
    "\u2028",
    "\u2029",
    "\ufeff",
    "</title></svg></pre><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onload="alert(1)" x=\'',
    "]]>",
    "<!--",
    "-->",
    "</style><style>*{background:url(//evil.example)}",
    "&lt;&#0;",
    "{{svg}}",
    "\nhint: forged",
]
attacks = st.lists(st.one_of(st.sampled_from(PARTS), st.characters(codec="utf-8"))).map("".join)
ALL = "".join(PARTS)

# Controls, what turns text round, what nobody sees, what ends a line.
OBEYED = {"Cc", "Cf", "Zl", "Zp"}


def orders(text: str) -> list[str]:
    """Returns what in the text would be obeyed. A tab is only space."""
    return [c for c in text if unicodedata.category(c) in OBEYED and c not in "\n\t"]


class Judge(HTMLParser):
    """Notes elements and attributes, and whether all that is opened is closed."""

    ELEMENTS = {"div", "b", "code", "span", "table", "tr", "td", "i", "pre", "svg", "title"} | {
        *("path", "g", "rect", "text"),
        # What daggerml-ui makes, where it is installed.
        *("a", "defs", "marker", "p", "style", "tbody", "th", "thead"),
    }
    ATTRIBUTES = {"style", "xmlns", "width", "height", "viewbox", "role", "d", "fill"} | {
        *("stroke", "stroke-width", "x", "y", "rx", "font-size", "text-anchor"),
        *("aria-label", "class", "data-from", "data-node", "data-to", "id", "marker-end"),
        *("markerheight", "markerwidth", "orient", "refx", "refy", "scope", "tabindex"),
        "transform",
    }
    #: Attributes that must hold none of the text.
    OURS = re.compile(r"[a-z0-9 -]+|url\(#arrow-[0-9a-f]+\)")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        assert tag in self.ELEMENTS, tag
        for name, value in attrs:
            assert name in self.ATTRIBUTES, name
            if name in {"class", "id", "marker-end"}:
                assert self.OURS.fullmatch(value or ""), value
            elif name != "aria-label":
                assert "url(" not in (value or ""), value
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} was not open"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            assert "url(" not in data, data
            assert "@import" not in data, data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def judge(page: str) -> str:
    """Judges what a notebook is given; returns its text."""
    assert not orders(page), ascii(page)
    found = Judge()
    found.feed(page)
    found.close()
    assert not found.open, found.open
    return found.text


def named(text: str) -> str:
    """Returns the text as a name, which has no controls and is not empty."""
    return "".join(c for c in text if unicodedata.category(c) != "Cc")[:100] or "x"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attack=attacks)
@example(attack=ALL)
def test_pages_hold_text(repo: daggerml.Dml, attack: str) -> None:
    dag = repo.new("d")
    part = dag.put([attack, attack], name=named(attack))
    whole = dag.put({"a": part, "b": part[0], f"{attack}3": 1}, name=named(f"2{attack}"))
    judge(dag._repr_html_())
    dag.commit(whole)
    for shown in (dag, dag.result, dag.result["a"], dag.result["a"][0]):
        judge(shown._repr_html_())
    assert json.dumps(attack)  # it is text at all


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attack=attacks)
@example(attack=ALL)
def test_errors_hold_text(repo: daggerml.Dml, attack: str) -> None:
    with pytest.raises(RuntimeError), repo.new(named(attack)):
        raise RuntimeError(attack)
    failed = repo.load(named(attack))
    judge(failed._repr_html_())
    assert failed.error is not None
    assert failed.error.message == attack, "the message itself is as it was"
    assert not orders(str(failed.error))
    with pytest.raises(daggerml.Error) as caught:
        _ = failed.result
    assert not orders(str(caught.value))


def on_terminal(*command: str, cwd: Path) -> str:
    """Returns what a program writes to a terminal that is all its streams."""
    import pty

    leader, follower = pty.openpty()
    env = {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(cwd)}
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=follower, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        written = b""
        while True:
            try:
                piece = os.read(leader, 1 << 16)
            except OSError:  # how Linux says that nobody has it open any more
                break
            if not piece:
                break
            written += piece
        process.wait()
    os.close(leader)
    text = written.decode("utf-8")
    for style in ("0", "1", "2", "31", "32", "33", "36"):
        text = text.replace(f"\x1b[{style}m", "")
    return text.replace("\r\n", "\n")  # the terminal's own doing


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_terminal_gets_no_orders(repo: daggerml.Dml, native: str, tmp_path: Path) -> None:
    name = named(ALL)
    with repo.new(name, message=ALL) as dag:
        dag.put(ALL.encode() + b"\xff\xfe", name="bytes")
        dag.put(ALL, name="text")
        dag.commit(dag.put({ALL: [ALL]}, name=name))
    root = Path(repo.root)
    for command in (
        ["cat", f"{name}/text"],
        ["cat", f"{name}/bytes"],
        ["cat", name],
        ["dag", "get", name],
        ["dag", "get", name, "--json"],
        ["dag", "show", name],
        ["dag", "graph", name, "--format", "dot"],
        ["dag", "graph", name, "--format", "mermaid"],
        ["dag", "graph", name, "--format", "svg"],
        ["dag", "graph", name, "--format", "html"],
        ["log"],
        ["log", "--json"],
        ["show", f"{name}x"],
        ["show", f"{name}x", "--json"],
    ):
        written = on_terminal(native, *command, cwd=root)
        assert not orders(written), (command, ascii(written))
    # To a pipe it is as it was stored.
    for kind, wanted in (("text", ALL.encode()), ("bytes", ALL.encode() + b"\xff\xfe")):
        command = [native, "cat", f"{name}/{kind}"]
        told = subprocess.run(command, cwd=root, capture_output=True, check=True)
        assert told.stdout == wanted


@daggerml.funk
def hostile(dag: object, attack: daggerml.ScalarNode) -> None:
    import daggerml

    text = str(attack.value())
    frame = {"filename": text, "lineno": 1, "name": text, "line": text}
    raise daggerml.Error("no", type=text, stack=[frame])


def test_where_a_call_failed_is_text(repo: daggerml.Dml) -> None:
    with repo.new("hostile") as dag:
        with pytest.raises(daggerml.NodeError) as caught:
            dag.call(hostile, ALL)
        shown = "".join(traceback.format_exception(type(caught.value), caught.value, None))
        assert orders(shown) == []
        if sys.version_info >= (3, 11):
            assert "[2J" in shown
        dag.commit(None)


def test_what_is_seen_is_kept() -> None:
    from daggerml.text import safe

    assert safe("plain, größe, 数据 👍") == "plain, größe, 数据 👍"
    assert safe("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert safe("\u202e\u200b") == "\\u202e\\u200b"
