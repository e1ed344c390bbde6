"""Remotes: what a repository shares with others, which :attr:`Dml.remotes` is."""

from __future__ import annotations

import os

from daggerml import _core
from daggerml.errors import InvalidError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal, Optional, Union

    from daggerml._core import Ref
    from daggerml.history import Side

    Findings = list[dict[str, str]]
    OnProgress = Optional[Callable[[dict[str, Any]], object]]

__all__ = [
    "Dependencies",
    "Remotes",
    "address",
    "checked_depth",
    "folder_of",
    "remote_revision",
]


_MOST_COMMITS = 2**32
"""One more than the largest number of commits that can be asked for."""


class Remotes:
    """The remotes of a repository: :attr:`Dml.remotes`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    def list(self) -> dict[str, str]:
        """Returns the names of the remotes with their addresses."""
        return _core.remotes(self._handle)

    def add(self, name: str, root: str) -> str:
        """Adds a remote. Nothing is asked of it: the first push makes it.

        :param root: its address: the path of a folder, ``file:///path``, ``ssh://host/path``,
            ``s3://bucket/prefix`` ...
        :returns: its address as it is shown, without what may be secret in it.
        :raises DmlRepoError: of kind ``exists``, when there is a remote of that name.
        """
        _core.set_remote(self._handle, name, address(root), again=False)
        return self.list()[name]

    def set_url(self, name: str, root: str) -> str:
        """Gives a remote another address. Returns it as :meth:`add` does."""
        _core.set_remote(self._handle, name, address(root), again=True)
        return self.list()[name]

    def remove(self, name: str) -> None:
        """Forgets a remote. What is at the remote stays as it is."""
        _core.remove_remote(self._handle, name)

    def branches(self, name: Optional[str] = None) -> dict[str, Ref]:
        """Returns a remote's branches, as they were when they were last fetched."""
        return _core.remote_refs(self._handle, _named(self._handle, name), now=False)

    def refs(self, name: Optional[str] = None) -> dict[str, Ref]:
        """Asks a remote for its branches and tags. Returns them by their full names.

        >>> import os, tempfile
        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo, tempfile.TemporaryDirectory() as folder:
        ...     address = repo.remotes.add("origin", os.path.join(folder, "team"))
        ...     with repo.new("base") as dag:
        ...         dag.commit(1)
        ...     pushed = repo.push()
        ...     print(list(repo.remotes.list()), list(repo.remotes.refs()))
        ['origin'] ['heads/main']
        """
        return _core.remote_refs(self._handle, _named(self._handle, name), now=True)

    def push(
        self,
        refs: Union[str, Sequence[str], None] = None,
        *,
        remote: Optional[str] = None,
        force: Union[bool, Literal["lease"]] = False,
        all: bool = False,  # noqa: A002
        tags: bool = False,
        set_upstream: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress = None,
    ) -> dict[str, Any]:
        """Sends commits to a remote, and moves its branches: all of those asked for, or none.

        Returns ``changes`` (each with ``ref``, ``change``, ``before`` and ``after``), and how
        many ``packs``, ``objects`` and ``bytes`` were sent.

        :param refs: branches, tags, ``"REVISION:BRANCH"``, or ``":BRANCH"`` to delete one; by
            default what is checked out.
        :param remote: its name; by default the one that the branch follows, else ``origin``,
            else the only one.
        :param force: whether branches may move to commits that do not follow; with ``"lease"``
            only where the remote's are still where they were when they were last fetched.
        :param all: whether to push all branches; ``tags``: all tags.
        :param set_upstream: whether the branches follow those at the remote from now on. A
            branch that follows nothing follows the one of its name anyway.
        :param dry_run: whether only to return what would change.
        :param on_progress: is called with ``phase``, ``objects``, ``bytes`` and ``total``.
        :raises DmlRepoError: of kind ``conflict``, when a branch may not move.

        >>> import os, tempfile
        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo, tempfile.TemporaryDirectory() as folder:
        ...     address = repo.remotes.add("origin", os.path.join(folder, "team"))
        ...     with repo.new("base") as dag:
        ...         dag.commit(1)
        ...     pushed = repo.push()
        ...     other = Dml.clone(address, os.path.join(folder, "mine"))
        ...     print(pushed["changes"][0]["change"], other.load("base").result.value())
        ...     del other
        created 1
        """
        if force not in {True, False, "lease"}:
            raise InvalidError(f'force must be True, False or "lease", not {force!r}')
        names = [refs] if isinstance(refs, str) else list(refs or ())
        # 0.1.x wrote a tag as "@v1", and what is checked out as "HEAD".
        names = [] if names == ["HEAD"] else [self._pushed(name) for name in names]
        return _core.push(
            self._handle,
            _named(self._handle, remote),
            names,
            branches=all,
            tags=tags,
            force={True: "yes", False: "no", "lease": "lease"}[force],
            set_upstream=set_upstream,
            dry_run=dry_run,
            on_step=on_progress,
        )

    def _pushed(self, name: str) -> str:
        if name == "HEAD":
            return str(self._handle.status()["branch"] or name)
        return name.removeprefix("@")

    def fetch(
        self,
        remote: Optional[str] = None,
        *,
        tags: bool = True,
        prune: bool = False,
        dry_run: bool = False,
        depth: Optional[int] = None,
        unshallow: bool = False,
        filter: Optional[str] = None,  # noqa: A002
        on_progress: OnProgress = None,
    ) -> dict[str, Any]:
        """Brings what is new at a remote here; returns what changed, as :meth:`push` does.

        Afterwards ``"REMOTE/BRANCH"`` is a revision. The own branches stay as they are.

        :param remote: as in :meth:`push`, as are ``dry_run`` and ``on_progress``.
        :param tags: whether tags come along.
        :param prune: whether to forget branches that are gone there.
        :param depth: in a shallow clone, how many commits of each branch are to be here at
            least; ``unshallow``: all of them.
        :param filter: which values stay at the remote until they are read, from now on: those
            over a size with ``"values:1MiB"``; with ``"none"`` all come, also those that were
            left there.
        """
        return _core.fetch(
            self._handle,
            _named(self._handle, remote),
            tags=tags,
            prune=prune,
            dry_run=dry_run,
            depth=checked_depth(depth),
            unshallow=unshallow,
            filter=filter,
            on_step=on_progress,
        )

    def pull(
        self,
        branch: Optional[str] = None,
        *,
        remote: Optional[str] = None,
        ff: Literal["auto", "never", "only"] = "auto",
        favor: Optional[Side] = None,
        depth: Optional[int] = None,
        on_progress: OnProgress = None,
    ) -> dict[str, Any]:
        """Fetches, and joins a branch of the remote into what is checked out.

        Returns what :meth:`fetch` does, with ``from`` (``"REMOTE/BRANCH"``), ``merge``
        (``"up_to_date"``, ``"fast_forward"`` or ``"merged"``) and ``commit``.

        :param branch: by default the one that is followed, or that of the same name.
        :param remote: as in :meth:`push`; ``ff`` and ``favor`` as in :meth:`History.merge`,
            ``depth`` as in :meth:`fetch`.
        :raises DmlRepoError: of kind ``conflict``; the merge then waits, as that of
            :meth:`History.merge`.
        """
        return _core.pull(
            self._handle,
            _named(self._handle, remote),
            branch=branch,
            ff=ff,
            favor=favor,
            depth=checked_depth(depth),
            on_step=on_progress,
        )

    def gc(
        self,
        name: Optional[str] = None,
        *,
        grace: int = 24 * 3600,
        result_days: Optional[int] = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Removes what no branch or tag of a remote reaches, and old results of calls.

        Returns how many ``packs`` there are now, how many were ``rewritten``, how many blobs
        were ``deleted``, the ``bytes`` that they had, and how many are ``waiting``, since they
        are too young; how many shared ``results`` there are, and ``results_deleted``.

        :param grace: how many seconds old garbage must be, by the remote's clock.
        :param result_days: for how many days a shared result stays that no branch or tag
            names. By default, the setting ``remote.NAME.result-days`` says it, or it is 90.
        :param dry_run: whether only to return what would be done.
        """
        return _core.remote_gc(
            self._handle, _named(self._handle, name), grace, result_days, dry_run
        )

    def fsck(self, name: Optional[str] = None) -> Findings:
        """Reads all of a remote. Returns what is damaged there; normally nothing.

        Each finding has ``name`` (of the blob or ref) and ``detail``.
        """
        findings = _core.remote_fsck(self._handle, _named(self._handle, name))
        return [{"name": name, "detail": detail} for name, detail in findings]

    def __repr__(self) -> str:
        names = ", ".join(self.list()) or "none"
        return f"<the remotes of {str(self._handle.root)!r}: {names}>"


class Dependencies(Remotes):
    """The remotes, with the names that 0.1.x had for dependencies: :attr:`Dml.dep`."""

    __slots__ = ()

    def delete(self, name: str) -> None:
        """Forgets a remote; see :meth:`Remotes.remove`."""
        self.remove(name)


def remote_revision(
    handle: _core.Repository, remote: Union[str, bool], revision: Union[str, Ref, None]
) -> str:
    """Returns a revision of a remote, as it was when it was last fetched."""
    if isinstance(revision, _core.Ref):
        return revision.id()
    name = _named(handle, None if remote is True else str(remote))
    if revision is None:
        upstream = _core.upstream(handle)
        if upstream is not None and upstream["remote"] == name:
            revision = upstream["branch"]
        else:
            revision = handle.status()["branch"] or "main"
    return f"{name}/{revision}"


def checked_depth(depth: Optional[int]) -> Optional[int]:
    """Returns a number of commits, if it is one."""
    if depth is not None and (isinstance(depth, bool) or not 0 < depth < _MOST_COMMITS):
        raise InvalidError(f"depth is a number of commits, 1 or more, not {depth!r}")
    return depth


def address(root: Union[str, os.PathLike[str]]) -> str:
    """Returns an address; that of a folder as an absolute path."""
    text = os.fspath(root)
    path = os.path.abspath(text)
    if not text or text.startswith("-") or "://" in text:
        return text
    if ":" in text.partition("/")[0] and not os.path.lexists(path):
        return text  # such as host:path, which the engine refuses
    return path


def folder_of(root: Union[str, os.PathLike[str]]) -> str:
    """Returns the last part of an address, which names the folder of a clone."""
    text = os.fspath(root).rpartition("://")[2]
    name = os.path.basename(text.partition("?")[0].partition("#")[0].rstrip("/\\"))
    if name in {"", ".", ".."}:
        raise InvalidError(f"{root!r} names no folder to clone into", hint="give project_home")
    return name


def _named(handle: _core.Repository, remote: Optional[str]) -> str:
    return _core.default_remote(handle) if remote is None else remote
