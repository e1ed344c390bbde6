"""The adapter ``local``: runs Python functions and commands on this machine.

The program is :func:`run`, or ``python -m daggerml.adapters.local``. It answers any number of
requests, one after the other.
"""

from __future__ import annotations

import binascii
import os

from daggerml.adapters import depths, lines, work
from daggerml.adapters.lines import AdapterError
from daggerml.dml import Dml
from daggerml.errors import DmlRepoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["NAME", "run"]

#: The name by which a runnable asks for this adapter.
NAME = "local"

_repository: dict[str, Dml] = {}


def run() -> NoReturn:
    """Answers requests until standard input is closed, and ends the process."""
    try:
        lines.serve({"invoke": invoke, "poll": poll, "cancel": cancel, "describe": describe})
    finally:
        _clean_up()
    # A thread that a function left running would keep the process alive.
    lines._flush()
    os._exit(0)


def invoke(request: dict[str, Any]) -> dict[str, Any]:
    """Runs a call to its end."""
    try:
        bundle = binascii.a2b_base64(request["bundle"])
        ancestors = [*request.get("ancestors", ()), request["key"]]
    except (KeyError, TypeError, ValueError) as problem:
        raise AdapterError("invalid_request", f"the request lacks {problem}") from None
    shared = request.get("repository")
    try:
        repository = _opened(shared)
        depth = depths.depth_of(request)
        thin = shared is not None
        dag, made, more = work.run(repository, bundle, ancestors, depth=depth, thin=thin)
    except DmlRepoError as problem:
        raise AdapterError(problem.kind, str(problem)) from None
    encoded = binascii.b2a_base64(made, newline=False).decode("ascii")
    return {"state": "done", "dag": dag.id(), "bundle": encoded, **more}


def poll(request: dict[str, Any]) -> dict[str, Any]:
    """Answers that the token is unknown: ``invoke`` waits for the end of a call."""
    text = f"this adapter makes no tokens, so it does not know {request.get('token')!r}"
    raise AdapterError("unknown_token", text)


def cancel(request: dict[str, Any]) -> dict[str, Any]:
    """Answers that the call is stopped: no call runs while a request is read."""
    return {"state": "canceled"}


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Describes the adapter."""
    from daggerml import version

    return {
        "state": "description",
        "name": NAME,
        "version": version(),
        "protocols": [lines.PROTOCOL],
        "operations": ["cancel", "describe", "invoke", "poll"],
    }


def _opened(folder: Any) -> Dml:
    """Returns the caller's repository, or a temporary one when the caller shares none."""
    where = "" if folder is None else str(folder)
    if where not in _repository:
        if folder is None:
            import tempfile

            _repository[where] = Dml.init(tempfile.mkdtemp(prefix="dml-call-"))
        else:
            _repository[where] = Dml.open(folder)
    return _repository[where]


def _clean_up() -> None:
    scratch = _repository.pop("", None)
    if scratch is not None:
        import shutil

        shutil.rmtree(scratch.root, ignore_errors=True)


if __name__ == "__main__":
    run()
