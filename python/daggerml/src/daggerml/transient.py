"""Transient failures: which exceptions count as such, and how calls are run again.

:class:`daggerml.Transient` always counts. So do the classes in ``@funk(transient=[...])``: the
runnable holds their names, and the process that runs the function looks them up.
"""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml.errors import BadExecutionStatusError, Error, InvalidError, NodeError, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from daggerml._core import OpenDag

__all__ = ["TAG", "Failure", "names", "tried"]

#: The tag of a call's DAG with a transient error. The engine knows it.
TAG = "daggerml:transient"

#: The longest wait, in seconds.
_FOR_EVER = 1e9

#: The first wait before a call is run again, in seconds.
FIRST_WAIT = 0.2


def names(
    given: Union[str, type[Exception], Iterable[Union[str, type[Exception]]]],
    helpers: Sequence[Any],
    *,
    modules: Sequence[str] = (),
) -> list[str]:
    """Returns the names of exception classes, as a runnable holds them.

    The name of a builtin class has no dot. That of a class in ``helpers`` begins with one: it is
    found in the source that runs. Any other is ``module.Class``. ``modules`` are the names of the
    modules that the funk brings along.

    :raises InvalidError: when a class cannot be found, or is not an exception.
    """
    each = [given] if isinstance(given, (str, type)) else list(given)
    own = {helper.__name__: helper for helper in helpers if isinstance(helper, type)}
    return sorted({_name(_class(one, own), one, own, modules) for one in each})


def _class(given: object, own: Mapping[str, type]) -> Optional[type]:
    """Returns the class of that name; ``None`` if it is known only where the function runs."""
    found = given
    if isinstance(given, str):
        words = given.split(".")
        if not all(word.isidentifier() for word in words):
            text = f"transient: {given!r} is not the name of an exception class"
            raise InvalidError(text, hint="write 'ConnectionError' or 'package.module.Class'")
        if len(words) == 1:
            found = own.get(given) or getattr(builtins, given, None)
        else:
            found = _imported(words)
            if found is None:
                return None
    if not isinstance(found, type) or not issubclass(found, BaseException):
        what = f"{given!r} is no exception class"
        if isinstance(given, str) and "." not in given:
            what += " of Python"
        hint = "name one of another module 'package.module.Class', or give the class itself"
        raise InvalidError(f"transient: {what}", hint=hint)
    if not issubclass(found, Exception):
        text = f"transient: {found.__name__} means that the process is to end, not that it failed"
        raise InvalidError(text, hint="name classes derived from Exception")
    return found


def _imported(words: list[str]) -> object:
    """Returns what a dotted name means; ``None`` if its package is not installed here."""
    from importlib import import_module

    for length in range(len(words) - 1, 0, -1):
        module = ".".join(words[:length])
        try:
            found: object = import_module(module)
        except ModuleNotFoundError as problem:
            missing = problem.name or ""
            if missing == words[0]:
                return None
            if module == missing or module.startswith(f"{missing}."):
                continue  # that part of the name may be a class
            text = f"transient: {'.'.join(words)!r} cannot be imported: {problem}"
            raise InvalidError(text) from None
        for word in words[length:]:
            found = getattr(found, word, False)
        return found
    return False


def _name(
    cls: Optional[type], given: object, own: Mapping[str, type], modules: Sequence[str]
) -> str:
    from daggerml.funks.installed import is_installed

    if cls is None:
        return str(given)
    if own.get(cls.__name__) is cls:
        return f".{cls.__name__}"
    if cls.__module__ == "builtins":
        return cls.__qualname__
    package = cls.__module__.partition(".")[0]
    there = package == "daggerml" or package in modules or cls.__module__ in modules
    if there or is_installed(cls):
        return f"{cls.__module__}.{cls.__qualname__}"
    text = (
        f"transient: {cls.__qualname__} is defined in {cls.__module__}, which is not installed, "
        "so it is not known where the funk runs"
    )
    raise InvalidError(text, hint=f"list it in helpers=[{cls.__name__}] as well")


