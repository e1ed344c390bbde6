"""Finds the definition of a function or class, in a module, a script or a notebook.

:mod:`linecache` has the lines of all of them: of files by their path, of cells and of
examples by the names that IPython and doctest give them.
"""

from __future__ import annotations
import __future__ as future

import ast
import copy
import linecache
import sys
import threading
from collections import OrderedDict
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from daggerml.errors import InvalidError
from daggerml.funks import code_objects, installed, trees

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Definition", "Found", "named", "of_class", "of_function", "unwrapped"]

Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# The flags of code by `from __future__ import ...`.
_FUTURE = 0
for _feature in future.all_feature_names:
    _FUTURE |= getattr(future, _feature).compiler_flag
_ANNOTATIONS = future.annotations.compiler_flag
# How the names of texts begin that dataclasses and attrs make for the methods of a class.
_GENERATED = ("<string", "<attrs generated")


class Found(NamedTuple):
    """A definition, and its code as Python compiles it in its file."""

    node: Definition
    #: The definitions around it, outermost first.
    around: tuple[Definition, ...]
    code: CodeType
    #: Whether its annotations are texts, by ``from __future__ import annotations``.
    are_texts: bool
    #: The modules that its file imports by ``import a.b``.
    submodules: tuple[str, ...]

    @property
    def qualname(self) -> str:
        """Its qualified name."""
        return _qualname((*self.around, self.node))


def unwrapped(thing: object) -> object:
    """Returns the function inside wrappers that used ``functools.wraps``."""
    seen: set[int] = set()
    while id(thing) not in seen:
        seen.add(id(thing))
        inner = getattr(thing, "__dict__", {}).get("__wrapped__")
        if inner is None:
            return thing
        thing = inner
    return thing


def named(thing: object) -> str:
    """Returns the name of an object for a message."""
    try:
        name = getattr(thing, "__qualname__", None)
    except Exception:  # noqa: BLE001  its author's own
        name = None
    return name if isinstance(name, str) else f"the object of type {type(thing).__qualname__!r}"


def of_function(function: FunctionType) -> Found:
    """Returns the definition of a function. Its code equals the code of the function."""
    code = function.__code__
    name = code.co_name
    if name == "<lambda>":
        raise InvalidError("a lambda cannot be a funk", hint="give it a name with `def`")
    source = _source(code.co_filename, function.__globals__)
    if source is None:
        raise _not_found(code)
    nodes = [
        (node, around)
        for node, around in source.definitions
        if node.name == name and not isinstance(node, ast.ClassDef)
    ]
    there = [each for each in nodes if _first_line(each[0]) == code.co_firstlineno]
    differs = None
    for node, around in [*there, *(each for each in nodes if each not in there)]:
        known = function.__globals__
        made = _compiled(node, around, function, source, known)
        found = Found(node, around, *made, tuple(source.submodules))
        different = code_objects.different(code, found.code)
        if different is None:
            return found
        differs = differs or (different if there else None)
    if code.co_filename == "<string>":
        # The name of any text that is executed: Python 3.13 knows that of `python -c` by it.
        raise _not_found(code)
    what = f" ({differs} differ)" if differs else ""
    text = f"the source of {name!r} is not where it was{what}: {code.co_filename!r} has changed"
    if there:
        text += ", or the function was changed after its definition"
    hint = "import it again, or start the program anew"
    if sys.flags.optimize:
        hint = "a call runs assertions and has docstrings: start Python without -O, or " + hint
    raise InvalidError(text, hint=hint)


def _not_found(code: CodeType) -> InvalidError:
    """Returns the error of a function whose source is nowhere."""
    text = (
        f"the source of {code.co_name!r} cannot be found: there is no {code.co_filename!r} to read"
    )
    hint = "write it in a file or a notebook cell, not at a prompt"
    if not code.co_filename.startswith("<"):
        hint = "put that file back: what runs is what it says"
    return InvalidError(text, hint=hint)


