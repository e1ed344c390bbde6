"""Makes the source that a funk brings along: its helpers and itself, in normal form.

The text has no comments, no layout of the author's and no annotations that nothing can
read. The same code has the same text on every version of Python.
"""

from __future__ import annotations

import ast
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from daggerml.errors import InvalidError
from daggerml.funks import (
    code_objects,
    imports,
    names,
    proof,
    replaced,
    shadows,
    trees,
    type_hints,
)
from daggerml.funks.comparison import Comparison, Different
from daggerml.funks.definition import named
from daggerml.funks.parts import Choices, Part, Parts, refused
from daggerml.funks.statements import printed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Packaged", "packaged"]

# How many combinations of possible definitions are tried.
_TRIES = 64


class Packaged(NamedTuple):
    """The result of :func:`packaged`."""

    text: str
    name: str
    proof: proof.Proof
    #: All nodes of its syntax tree.
    nodes: list[ast.AST]


def packaged(
    function: Callable[..., Any],
    helpers: list[Any],
    is_funk: Callable[[object], bool],
    brought: set[str],
    *,
    lines: Iterable[str] = (),
) -> Packaged:
    """Returns the source of a function and its helpers, and the name of the function in it.

    ``brought`` are the modules that come along, from which helpers can be imported.
    ``lines`` are statements to put before the function.
    """
    what = named(function).rpartition(".")[2]
    if isinstance(function, type):
        text = f"the class {function.__name__!r} cannot be a funk"
        raise InvalidError(text, hint="write a function, and list the class in helpers=[...]")
    for helper in helpers:
        _refuse_funk(helper)
    try:
        return _tried(what, function, helpers, is_funk, brought, lines=list(lines))
    except InvalidError:
        raise
    except trees.DEEP:
        raise trees.too_deep(what) from None
    except Exception as problem:  # such as for a proxy object
        text = f"{what!r} cannot be packaged: {type(problem).__name__}: {problem}"
        hint = "list functions, classes and modules as helpers"
        other = replaced.other_builtins()
        if other:
            text = f"{what!r} cannot be packaged while Python's {', '.join(other)} is replaced"
            hint = "put that back: a call runs with what Python has by that name"
        raise InvalidError(text, hint=hint) from problem


def _tried(
    what: str,
    function: Any,
    helpers: list[Any],
    is_funk: Callable[[object], bool],
    brought: set[str],
    *,
    lines: list[str],
) -> Packaged:
    """Tries all possible definitions, and raises an error when two of them fit."""
    choices = Choices()
    found: Optional[Packaged] = None
    first: Optional[InvalidError] = None
    for _ in range(_TRIES):
        try:
            made = _made(function, helpers, Parts({}, choices, is_funk, brought), lines)
        except InvalidError as problem:
            first = first or problem
        else:
            if found is not None and found.text != made.text:
                text = f"{what!r} uses a class of which there are several definitions that fit"
                raise InvalidError(text, hint="give the classes names of their own")
            found = made
        if not choices.next(classes_only=found is not None):
            break
    if found is not None:
        return found
    raise first or InvalidError(f"{what!r} cannot be packaged")


def _made(function: Any, helpers: list[Any], parts: Parts, lines: list[str]) -> Packaged:
    known = parts.known
    for thing in (*helpers, function):
        known.update(names.surroundings(thing))
    given = [parts.add(helper) for helper in helpers]
    main = parts.add(function)
    if main.found is not None and isinstance(main.found.node, ast.AsyncFunctionDef):
        text = f"the async function {main.name!r} cannot be a funk"
        raise InvalidError(text, hint="write a plain one that calls asyncio.run(...)")
    if main.is_import and not isinstance(function, FunctionType):
        raise refused(function)
    if main.is_import:
        text = f"{named(function)} is of the installed module {function.__module__!r}"
        raise InvalidError(text, hint="write a function with `def` that calls it")
    _import_submodules(parts.all)
    every = _distinct(parts.all)
    aliases = _aliases(every, given, known)
    exact = type_hints.settle(
        [(part.statements, part.are_texts) for part in every],
        lambda text: [name for name in names.undefined(text, known) if name not in aliases],
        {alias: own.name for alias, own in aliases.items()},
    )
    at = every.index(main)
    every[at:at] = [_alias(alias, own) for alias, own in aliases.items()]
    every[at:at] = _lines(lines)
    every.sort(key=lambda part: not part.is_import)
    uses = _refuse_mixing(every, [*given, main])
    text = "\n\n".join([printed(part.statements) for part in every]) + "\n"
    names.check(main.name, text, known)
    shadows.refuse(main.name, every, text)
    statements = [statement for part in every for statement in part.statements]
    nodes = trees.walk(statements)
    imports.check(main.name, nodes)
    imports.refuse_twice([part.thing for part in every if not part.is_import], nodes)
    made = proof.prove(main.name, text, every, statements, uses, annotations=exact)
    return Packaged(text, main.name, made, nodes)


