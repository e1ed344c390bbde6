"""Packages every function and class of the standard library and of other packages.

By hand, with the Python whose library it is, and ``daggerml`` installed:

    python bench/funk_corpus.py record 3.11.json [FOLDER [only]]
    python bench/funk_corpus.py compare 3.9.json 3.11.json 3.13.json

FOLDER has packages that are not installed (``pip install --target FOLDER NAME ...``); it is the
same for all versions of Python. With ``only`` the standard library is left out. ``record`` counts
what was packaged, and what was refused for which reason. What a function uses from outside
of itself is taken as brought along. ``compare`` says how many functions and classes of the
same source have another text, and how many definitions in FOLDER have another normal
form. Both must be none.
"""

from __future__ import annotations

import ast
import collections
import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import pkgutil
import sys
import time
import types
import warnings
from pathlib import Path
from typing import Any

from daggerml.errors import InvalidError
from daggerml.funks import definition, imports, installed, names, proof, source, trees
from daggerml.funks.parts import Choices, Parts
from daggerml.funks.statements import printed

# What does something when it is imported, or is there for another purpose.
LEFT_OUT = {"antigravity", "idlelib", "lib2to3", "test", "this", "turtle", "turtledemo"}
KINDS = [
    ("cannot be found", "source not found"),
    ("is not where it was", "code is not that of the source"),
    ("cannot be written for every version", "cannot be written"),
    ("cannot be run by itself", "cannot be run by itself"),
    ("would not run what was given", "made otherwise than by its definition"),
    ("not a function written in Python", "no function written in Python"),
    ("method that needs its class", "method that needs its class"),
    ("around", "variables around it"),
    ("wrapped by a call", "wrapped by a call"),
    ("nested too deeply", "nested too deeply"),
    ("lambda", "lambda"),
    ("several definitions", "several definitions"),
    ("nonlocal", "nonlocal"),
]


#: The digest of a source that `inspect` does not find.
UNKNOWN = hashlib.sha256().hexdigest()


def main_function(dag: Any) -> None:
    """Stands for a funk of which everything is a helper."""


def things(module: types.ModuleType) -> list[tuple[str, Any]]:
    """Returns the functions and classes that a module defines, and its classes' functions."""
    found = []
    for name, thing in list(vars(module).items()):
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        if isinstance(thing, (types.FunctionType, type)) or hasattr(thing, "__wrapped__"):
            found.append((name, thing))
    return found


class Corpus:
    """Packages the things of one module after the other."""

    def __init__(self) -> None:
        """Lets what is of the module in hand count as the author's own."""
        self.file = ""
        self.around: dict[str, Any] = {}
        self.taken: list[float] = []
        is_of_package = installed.has_file_of_package
        for module in (installed, definition, names, imports):
            if hasattr(module, "has_file_of_package"):
                module.has_file_of_package = lambda file: file != self.file and is_of_package(file)
        names.check = lambda *_: None
        imports.check = lambda *_: None
        proof.types = types.SimpleNamespace(ModuleType=self.module)  # type: ignore[assignment]

    def module(self, name: str) -> types.ModuleType:
        """Makes the module where source runs, with all that is around it in its own."""
        made = types.ModuleType(name)
        made.__dict__.update(self.around)
        made.__dict__["__name__"] = name
        return made

    def package(self, module: types.ModuleType, thing: Any) -> tuple[str, str]:
        """Returns the digest of a thing's text, or the reason why it was refused."""
        self.file, self.around = module.__file__ or "", dict(vars(module))
        begun = time.process_time()
        try:
            about = Parts({}, Choices(), bool, set())
            parts = source._made(main_function, [thing], about, [])  # noqa: SLF001
        except InvalidError as problem:
            text = str(problem)
            return "", next((kind for words, kind in KINDS if words in text), text)
        self.taken.append(time.process_time() - begun)
        return hashlib.sha256(parts.text.encode("utf-8", "surrogatepass")).hexdigest(), ""


def modules(folder: str, only: str) -> list[str]:
    """Returns the names of the modules to import."""
    standard = [] if only else [str(Path(os.__file__).parent)]
    found = [each.name for each in pkgutil.iter_modules(standard)]
    found = [name for name in found if name not in LEFT_OUT]
    found += [each.name for each in pkgutil.iter_modules([folder])] if folder else []
    every = []
    for name in found:
        every.append(name)
        try:
            package = importlib.import_module(name)
        except BaseException:  # noqa: BLE001, S112  not of this system
            continue
        for each in pkgutil.walk_packages(getattr(package, "__path__", []), f"{name}."):
            is_test = {"test", "tests", "__main__", "idle_test"} & set(each.name.split("."))
            every += [] if is_test else [each.name]
    return every


def normal_forms(folder: str) -> dict[str, str]:
    """Returns the digests of all definitions in the files of a folder that can be read."""
    found = {}
    for file in sorted(Path(folder).glob("**/*.py")):
        try:
            tree = trees.parsed(importlib.util.decode_source(file.read_bytes()))
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                key = f"{file.relative_to(folder)} {node.name} {node.lineno}"
                found[key] = hashlib.sha256(printed([node]).encode("utf-8")).hexdigest()
    return found


def record(out: str, folder: str = "", only: str = "") -> None:
    """Packages everything, and write down what became of it."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, folder) if folder else None
    corpus = Corpus()
    packaged: dict[str, Any] = {}
    reasons: collections.Counter[str] = collections.Counter()
    for name in modules(folder, only):
        try:
            module = importlib.import_module(name)
        except BaseException:  # noqa: BLE001, S112
            continue
        if not str(getattr(module, "__file__", None)).endswith(".py"):
            continue
        for where, thing in things(module):
            try:
                digest, reason = corpus.package(module, thing)
            except Exception as problem:  # noqa: BLE001  counted
                digest, reason = "", f"RAW {type(problem).__name__}: {problem}"
            reasons[reason or "packaged"] += 1
            try:
                text = inspect.getsource(thing)
            except Exception:  # noqa: BLE001
                text = ""
            packaged[f"{name}.{where}"] = (
                digest,
                reason,
                hashlib.sha256(text.encode()).hexdigest(),
            )
    forms = normal_forms(folder) if folder else {}
    Path(out).write_text(json.dumps({"packaged": packaged, "forms": forms}), "utf-8")
    print(f"Python {sys.version.split()[0]}: {sum(reasons.values())} functions and classes")
    for reason, number in reasons.most_common():
        print(f"{number:8} {reason[:150]}")
    taken = sorted(corpus.taken)
    print(f"median {taken[len(taken) // 2] * 1000:.2f} ms, {len(forms)} normal forms")


def compare(*files: str) -> None:
    """Says how many of the same source have another text."""
    read = [json.loads(Path(file).read_text("utf-8")) for file in files]
    for kind in ("packaged", "forms"):
        texts: dict[str, set[str]] = collections.defaultdict(set)
        times: collections.Counter[str] = collections.Counter()
        for each in read:
            for name, found in each[kind].items():
                digest, given = (found[0], found[2]) if kind == "packaged" else (found, "")
                if digest and given != UNKNOWN:
                    texts[f"{name} {given}"].add(digest)
                    times[f"{name} {given}"] += 1
        several = [name for name, number in times.items() if number > 1]
        differ = [name for name in several if len(texts[name]) > 1]
        print(f"{kind}: {len(several)} in more than one of {len(files)}, {len(differ)} differ")
        print("\n".join(differ[:20]))


if __name__ == "__main__":
    {"record": record, "compare": compare}[sys.argv[1]](*sys.argv[2:])
