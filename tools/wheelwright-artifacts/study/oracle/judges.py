"""What tools that are not ours say of an artifact of the corpus."""

from __future__ import annotations

import configparser
import contextlib
import importlib.metadata
import io
import re
import tarfile
import tempfile
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any, Callable

import installer.sources
import packaging.tags
import packaging.utils
import twine.commands.check
import validate_pyproject.formats
from artifacts import Wheel
from check_wheel_contents.checker import WheelChecker
from check_wheel_contents.contents import WheelContents
from index import Answer, metadata
from pyproject_metadata import StandardMetadata

if TYPE_CHECKING:
    from pathlib import Path

    from mutations import Case

METADATA = frozenset({
    "metadata-missing", "metadata-format", "metadata-field", "license-expression",
    "license-files", "readme-renders",
})  # fmt: skip


def twine_check(_: Case, path: Path) -> Answer:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        failed = twine.commands.check.check([str(path)], strict=False)
    return out.getvalue() if failed else None


def file_name(case: Case, _: Path) -> Answer:
    try:
        if isinstance(case.artifact, Wheel):
            packaging.utils.parse_wheel_filename(case.artifact.called())
        else:
            packaging.utils.parse_sdist_filename(case.artifact.called())
    except (packaging.utils.InvalidWheelFilename, packaging.utils.InvalidSdistFilename) as error:
        return str(error)
    return None


@cache
def installable(platform: str) -> frozenset[tuple[str, str]]:
    """Return the pairs of Python and ABI tag that `packaging` has for a platform."""
    found: set[packaging.tags.Tag] = set()
    # Code for a platform is never for `any`.
    platforms = ["linux_x86_64" if platform == "any" else platform]
    for minor in range(2, 21):
        version, flag = (3, minor), "m" if minor < 8 else ""  # noqa: PLR2004
        builds = [f"cp3{minor}{flag}", f"cp3{minor}d{flag}"]
        if minor >= 13:  # noqa: PLR2004
            builds.append(f"cp3{minor}t")
        for abi in builds:
            found.update(packaging.tags.cpython_tags(version, [abi], platforms))
        found.update(packaging.tags.compatible_tags(version, f"cp3{minor}", platforms))
        pypy = f"pp3{minor}"
        found.update(packaging.tags.generic_tags(pypy, [f"pypy3{minor}_pp73"], platforms))
        found.update(packaging.tags.compatible_tags(version, "pp3", platforms))
    for abi in ("cp27m", "cp27mu"):
        found.update(packaging.tags.cpython_tags((2, 7), [abi], platforms))
    found.update(packaging.tags.compatible_tags((2, 7), "cp27", platforms))
    return frozenset((tag.interpreter, tag.abi) for tag in found if tag.platform == platform)


def pairs(case: Case, _: Path) -> Answer:
    """Whether every part of the compressed set is of use."""
    if not isinstance(case.artifact, Wheel):
        return None
    python, abi, platform = (part.split(".") for part in case.artifact.tags.split("-"))
    taken = {pair for one in platform for pair in installable(one)}
    of_use = {(p, a) for p in python for a in abi if (p, a) in taken}
    lonely = set(python) - {p for p, _ in of_use} | set(abi) - {a for _, a in of_use}
    return f"of no use: {sorted(lonely)}" if lonely else None


@cache
def platforms() -> frozenset[str]:
    """Return the macOS, iOS and Android tags that `packaging` has anywhere."""
    found: set[str] = set()
    for machine in ("x86_64", "arm64", "i386", "ppc", "ppc64"):
        newest = (26, 0) if machine in {"x86_64", "arm64"} else (10, 6)
        found.update(packaging.tags.mac_platforms(newest, machine))
    for machine in ("arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator"):
        found.update(packaging.tags.ios_platforms((26, 9), machine))
    for machine in ("arm64_v8a", "armeabi_v7a", "x86", "x86_64"):
        found.update(packaging.tags.android_platforms(40, machine))
    return frozenset(found)


def platform(case: Case, _: Path) -> Answer:
    if not isinstance(case.artifact, Wheel):
        return None
    tag = case.artifact.tags.rsplit("-", 1)[1]
    return None if tag in platforms() else f"{tag} is on no such system"


def entry_points(case: Case, _: Path) -> Answer:
    """`configparser`, `importlib.metadata` and validate-pyproject's formats."""
    text = case.artifact.entry_points if isinstance(case.artifact, Wheel) else ""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        parser = configparser.RawConfigParser(delimiters=("=",))
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        parser.read_string(decoded)
    except (UnicodeError, configparser.Error) as error:
        return str(error)
    formats = validate_pyproject.formats
    for group in ("console_scripts", "gui_scripts"):
        for name, value in parser.items(group) if parser.has_section(group) else []:
            point = importlib.metadata.EntryPoint(name, value, group)
            if not re.fullmatch(r"[\w.-]+", name):
                return f"the name {name}"
            if not formats.python_entrypoint_reference(value):
                return f"the reference {value}"
            if not point.pattern.match(value) or not point.attr:
                return f"the function of {value}"
    return None


