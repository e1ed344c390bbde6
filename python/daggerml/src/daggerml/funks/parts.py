"""The statements that make the author's objects again where a funk runs."""

from __future__ import annotations

import ast
import builtins
import functools
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Optional

from daggerml.errors import InvalidError
from daggerml.funks import closures, code_objects, definition, installed, trees
from daggerml.funks.definition import Found, named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Choices", "Part", "Parts", "refused"]

#: The greatest number of wrappers inside one another.
_DEEPEST = 50


class Part:
    """An object, and the statements that define it."""

    def __init__(self, thing: Any, name: str, statements: list[ast.stmt]) -> None:
        self.thing = thing
        #: Its name after these statements.
        self.name = name
        self.statements = statements
        #: The definitions in the statements, as in the author's source.
        self.found: Optional[Found] = None
        #: Whether its annotations are texts.
        self.are_texts = False
        self.is_import = False
        self.is_alias = False

    @property
    def names(self) -> list[str]:
        """All names that the statements give to the object."""
        if not self.is_import:
            return [self.name]
        aliases = [name for node in self.statements for name in getattr(node, "names", ())]
        return [self.name, *(each.asname or each.name.partition(".")[0] for each in aliases)]


class Choices:
    """Enumerates all combinations of choices, wherever there is more than one way."""

    def __init__(self) -> None:
        self._taken: list[int] = []
        self._numbers: list[tuple[int, bool]] = []

    def take(self, number: int, *, is_class: bool = False) -> int:
        """Returns the number of the way to take now, of ``count`` ways."""
        at = len(self._numbers)
        self._numbers.append((number, is_class))
        if at == len(self._taken):
            self._taken.append(0)
        return min(self._taken[at], number - 1)

    def next(self, *, classes_only: bool = False) -> bool:
        """Goes on to the next combination. Returns ``False`` after the last."""
        numbers, self._numbers = self._numbers, []
        del self._taken[len(numbers) :]
        while self._taken:
            number, is_class = numbers[len(self._taken) - 1]
            if self._taken[-1] + 1 < number and (is_class or not classes_only):
                self._taken[-1] += 1
                return True
            self._taken.pop()
        return False


