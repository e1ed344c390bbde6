"""The code that the machines of the cluster run. It is sent there: they need only ``daggerml``."""

from __future__ import annotations

from typing import Any

__all__ = ["ask_to_secede", "run", "stop"]


def run(name: str, request: dict[str, Any], scheduler: str) -> dict[str, Any]:
    """Runs a call in a process of this machine, and returns the adapter's answer."""
    import distributed

    from daggerml.adapters.process import run_call

    seceded: list[str] = []
    waiting = distributed.get_worker().__dict__.setdefault("_daggerml_waiting", set())

    def on_wait(name: str) -> None:
        # A call that waits for a nested call lets its worker run another task.
        if name in waiting and not seceded:
            seceded.append(name)
            distributed.secede()

    try:
        return run_call(name, request, {"DAGGERML_DASK_SCHEDULER": scheduler}, on_wait)
    finally:
        waiting.discard(name)


def stop(name: str) -> bool:
    """Stops a call that runs on this machine."""
    from daggerml.adapters.process import stop_call

    return stop_call(name)


def ask_to_secede(key: str, dask_worker: Any = None) -> None:
    """Records that the call of that key, if it runs here, waits for another one."""
    from daggerml.adapters.process import running

    names = [name for name in running() if name.startswith(f"daggerml-{key}-")]
    dask_worker.__dict__.setdefault("_daggerml_waiting", set()).update(names)
