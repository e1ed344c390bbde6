"""What `@daggerml.funk` makes of a function, in modules, scripts, notebooks and prompts."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import linecache
import math
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import daggerml
from daggerml import Dml, Funk, Runnable, funk
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCALE = 100


def clamp(value: float, low: float = 0) -> float:
    """Keeps it in bounds."""
    return max(low, min(value, 1))  # a comment


@dataclasses.dataclass
class Point:
    """A dataclass has no line of its own before Python 3.13."""

    x: int
    y: int = 0


@funk
def total(dag: daggerml.Dag, xs: daggerml.ListNode) -> Any:
    """Adds them up."""
    return sum(xs.value())


def in_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> Any:
    """Imports a new module of that text."""
    (tmp_path / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_a_funk_is_a_runnable(repo: Dml) -> None:
    assert isinstance(total, Funk)
    assert total.runnable == Runnable(
        "daggerml:funk/2",
        adapter="local",
        kwargs={
            "source": "def total(dag, xs):\n    'Adds them up.'\n    return sum(xs.value())\n",
            "function": "total",
        },
    )
    with repo.new("put") as dag:
        node = dag.put(total, name="total")
        assert node.type == "runnable"
        assert dag.put({"f": [total]}).value() == {"f": [total.runnable]}
        dag.commit(node)
    assert repo.load("put").result.value() == total.runnable


def test_a_funk_can_be_pickled() -> None:
    other = pickle.loads(pickle.dumps(total.options(timeout=3, cache=False)))  # noqa: S301  our own
    assert (other, other.timeout, other.cache) == (total, 3, False)
    assert other.in_process([1, 2]) == 3


def test_it_is_not_called_by_accident() -> None:
    with pytest.raises(TypeError, match=r"dag\.call\(total, \.\.\.\)"):
        total([1])


def test_in_process() -> None:
    assert total.in_process([1, 2]) == 3


PLAIN = """
from daggerml import funk
@funk
def f(dag, x, n=2):
    y = x.value()
    def g(z):
        return z * n
    return g(y)
