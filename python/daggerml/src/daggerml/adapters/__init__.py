"""The built-in adapter ``local``, and the parts for adapters in Python.

| module | holds |
|---|---|
| ``lines`` | the protocol's lines, on descriptors of their own |
| ``local`` | the program: ``daggerml.adapters.local.run`` |
| ``work`` | one call: makes its DAG, runs the function, packs the result as a bundle |
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
    the current folder only if this process does.
    """
    start = (
        "import sys; sys.path[:] = sys.argv[1:]; del sys.argv[1:]; "
        f"from {module} import {function} as main; sys.exit(main())"
    )
    entries: list[object] = [*sys.path]  # some programs put other objects there
    return [sys.executable, "-c", start, *(each for each in entries if isinstance(each, str))]
