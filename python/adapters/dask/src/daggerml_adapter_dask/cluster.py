"""Finds the scheduler, and keeps a connection to it."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from daggerml.adapters.lines import AdapterError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ADDRESS", "connected", "forget", "leave"]

#: The environment variable that names the scheduler.
ADDRESS = "DAGGERML_DASK_SCHEDULER"

#: How long to wait for a scheduler, in seconds.
PATIENCE = 3.0

_client: Optional[Client] = None
# Kept, because a cluster ends with its last reference.
_cluster: list[Any] = []


def connected() -> Client:
    """Returns the connection to the scheduler. Makes a new one if it was lost."""
    global _client  # noqa: PLW0603
    if _client is not None and _client.status != "running":
        forget()
    if _client is None:
        from distributed import Client

        address = _address()
        try:
            _client = Client(address, timeout=PATIENCE, set_as_default=False, name="daggerml")
        except (OSError, ValueError, RuntimeError) as problem:
            raise _no_scheduler(address, problem) from None
    return _client


def forget() -> None:
    """Closes the connection."""
    global _client
    client, _client = _client, None
    if client is not None:
        try:
            client.close(timeout=1)
        except Exception as problem:  # noqa: BLE001  it is lost anyway
            print(f"while closing the connection: {problem}", file=sys.stderr)


def leave() -> None:
    """Ends the cluster, if this process started it."""
    if _cluster:
        cluster, lock = _cluster
        import shutil

        shutil.rmtree(Path(lock.name).parent, ignore_errors=True)
        cluster.close(timeout=2)


def _no_scheduler(address: str, problem: BaseException) -> AdapterError:
    text = (
        f"no Dask scheduler answers at {address} ({str(problem) or type(problem).__name__}); "
        f"start one with `dask scheduler`, or set {ADDRESS} to the address of yours"
    )
    return AdapterError("no_scheduler", text, transient=True)


def _address() -> str:
    import dask

    address = os.environ.get(ADDRESS) or dask.config.get("scheduler-address", None)
    if not address:
        text = (
            f"no Dask scheduler is set; set {ADDRESS} to its address, such as "
            f"tcp://10.0.0.1:8786, or to `local` to use a cluster on this machine"
        )
        raise AdapterError("no_scheduler", text)
    return _local() if address == "local" else str(address)


def _local() -> str:
    """Returns the address of the cluster on this machine that all processes of a caller use."""
    folder = Path(tempfile.gettempdir()) / f"daggerml-dask-{os.getuid()}-{os.getppid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    # Its name can be guessed, so somebody else may have made it, or a link in its place.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        text = f"{folder} is not a private folder of this user; remove it, or set TMPDIR"
        raise AdapterError("no_scheduler", text)
    told = folder / "scheduler"
    lock = (folder / "lock").open("w")
    if not _locked(lock):
        deadline = time.monotonic() + 60
        while not told.exists():
            if time.monotonic() > deadline:
                text = "another process of this adapter did not finish starting a cluster"
                raise AdapterError("no_scheduler", text, transient=True)
            time.sleep(0.05)
        return told.read_text("utf-8")
    from distributed import LocalCluster

    told.unlink(missing_ok=True)
    cluster = LocalCluster(dashboard_address=None, threads_per_worker=1)
    _cluster.extend([cluster, lock])
    address: str = cluster.scheduler_address
    new = folder / "new"
    new.write_text(address, "utf-8")
    new.replace(told)
    return address


def _locked(lock: Any) -> bool:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
