"""What the ``dml`` command does with a repository's commits, branches, tags and settings."""

from __future__ import annotations

from daggerml import _core
from daggerml.released import Listed, accepts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, Optional, Union

    from daggerml._core import Ref

    Side = Literal["ours", "theirs"]
    Revision = Union[str, Ref]

__all__ = ["Branches", "Config", "History", "Tags", "revision_text"]


class History:
    """The commits of a repository, which :attr:`Dml.history` is.

    A ``revision`` is the ref of a commit, or text: an id, a branch, a tag, ``"HEAD~2"`` ...

    >>> from daggerml import Dml
    >>> with Dml.temporary() as repo:
    ...     for number in range(2):
    ...         with repo.new("count", message=f"to {number}") as dag:
    ...             dag.commit(number)
    ...     undone = repo.history.revert("HEAD")
    ...     print(repo.load("count").result.value())
    ...     print(undone == repo.history.rev_parse("main"), len(repo.history.log()))
    0
    True 3
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    def rev_parse(self, revision: str) -> Ref:
        """Returns the ref of the commit, DAG or node that a revision stands for.

        :raises NotFoundError: when it stands for nothing.
        """
        return self._handle.rev_parse(revision)

    def log(
        self,
        revision: Revision = "HEAD",
        limit: Optional[int] = 10,
        *,
        dag: Optional[str] = None,
        first_parent: bool = False,
    ) -> list[dict[str, Any]]:
        """Returns the commits up to a revision (or of a range ``A..B``), newest first.

        Each has ``commit`` (its ref), ``parents`` (a list of refs), ``author``, ``message`` and
        ``time`` (a ``datetime`` in UTC).

        :param limit: how many at most; ``None`` for all.
        :param dag: only commits that changed the DAG of this name.
        :param first_parent: whether to leave out what merges brought in.
        """
        from datetime import datetime, timedelta, timezone

        entries = self._handle.log(revision_text(revision), limit, dag, first_parent)
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
        for entry in entries:
            entry["time"] = epoch + timedelta(microseconds=entry["time"])
        return entries

    def diff(
        self, revision: Revision = "HEAD", relative_to: Optional[Revision] = None
    ) -> dict[str, tuple[Optional[Ref], Optional[Ref]]]:
        """Returns the names whose DAGs differ, each with the DAG before and the DAG after.

        ``None`` stands for no DAG. Without ``relative_to``, it is what the commit itself changed.
        """
        before = None if relative_to is None else revision_text(relative_to)
        return _core.diff(self._handle, revision_text(revision), before)

    def checkout(self, revision: Revision) -> dict[str, Any]:
        """Checks out a branch, or else a commit. Returns :meth:`Dml.status` afterwards."""
        _core.checkout(self._handle, revision_text(revision))
        return self._handle.status()

    def merge(
        self,
        revision: Revision,
        *,
        ff: Literal["auto", "never", "only"] = "auto",
        favor: Optional[Side] = None,
        message: Optional[str] = None,
    ) -> Ref:
        """Merges a revision into the branch that is checked out. Returns the commit it is at then.

        A name that both sides changed is a conflict. The merge then waits for
        :meth:`resolve_conflict` and :meth:`merge_continue`, or for :meth:`merge_abort`.

        :param ff: whether the branch may move without a new commit (a fast forward): ``"auto"``
            when it can, ``"never"``, or ``"only"``, which refuses any other merge.
        :param favor: the side that wins every conflict.
        :raises DmlRepoError: of kind ``conflict``, when there are conflicts.
        """
        return _core.merge(self._handle, revision_text(revision), ff, favor, message)

    def conflicts(self) -> dict[str, Optional[str]]:
        """Returns the names in conflict in a waiting merge, each with what was chosen for it."""
        return _core.conflicts(self._handle)

    def resolve_conflict(self, name: str, choice: str) -> None:
        """Chooses the DAG that a name in conflict gets.

        :param choice: ``"ours"``, ``"theirs"``, ``"removed"``, or a revision of a DAG.
        """
        _core.resolve_conflict(self._handle, name, choice)

    def merge_continue(self) -> Ref:
        """Completes a merge whose conflicts are resolved. Returns its commit."""
        return _core.merge_continue(self._handle)

    def merge_abort(self) -> None:
        """Gives up a waiting merge, and changes nothing."""
        _core.merge_abort(self._handle)

    def rebase(
        self,
        revision: Revision,
        *,
        favor: Optional[Side] = None,
        resolve: Optional[Mapping[str, str]] = None,
    ) -> Ref:
        """Makes the commits of the checked-out branch again on top of a revision.

        Returns the last of them.

        :param favor: the side that wins every conflict.
        :param resolve: a choice for each name in conflict; see :meth:`resolve_conflict`.
        :raises DmlRepoError: of kind ``conflict``, with the name of a conflict that neither
            resolves. Nothing is changed then.
        """
        return _core.rebase(self._handle, revision_text(revision), favor, dict(resolve or {}))

    def revert(
        self,
        revision: Revision,
        message: Optional[str] = None,
        *,
        mainline: Optional[int] = None,
        favor: Optional[Side] = None,
        resolve: Optional[Mapping[str, str]] = None,
    ) -> Ref:
        """Makes a commit that undoes another one. Returns it.

        :param mainline: which parent (from 1) to go back to, where the other one is a merge.
        :param favor: the side that wins every conflict.
        :param resolve: a choice for each name in conflict; see :meth:`resolve_conflict`.
        :raises DmlRepoError: of kind ``conflict``, as :meth:`rebase` does.
        """
        text = revision_text(revision)
        return _core.revert(self._handle, text, message, mainline, favor, dict(resolve or {}))

    def delete_dag(self, *names: str, message: Optional[str] = None) -> Ref:
        """Makes a commit without the DAGs of these names. Earlier commits keep them."""
        return _core.delete_dags(self._handle, list(names), message)

    def rename_dag(
        self, old: str, new: str, *, force: bool = False, message: Optional[str] = None
    ) -> Ref:
        """Makes a commit in which a DAG has another name; ``force`` replaces one of that name."""
        return _core.rename_dag(self._handle, old, new, force, message)

    def __repr__(self) -> str:
        return f"<the history of {str(self._handle.root)!r}>"


class Branches:
    """The branches of a repository: :attr:`Dml.branch`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    @accepts("remote", "dep")
    def list(self) -> dict[str, Ref]:
        """Returns the names of the branches with their commits."""
        return Listed(_core.refs(self._handle, tags=False))

    @accepts("remote")
    def create(self, name: str, revision: Optional[Revision] = "HEAD") -> Ref:
        """Makes a branch at a revision (``None`` is ``"HEAD"``). Returns its commit."""
        text = revision_text(revision or "HEAD")
        return _core.create_branch(self._handle, name, text, force=False)

    def move(self, name: str, revision: Revision) -> Ref:
        """Lets a branch be at another commit; it is made if need be."""
        return _core.create_branch(self._handle, name, revision_text(revision), force=True)

    def rename(self, old: str, new: str) -> None:
        """Gives a branch another name."""
        _core.rename_branch(self._handle, old, new)

    def get_upstream(self, name: Optional[str] = None) -> Optional[dict[str, Any]]:
        """Returns what a branch (by default the one that is checked out) follows.

        ``None``, or ``name`` (``"origin/main"``), ``remote``, ``branch``, ``commit``, and how
        many commits it is ``ahead`` and ``behind``, as of the last fetch.
        """
        return _core.upstream(self._handle, name)

    def set_upstream(self, upstream: Optional[str], name: Optional[str] = None) -> None:
        """Lets a branch (by default the one that is checked out) follow one of a remote.

        :param upstream: ``"REMOTE/BRANCH"``, or ``None`` to follow nothing.
        """
        _core.set_upstream(self._handle, upstream, name)

    def delete(self, name: str, *, force: bool = False) -> Ref:
        """Deletes a branch; returns where it was.

        That is refused when its commits would be on no branch or tag, unless ``force``.
        """
        return _core.delete_branch(self._handle, name, force)

    def __repr__(self) -> str:
        return f"<the branches of {str(self._handle.root)!r}: {', '.join(self.list()) or 'none'}>"