def of_class(cls: type) -> list[Found]:
    """Returns the possible definitions of a class, which has no line number before Python 3.13."""
    every = [
        function.__code__
        for member in vars(cls).values()
        for function in [_function(member)]
        if function is not None and not function.__code__.co_filename.startswith(_GENERATED)
    ]
    # Methods that decorators added are defined in packages.
    methods = [each for each in every if not installed.has_file_of_package(each.co_filename)]
    found: list[Found] = []
    texts = _has_texts(cls, methods)
    known = vars(sys.modules.get(cls.__module__, ast))
    for file in _files_of_class(cls, [code.co_filename for code in methods]):
        source = _source(file, known)
        if source is None:
            continue
        for node, around in source.definitions:
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                made = _compiled(node, around, None, source, known, texts=texts)
                found.append(Found(node, around, *made, tuple(source.submodules)))
    line = vars(cls).get("__firstlineno__")
    found = [each for each in found if each.qualname == cls.__qualname__] or found
    found = [each for each in found if _first_line(each.node) == line] or found
    if not found:
        text = f"the source of the class {cls.__qualname__!r} cannot be found"
        raise InvalidError(text, hint="write it in a file or a notebook cell, or import it inside")
    return found


def _function(member: object) -> Optional[FunctionType]:
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, (staticmethod, classmethod)):
        member = member.__func__
    member = unwrapped(member)
    return member if isinstance(member, FunctionType) else None


def _files_of_class(cls: type, known: list[str]) -> Iterator[str]:
    files = [each for each in known if not each.startswith("<") or each in linecache.cache]
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file is not None:
        files.append(file)
    elif not files:  # the cells of a notebook, newest first
        files = [name for name in reversed(list(linecache.cache)) if not name.endswith(".py")]
    return iter(dict.fromkeys(files))


