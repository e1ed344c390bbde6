"""Random definitions, edits, loads and changes: what runs is what was given, or is refused.

More than in the checks: ``DML_FUNK_EXAMPLES=5000 pytest python/tests/test_funk_machine.py``.
"""

from __future__ import annotations

import importlib
import linecache
import os
import shutil
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from test_funk_cases import outcome, there

from daggerml import Funk, funk
from daggerml.errors import InvalidError

HEAD = """
import dataclasses, enum, functools
def times(n):
    def around(function):
        @functools.wraps(function)
        def inner(*args): return n * function(*args)
        return inner
    return around
def plain(function):
    def inner(*args): return function(*args) + 1
    return inner
def adder(n):
    def add(x): return x + n
    return add
"""
FUNCTIONS = [
    "def {f}(x, k={n}): return x * k + {m}",
    "def {f}(x, k={n}):\n    'Text {m}'\n    return x * k",
    "def {f}(x, acc=[{n}]): return len(acc) + acc[0] + x",
    "def {f}(x, *, k={n}): return x + k",
    "@times({n})\ndef {f}(x): return x + {m}",
    "@times({n})\n@times({m})\ndef {f}(x): return x + 1",
    "@plain\ndef {f}(x): return x + {n}",
    "{f} = adder({n})",
    "@functools.lru_cache(maxsize={n})\ndef {f}(x): return x + {f}.cache_parameters()['maxsize']",
    "if {n} % 2:\n    def {f}(x): return {m}\nelse:\n    def {f}(x): return -{m}",
    "def {f}(x):\n    def each(y: int = {m}): yield y + {n}\n    return sum(each(x))",
    "def {f}(x): return {other}(x) + {n} if x < {m} else 0",
    "def {f}(x: 'int' = {n}) -> int: return x",
    "def {f}(x): return (lambda y={n}: y * x)() + {m}",
    "def {f}(x): return 1\ndef {f}(x): return {n}",
    "def {f}(x):\n    global seen\n    seen = {n}\n    return seen + x",
]
CLASSES = [
    "class {c}:\n    k = {n}\n    def get(self): return self.k + {m}",
    "class {c}:\n    'Text {n}'\n    k = {m}\n    __k = {n}\n    def get(self): return self.__k",
    "@dataclasses.dataclass\nclass {c}:\n    k: int = {n}\n    def get(self): return repr(self)",
    "class {c}(enum.IntEnum):\n    k = {n}\n    @classmethod\n    def get(cls): return cls.k + {m}",
    (
        "class Outer{c}:\n    class {c}:\n        k = {n}\n        def get(self): return 1\n"
        "{c} = Outer{c}.{c}"
    ),
    (
        "class {c}:\n    k = 1\n    def get(self): return {m}\n"
        "class {c}:\n    k = {n}\n    def get(self): return {m}"
    ),
    "class {c}({base}):\n    def get(self): return [super().__repr__()[:0], {n}]",
    (
        "class {c}:\n    k = {n}\n    @property\n    def p(self): return {m}\n"
        "    def get(self): return self.p\n    @staticmethod\n    def s(): return {n}"
    ),
    "class {c}:\n    k = [{n}]\n    @times({m})\n    def get(self): return len(self.k)",
]
TOOLS = ["functools", "dataclasses", "enum", "times"]
NAMES = ["f0", "f1", "f2", "C0", "C1"]
OBSERVED = [
    "f0(3)", "f1(2)", "f2(5)", "f0.__doc__", "f1.__name__", "getattr(C0, 'k', 0)", "C0.__doc__",
"C1().get()", "C0().get()", "getattr(C1, 'k', None)", "C1.__name__",
    "str(getattr(f2, '__annotations__', 0))", "f2.__kwdefaults__", "hasattr(f1, '__wrapped__')",
]  # fmt: skip

small = st.integers(1, 4)


@st.composite
def texts(draw: Any) -> str:
    """The text of a module."""
    parts = [HEAD]
    for index in range(3):
        part = draw(st.sampled_from(FUNCTIONS))
        other = f"f{index - 1}" if index else "len"
        if index == 0 and "{other}" in part:
            part = FUNCTIONS[0]
        parts.append(part.format(f=f"f{index}", n=draw(small), m=draw(small), other=other))
    for index in range(2):
        part = draw(st.sampled_from(CLASSES))
        base = "C0" if index and "IntEnum" not in parts[-1] else "object"
        parts.append(part.format(c=f"C{index}", n=draw(small), m=draw(small), base=base))
    seen = draw(st.lists(st.sampled_from(OBSERVED), min_size=1, max_size=4, unique=True))
    parts.append(f"def main(dag):\n    return [{', '.join(seen)}]")
    first = str(draw(st.sampled_from(["", "", "\n# moved\n"])))
    return first + "\n".join(parts) + "\n"