class Failure:
    """An exception that ended a function: whether it is transient, and when to run it again."""

    __slots__ = ("_classes", "problem", "retried", "retry_after", "transient")

    #: Whether it is transient.
    transient: bool
    #: Whether a nested call failed, which was run again already.
    retried: bool
    #: The least number of seconds to wait.
    retry_after: float

    def __init__(
        self, problem: BaseException, named: Iterable[str] = (), known: Optional[Any] = None
    ) -> None:
        """Decides about ``problem``. ``known`` has what the source of the funk defines, by name."""
        self.problem = problem
        self._classes = [cls for name in named for cls in [_found(name, known or {})] if cls]
        self.retried = False
        self.retry_after = 0.0
        self.transient = self._counts(problem)

    def _counts(self, problem: BaseException) -> bool:
        # All of a group must count, or running it again would not help. What an exception
        # was raised from does not count: whoever wrapped it made another error of it.
        waiting, seen = [problem], 0
        while waiting:
            one = waiting.pop()
            if not self._counts_itself(one):
                inner = getattr(one, "exceptions", ())
                if not isinstance(one, _groups()) or not inner:
                    return False
                waiting.extend(inner)
            seen += 1
        return seen > 0

    def _counts_itself(self, one: BaseException) -> bool:
        if isinstance(one, Error) and one.transient:
            self.retried |= isinstance(one, (BadExecutionStatusError, NodeError))
            asked = getattr(one, "retry_after", None) if isinstance(one, Transient) else None
            self.retry_after = max(self.retry_after, _seconds(asked))
            return True
        return any(_is(one, cls) for cls in self._classes)

    def mark(self, dag: OpenDag) -> None:
        """Marks the DAG of the call, if the failure is transient."""
        if self.transient:
            dag.add_tag(TAG)

    def members(self) -> dict[str, Any]:
        """Returns the members of the adapter's answer that describe it."""
        found: dict[str, Any] = {}
        if self.transient and self.retried:
            found["retried"] = True
        if self.transient and self.retry_after:
            found["retry_after_ms"] = int(self.retry_after * 1000)
        return found


def _groups() -> tuple[type, ...]:
    found = getattr(builtins, "BaseExceptionGroup", None)
    if found is None:  # before Python 3.11 there is a package for them
        found = getattr(sys.modules.get("exceptiongroup"), "BaseExceptionGroup", None)
    return (found,) if isinstance(found, type) else ()


def _seconds(asked: object) -> float:
    """Returns a number of seconds; 0 for anything else, which must not hide the failure."""
    if isinstance(asked, (int, float)) and not isinstance(asked, bool) and asked > 0:
        return float(min(asked, _FOR_EVER))
    return 0.0


def _found(name: str, known: Mapping[str, Any]) -> Optional[type]:
    """Returns the class of that name, if this process has it.

    It imports nothing: the class of an exception that was raised is loaded.
    """
    found: object = None
    words = name.split(".")
    if words[0] == "":
        found = known.get(words[-1])
    elif len(words) == 1:
        found = getattr(builtins, name, None)
    else:
        for length in range(len(words) - 1, 0, -1):
            module = sys.modules.get(".".join(words[:length]))
            if module is not None:
                found = module
                for word in words[length:]:
                    found = getattr(found, word, None)
                break
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _is(problem: BaseException, cls: type) -> bool:
    try:
        return isinstance(problem, cls)
    except Exception:  # noqa: BLE001  a metaclass's own
        return False


def tried(
    function: Callable[[], Any], named: Iterable[str], known: Mapping[str, Any], retries: int
) -> Any:
    """Calls a function in this process, and again after transient failures."""
    import random
    import time

    failures = 0
    while True:
        try:
            return function()
        except Exception as problem:
            failure = Failure(problem, named, known)
            if not failure.transient or failure.retried or failures >= retries:
                raise
            wait = FIRST_WAIT * 2**failures * random.uniform(0.5, 1)  # noqa: S311  no secret
            time.sleep(min(max(wait, failure.retry_after), 3600))
            failures += 1
