"""Copies of facts are written where they belong, and nowhere else."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from copies import WHOLE, copies, deps, system
from facts import Facts, WrongError
from sync import filled, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of one crate and one package, whose copies are not written yet."""
    texts = {
        ".gitignore": "target/\n",
        "wheelwright.toml": "packages = ['python/one']\nplatforms = ['p']\n[facts]\n"
        "rust = '1.2.3'\npythons = ['3.9', '3.12']\nrunners.p = 'r'\n",
        "tools/x/platforms.toml": "[[platform]]\nname = 'p'\nwheel-tag = 'win_amd64'\n"
        "rust-target = 'x86_64-pc-windows-gnullvm'\nzig-target = 'z'\n",
        "tools/near/Cargo.toml": "[lib]\ntest = false\n",
        "tools/two/Cargo.toml": "[dependencies]\none.workspace = true\nclap.workspace = true\n"
        "near = { path = '../near' }\n",
        "crates/one/Cargo.toml": "",
        "crates/one/fuzz/Cargo.toml": "",
        "Cargo.toml": "[workspace.package]\nrust-version = '1.2'\n[workspace.dependencies]\n"
        "one = { path = 'crates/one' }\nclap = '4'\n",
        "python/one/pyproject.toml": "[project]\nname = 'one'\n",
        ".github/workflows/release-python.yml": "# uses: pypa/gh-action-pypi-publish@abc # v1\n",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    for path, regions in copies(Facts(tmp_path)).items():
        if WHOLE not in regions:
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            marks = (f"# <sync:{name}>\n# </sync>\n" for name in regions)
            file.write_text(texts.get(path, "") + "".join(marks))
    return tmp_path


def test_facts_are_read(root: Path) -> None:
    facts = Facts(root)
    assert [tuple(crate) for crate in facts.crates] == [
        ("crates/one", True, True, []),
        ("tools/near", False, False, []),
        ("tools/two", False, True, ["crates/one", "tools/near"]),
    ]
    assert facts.publisher == "uses: pypa/gh-action-pypi-publish@abc # v1"


def test_a_row_of_the_repository_takes_the_place_of_wheelwrights(root: Path) -> None:
    file = root / "wheelwright.toml"
    row = (root / "tools/x/platforms.toml").read_text().replace("win_amd64", "win_arm64")
    file.write_text(f"{file.read_text()}\n{row}")
    assert [platform.wheel_tag for platform in Facts(root).platforms] == ["win_arm64"]


@pytest.mark.parametrize(
    ("path", "old", "new", "what"),
    [
        ("wheelwright.toml", "['p']", "['p', 'p']", "named twice"),
        ("wheelwright.toml", "runners.p", "runners.q", "has no machine"),
        ("wheelwright.toml", "rust =", "rust", "wheelwright.toml: "),
        ("python/one/pyproject.toml", "[project]", "[tool.maturin]\n[project]", "python-tag"),
        (".github/workflows/release-python.yml", "pypa", "other", "no step has"),
    ],
)
def test_a_wrong_fact_is_named(root: Path, path: str, old: str, new: str, what: str) -> None:
    text = (root / path).read_text()
    (root / path).write_text(text.replace(old, new))
    with pytest.raises(WrongError, match=what):
        Facts(root)


def test_what_has_a_wheel_of_its_own_is_told_to_all(root: Path) -> None:
    project = root / "python/one/pyproject.toml"
    compiled = (
        "[tool.maturin]\nmanifest-path = '../../crates/one/Cargo.toml'\n"
        "[tool.wheelwright]\npython-tag = 'cp39'\nabi-tag = 'abi3'\n"
        "interpreters = ['cp314', 'cp314t']\nrelease-interpreters = ['cp315t']\n"
    )
    project.write_text(project.read_text() + compiled)
    found = copies(Facts(root))
    build = found["python/one/BUILD.bazel"][WHOLE]
    assert '        "cp314",\n        "cp314t",\n        "cp315t",\n' in "\n".join(build)
    listed = "".join(line.strip() for line in found["python/BUILD.bazel"]["packages"])
    assert 'NATIVE = {"one": ["","_cp314","_cp314t","_cp315t",],}' in listed
    pythons = found[".github/workflows/ci.yml"]["pythons"]
    assert pythons == ['python: ["3.9", "3.12", "3.14t"]']
    release = found[".github/workflows/release-python.yml"]
    assert release["free-threaded"] == ['python-version: "3.14t"']
    assert release["newest"] == ['python-version: "3.15t"']


def test_copies_are_compared_and_written_and_stay_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / "rust-toolchain.toml"
    before = file.read_text()
    assert main(root) == 1
    said = capsys.readouterr().out
    assert '+channel = "1.2.3"' in said
    assert "`cargo checks sync --write`" in said
    assert file.read_text() == before
    assert main(root, "--write") == 0
    assert 'channel = "1.2.3"' in file.read_text()
    assert "gnullvm" in file.read_text()
    assert 'python_package(name = "one")' in (root / "python/one/BUILD.bazel").read_text()
    assert main(root) == 0
    assert list(root.rglob(".sync*")) == []


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("deny.toml", "# <sync:platforms>\n", "deny.toml: line 2: the region `platforms` has no"),
        ("other.toml", "\n# <sync:mine>\n# </sync>\n", "other.toml: line 2: no fact is copied"),
    ],
)
def test_one_mistake_and_nothing_is_written(
    root: Path, capsys: pytest.CaptureFixture[str], path: str, text: str, what: str
) -> None:
    (root / path).write_text(text)
    assert main(root, "--write") == 1
    assert what in capsys.readouterr().out
    assert "channel" not in (root / "rust-toolchain.toml").read_text()