def _first_line(node: Definition) -> int:
    """Returns the first line of its code object: that of the first decorator."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _qualname(nodes: tuple[Definition, ...]) -> str:
    parts: list[str] = []
    for node in nodes[:-1]:
        parts.append(node.name)
        if not isinstance(node, ast.ClassDef):
            parts.append("<locals>")
    return ".".join([*parts, nodes[-1].name])


# Source.


class _Source:
    """The syntax tree of a file, and each definition with those that enclose it."""

    def __init__(self, text: str) -> None:
        self.tree = trees.parsed(text)
        self.definitions: list[tuple[Definition, tuple[Definition, ...]]] = []
        #: The names that the module imports, for which Python makes other code.
        self.imports: list[str] = []
        #: The modules that it imports by ``import a.b``, which gives the name ``a``.
        self.submodules: list[str] = []
        stack: list[tuple[ast.AST, tuple[Definition, ...]]] = [(self.tree, ())]
        while stack:
            node, around = stack.pop()
            if isinstance(node, _DEFINITIONS):
                self.definitions.append((node, around))
                around = (*around, node)
            elif isinstance(node, (ast.Import, ast.ImportFrom)) and not around:
                for name in node.names:
                    self.imports.append(name.asname or name.name.partition(".")[0])
                    if isinstance(node, ast.Import) and "." in name.name and not name.asname:
                        self.submodules.append(name.name)
            stack += [(child, around) for child in _statements(node)]

    @property
    def are_texts(self) -> bool:
        """Whether the module has ``from __future__ import annotations``."""
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(name.name == "annotations" for name in node.names)
            for node in self.tree.body
        )


def _statements(node: Any) -> Iterator[ast.AST]:
    """Returns the blocks of a statement, which can hold definitions."""
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        inner = getattr(node, name, None)
        if isinstance(inner, list):
            yield from inner


_sources: OrderedDict[str, tuple[list[str], Optional[_Source]]] = OrderedDict()
# Held for `_sources` and while a file is read: linecache itself expects no threads.
_lock = threading.RLock()
# How many parsed files are kept.
_KEPT = 32


def _source(file: str, module: dict[str, Any]) -> Optional[_Source]:
    """Returns the source of a file; ``None`` if it does not exist."""
    with _lock:
        return _source_now(file, module)


def _source_now(file: str, module: dict[str, Any]) -> Optional[_Source]:
    linecache.checkcache(file)
    lines = linecache.getlines(file, module)
    if not lines:
        return None
    kept = _sources.get(file)
    if kept is None or kept[0] != lines:
        try:
            source = _Source("".join(lines))
        except (SyntaxError, ValueError):
            source = None
        except trees.DEEP:
            raise trees.too_deep(file) from None
        kept = (list(lines), source)
        _sources[file] = kept
        while len(_sources) > _KEPT:
            _sources.popitem(last=False)
    return kept[1]


# Code.


def _compiled(
    node: Definition,
    around: tuple[Definition, ...],
    function: Optional[FunctionType],
    source: _Source,
    known: dict[str, Any],
    *,
    texts: bool = False,
) -> tuple[CodeType, bool]:
    """Returns the code of a definition, compiled as in its place in the file."""
    flags = 0
    outside: tuple[str, ...] = ()
    if function is not None:
        flags = function.__code__.co_flags & _FUTURE
        outside = function.__code__.co_freevars
    elif source.are_texts or texts:
        flags = _ANNOTATIONS
    imports = source.imports
    if "@pytest_ar" in known:
        node, imports = _rewritten(node), [*imports, "@pytest_ar", "@py_builtins"]
    return _code(node, around, flags, outside, imports), bool(flags & _ANNOTATIONS)


def _has_texts(cls: type, methods: list[CodeType]) -> bool:
    """Tells whether the annotations of a class are texts by an import in an earlier cell."""
    if methods:
        return any(code.co_flags & _ANNOTATIONS for code in methods)
    found: Optional[dict[str, Any]] = vars(cls).get("__annotations__")
    return (
        found is not None and bool(found) and all(isinstance(each, str) for each in found.values())
    )


def _code(
    node: Definition,
    around: tuple[Definition, ...],
    flags: int,
    outside: tuple[str, ...],
    imports: list[str],
) -> CodeType:
    # Its place decides the form of names with two underscores, the class of super(),
    # and the qualified names of what is inside.
    names = [name for name in outside if name.isidentifier() and name != "__class__"]
    first = next((each for each in around if not isinstance(each, ast.ClassDef)), None)
    body: list[ast.stmt] = [node]
    for each in reversed(around):
        params = ", ".join(names) if each is first else ""
        head = (
            f"class {each.name}" if isinstance(each, ast.ClassDef) else f"def {each.name}({params})"
        )
        outer: Any = trees.parsed(f"{head}:\n    pass").body[0]
        outer.body = body
        if getattr(each, "type_params", None):
            outer.type_params = each.type_params  # type: ignore[union-attr]
        body = [outer]
    every = dict.fromkeys(each for each in imports if each != "*")
    if every:
        first_of_all = ast.Import([ast.alias(name, None) for name in every])
        ast.fix_missing_locations(ast.copy_location(first_of_all, node))
        body = [first_of_all, *body]
    tree = ast.Module(body, [])
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: CodeType = compile(
                tree, "<funk>", "exec", flags=flags, dont_inherit=True, optimize=0
            )
    except trees.DEEP:
        raise trees.too_deep(node.name) from None
    except SyntaxError:  # a `nonlocal` variable that the function does not have: another one
        return made_of_nothing
    found = code_objects.find(made, node.name, _first_line(node))
    return made_of_nothing if found is None else found


#: Stands for no code.
made_of_nothing: CodeType = compile("", "<nothing>", "exec")


def _rewritten(node: Definition) -> Definition:
    """Returns a definition as pytest rewrites it for its assertions."""
    try:
        from _pytest.assertion.rewrite import AssertionRewriter

        tree = ast.Module([copy.deepcopy(node)], [])
        AssertionRewriter(None, None, b"").run(tree)
        return next(each for each in tree.body if isinstance(each, type(node)))
    except Exception:  # noqa: BLE001  another pytest: then it differs, and is refused
        return node