CHANGES = [
    "{f}.__defaults__ = ({n},)",
    "{f}.__kwdefaults__ = {{'k': {n}}}",
    "{f}.__defaults__[0].append({n})",
    "{f}.__doc__ = 'Text {n}'",
    "{f}.__code__ = (lambda x: x + {n}).__code__",
    (
        "{f}.__code__ = {f}.__code__.replace(co_consts=tuple({n} if c == {m} else c "
        "for c in {f}.__code__.co_consts))"
    ),
    "{f}.cost = {n}",
    "{f} = times({n})({f})",
    "{f} = plain({f})",
    "{f} = functools.lru_cache(maxsize={n})({f})",
    "{f} = functools.partial({f})",
    "del {f}.__wrapped__",
    "{f}.__wrapped__ = times",
    "{f}.__closure__[-1].cell_contents = {n}",
    "{f} = {g}",
    "{f}, {g} = {g}, {f}",
    "{f}.__name__ = 'renamed'",
    "{c}.k = {n}",
    "{c}.get = lambda self: {n}",
    "{c}.get.__defaults__ = ({n},)",
    "{c}.k.append({n})",
    "{c}.extra = {n}",
    "{c}.__doc__ = 'Text {n}'",
    "{c} = type('{c}', ({c},), {{'k': {n}}})",
    "{c}.__bases__ = (times.__class__.__base__,)",
    "{c}.k.__init__([{n}, {m}])",
    "del {c}.get",
    "def {f}(x): return {n}",
    "class {c}:\n    k = {n}\n    def get(self): return {m}",
]


class FunkMachine(RuleBasedStateMachine):
    """A module in a file, and one of cells; funks that were made of what they have."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="dml-funks-")
        sys.path.insert(0, self.folder)
        self.writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        self.cells: list[str] = []
        self.old: list[tuple[str, Any]] = []
        self.funks: list[Funk] = []

    def teardown(self) -> None:
        sys.path.remove(self.folder)
        sys.dont_write_bytecode = self.writes_bytecode
        for name in ("funk_machine_file", "funk_machine_cells"):
            sys.modules.pop(name, None)
        for name in self.cells:
            linecache.cache.pop(name, None)
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize(text=texts(), cell=texts())
    def begin(self, text: str, cell: str) -> None:
        self.modules: list[Any] = [None, types.ModuleType("funk_machine_cells")]
        sys.modules["funk_machine_cells"] = self.modules[1]
        self.edit(text)
        importlib.invalidate_caches()
        self.modules[0] = importlib.import_module("funk_machine_file")
        self.run_cell(cell)

    @rule(text=texts())
    def edit(self, text: str) -> None:
        path = Path(self.folder) / "funk_machine_file.py"
        path.write_text(text, "utf-8")
        # Files of one length within one tick of the clock are one to linecache.
        self.edits = getattr(self, "edits", 0) + 1
        os.utime(path, ns=(self.edits * 10**9, self.edits * 10**9))

    @rule()
    def load(self) -> None:
        self._keep(self.modules[0])
        importlib.reload(self.modules[0])

    @rule(cell=texts())
    def run_cell(self, cell: str) -> None:
        self._keep(self.modules[1])
        self._run(cell)

    def _run(self, cell: str) -> None:
        name = f"<funk-machine-{id(self)}-{len(self.cells)}>"
        self.cells.append(name)
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), vars(self.modules[1]))  # noqa: S102

    def _keep(self, module: Any) -> None:
        for name in NAMES:
            if hasattr(module, name):
                self.old.append((name, getattr(module, name)))
        del self.old[:-20]

    @rule(
        change=st.sampled_from(CHANGES),
        which=st.booleans(),
        f=st.sampled_from(NAMES[:3]),
        g=st.sampled_from(NAMES[:3]),
        c=st.sampled_from(NAMES[3:]),
        n=small,
        m=small,
    )
    def change(self, change: str, which: bool, n: int, m: int, **names: str) -> None:
        module = self.modules[which]
        text = change.format(n=n, m=m, **names)
        try:
            if which and text.startswith(("def", "class")):
                self._run(text)  # one more cell
            else:
                exec(text, vars(module))  # noqa: S102
        except (TypeError, AttributeError, ValueError, IndexError):
            pass  # it has no such thing

    @rule(
        which=st.booleans(),
        old=st.none() | st.integers(0, 19),
        tools=st.sets(st.sampled_from(TOOLS), min_size=3),
        wraps=st.none() | small,
    )
    def make(self, which: bool, old: Any, tools: set[str], wraps: Any) -> None:
        module = self.modules[which]
        main = module.main
        helpers = {name: getattr(module, name) for name in [*sorted(tools), *NAMES]}
        if old is not None and old < len(self.old):
            name, thing = self.old[old]
            helpers[name] = thing
        used = set(main.__code__.co_names) | {"functools", "enum", "dataclasses", "f0", "f1", "C0"}
        given = [thing for name, thing in helpers.items() if name in used or name in tools]
        if wraps is not None:
            main = module.times(wraps)(main)
        try:
            made = funk(main, helpers=given)
        except InvalidError:
            return
        self.funks.append(made)
        self._compare(made)

    @rule(number=st.integers(0, 5))
    def run_again(self, number: int) -> None:
        if number < len(self.funks):
            self._compare(self.funks[-1 - number])

    def _compare(self, made: Funk) -> None:
        try:
            here = outcome(made.in_process)
        except InvalidError:
            return  # it says that something was changed
        assert here == outcome(there, made), made.source


TestFunkMachine = FunkMachine.TestCase
TestFunkMachine.settings = settings(
    max_examples=int(os.environ.get("DML_FUNK_EXAMPLES", "200")), stateful_step_count=15
)