@pytest.mark.parametrize(
    ("start", "end"), [("# <", ">"), ("// <", ">"), ("<!-- <", "> -->")], ids=str
)
def test_a_region_is_written_and_nothing_else(start: str, end: str) -> None:
    text = f"before\r\n  {start}sync:a{end}\n{{}}  {start}/sync{end}\nafter  \n\nno newline"
    new = filled(text.format("  old\n"), {"a": ["x", "", "y"]})
    assert new == text.format("  x\n\n  y\n")
    assert filled(new, {"a": ["x", "", "y"]}) == new
    assert filled(new, {"a": []}) == text.format("")


def test_what_only_looks_like_a_mark_is_text() -> None:
    text = 's = "# <sync:b>"\n`<sync:c>`\n# see <sync:d>\n# <sync:a>\n# </sync>\n'
    assert filled(text, {"a": []}) == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\n# <sync:a>\n", "line 3: the region `a` has no `</sync>`"),
        ("# </sync>\n", "line 1: `</sync>` ends no region"),
        ("# <sync:a>\n# <sync:b>\n# </sync>\n", "line 2: the region `b` begins inside `a`"),
        ("# <sync:a>\n# </sync>\n# <sync:a>\n# </sync>\n", "line 3: the region `a` is here twice"),
        ("# <sync:a>\n# </sync>\n\n# <sync:b>\n", "line 4: no fact is copied into"),
        ("x\ny\n", r"the file ends without its regions \['a'\]"),
        ("# <sync a>\n# </sync>\n", "line 1: `<sync a>` is not a mark"),
        ("# <sync:A b>\n# </sync>\n", "line 1: `<sync:A b>` is not a mark"),
        ("# <sync:a>\n# </sync:a>\n", "line 2: `</sync:a>` is not a mark"),
    ],
)
def test_each_mistake_names_its_line(text: str, what: str) -> None:
    with pytest.raises(WrongError, match=what):
        filled(text, {"a": []})


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("manylinux_2_28_x86_64", "Linux with glibc 2.28 or newer"),
        ("musllinux_1_2_aarch64", "Linux with musl 1.2 or newer"),
        ("macosx_11_0_arm64", "macOS 11 or newer"),
        ("win_amd64", "Windows 10 or newer"),
        ("win_arm64", "Windows 11 or newer"),
    ],
)
def test_a_tag_is_said_in_words(tag: str, words: str) -> None:
    assert system(tag) == words


def test_one_crate_is_needed_in_a_line_and_more_in_several() -> None:
    assert deps(["a"]) == ['deps = ["//a"],']
    assert deps(["a", "b"]) == ["deps = [", '    "//a",', '    "//b",', "],"]
