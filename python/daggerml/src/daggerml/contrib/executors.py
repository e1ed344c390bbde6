"""The base class of executors of DaggerML 0.1.x. Derived classes can be tested only."""

from __future__ import annotations

from typing import Any

from daggerml.contrib.authored import Authored
from daggerml.errors import InvalidError

__all__ = ["ExecutorBase"]

_GONE = {
    "BatchExecutor": "a program daggerml-adapter-batch of your own",
    "DockerExecutor": "the package daggerml-adapter-container",
    "LambdaExecutor": "a program daggerml-adapter-lambda of your own",
    "ScriptExecutor": "@daggerml.funk",
    "SshExecutor": "the package daggerml-adapter-ssh",
}


class ExecutorBase(Authored):
    """An executor of DaggerML 0.1.x, with a method for each operation."""

    name: str = ""
    adapter: str = ""

    @classmethod
    def handle(cls, *, operation: str, **payload: Any) -> dict[str, Any]:
        """Does one operation in a new instance: ``invoke`` starts a call, and later polls it."""
        fields = {name: payload.get(name) for name in ("cache_key", "execution_id", "runnable")}
        more = {name: payload.get(name) for name in ("remote", "scratch_uri")}
        state = payload.get("adapter_state")
        if operation == "invoke" and state is None:
            return cls().start(**fields, **more)
        if operation == "invoke":
            return cls().poll(**fields, state=state, **more)
        if operation == "cleanup":
            return cls().cleanup(**fields, state=state, **more)
        if operation == "cancel":
            return cls().cancel(**fields, state=state, **more)
        text = f"an operation is invoke, cleanup or cancel, not {operation!r}"
        raise InvalidError(text)

    def start(self, **payload: Any) -> dict[str, Any]:
        """Begins a call. Derived classes define it."""
        text = f"{type(self).__name__} does not define how a call begins"
        raise InvalidError(text, hint="define start")

    def poll(self, **payload: Any) -> dict[str, Any]:
        """Returns the state of a call. Derived classes define it."""
        text = f"{type(self).__name__} does not define the state of a call"
        raise InvalidError(text, hint="define poll")

    def cleanup(self, **payload: Any) -> dict[str, Any]:
        """Returns that there is nothing to clean up."""
        return {"status": "success", "adapter_state": None, "error": None}

    def cancel(self, **payload: Any) -> dict[str, Any]:
        """Returns that it cannot be stopped. Derived classes may define it."""
        state = payload.get("state")
        return {"status": "retry", "adapter_state": state, "error": "it cannot be stopped"}


def __getattr__(name: str) -> Any:
    if name in _GONE:
        text = f"{__name__} has no {name} here; instead there is {_GONE[name]} (guide 'adapters')"
        raise ImportError(text)
    text = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(text)