class Parts:
    """All objects that a funk brings along, in the order of their definition."""

    def __init__(
        self,
        known: dict[str, Any],
        choices: Choices,
        is_funk: Callable[[object], bool],
        brought: set[str],
    ) -> None:
        self.all: list[Part] = []
        #: The objects that names mean where the definitions stand.
        self.known = known
        self._brought = brought
        self._choices = choices
        self._is_funk = is_funk
        self._made: dict[int, Part] = {}
        #: The objects whose parts are being made.
        self._begun: set[int] = set()
        self._wrappers = 0
        self._tools: set[str] = set()

    def add(self, thing: Any) -> Part:
        """Adds the part that makes an object, unless it was added. Returns the part."""
        if id(thing) in self._made:
            return self._made[id(thing)]
        if id(thing) in self._begun:
            text = f"{named(thing)} is made of itself, by a variable around it or by __wrapped__"
            raise InvalidError(
                text, hint="let it use that by a global name, and list both as helpers"
            )
        self._begun.add(id(thing))
        if len(self._begun) > _DEEPEST:
            raise trees.too_deep(named(thing))
        part = self._part(thing)
        self._begun.discard(id(thing))
        self._made[id(thing)] = part
        self.all.append(part)
        return part

    def _part(self, thing: Any) -> Part:
        imported = self._imported(thing)
        if imported is not None:
            return imported
        if type(thing) is not thing.__class__:  # it stands for another object, as those of wrapt
            raise refused(thing)
        if isinstance(thing, type):
            return self._of_class(thing)
        if isinstance(thing, FunctionType) and not _is_of_package(thing):
            return self._of_function(thing)
        inner = definition.unwrapped(thing)
        if inner is thing or not isinstance(inner, FunctionType) or isinstance(thing, MethodType):
            raise refused(thing)
        return self._of_decorated(thing, inner)

    # What is imported.

    def _imported(self, thing: Any) -> Optional[Part]:
        own = sorted(name for name, value in self.known.items() if value is thing)
        if isinstance(thing, ModuleType):
            module = thing.__name__
            text = "\n".join(f"import {module} as {name}" for name in own)
            if not own or module in own:
                text = f"import {module}"
            name = module if not own or module in own else own[0]
        else:
            place = installed.place(thing, tuple(own), self._brought)
            if place is None:
                return None
            module, path = place
            outer, _, rest = path.partition(".")
            name = path.rpartition(".")[2]
            text = f"from {module} import {outer}"
            if rest:
                text += f"\n{name} = {path}"
        part = Part(thing, name, trees.parsed(text).body)
        part.is_import = True
        return part

    # Classes.

    def _of_class(self, cls: type) -> Part:
        found = definition.of_class(cls)
        fits = [each for each in found if _may_be(cls, each)] or found
        pick = fits[self._choices.take(len(fits), is_class=True)]
        return self._defined(cls, pick, pick.node.decorator_list)

    def _defined(self, thing: Any, found: Found, decorators: list[ast.expr]) -> Part:
        node = trees.copied(found.node)
        node.decorator_list = [trees.copied(each) for each in decorators]
        part = Part(thing, node.name, [node])
        part.found, part.are_texts = found, found.are_texts
        return part

    # Functions.

    def _of_function(self, function: FunctionType) -> Part:
        known = function.__globals__.get("__builtins__", builtins)
        known = getattr(function, "__builtins__", getattr(known, "__dict__", known))
        if known is not vars(builtins):
            text = f"{named(function)} has builtins of its own, which are Python's where it runs"
            raise InvalidError(text, hint="define what it uses as functions, and list them")
        found = definition.of_function(function)
        decorators = self._decorators(found)
        wraps = function.__dict__.get("__wrapped__")
        ways = ["wrapped"] if wraps is not None else ["plain"]
        if decorators:
            ways.append("decorated")
        way = ways[self._choices.take(len(ways))]
        closures.refuse_method(function, found)
        if wraps is None and not closures.is_made_by_call(function, found):
            return self._defined(function, found, decorators if way == "decorated" else [])
        part = self._in_factory(
            function, found, closures.cells(function), decorators if way == "decorated" else []
        )
        if way == "wrapped":
            inner = self.add(wraps).name
            self._tool("update_wrapper")
            call = part.statements[-1].value  # type: ignore[attr-defined]
            made = trees.parsed(f"_dml_update_wrapper(None, {inner})").body[0].value  # type: ignore[attr-defined]
            made.args[0] = call
            part.statements[-1].value = made  # type: ignore[attr-defined]
        part.name = self._name(function, part.name)
        part.statements[-1].targets[0].id = part.name  # type: ignore[attr-defined]
        part.statements += _set_by_hand(part.name, function, found)
        return part

    def _in_factory(
        self,
        function: FunctionType,
        found: Found,
        cells: dict[str, Any],
        decorators: list[ast.expr],
    ) -> Part:
        """Makes a function inside another one, whose variables it closes over."""
        part = self._defined(function, found, decorators)
        node = part.statements[0]
        closures.refuse_changes(function, found)
        given = {name: value for name, value in cells.items() if value is not function}
        texts = {name: self._value(function, name, value) for name, value in given.items()}
        self._wrappers += 1
        factory = f"_dml_{self._wrappers}"
        # Its parameters are the variables that the function closes over.
        params = ", ".join(texts)
        text = f"def {factory}({params}):\n    return {found.node.name}\n"
        text += f"{found.node.name} = {factory}({', '.join(texts.values())})"
        made, assigned = trees.parsed(text).body
        made.body.insert(0, node)  # type: ignore[attr-defined]
        part.statements = [made, assigned]
        return part

    def _value(self, function: FunctionType, name: str, value: Any) -> str:
        """Returns the source text for the value of a closed-over variable."""
        text = closures.text_of(value)
        if text is not None:
            return text
        if isinstance(value, (FunctionType, BuiltinFunctionType, type, ModuleType)) or hasattr(
            value, "__wrapped__"
        ):
            return self.add(value).name
        if value.__class__ is tuple and value:
            return f"({', '.join([self._value(function, name, each) for each in value])},)"
        kind = type(value).__name__
        # Numbers and sets that cannot change, but whose text would not say all of them.
        is_fixed = isinstance(value, (float, complex, frozenset, range))
        why = "which no text says exactly" if is_fixed else "which can change"
        text = (
            f"the variable {name!r} around {named(function)} cannot be brought along: "
            f"it is of type {kind}, {why}"
        )
        hint = (
            "a wrapper can have numbers, booleans, strings, bytes, None, tuples of these, "
            "functions, classes and modules around it"
        )
        raise InvalidError(text, hint=hint)

    def _name(self, thing: Any, name: str) -> str:
        """Returns the name of a wrapper."""
        own = sorted(each for each, value in self.known.items() if value is thing)
        called = getattr(thing, "__name__", name)
        if own and called not in own:
            return own[0]
        is_name = isinstance(called, str) and called.isidentifier()
        return called if is_name else name

    def _tool(self, tool: str) -> None:
        """Imports a function under a name that the author does not use."""
        if tool not in self._tools:
            self._tools.add(tool)
            text = f"from functools import {tool} as _dml_{tool}"
            part = Part(getattr(functools, tool), f"_dml_{tool}", trees.parsed(text).body)
            part.is_import = True
            self.all.append(part)

    def _of_decorated(self, thing: Any, inner: FunctionType) -> Part:
        """Applies decorators of installed packages to a function again."""
        found = definition.of_function(inner)
        decorators = self._decorators(found)
        is_cache = isinstance(thing, functools._lru_cache_wrapper)
        ways = (["decorated"] if decorators else []) + (["cache"] if is_cache else [])
        if not ways:
            text = f"{named(thing)} was wrapped by a call, and not by a decorator of its definition"
            hint = "write the wrapper as a decorator, or a function with `def` that calls it"
            raise InvalidError(text, hint=hint)
        if ways[self._choices.take(len(ways))] == "decorated":
            return self._defined(thing, found, decorators)
        around = thing.__wrapped__
        name = self.add(around).name
        options = thing.cache_parameters()
        text = f"{name} = _dml_lru_cache({options['maxsize']!r}, {options['typed']!r})({name})"
        part = Part(thing, self._name(thing, name), trees.parsed(text).body)
        part.statements[-1].targets[0].id = part.name  # type: ignore[attr-defined]
        self._tool("lru_cache")
        return part

    def _decorators(self, found: Found) -> list[ast.expr]:
        """Returns the decorators below this one."""
        every = found.node.decorator_list
        for index, decorator in enumerate(every):
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self._is_funk(_meaning(called, self.known)):
                return every[index + 1 :]
        return every


