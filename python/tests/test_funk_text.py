"""The one text of a syntax tree: the same on every Python, and read back as the same tree."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from daggerml.funks import trees
from daggerml.funks.statements import printed

# Whatever Python runs this: the text is that of the other versions, too.
TEXTS = [
    ("x = (1)\n", "x = 1"),
    ("x=a+b-(c-d)*e**-f**g", "x = a + b - (c - d) * e ** -f ** g"),
    ("x = (-a) ** 2, not (a == b), (yield_ := 3)", "x = (-a) ** 2, not a == b, (yield_ := 3)"),
    ("x = 0x" + "f" * 40, "x = 0x" + "f" * 40),
    ("x = 1e999, 1e999j, 1_000, 0o17, .5, 1j", "x = 1e309, 1e309j, 1000, 15, 0.5, 1j"),
    ("x = 1 .real, (1.5).real, ().y", "x = (1).real, (1.5).real, ().y"),
    (
        r"""x = 'it\'s', "a\"b", 'a"\'' 'b', u'é\u200b\x00\ud800'""",
        r"""x = "it's", 'a"b', 'a"\'b', 'é\u200b\x00\ud800'""",
    ),
    (r"x = b'\x00\xff\'', b'' b'a'", r"""x = b"\x00\xff'", b'a'"""),
    ("x = f'{a!r:>{w}}' 'b' f'{c}'", "x = f'{a!r:>{w}}b{c}'"),
    ("""x = f"{d['k']:%H 'o'}" """, r"""x = f'{d["k"]:%H \x27o\x27}' """.strip()),
    ("x = f'{ {1: 2}[1] }{{}}'", "x = f'{ {1: 2}[1]}{{}}'"),
    ("x = f'{a = }'", "x = f'a = {a!r}'"),
    ("x = f'{(lambda: 1)()}{b if c else d}'", "x = f'{(lambda: 1)()}{(b if c else d)}'"),
    ('x = f"""{a["b"]}{f"{c}"}"""', """x = f'{a["b"]}{f"{c}"}' """.strip()),
    ("x[1, 2:3, ...] = x[(*a,)] = x[()]", "x[1, 2:3, ...] = x[(*a,)] = x[()]"),
    (
        "def f(a, /, b: int=1, *c, d, e=2, **g) -> 3: return\n",
        "def f(a, /, b: int = 1, *c, d, e=2, **g) -> 3:\n    return",
    ),
    (
        'def f():\n  """One.\n\n    Two\\\\ "three\\""""\n',
        'def f():\n    """One.\n\n    Two\\\\ "three\\""""',
    ),
    ("if a: b\nelif c: d\nelse: e", "if a:\n    b\nelif c:\n    d\nelse:\n    e"),
    ("with (a, b): pass", "with a, b:\n    pass"),
    ("with ((a, b)) as c: pass", "with ((a, b)) as c:\n    pass"),
    (
        "for i, in (1, 2): x = yield\nelse: pass",
        "for i, in (1, 2):\n    x = yield\nelse:\n    pass",
    ),
    ("f(*a or b, **c)(x for x in y)", "f(*(a or b), **c)(x for x in y)"),
    (
        "try: a\nexcept (B, C) as d: raise E from d\nfinally: del f[0], g",
        "try:\n    a\nexcept (B, C) as d:\n    raise E from d\nfinally:\n    del f[0], g",
    ),
    ("lambda *a, b=1: (yield)", "lambda *a, b=1: (yield)"),
    ("(x): int = 1; y: int", "(x): int = 1\ny: int"),
    (
        "a if b else c if d else e; (a if b else c) if d else e",
        "a if b else c if d else e\n(a if b else c) if d else e",
    ),
    ("if x:\n\tx = 1 + \\\n\t2 # c\r\n\x0c", "if x:\n    x = 1 + 2"),
]


@pytest.mark.parametrize(("source", "text"), TEXTS)
def test_the_text_is_the_same_on_every_python(source: str, text: str) -> None:
    tree = trees.parsed(source)
    assert printed(tree.body) == text
    assert trees.difference(tree, trees.parsed(text)) is None


def test_the_standard_library_is_read_back() -> None:
    folder = Path(os.__file__).parent
    files = [*sorted(folder.glob("*.py"))[:50], *sorted(folder.glob("asyncio/*.py"))]
    names = ["test_fstring.py", "test_grammar.py", "test_patma.py", "test_type_params.py"]
    files += [folder / "test" / name for name in names if (folder / "test" / name).exists()]
    for file in files:
        tree = trees.parsed(importlib.util.decode_source(file.read_bytes()))
        again = trees.parsed(printed(tree.body))
        assert trees.difference(tree, again) is None, file


def test_differences_are_seen() -> None:
    one = trees.parsed("x = 1")
    for other in ("x = 1.0", "x = True", "y = 1", "x += 1", "x = 1; y", "x: int = 1"):
        assert trees.difference(one, trees.parsed(other)) is not None
    assert trees.difference(trees.parsed("0.0"), trees.parsed("0")) is not None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="its own syntax")
def test_the_syntax_of_newer_versions() -> None:
    for text in (
        "type A[T: int, *U, **V] = list[T]",
        "def f[T](x: T) -> T:\n    return x",
        "class A[T: (int, str)](B[T], metaclass=M):\n    pass",
        "match x:\n    case {'a': [1, *_], **rest} | A(b=-1) if c:\n        pass",
        "match x:\n    case 1 | 2 as y:\n        pass\n    case _:\n        pass",
        "try:\n    a\nexcept* B as c:\n    d",
    ):
        assert printed(trees.parsed(text).body) == text
    nested = trees.parsed("x = f'{f'{f'{f'{f'{a['b\\n']}'}'}'}'}'")
    assert trees.difference(nested, trees.parsed(printed(nested.body))) is None


@pytest.mark.skipif(sys.version_info < (3, 15), reason="its own syntax")
def test_the_syntax_of_3_15() -> None:
    for text in (
        "lazy import a.b as c, d",
        "lazy from .a import b",
        "[*a for a in b]",
        "{*a for a in b}",
        "{**a for a in b}",
        "{**(a or b) for a in c}",
    ):
        tree = trees.parsed(text)
        assert printed(tree.body) == text
        assert trees.difference(tree, trees.parsed(text)) is None
