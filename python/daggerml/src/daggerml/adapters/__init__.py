"""The built-in adapter ``local``, and the parts for adapters in Python.

| module | holds |
|---|---|
| ``lines`` | the protocol's lines, on descriptors of their own |
| ``local`` | the program: ``daggerml.adapters.local.run`` |
| ``depths`` | how many layers around a runnable are done |
| ``work`` | one call: makes its DAG, runs the function, packs the result as a bundle |
| ``layers`` | runnables that say how another one runs, such as in which container |
| ``modules``, ``sources`` | the modules that a funk brings along, and lines for tracebacks |
| ``options`` | resources and options, the same for all adapters |
| ``job`` | a call in a folder, run by a process that outlives whoever started it |
| ``records`` | what runs where, kept durably |
| ``payload`` | the packages that another machine lacks |
| ``answers`` | the check of what another machine answered |
| ``command`` | commands: any executable as a function |
| ``process`` | a process of the adapter, for programs that drive one |

The protocol is specified in ``docs/spec/execution.md``.
"""

from __future__ import annotations

import sys

__all__ = ["program"]


def program(module: str, function: str) -> list[str]:
    """Returns the command that runs a function of a module in a new interpreter.

    It looks for modules in the same folders as this process, in the same order. So it looks in
    the current folder only if this process does. Arguments that follow are the function's own.
    """
    entries: list[object] = [*sys.path]  # some programs put other objects there
    paths = [each for each in entries if isinstance(each, str)]
    end = len(paths) + 1
    # What is imported is no garbage, so it is not searched for any, now and later.
    start = (
        f"import gc, sys; gc.disable(); sys.path[:] = sys.argv[1:{end}]; del sys.argv[1:{end}]; "
        f"from {module} import {function} as main; gc.freeze(); gc.enable(); sys.exit(main())"
    )
    return [sys.executable, "-c", start, *paths]