def _set_by_hand(name: str, function: FunctionType, found: Found) -> list[ast.stmt]:
    """Returns the statements that give a wrapper its name and docstring.

    Wrappers had them before there was ``functools.wraps``, and have them where it is not wanted.
    """
    if function.__name__ == found.node.name or "__wrapped__" in function.__dict__:
        return []
    text = f"{name}.__name__ = {function.__name__!r}"
    if function.__doc__ != ast.get_docstring(found.node, clean=False):
        text += f"\n{name}.__doc__ = {closures.text_of(function.__doc__)}"
    return trees.parsed(text).body


def _is_of_package(function: FunctionType) -> bool:
    file = function.__code__.co_filename
    return not file.startswith("<") and installed.has_file_of_package(file)


def refused(thing: Any) -> InvalidError:
    """Makes the error for an object that cannot be packaged."""
    text = f"{named(thing)} is not a function written in Python"
    hint = "write a function with `def` that calls it"
    if type(thing) is FunctionType:
        text = (
            f"{named(thing)} is of an installed package, and what is imported by that name is "
            "another: it was replaced in this process"
        )
    if isinstance(thing, str):
        text = f"{thing!r} is not a function written in Python"
        hint = f"options have names, such as @funk(adapter={thing!r})"
    return InvalidError(text, hint=hint)


def _meaning(node: ast.expr, known: Mapping[str, Any]) -> object:
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_meaning(node.value, known), node.attr, None)
    return None


def _may_be(cls: type, found: Found) -> bool:
    """Tells whether a definition may be that of a class, by its attributes and methods."""
    members = vars(cls)
    own = {each.co_name: each for each in found.code.co_consts if hasattr(each, "co_code")}
    for node in found.node.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = members.get(node.name)
            if isinstance(function, FunctionType) and not node.decorator_list:
                code = own.get(node.name)
                if code is None or code_objects.different(code, function.__code__):
                    return False
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    value = members.get(target.id)
                    is_plain = isinstance(value, (str, bytes, int, float)) or value is None
                    if is_plain and not code_objects.is_same_constant(value, node.value.value):
                        return False
    return True
