"""Calls one hook of a build backend (PEP 517) and writes what it returns as JSON.

`hook.py HOOK BACKEND PATHS RESULT ARGUMENT...`: PATHS is a JSON list of folders that go
before all others on the search path. A hook that the backend lacks returns an empty list.
"""

import importlib
import json
import sys


def main() -> None:
    """Calls the hook that the arguments name."""
    hook, backend, paths, result, *arguments = sys.argv[1:]
    # This script's own folder is not for the backend to see.
    sys.path[0:1] = json.loads(paths)
    module, _, attributes = backend.partition(":")
    target = importlib.import_module(module)
    for name in filter(None, attributes.split(".")):
        target = getattr(target, name)
    function = getattr(target, hook, None)
    sys.argv = [sys.argv[0]]
    value = [] if function is None else function(*arguments)
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - quicker to start
        json.dump(value, file)


main()
