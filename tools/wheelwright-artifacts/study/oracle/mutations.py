"""The corpus: good artifacts, each with one thing changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import fields
import scripts
import tags
from artifacts import METADATA, Member, Sdist, Wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

SUMMARY = "Summary: A demonstration"


@dataclass(frozen=True)
class Case:
    """One artifact, the rule that is at stake, and whether it is broken."""

    name: str
    rule: str
    breaks: bool
    artifact: Wheel | Sdist
    #: Whether nothing else may be found, as the rest of the artifact is in order.
    alone: bool = True

    @property
    def group(self) -> str:
        """Return what the name begins with."""
        return self.name.split("/", 1)[0]


def all_cases() -> list[Case]:
    """Return the whole corpus."""
    cases = [
        *of_fields(),
        *of_values(),
        *of_scripts(),
        *of_names(),
        *of_tags(),
        *of_zips(),
        *of_records(),
        *of_contents(),
        *of_sdists(),
    ]
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"names that are there twice: {twice}")
    return cases


def with_line(line: str, version: str = "2.4") -> Wheel:
    """Return the good wheel with a line of metadata in the place of its summary."""
    name = line.split(":", 1)[0]
    text = METADATA.replace("Metadata-Version: 2.4", f"Metadata-Version: {version}")
    if name == "Requires-Python":
        text = text.replace("Requires-Python: >=3.9", line)
    elif name == "License-File":
        text = text.replace("License-File: LICENSE", line)
    else:
        text = text.replace(SUMMARY, line)
    return Wheel(metadata=text)


def of_fields() -> Iterator[Case]:
    for line in fields.BAD:
        rule = "metadata-field"
        if line.startswith("License-File"):
            rule = "license-files"
        elif line == "License: MIT":
            rule = "license-expression"
        yield Case(f"field/{line}", rule, True, with_line(line))
    for version, line in fields.BAD_BY_VERSION:
        yield Case(f"field/{version} {line}", "metadata-field", True, with_line(line, version))
    for line in fields.GOOD:
        yield Case(f"field/{line}", "metadata-field", False, with_line(line))
    for version, line in fields.GOOD_BY_VERSION:
        yield Case(f"field/{version} {line}", "metadata-field", False, with_line(line, version))
    twice = "Project-URL: Docs, https://example.org/{}"
    same = f"{twice.format('a')}\n{twice.format('b')}"
    yield Case("field/label twice", "metadata-field", True, with_line(same))
    yield Case("field/folded", "metadata-field", True, with_line("Summary: a\n        b"))
    yield Case("field/long", "metadata-field", True, with_line(f"Summary: {'x' * 513}"))
    yield Case("field/not so long", "metadata-field", False, with_line(f"Summary: {'x' * 512}"))
    yield Case(
        "field/folded requirement", "metadata-field", True, with_line("Requires-Dist: a\n >1")
    )
    yield Case("field/line separator", "metadata-field", True, with_line("Summary: a\u2028b"))
    yield Case("format/no colon", "metadata-format", True, with_line("a line of text"))
    yield Case("format/latin-1", "metadata-format", True, with_line("Author: \udcff"))
    old = METADATA.replace("2.4", "2.1").replace("License-Expression: MIT\n", "")
    yield Case("field/2.1 License-File", "metadata-field", True, Wheel(metadata=old))
    none = old.replace("License-File: LICENSE\n", "")
    yield Case("field/2.1", "metadata-field", False, Wheel(metadata=none))
    described = METADATA.replace("# demo", "# x").replace(SUMMARY, "Description: x")
    yield Case("field/description twice", "metadata-field", True, Wheel(metadata=described))


def of_values() -> Iterator[Case]:
    def case(  # noqa: PLR0913 - each is one thing about the case
        name: str, rule: str, good: bool, old: str, new: str, *, alone: bool = True
    ) -> Case:
        assert old in METADATA  # noqa: S101
        wheel = Wheel(metadata=METADATA.replace(old, new, 1))
        return Case(name, rule, not good, wheel, alone=alone)

    licence = "License-Expression: MIT"
    for text in fields.BAD_LICENSES:
        yield case(f"license/{text}", "license-expression", False, licence, licence[:-3] + text)
    for text in fields.GOOD_LICENSES:
        yield case(f"license/{text}", "license-expression", True, licence, licence[:-3] + text)
    for text, good in fields.VERSIONS.items():
        new = f"\nVersion: {text}\n"
        yield case(f"version/{text}", "metadata-field", good, "\nVersion: 1.0\n", new, alone=False)
    for text, good in fields.NAMES.items():
        new = f"Name: {text}\n"
        yield case(f"name/{text}", "metadata-field", good, "Name: demo\n", new, alone=False)
    for text, good in fields.METADATA_VERSIONS.items():
        stated = "Metadata-Version: 2.4"
        yield case(f"metadata/{text}", "metadata-field", good, stated, stated[:-3] + text)
    for text, good in fields.CONTENT_TYPES.items():
        stated = "Description-Content-Type: text/markdown"
        new = f"Description-Content-Type: {text}"
        yield case(f"type/{text}", "readme-renders", good, stated, new)
    for kind, texts in fields.DESCRIPTIONS.items():
        for text, good in texts.items():
            whole = METADATA.replace("text/markdown", kind).partition("\n\n")[0] + f"\n\n{text}"
            name = f"readme/{kind} {text.splitlines()[0]}"
            yield Case(name, "readme-renders", not good, Wheel(metadata=whole))


def of_scripts() -> Iterator[Case]:
    def case(name: str, rule: str, breaks: bool, text: str | bytes) -> Case:
        return Case(f"script/{name}", rule, breaks, Wheel(entry_points=text))

    for breaks, names in ((True, scripts.BAD_NAMES), (False, scripts.GOOD_NAMES)):
        for group in ("console_scripts", "gui_scripts"):
            for name in names:
                text = f"[{group}]\n{name} = demo:main\n"
                yield case(f"{group} {name}", "entry-points", breaks, text)
    for breaks, targets in ((True, scripts.BAD_TARGETS), (False, scripts.GOOD_TARGETS)):
        for target in targets:
            text = f"[console_scripts]\ndemo = {target}\n"
            yield case(f"target {' '.join(target.splitlines())}", "entry-points", breaks, text)
    for breaks, texts in ((True, scripts.BAD_TEXTS), (False, scripts.GOOD_TEXTS)):
        for name, whole in texts.items():
            yield case(f"text {name}", "entry-points", breaks, whole)
    for name, lost in scripts.LOST.items():
        yield case(f"lost {name}", "script-name", True, lost)


def of_names() -> Iterator[Case]:
    right = {"good", "underscore", "build", "build-letters", "same-version"}
    for name, (project, version, build, folder) in tags.NAMES.items():
        stated = project.replace("_", "-") if name == "underscore" else project
        text = METADATA.replace("Name: demo", f"Name: {stated}")
        wheel = Wheel(name=project, version=version, build=build, info=folder, metadata=text)
        rule = "metadata-agree" if folder or name == "local" else "name-format"
        yield Case(f"wheel name/{name}", rule, name not in right, wheel, alone=name in right)
    for file_name in ("demo-1.0.whl", "demo-1.0-py3-none.whl", "demo-1.0-1-2-py3-none-any.whl"):
        wheel = Wheel(file_name=file_name, info="demo-1.0.dist-info")
        yield Case(f"wheel name/{file_name}", "name-format", True, wheel, alone=False)
    for called, good in tags.SDISTS.items():
        stem, _, other = called.partition(" of ")
        name, _, version = stem.rpartition("-")
        text = METADATA.replace("Name: demo", f"Name: {name.replace('_', '-') or stem}")
        text = text.replace("\nVersion: 1.0", f"\nVersion: {other or version or '1.0'}")
        sdist = Sdist(stem=stem, metadata=text)
        yield Case(f"sdist name/{called}", "name-format", not good, sdist, alone=good)


def of_tags() -> Iterator[Case]:
    for kind, listed in (("pair", tags.PAIRS), ("platform", tags.PLATFORMS)):
        first = {"pair": "cp3-abi3", "platform": "win64"}[kind]
        for index, tag in enumerate(listed):
            breaks = index >= listed.index(first)
            whole = f"{tag}-win_amd64" if kind == "pair" else f"py3-none-{tag}"
            yield Case(f"{kind}/{tag}", "tag-local", breaks, Wheel(tags=whole), alone=False)
    for tag in ("cp39-abi3-any", "cp312-cp312-any"):
        yield Case(f"any/{tag}", "tag-local", True, Wheel(tags=tag), alone=False)
    file = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    for name, rule, text in (
        ("no version", "wheel-file", file.replace("Wheel-Version: 1.0\n", "")),
        ("version 2", "wheel-file", file.replace("1.0", "2.0")),
        ("no root", "wheel-file", file.replace("Root-Is-Purelib: true\n", "")),
        ("other tag", "tag-agree", file.replace("py3", "py2")),
        ("no tag", "tag-agree", file.replace("Tag: py3-none-any\n", "")),
        ("more tags", "tag-agree", file + "Tag: py2-none-any\n"),
        ("build", "tag-agree", file + "Build: 1\n"),
    ):
        yield Case(f"wheel file/{name}", rule, True, Wheel(wheel=text))


def of_zips() -> Iterator[Case]:
    path, data = "demo/__init__.py", b"x = 1\n"
    good = Member(path, data)
    zip64 = b"\x01\x00\x08\x00" + b"\0" * 8
    for name, rule, odd in (
        ("deflated", "zip-method", replace(good, method=8)),
        ("utf-8 flag", "zip-path", replace(good, flags=0x800)),
        ("extra field", "zip-header", replace(good, extra=b"UT\1\0\0", local_extra=b"UT\1\0\0")),
        ("made on DOS", "zip-symlink", replace(good, made_on=0, mode=0)),
    ):
        yield Case(f"zip/{name}", rule, False, Wheel(odd=(odd,)))
    for name, rule, odd in (
        ("descriptor", "zip-descriptor", replace(good, flags=8)),
        ("comment", "zip-comment", replace(good, comment=b"hello")),
        ("encrypted", "zip-method", replace(good, flags=1)),
        ("bzip2", "zip-method", replace(good, method=12)),
        ("lzma", "zip-method", replace(good, method=14)),
        ("crc", "zip-data", replace(good, crc=7)),
        ("size", "zip-data", replace(good, size=3)),
        ("link", "zip-symlink", replace(good, mode=0o120777)),
        ("device", "zip-symlink", replace(good, mode=0o020644)),
        ("local name", "zip-header", replace(good, local_path="demo/__evil__.py")),
        ("parent", "zip-path", Member("../x.py", b"")),
        ("absolute", "zip-path", Member("/x.py", b"")),
        ("backslash", "zip-path", Member("demo\\x.py", b"")),
        ("drive", "zip-path", Member("C:/x.py", b"")),
        ("control", "zip-path", Member("demo/a\nb.py", b"")),
        ("delete", "zip-path", Member("demo/a\x7fb.py", b"")),
        ("dot", "zip-path", Member("./x.py", b"")),
        ("empty part", "zip-path", Member("demo//x.py", b"")),
        ("no utf-8 flag", "zip-path", Member("demo/größe.py", b"")),
        ("zip64 twice", "zip-header", replace(good, local_extra=zip64 * 2)),
        ("broken extra", "zip-header", replace(good, local_extra=b"\x01\x00\x40\x00")),
        ("zip64 size", "zip-header", replace(good, local_extra=zip64)),
    ):
        yield Case(f"zip/{name}", rule, True, Wheel(odd=(odd,)), alone=False)
    for name, rule, wheel in (
        ("before", "zip-surplus", Wheel(before=b"#!/bin/sh\n")),
        ("after", "zip-surplus", Wheel(after=b"more")),
        ("twice", "zip-duplicate", Wheel(files=(good, good))),
        ("case", "zip-case", Wheel(files=(good, Member("demo/__INIT__.py", b"")))),
        ("bomb", "zip-limit", Wheel(files=(Member("demo/zero", b"\0" * (65 << 20), method=8),))),
    ):
        yield Case(f"zip/{name}", rule, True, wheel, alone=False)
    yield Case("zip/archive comment", "zip-end", False, Wheel(comment=b"hello"))
    inside = Member("demo/zero", b"\0" * (1 << 20), method=8)
    yield Case("zip/dense", "zip-limit", False, Wheel(files=(good, inside)))


def of_records() -> Iterator[Case]:
    good = Wheel()
    right = good.with_record("").record or ""
    rows = right.splitlines(keepends=True)
    for name, rule, text in (
        ("none", "record-missing", ""),
        ("ghost", "record-complete", right + "demo/ghost.py,sha256=AA,0\n"),
        ("pyc", "record-complete", right + "demo/__pycache__/a.cpython-312.pyc,,\n"),
        ("signature", "record-complete", right + "demo-1.0.dist-info/RECORD.jws,,\n"),
        ("unlisted", "record-complete", "".join(rows[1:])),
        ("itself unlisted", "record-complete", "".join(rows[:-1])),
        ("twice", "record-format", rows[0] + right),
        ("columns", "record-format", right + "demo/x.py\n"),
        ("md5", "record-hash", right.replace("sha256=", "md5=", 1)),
        ("hash", "record-hash", right.replace("sha256=", "sha256=A", 1)),
        ("no hash", "record-hash", rows[0].split(",")[0] + ",,\n" + "".join(rows[1:])),
        ("size", "record-size", rows[0].strip() + "9\n" + "".join(rows[1:])),
        ("own hash", "record-hash", right.replace("RECORD,,", "RECORD,sha256=AA,1")),
    ):
        yield Case(f"record/{name}", rule, True, replace(good, record=text), alone=False)
    windows = right.replace("\n", "\r\n")
    yield Case("record/windows lines", "record-format", False, replace(good, record=windows))
    quoted = '"' + rows[0].replace(",", '",', 1) + "".join(rows[1:])
    yield Case("record/quoted", "record-format", False, replace(good, record=quoted))
    unsorted = "".join(reversed(rows))
    yield Case("record/unsorted", "record-format", False, replace(good, record=unsorted))
    signed = Wheel(odd=(Member("demo-1.0.dist-info/RECORD.jws", b"{}"),))
    yield Case("record/signed", "record-complete", False, signed)


def of_contents() -> Iterator[Case]:
    init = Member("demo/__init__.py", b"x = 1\n")
    for name, rule, breaks, extra in (
        ("pyc", "leftover", True, Member("demo/__pycache__/a.cpython-312.pyc", b"x")),
        ("pyo", "leftover", True, Member("demo/a.pyo", b"x")),
        ("tests at the top", "top-level", True, Member("tests/__init__.py", b"x = 2\n")),
        ("docs at the top", "top-level", True, Member("docs/conf.py", b"x = 3\n")),
        ("module name", "module-name", True, Member("de-mo/__init__.py", b"x = 4\n")),
        ("keyword", "module-name", True, Member("class/__init__.py", b"x = 5\n")),
        ("second package", "top-level", False, Member("demo_kit/__init__.py", b"x = 6\n")),
        ("data", "leftover", False, Member("demo/data.txt", b"x")),
    ):
        wheel = Wheel(files=(init, extra))
        yield Case(f"contents/{name}", rule, breaks, wheel, alone=False)
    empty = Wheel(files=(Member("demo/data.txt", b"x"),))
    yield Case("contents/nothing to import", "module-present", True, empty, alone=False)


def of_sdists() -> Iterator[Case]:
    good = Sdist()
    for name, rule, breaks, sdist in (
        ("good", "sdist-root", False, good),
        ("link inside", "sdist-link", False, replace(good, links=(("demo-1.0/a", "LICENSE"),))),
        ("other folder", "sdist-root", False, Sdist(folder="Demo-1.0")),
        ("no PKG-INFO", "sdist-metadata", True, replace(good, without=("PKG-INFO",))),
        ("two folders", "sdist-root", True, replace(good, files=(("other/x.py", b""),))),
        ("file at the top", "sdist-root", True, replace(good, files=(("x.py", b""),))),
        ("parent", "sdist-path", True, replace(good, files=(("demo-1.0/../../x", b""),))),
        ("absolute", "sdist-path", True, replace(good, files=(("/etc/x", b""),))),
        ("link out", "sdist-link", True, replace(good, links=(("demo-1.0/a", "/etc/passwd"),))),
        ("trailing", "sdist-surplus", True, replace(good, after=b"more")),
        ("no licence", "license-files", True, replace(good, without=("LICENSE",))),
        ("classifier", "metadata-field", True, replace(
            good, metadata=METADATA.replace(SUMMARY, "Classifier: Topic :: Testing"))),
    ):  # fmt: skip
        yield Case(f"sdist/{name}", rule, breaks, sdist, alone=not breaks)
