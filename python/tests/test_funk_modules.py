"""Modules that a funk brings along, and packages that it requires."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daggerml import BadExecutionStatusError, Dml, Funk, funk
from daggerml.errors import InvalidError
from daggerml.funks import requirements

pytest.importorskip("blake3")

from by_hand import Adapter, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules of one's own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def written(folder: Path, name: str, text: str) -> Any:
    (folder / f"{name}.py").write_text(text, "utf-8")
    importlib.invalidate_caches()
    if name in sys.modules:
        return importlib.reload(sys.modules[name])
    return importlib.import_module(name)


def rated(**options: Any) -> Funk:
    def rate(dag: Any, x: Any) -> Any:
        import own_rates  # type: ignore[import-not-found]

        return x.value() * own_rates.rate()

    return funk(rate, **options)


def called(repo: Dml, made: Any, *args: Any) -> Any:
    with repo.new("called") as dag:
        dag.commit(dag.call(made, *args))
    return repo.load("called").result.value()


def test_a_module_is_part_of_the_key_and_comes_along(repo: Dml, folder: Path) -> None:
    module = written(folder, "own_rates", "def rate():\n    return 1\n")
    one = rated(modules=[module])
    assert one.runnable.kwargs["modules"] == {"own_rates": "def rate():\n    return 1\n"}
    assert one == rated(modules=["own_rates"])
    assert called(repo, one, 7) == 7
    # Where it runs, the module on disk is not used.
    module = written(folder, "own_rates", "def rate():  # more\n    return (100)\n")
    other = rated(modules=[module])
    assert called(repo, one, 7) == 7
    assert called(repo, other, 7) == 700
    with pytest.raises(InvalidError, match="was changed since the funk was packaged"):
        one.in_process(7)
    assert other.in_process(7) == 700
    written(folder, "own_rates", "# only a comment\ndef rate():\n    return 100\n")
    assert rated(modules="own_rates") == other


def test_two_versions_of_a_module_in_one_process(folder: Path) -> None:
    made = []
    for number in (1, 2):
        text = f"from . import inner\ndef rate():\n    return inner.RATE * {number}\n"
        (folder / "own_rates").mkdir(exist_ok=True)
        (folder / "own_rates" / "__init__.py").write_text(text, "utf-8")
        (folder / "own_rates" / "inner.py").write_text(f"RATE = {number}0\n", "utf-8")
        importlib.invalidate_caches()
        for name in [each for each in sys.modules if each.startswith("own_rates")]:
            del sys.modules[name]
        made.append(rated(modules=[importlib.import_module("own_rates")]))
    assert list(made[0].runnable.kwargs["modules"]) == ["own_rates.__init__", "own_rates.inner"]

    @funk
    def left(dag: Any) -> Any:
        import sys

        return [name for name in sys.modules if name.startswith("own_")] + [
            finder.__class__.__name__ for finder in sys.meta_path if "_Finder" in repr(finder)
        ]

    with Adapter() as local:
        assert [outcome(local.invoke(each, 1)) for each in (*made, made[0])] == [10, 40, 10]
        assert outcome(local.invoke(left)) == []


SUBMODULES = """
import email.mime.text, logging.handlers, os.path, wsgiref.headers
import xml.dom.minidom
import daggerml as dml

@dml.funk(helpers=[xml, email])
def given(dag):
    tag = xml.dom.minidom.parseString("<a/>").documentElement.tagName
    return [tag, email.mime.text.MIMEText("x").get_payload()]

@dml.funk
def inside(dag):
    import logging
    import wsgiref
    return [logging.handlers.SYSLOG_UDP_PORT, wsgiref.headers.Headers.__name__]