"""
SAME = [
    PLAIN.replace("    y =", "    # a comment\n\n    y ="),
    PLAIN.replace("    y =", "    y: 'a number' ="),
    PLAIN.replace("(dag, x, n=2)", "(\n    dag: 'Dag', x: float,\n    n: int = 2,\n) -> int"),
    PLAIN.replace("@funk", "@funk()").replace("z * n", "(z*n)"),
    "if True:\n" + "\n".join("    " + line for line in PLAIN.splitlines()),
    PLAIN.replace("@funk", "@daggerml.funk").replace(
        "from daggerml import funk", "import daggerml"
    ),
    "\n\n\n# first\n" + PLAIN.replace("@funk", "@funk(timeout=3, cache=False)"),
]
OTHER = [
    PLAIN.replace("    y =", "    '''A docstring.'''\n    y ="),
    PLAIN.replace("def g(z):", "def g(z):\n        'Nested'"),
    PLAIN.replace("z * n", "n * z"),
    PLAIN.replace("n=2", "n=3"),
    PLAIN.replace("n=2", "n=2.0"),
    PLAIN.replace("def f", "def ff"),
    PLAIN.replace("@funk", "@funk(tags=['a'])"),
    PLAIN.replace("@funk", "@funk(adapter='dask')"),
    PLAIN.replace("@funk", "@funk(prepop={'k': 1})"),
    PLAIN.replace("@funk", "import functools\n@funk(helpers=[functools])"),
    PLAIN.replace("y = x", "y = (yield) or x"),
]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_only_code_changes_what_a_funk_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(number: int, text: str) -> Runnable:
        module = in_module(tmp_path, monkeypatch, f"m{number}", text)
        found = next(value for value in vars(module).values() if isinstance(value, Funk))
        return found.runnable

    plain = made(0, PLAIN)
    for number, text in enumerate(SAME, 1):
        assert made(number, text) == plain, text
    others = [made(number, text) for number, text in enumerate(OTHER, 100)]
    assert len({plain, *others}) == len(OTHER) + 1


def test_helpers_come_along() -> None:
    @funk(helpers=[clamp, Point, dataclasses, math, functools.reduce, json.dumps])
    def normalize(dag: Any, number: Any) -> Any:
        return Point(int(clamp(math.floor(number.value()))))

    assert normalize.source == (
        "import dataclasses\n\nimport math\n\n"
        "from _functools import reduce\n\nfrom json import dumps\n\n"
        "def clamp(value, low=0):\n    'Keeps it in bounds.'\n"
        "    return max(low, min(value, 1))\n\n"
        "@dataclasses.dataclass\nclass Point:\n"
        "    'A dataclass has no line of its own before Python 3.13.'\n"
        "    x: 'int'\n    y: 'int' = 0\n\n"
        "def normalize(dag, number):\n    return Point(int(clamp(math.floor(number.value()))))\n"
    )
    assert normalize.in_process(3.5) == {"x": 1, "y": 0}


def test_helpers_under_another_name() -> None:
    import os.path as p

    bounded = clamp

    @funk(helpers=[clamp, p])
    def f(dag: Any) -> Any:
        return p.join(  # noqa: PTH118
            "a", str(bounded(2))
        )

    assert f.source.startswith("import posixpath as p\n") or sys.platform == "win32"
    assert "\n\nbounded = clamp\n\ndef f(dag):" in f.source


def refused(**options: Any) -> Callable[[Any], str]:
    """Makes a decorator that returns the error instead of a funk."""

    def decorate(function: Any) -> str:
        with pytest.raises(InvalidError) as caught:
            funk(function, **options)
        return str(caught.value)

    return decorate


def test_what_it_uses_from_outside_is_an_error_that_says_what_to_do() -> None:
    captured = 3

    @refused()
    def told(dag: Any) -> Any:
        return SCALE, captured, clamp, math.pi, total, nowhere  # type: ignore[name-defined]  # noqa: F821

    first, hint = str(told).split("\n", 1)
    assert first == (
        "the funk 'told' uses 'SCALE', 'captured', 'clamp', 'math', 'total' ... from outside "
        "of itself; they would be missing where it runs"
    )
    assert "SCALE (of type int): pass it as an argument, or assign it inside" in hint
    assert "captured (of type int): pass it as an argument" in hint
    assert "clamp: list it in helpers=[clamp]." in hint
    assert "math: write `import math` inside the function, or list it in helpers=[math]." in hint
    assert "total: name it with prepop={'total': total} and call it as dag.total(...)." in hint


def uses_scale(value: float) -> float:
    return value / SCALE


def test_helpers_are_looked_through_as_well() -> None:
    @refused(helpers=[uses_scale])
    def told(dag: Any, x: Any) -> Any:
        return uses_scale(x.value())

    assert "uses 'SCALE' (in uses_scale) from outside" in str(told)


def test_defaults_and_decorators_are_evaluated_too() -> None:
    @refused()
    def default(dag: Any, n: int = SCALE) -> Any:
        return n

    assert "'SCALE'" in str(default)

    @refused()
    @functools.singledispatch
    def decorated(dag: Any) -> Any:
        return 1

    assert "'functools'" in str(decorated)


def test_names_of_its_own_are_no_errors() -> None:
    @funk
    def f(dag: Any, *args: Any, **kwargs: Any) -> Any:
        import math as m

        global made_here  # noqa: PLW0603
        made_here = list(range(3))  # type: ignore[name-defined]
        if (n := len(made_here)) > 5:  # type: ignore[name-defined]
            return f(dag)

        class C:
            k = n

            def get(self) -> Any:
                return __class__.k, m.pi, made_here, ValueError, __name__  # type: ignore[name-defined]

        try:
            return C().get()[0]
        except ZeroDivisionError as problem:
            return str(problem)

    assert f.in_process() == 3


def test_a_shadowed_builtin_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from daggerml import funk\nsum = 3\n@funk\ndef f(dag):\n    return sum\n"
    with pytest.raises(InvalidError, match="'sum'"):
        in_module(tmp_path, monkeypatch, "shadow", text)


async def coroutine(dag: Any) -> None: ...


def test_what_cannot_be_a_funk() -> None:
    without_source: dict[str, Any] = {}
    exec("def f(dag): pass", without_source)  # noqa: S102
    for thing, words in [
        (lambda dag: 1, "lambda"),
        (len, "len is not a function written in Python"),
        (Point, "the class 'Point' cannot be a funk"),
        (coroutine, "async function 'coroutine'"),
        (total, "is a funk already"),
        (without_source["f"], "source of 'f' cannot be found"),
    ]:
        with pytest.raises(InvalidError, match=words):
            funk(thing)
    with pytest.raises(InvalidError, match="prepop="):
        funk(clamp, helpers=[total])


def test_a_text_that_is_executed_is_not_another_one_of_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = "def f(dag): return 1\n"  # as Python 3.13 keeps the text of `python -c`
    entry = (len(other), None, [other], "<string>")
    monkeypatch.setitem(linecache.cache, "<string>", entry)
    names: dict[str, Any] = {}
    exec("def f(dag): pass", names)  # noqa: S102
    with pytest.raises(InvalidError, match="source of 'f' cannot be found"):
        funk(names["f"])


def test_source_that_changed_since_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = in_module(tmp_path, monkeypatch, "changing", "def f(dag):\n    return 1\n")
    (tmp_path / "changing.py").write_text("import os\n\ndef f(dag):\n    return 22\n", "utf-8")
    with pytest.raises(InvalidError, match="has changed"):
        funk(module.f)


def test_options() -> None:
    other = total.options(adapter="dask", timeout=5, cache=False)
    assert (other.adapter, other.timeout, other.cache) == ("dask", 5, False)
    assert other.source == total.source
    assert other != total
    assert other.options(adapter="local") == total


def test_mistakes_in_options_are_errors_at_once() -> None:
    def f(dag: Any) -> Any:
        return 1

    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"prepop": ["x"]}, "prepop is a dict of values by their names"),
        ({"prepop": {3: 1}}, "prepop has the key 3"),
        ({"prepop": {"": 1}}, "prepop has the key ''"),
        ({"prepop": {"g": f}}, "decorate it with @daggerml.funk"),
        ({"tags": [1]}, "tags is a list of texts"),
        ({"tags": ["a", ""]}, "tags is a list of texts"),
    ]
    for options, words in mistakes:
        with pytest.raises(InvalidError) as raised:
            funk(f, **options)
        assert words in str(raised.value)


def test_a_decorated_class_of_a_module_that_has_its_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from dataclasses import dataclass\n\n@dataclass\nclass Pair:\n    x: int = 1\n"
    pair = in_module(tmp_path, monkeypatch, "pairs", text).Pair
    source = funk(total.function, helpers=[dataclasses.dataclass, pair]).source
    assert "@dataclass\nclass Pair:\n    x: int = 1\n" in source


def test_names_that_mean_two_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "def clamp(x):\n    return -x\n\ndef opposite(x):\n    return clamp(x)\n"
    other = in_module(tmp_path, monkeypatch, "other", text)

    def max(x: Any) -> Any:  # noqa: A001  not the builtin
        return x

    # Where it runs, `opposite` would call our `clamp`, and `clamp` our `max`.
    for helpers in ([clamp, other.opposite], [other.opposite, clamp], [clamp, max]):
        with pytest.raises(InvalidError, match=r"means something else by '(clamp|max)'"):
            funk(total.function, helpers=helpers)
    with pytest.raises(InvalidError, match="has the name of the helper clamp of the module"):
        funk(total.function, helpers=[clamp, other.clamp])
    both = [other.clamp, other.opposite]
    importlib.reload(other)
    assert "-x" in funk(total.function, helpers=[*both, other.clamp]).source


def test_a_function_that_needs_what_is_around_it() -> None:
    number = 0

    def counts(dag: Any) -> Any:
        nonlocal number
        number += 1

    with pytest.raises(InvalidError, match="no binding for nonlocal 'number'"):
        funk(counts)
    with pytest.raises(InvalidError, match=r"@funk\(adapter='dask'\)"):
        funk("dask")  # type: ignore[call-overload]


def test_prepop_and_tags() -> None:
    @funk(prepop={"total": total, "more": [total, 1]}, tags=["b", "a", "b"])
    def outer(dag: Any) -> Any:
        return dag["more"][1]

    assert outer.runnable.kwargs["prepop"] == {
        "total": total.runnable,
        "more": [total.runnable, 1],
    }
    assert outer.runnable.kwargs["tags"] == ["a", "b"]
    assert outer.in_process() == 1


NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for k in (1, 2):
    cell = '''
from daggerml import funk
from dataclasses import dataclass
@dataclass
class P:
    "A dataclass without a method of its own"
    x: int = K

@funk(helpers=[dataclass, P])
def f(dag):
    return P().x  # a comment
print(f.source, f.in_process())
'''
    assert shell.run_cell(cell.replace("K", str(k))).success
"""