def _import_submodules(parts: list[Part]) -> None:
    """Imports what the author's file imports by ``import a.b`` and a definition uses.

    The helper, or an import inside of the definition, is ``a`` alone, which need not bring
    ``a.b``. Where the author's file was run, it did.
    """
    given = {
        part.name: part for part in parts if part.is_import and isinstance(part.thing, ModuleType)
    }
    wanted: set[tuple[str, str]] = set()
    for part in parts:
        if part.found is None or not part.found.submodules:
            continue
        used = code_objects.names(part.found.code)
        inside = _imported_whole(part.statements)
        for module in part.found.submodules:
            for package in given.keys() | inside:
                rest = module.removeprefix(f"{package}.")
                if rest != module and module not in inside and used.issuperset(rest.split(".")):
                    wanted.add((package, module))
    for package, module in sorted(wanted):
        if package not in given:
            given[package] = Part(sys.modules.get(package), package, [])
            given[package].is_import = True
            parts.append(given[package])
        given[package].statements += trees.parsed(f"import {module}").body


def _imported_whole(statements: list[ast.stmt]) -> set[str]:
    """Returns the modules that statements import by their whole names, also in functions."""
    return {
        each.name
        for node in trees.walk(statements)
        if isinstance(node, ast.Import)
        for each in node.names
        if each.asname is None
    }


def _distinct(parts: list[Part]) -> list[Part]:
    """Returns the parts without duplicates."""
    found: list[Part] = []
    for part in parts:
        same = [each for each in found if each.name == part.name and _is_same(each, part)]
        if not same:
            found.append(part)
    return found


def _is_same(one: Part, other: Part) -> bool:
    if one.is_import or other.is_import:
        return one.is_import is other.is_import and _text(one) == _text(other)
    return _are_same(one.thing, other.thing)


def _are_same(one: Any, other: Any) -> bool:
    """Tells whether two objects are the same, or come from a module that was loaded twice."""
    try:
        Comparison({}, {}, annotations=False).same(one, other, "")
    except (Different, RecursionError):
        return False
    return True


def _text(part: Part) -> str:
    return printed(part.statements)


def _aliases(parts: list[Part], given: list[Part], known: Mapping[str, Any]) -> dict[str, Part]:
    """Returns the helpers that are used under other names than their own, by that name."""
    undefined = names.undefined("\n".join([_text(part) for part in parts]), known)
    return {
        name: part
        for name in undefined
        for part in given
        if name in known and known[name] is part.thing
    }


def _alias(alias: str, own: Part) -> Part:
    part = Part(own.thing, alias, trees.parsed(f"{alias} = {own.name}").body)
    part.is_alias = True
    return part


def _lines(lines: list[str]) -> list[Part]:
    """Returns the part for lines of source that belong to no object."""
    if not lines:
        return []
    try:
        part = Part(None, "", trees.parsed("\n".join(lines)).body)
    except SyntaxError as problem:
        text = f"the lines are not Python: {problem}"
        raise InvalidError(text) from None
    part.is_alias = True
    return [part]


def _refuse_mixing(parts: list[Part], given: list[Part]) -> list[tuple[Any, str, Any]]:
    """Raises an error for a name that means one object here and another one there.

    Returns the names that the objects use for each other.
    """
    uses: list[tuple[Any, str, Any]] = []
    final = {name: part for part in parts for name in part.names}
    for part in given:
        last = final.get(part.name, part)
        if last is not part and not _is_same(last, part):
            one, other = named(part.thing), named(last.thing)
            text = f"{one} has the name of the helper {other} {_where(last)}"
            raise _mixed(text)
    for part in parts:
        if part.found is None:
            continue
        code = part.found.code
        called = code_objects.names(code) | set(code.co_freevars)
        around = names.meanings(part.thing)
        used: Optional[set[str]] = None
        for name in sorted(final.keys() & called):  # one message, whatever the hash seed
            meant, last = around.get(name, names.UNKNOWN), final[name]
            if meant is names.UNKNOWN:
                continue
            if meant is not last.thing:
                used = _used(part) if used is None else used  # attributes of that name do not count
                if name not in used:
                    continue
                if not _are_same(meant, last.thing):
                    text = f"{named(part.thing)} means something else by {name!r} than the helper "
                    raise _mixed(text + _where(last))
            uses.append((part.thing, name, last.thing))
    return uses


def _used(part: Part) -> set[str]:
    """Returns the outside names that a part uses when it is called."""
    definitions = [
        node
        for node in part.statements
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    if not definitions:
        return set()
    used = set(names.free(printed(definitions)))
    if part.found is not None:
        used |= {part.name} & code_objects.names(part.found.code)
    return used


def _where(part: Part) -> str:
    return f"of the module {getattr(part.thing, '__module__', None)!r}"


def _mixed(text: str) -> InvalidError:
    hint = "where the funk runs, a name means one thing: give one of them another"
    return InvalidError(text, hint=hint)


def _refuse_funk(helper: Any) -> None:
    from daggerml.funks.packaging import Funk

    if isinstance(helper, str):
        text = f"helpers has the text {helper!r}, and a helper is an object and not its name"
        name = helper if helper.isidentifier() else "clamp"
        hint = f"write helpers=[{name}]; modules of your own go by name in modules=[...]"
        raise InvalidError(text, hint=hint)
    if isinstance(helper, Funk):
        text = f"the funk {helper.name!r} cannot be a helper: it is called, not used"
        hint = f"name it with prepop={{{helper.name!r}: {helper.name}}}"
        raise InvalidError(text, hint=hint)