"""


def test_submodules_that_the_file_imports_are_there(repo: Dml, folder: Path) -> None:
    """In a process of their own, in which nothing else has imported them."""
    module = written(folder, "own_program", SUBMODULES)
    assert called(repo, module.given) == module.given.in_process() == ["a", "x"]
    assert called(repo, module.inside) == module.inside.in_process() == [514, "Headers"]
    assert module.given.source.startswith("import xml\nimport xml.dom.minidom\n\nimport email\n")
    assert "os.path" not in module.given.source


def test_what_was_not_brought_is_not_taken_from_disk(repo: Dml, folder: Path) -> None:
    package = folder / "own_package"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "one.py").write_text("def one():\n    from own_package import two\n", "utf-8")
    (package / "two.py").write_text("", "utf-8")

    @funk(modules=["own_package.one"])
    def f(dag: Any) -> Any:
        import own_package.one  # type: ignore[import-not-found]

        try:
            own_package.one.one()
        except ImportError as problem:
            return str(problem)

    assert list(f.runnable.kwargs["modules"]) == ["own_package.__init__", "own_package.one"]
    assert "two" in called(repo, f)


@pytest.mark.parametrize(
    "how",
    [
        "(pathlib.Path(__file__).parent / 'data.txt').read_text()",
        "(pathlib.Path(__file__).parents[1] / 'data.txt').read_text()",
        "pkgutil.get_data(__name__, 'data.txt').decode()",
        "importlib.resources.files(__package__).joinpath('data.txt').read_text()",
    ],
)
def test_a_file_beside_a_module_is_not_another_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from daggerml.adapters import modules

    package = folder / "own_data"
    package.mkdir()
    package.joinpath("data.txt").write_text("its own")
    package.joinpath("__init__.py").write_text(
        f"import importlib.resources, pathlib, pkgutil\ndef text(): return {how}\n"
    )
    made = funk(nothing, modules=["own_data"])
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    elsewhere.joinpath("data.txt").write_text("another")
    monkeypatch.chdir(elsewhere)
    with modules.brought(made.runnable.kwargs["modules"]):
        import own_data  # type: ignore[import-not-found]

        with pytest.raises(FileNotFoundError, match="data files do not come along"):
            own_data.text()


def nothing(dag: Any) -> Any:
    return None


def test_what_cannot_be_brought_along(folder: Path) -> None:
    (folder / "own_native").mkdir()
    (folder / "own_native" / "__init__.py").write_text("", "utf-8")
    (folder / "own_native" / "fast.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    (folder / "own_broken.py").write_text("def f(:\n", "utf-8")
    for module, words in [
        ("own_native", "own_native.fast' has no source"),
        ("own_broken", "cannot be read"),
        ("own_nowhere", "cannot be found"),
        ("json", "cannot be brought along"),
        ("__main__", "cannot be brought along"),
        (3, "is no module"),
    ]:
        with pytest.raises(InvalidError, match=words):
            rated(modules=[module])


def test_what_is_in_the_folder_of_a_package(repo: Dml, folder: Path) -> None:
    package = folder / "own_folder"
    for name, text in {
        "__init__.py": "",
        "one.py": "X = 1",  # a package of that name is beside it
        "one/__init__.py": "X = 2",
        "two.py": "X = 3",  # beside a folder that is no package
        "two/more.py": "X = 4",
        "three/more.py": "X = 5",
        "not-a-name.py": "{{ template }}",
        "data.py/x": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, "utf-8")
    names = ["own_folder.__init__", "own_folder.one.__init__", "own_folder.three.more"]
    if sys.platform != "win32":
        for link in ("loop", "again"):
            (package / link).symlink_to(".")
        (package / "three" / "up").symlink_to("../..")
        (package / "gone.py").symlink_to("nowhere.py")
        (package / "four").symlink_to("one")
        os.mkfifo(package / "pipe.py")
        names.insert(1, "own_folder.four.__init__")

    @funk(modules=["own_folder"])
    def f(dag: Any) -> Any:
        import own_folder.one  # type: ignore[import-not-found]
        import own_folder.three.more  # type: ignore[import-not-found]
        import own_folder.two  # type: ignore[import-not-found]

        return [own_folder.one.X, own_folder.two.X, own_folder.three.more.X]

    assert list(f.runnable.kwargs["modules"]) == [*names, "own_folder.two"]
    assert called(repo, f) == f.in_process() == [2, 3, 5]
    (package / "template.py").write_text("import x\n{{ name }} = 1\n", "utf-8")
    with pytest.raises(InvalidError, match=r"own_folder.template.*template.py, line 2") as raised:
        funk(f.function, modules=["own_folder"])
    assert "name the modules that are needed" in (raised.value.hint or "")


def test_a_module_of_ones_own_is_warned_of_once(folder: Path) -> None:
    (folder / "own_warned.py").write_text("import own_inner\n", "utf-8")
    (folder / "own_inner.py").write_text("", "utf-8")

    def f(dag: Any) -> Any:
        import json

        import own_warned  # type: ignore[import-not-found]

        return json, own_warned

    with pytest.warns(
        UserWarning, match=r"imports 'own_warned'.*modules=\['own_warned'\]"
    ) as found:
        funk(f)
    assert found[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        funk(f)
    with pytest.warns(UserWarning, match="imports 'own_inner'"):
        funk(f, modules=["own_warned"])


def test_what_is_required_is_looked_for_where_it_runs(repo: Dml) -> None:
    version = importlib.metadata.version("pytest")

    def f(dag: Any) -> Any:
        return 1

    met = funk(f, requires=[f"PyTest >= 1, =={version}"])
    assert met.runnable.kwargs["requires"] == [f"pytest=={version},>=1"]
    assert called(repo, met) == 1
    for text, words in [
        ("pytest<1", f"pytest<1 is required, and pytest {version} is installed"),
        ("no-such-package", "no-such-package is not installed"),
    ]:
        unmet = funk(f, requires=text)
        assert unmet != met
        assert unmet.in_process() == 1
        with pytest.raises(BadExecutionStatusError, match=words):
            called(repo, unmet)
    # It is no result of the function: nothing of it is cached.
    assert [each.status for each in repo.exec.list() if each.cached] == ["ok"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "numpy[x]",
        "numpy @ file:x",
        "numpy; python_version>'3'",
        "numpy>=",
        "numpy=2",
        ">2",
        "numpy>=1.*",
        "numpy~=1",
        "numpy>=1+local",
        "numpy==x",
        "numpy==1.0a1.*",
        "a b",
    ],
)
def test_requirements_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="not a requirement that can be checked"):
        requirements.parsed(text)


numbers = st.integers(0, 3)
versions = st.builds(
    lambda epoch, release, pre, post, dev, local: "".join(
        [epoch, ".".join(map(str, release)), pre, post, dev, local]
    ),
    st.sampled_from(["", "", "", "1!"]),
    st.lists(numbers, min_size=1, max_size=4),
    st.sampled_from(["", "", "a1", "b2", "rc0", ".alpha3", "-c1", "preview"]),
    st.sampled_from(["", "", ".post1", "-2", "r3", ".rev"]),
    st.sampled_from(["", "", ".dev0", "dev3", "-dev"]),
    st.sampled_from(["", "", "+local.1", "+1"]),
)


@given(versions, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~=", "==="]), versions)
def test_versions_compare_as_those_of_packages_do(one: str, operator: str, other: str) -> None:
    # Before 26, packaging took 0.post1 for a post-release of 0.dev0.
    pytest.importorskip("packaging", minversion="26")
    specifiers = pytest.importorskip("packaging.specifiers")
    try:
        specifier = specifiers.SpecifierSet(operator + other)
    except specifiers.InvalidSpecifier:
        with pytest.raises(InvalidError):
            requirements.parsed(f"name{operator}{other}")
        return
    requirement = requirements.parsed(f"name{operator}{other}")
    assert requirement.is_met_by(one) == specifier.contains(one, prereleases=True)


@given(versions, st.sampled_from(["==", "!="]), st.lists(numbers, min_size=1, max_size=3))
def test_stars_compare_as_those_of_packages_do(one: str, operator: str, release: list[int]) -> None:
    # Before 26, packaging took 0.post1 for a post-release of 0.dev0.
    pytest.importorskip("packaging", minversion="26")
    specifiers = pytest.importorskip("packaging.specifiers")
    text = f"{operator}{'.'.join(map(str, release))}.*"
    requirement = requirements.parsed(f"name{text}")
    expected = specifiers.SpecifierSet(text).contains(one, prereleases=True)
    assert requirement.is_met_by(one) == expected