def test_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from daggerml.funks.installed import is_installed

    project, store, site = (tmp_path / name for name in ("project", "store", "site-packages"))
    for folder in (project, store, site):
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
    text = "def function():\n    return 1\n"
    (project / "dml_project.py").write_text(text)
    # As Nix and Bazel install: a folder of links to where the files are.
    (store / "a-file").write_text(text)
    (site / "dml_linked.py").symlink_to(store / "a-file")
    assert is_installed(json.dumps)
    assert is_installed(importlib.import_module("dml_linked").function)
    assert not is_installed(importlib.import_module("dml_project").function)
    assert not is_installed(test_what_is_installed)


def test_in_a_notebook() -> None:
    pytest.importorskip("IPython")
    ended = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert "x: int = 1" in ended.stdout
    assert ended.stdout.endswith("x: int = 2\n\ndef f(dag):\n    return P().x\n 2\n")


def test_in_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{PLAIN}\nprint(f.in_process(4))\n", "utf-8")
    ended = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, check=True)
    assert ended.stdout.split() == [b"8"]


def test_models_of_pydantic_come_along() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        count: int = pydantic.Field(gt=0)

    @funk(helpers=[pydantic, Model])
    def twice(dag: Any, count: Any) -> Any:
        return Model(count=count.value()).count * 2

    assert twice.in_process("3") == 6
    Model.count_of_nothing = 0
    with pytest.raises(InvalidError, match="Model"):
        twice.in_process("3")