def project(case: Case) -> dict[str, Any] | None:
    """Return the changed field as a `[project]` table has it, where it has it."""
    text = case.artifact.metadata
    name, _, value = case.name.removeprefix("field/").partition(":")
    name, value = name.removeprefix("2.5 ").removeprefix("2.4 "), value.strip()
    keys: dict[str, tuple[str, Any]] = {
        "Requires-Dist": ("dependencies", [value]), "Classifier": ("classifiers", [value]),
        "Requires-Python": ("requires-python", value), "Keywords": ("keywords", [value]),
        "Provides-Extra": ("optional-dependencies", {value: []}),
        "Import-Name": ("import-names", [value]),
        "Import-Namespace": ("import-namespaces", [value]),
    }  # fmt: skip
    table: dict[str, Any] = {"name": "demo", "version": "1.0"}
    if case.group == "field" and name in keys:
        key, stated = keys[name]
        return {"project": {**table, key: stated}}
    if case.group == "license":
        value = case.name.removeprefix("license/")
        return {"project": {**table, "license": value}}
    if case.group in {"name", "version"}:
        line = re.search(rf"^{case.group.title()}: (.*)$", text, re.MULTILINE)
        return {"project": {**table, case.group: line.group(1) if line else ""}}
    return None


def pyproject(case: Case, _: Path) -> Answer:
    table = project(case)
    if table is None:
        return None
    try:
        StandardMetadata.from_pyproject(table, metadata_version="2.5")
    except Exception as error:
        return str(error)
    return None


def validated(case: Case, _: Path) -> Answer:
    table = project(case)
    if table is None:
        return None
    formats = validate_pyproject.formats
    stated = table["project"]
    checks: dict[str, Callable[[str], bool]] = {
        "name": formats.pep508_identifier, "version": formats.pep440,
        "dependencies": formats.pep508, "requires-python": formats.pep508_versionspec,
        "optional-dependencies": formats.pep508_identifier, "import-names": formats.import_name,
        "import-namespaces": formats.import_name,
    }  # fmt: skip
    for key, check in checks.items():
        values = stated.get(key, [])
        for value in [values] if isinstance(values, str) else values:
            if not check(value):
                return f"{key}: {value}"
    return None


def record(_: Case, path: Path) -> Answer:
    """`installer`, which compares RECORD with the members before it installs."""
    with installer.sources.WheelFile.open(path) as wheel:
        try:
            wheel.validate_record()
        except Exception as error:
            return str(error)
    return None


def archive(_: Case, path: Path) -> Answer:
    """Python's `zipfile` and `tarfile`, with the filter that installers unpack with."""
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                broken = wheel.testzip()
            return f"{broken} is broken" if broken else None
        with tarfile.open(path) as sdist, tempfile.TemporaryDirectory() as folder:
            for member in sdist.getmembers():
                tarfile.data_filter(member, folder)
    except Exception as error:
        return str(error) or type(error).__name__
    return None


#: check-wheel-contents codes and the rules that ask the same.
CODES = {"W001": "leftover", "W004": "module-name", "W005": "top-level", "W007": "module-present"}


def contents(case: Case, path: Path) -> Answer:
    try:
        found = WheelContents.from_wheel(path)
    except Exception as error:
        return str(error) or type(error).__name__
    checker = WheelChecker()
    checker.configure_options(configpath=None)
    codes = {failed.check.name for failed in checker.check_contents(found)}
    wanted = next((code for code, rule in CODES.items() if rule == case.rule), None)
    return f"{wanted}" if wanted in codes else None


#: The families of platform tags that `packaging` can list.
LISTED = ("platform/macos", "platform/ios", "platform/android")


class Judge:
    """A tool, the cases it is asked about, and what of ours answers the same."""

    def __init__(
        self,
        name: str,
        ask: Callable[[Case, Path], Answer],
        groups: str,
        rules: frozenset[str] | None,
        both: bool,
    ) -> None:
        """`both`: whether what it takes must be taken by us, too."""
        self.name, self.ask, self.rules, self.both = name, ask, rules, both
        self.groups = frozenset(groups.split(","))

    def asked(self, case: Case) -> bool:
        """Whether the case is of a kind that it judges."""
        listed = case.name.startswith(LISTED) or case.group != "platform"
        return case.group in self.groups and listed

    def ours(self, case: Case, found: set[str]) -> bool:
        """Whether we refuse what the judge is asked about."""
        rules = self.rules if self.rules is not None else {case.rule}
        return bool(rules & found)


METADATA_GROUPS = "field,license,version,name,metadata,type,readme,format"
RECORD = frozenset({
    "record-missing", "record-format", "record-complete", "record-hash", "record-size",
})  # fmt: skip
SDIST = frozenset({"sdist-metadata", "sdist-root", "sdist-path"})
NAME = frozenset({"name-format"})
TAGS = frozenset({"tag-local", "name-format"})
JUDGES = [
    Judge("metadata", metadata, METADATA_GROUPS, METADATA, both=True),
    Judge("twine", twine_check, f"{METADATA_GROUPS},sdist", METADATA | SDIST, both=False),
    Judge("pyproject-metadata", pyproject, "field,license,version,name", METADATA, both=False),
    Judge("validate-pyproject", validated, "field,license,version,name", METADATA, both=False),
    Judge("packaging.utils", file_name, "wheel name,sdist name", NAME, both=False),
    Judge("packaging.tags", pairs, "pair,any", TAGS, both=True),
    Judge("packaging.tags platform", platform, "platform", TAGS, both=True),
    Judge("entry points", entry_points, "script", frozenset({"entry-points"}), both=True),
    Judge("archives", archive, "zip,sdist", None, both=False),
    Judge("installer", record, "record", RECORD, both=True),
    Judge("check-wheel-contents", contents, "contents", None, both=True),
    Judge("check-wheel-contents", contents, "record", RECORD, both=False),
]  # fmt: skip