class Tags:
    """The tags of a repository: :attr:`Dml.tag`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    @accepts("remote", "dep")
    def list(self) -> dict[str, Ref]:
        """Returns the names of the tags with their commits."""
        return Listed(_core.refs(self._handle, tags=True))

    @accepts("remote")
    def create(self, name: str, revision: Revision = "HEAD") -> Ref:
        """Makes a tag; returns its commit."""
        return _core.create_tag(self._handle, name, revision_text(revision))

    def delete(self, name: str) -> Ref:
        """Deletes a tag; returns where it was."""
        return _core.delete_tag(self._handle, name)

    def __repr__(self) -> str:
        return f"<the tags of {str(self._handle.root)!r}: {', '.join(self.list()) or 'none'}>"


class Config:
    """The settings that count for a repository: :attr:`Dml.config`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    def list(self) -> dict[str, str]:
        """Returns all settings: the repository's own, and the user's."""
        return _core.settings(self._handle)

    def get(self, key: str) -> Optional[str]:
        """Returns a setting, as text; ``None`` when it is not set."""
        return _core.setting(self._handle, key)

    @accepts("scope")
    def set(self, key: str, value: Optional[str], *, user: bool = False) -> None:
        """Changes a setting of the repository, or the user's; ``None`` removes it."""
        _core.set_setting(self._handle, key, value, user)

    def add(self, key: str, value: str, *, user: bool = False) -> None:
        """Adds to a setting that is a list, of the repository or the user."""
        _core.add_setting(self._handle, key, value, user)

    def __repr__(self) -> str:
        return f"<the settings of {str(self._handle.root)!r}>"


def revision_text(revision: Revision) -> str:
    """Returns a revision as the text that stands for it."""
    return revision.id() if isinstance(revision, _core.Ref) else revision
