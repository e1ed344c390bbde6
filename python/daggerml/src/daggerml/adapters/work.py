"""Runs one call: begins its DAG, calls the function and packs the result."""

from __future__ import annotations

import os
import sys

from daggerml import _core, log
from daggerml.adapters import depths, lines, modules, sources
from daggerml.adapters.lines import AdapterError
from daggerml.dag import Dag
from daggerml.errors import DmlRepoError, Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, Optional

    from daggerml._core import Ref, Runnable
    from daggerml.dml import Dml
    from daggerml.transient import Failure

__all__ = ["function_of", "run"]

#: The file names of funks begin like this: from such a frame on, a stack is the author's.
_FILE = "<funk "

#: The name of the module that the source of a funk becomes.
_MODULE = "daggerml_funk"


def run(
    repository: Dml, bundle: bytes, ancestors: list[str], *, thin: bool, depth: int = 0
) -> tuple[Ref, bytes, dict[str, Any]]:
    """Runs the call in ``bundle``. Returns the ref of its DAG, a bundle of it, and more members.

    The members belong into the adapter's answer: when to run the call again after a
    transient failure.

    What the function raises becomes the DAG's error. ``ancestors`` are the keys of the calls
    that this one is nested in, and its own key. ``depth`` is the number of layers around the
    runnable that other adapters have done.
    """
    core, runnable = _core.begin_call(repository._handle, bundle, ancestors)
    if depth:
        runnable = depths.inner(runnable, depth)
    runner = _RUNNERS.get(runnable.uri.uri)
    if runner is None:
        known = ", ".join(sorted(_RUNNERS))
        text = f"this adapter cannot run {runnable.uri.uri!r}; it can run: {known}"
        raise AdapterError("unsupported", text)
    _require(runnable.kwargs.get("requires") or [])
    name = runnable.kwargs.get("function", runnable.uri.uri)
    dag = Dag._begun(repository, core, str(name), "")
    failure: Optional[Failure] = None
    folder, environment, path = os.getcwd(), dict(os.environ), list(sys.path)
    lines.streams()
    try:
        with modules.brought(runnable.kwargs.get("modules") or {}):
            try:
                result = runner(dag, runnable)
                node, _ = core.put(result, None, dag._codec)
            except BaseException as problem:
                failure = _judged(problem, runnable)  # before its modules are removed
                raise
        return (*_core.end_call(core, node, None, thin=thin), {})
    except BaseException as problem:  # noqa: BLE001  it is the call's outcome
        error = _of_author(Error.from_ex(problem))
        parts = (error.message, error.origin, error.type, error.stack)
        failure = failure or _judged(problem, runnable)
        try:
            failure.mark(core)
            ended = _core.end_call(core, None, parts, thin=thin)
        except DmlRepoError:  # the function may have cancelled its DAG
            core, _ = _core.begin_call(repository._handle, bundle, ancestors)
            failure.mark(core)
            ended = _core.end_call(core, None, parts, thin=thin)
        return (*ended, failure.members())
    finally:
        # The next call in this process must begin like the first.
        dag._open = None
        sys.path[:] = path
        _restore(folder, environment)


def _judged(problem: BaseException, runnable: Runnable) -> Failure:
    from daggerml.transient import Failure  # only needed when a function fails

    return Failure(problem, _strings(runnable.kwargs.get("transient")), _own_names())


def _strings(value: Any) -> list[str]:
    return [it for it in value if isinstance(it, str)] if isinstance(value, list) else []


def _own_names() -> dict[str, Any]:
    """Returns what the source of the funk that ran last defines."""
    return dict(vars(sys.modules[_MODULE])) if _MODULE in sys.modules else {}


def _run_funk(dag: Dag, runnable: Runnable) -> Any:
    kwargs = runnable.kwargs
    for tag in kwargs.get("tags", ()):
        dag.add_tag(tag)
    for name, value in kwargs.get("prepop", {}).items():
        dag.put(value, name=name)
    function = function_of(runnable)
    args = list(dag.argv)
    try:
        return function(dag, *args)
    except TypeError as problem:
        if problem.__traceback__ is None or problem.__traceback__.tb_next is not None:
            raise
        # The function was not entered, because it takes other arguments.
        text = f"{problem}: a funk gets the DAG of its call, and then the arguments ({len(args)})"
        raise Error(text, "python", "TypeError") from None


def _require(required: list[str]) -> None:
    """Raises an error when packages that the call requires are not installed here."""
    if not required:
        return
    from daggerml.funks import requirements

    found = requirements.unmet(required)
    if found:
        text = f"{'; '.join(found)} (where the call would run: {sys.executable})"
        raise AdapterError("requirement", text)


def _run_command(dag: Dag, runnable: Runnable) -> Any:
    from daggerml.adapters import command

    return command.run(dag, runnable)


_RUNNERS: dict[str, Callable[[Dag, Runnable], Any]] = {
    "daggerml:funk/1": _run_funk,
    "daggerml:funk/2": _run_funk,
    "daggerml:command/1": _run_command,
}


def function_of(runnable: Runnable) -> Callable[..., Any]:
    """Returns the function of a funk, in a new module with its source."""
    source, name = runnable.kwargs["source"], runnable.kwargs["function"]
    file = f"{_FILE}{name}>"
    # So that tracebacks, debuggers and inspect show the lines.
    sources.remember(file, source)
    module = type(sys)(_MODULE)
    module.__file__ = file
    sys.modules[module.__name__] = module  # dataclasses and pickle look for it there
    # In the first format, annotations were always texts.
    are_texts = runnable.uri.uri == "daggerml:funk/1"
    exec(_compiled(source, file, are_texts=are_texts), module.__dict__)  # noqa: S102  running it is the purpose
    function: Callable[..., Any] = getattr(module, name)
    return function


#: What was compiled last: of a warm process, most calls are of a few functions.
_codes: dict[tuple[str, str, bool], CodeType] = {}
_MOST_CODES = 64


def _compiled(source: str, file: str, *, are_texts: bool) -> CodeType:
    code = _codes.get((source, file, are_texts))
    if code is None:
        code = _quickly_compiled(source, file) if not are_texts else None
        if code is None:
            import __future__ as future

            flags = future.annotations.compiler_flag if are_texts else 0
            code = compile(source, file, "exec", flags, dont_inherit=True, optimize=0)
        while len(_codes) >= _MOST_CODES:
            del _codes[next(iter(_codes))]
        _codes[source, file, are_texts] = code
    return code


def _quickly_compiled(source: str, file: str) -> Optional[CodeType]:
    """Compiles a text as Python's function does, but without what takes a new process long.

    Returns ``None`` for a text that Python's own function has to see: it may begin like a file
    that tells its encoding, or is not correct, and the error has to be Python's.
    """
    head = source.split("\n", 2)[:2]
    if sys.flags.optimize or source.startswith("\ufeff") or any("coding" in line for line in head):
        return None
    try:
        return _core.compile_module(source, file)
    except (SyntaxError, ValueError):
        return None


def _of_author(error: Error) -> Error:
    """Returns the error with the stack from the author's function on."""
    for index, frame in enumerate(error.stack):
        if str(frame.get("filename", "")).startswith(_FILE):
            return Error(error.message, error.origin, error.type, error.stack[index:])
    return error


def _restore(folder: str, environment: dict[str, str]) -> None:
    try:
        os.chdir(folder)
    except OSError as problem:
        log.debug("a call removed the folder that it began in: %s", problem)
    if os.environ != environment:
        os.environ.clear()
        os.environ.update(environment)
