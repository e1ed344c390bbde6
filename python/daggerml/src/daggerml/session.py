"""The module-level functions, which use a default repository."""

from __future__ import annotations

from contextvars import ContextVar

from daggerml import _core
from daggerml.dml import _CONFIGURATION, Dml
from daggerml.released import accepts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from typing import Any, Literal, Optional, Union

    from daggerml._core import Ref
    from daggerml.dag import Dag
    from daggerml.dml import StrPath

__all__ = [
    "clear_default_dml",
    "get_default_dml",
    "init",
    "load",
    "new",
    "resume",
    "set_default_dml",
    "status",
    "temporary",
    "use_default_dml",
    "version",
]

_scoped: ContextVar[Optional[Dml]] = ContextVar("daggerml_default", default=None)
_process: Optional[Dml] = None
# Kept so that the store is not opened anew for every call.
_found: Optional[Dml] = None


def version() -> str:
    """Returns the version of DaggerML.

    >>> import daggerml
    >>> daggerml.version() == daggerml.__version__
    True
    """
    return _core.__version__


def init(project_home: StrPath = ".", *, shared: Optional[Literal["group"]] = None) -> Dml:
    """Makes a repository in the folder ``project_home``, or opens the one that is there.

    The same as :meth:`Dml.init`; on the command line it is ``dml init``.
    """
    return Dml.init(project_home, shared=shared)


def get_default_dml() -> Dml:
    """Returns the repository that the module-level functions use.

    That is the one of the innermost :func:`use_default_dml`, else the one of
    :func:`set_default_dml`, else the repository of the current directory or the
    nearest one above it. It is never made here: ``dml init`` and :func:`init` do that.

    :raises NotFoundError: when there is no repository.
    """
    return _resolve()[0]


def _resolve() -> tuple[Dml, str]:
    global _found  # noqa: PLW0603
    scoped = _scoped.get()
    if scoped is not None:
        return scoped, "scoped"
    # Each variable is read or written once, as another thread may clear it meanwhile.
    process = _process
    if process is not None:
        return process, "process"
    _found = found = Dml.discover()
    return found, "directory"


def set_default_dml(dml: Dml) -> None:
    """Makes ``dml`` the repository that the module-level functions use."""
    global _process  # noqa: PLW0603
    _process = dml


def clear_default_dml() -> None:
    """Undoes :func:`set_default_dml`."""
    global _process, _found  # noqa: PLW0603
    _process = _found = None


def use_default_dml(dml: Dml) -> AbstractContextManager[Dml]:
    """Makes ``dml`` the default inside a ``with`` block, in this thread or task.

    >>> import daggerml
    >>> with daggerml.temporary() as repo, daggerml.use_default_dml(repo):
    ...     with daggerml.new("answer") as dag:
    ...         dag.commit(42)
    ...     daggerml.load("answer").result.value()
    42
    """
    return _Default(dml)


class _Default:
    """Makes a repository the default inside ``with``."""

    def __init__(self, dml: Dml) -> None:
        self.dml = dml

    def __enter__(self) -> Dml:
        self.token = _scoped.set(self.dml)
        return self.dml

    def __exit__(self, *raised: object) -> None:
        _scoped.reset(self.token)


@accepts("cache_key", "execution_id")
def new(
    name: str,
    message: str = "",
    *,
    tags: Optional[Iterable[str]] = None,
    dml: Optional[Dml] = None,
) -> Dag:
    """Begins a draft that will be committed under ``name``.

    Use it in a ``with`` block: an exception that leaves the block is then recorded as the
    DAG's error.

    :param message: the message of the commit.
    :param tags: labels of the DAG.
    :param dml: the repository; by default the one of :func:`get_default_dml`.
    """
    return (dml or get_default_dml()).new(name, message, tags=tags)


@accepts(dep="remote")
def load(
    name: Union[str, Ref],
    dml: Optional[Dml] = None,
    *,
    revision: Union[str, Ref, None] = None,
    remote: Union[str, bool, None] = None,
) -> Dag:
    """Loads a committed DAG by its name or its ref, as of ``revision``; see :meth:`Dml.load`.

    :param dml: the repository; by default the one of :func:`get_default_dml`.
    :param remote: the remote whose branch is looked in, as it was when it was last fetched.
    :raises NotFoundError: when there is no such DAG or commit.
    """
    return (dml or get_default_dml()).load(name, revision=revision, remote=remote)


def resume(
    index: Optional[Ref],
    *,
    name: Optional[str] = None,
    message: Optional[str] = None,
    dml: Optional[Dml] = None,
) -> Dag:
    """Continues a draft that was frozen, or that another process left; see :meth:`Dml.resume`.

    :param index: its id, :attr:`Dag.token`.
    :param dml: the repository; by default the one of :func:`get_default_dml`.
    :raises NotFoundError: when there is no such draft.
    """
    return (dml or get_default_dml()).resume(index, name=name, message=message)


def status() -> dict[str, Any]:
    """Returns which repository is the default, and what is checked out there.

    ``default`` says by ``source`` what chose it: ``"scoped"`` (:func:`use_default_dml`),
    ``"process"`` (:func:`set_default_dml`) or ``"directory"``; ``status`` is :meth:`Dml.status`.
    """
    dml, source = _resolve()
    default = {
        "source": source,
        "has_scoped_override": _scoped.get() is not None,
        "has_process_default": _process is not None,
    }
    return {"default": default, "status": dml.status()}


@accepts(*_CONFIGURATION)
def temporary(prefix: str = "dml-", *, user: Optional[str] = None) -> AbstractContextManager[Dml]:
    """Makes a repository in a temporary folder, which is removed when ``with`` ends.

    >>> import daggerml
    >>> with daggerml.temporary() as repo:
    ...     repo.status()["branch"]
    'main'
    """
    return Dml.temporary(prefix, user=user)
