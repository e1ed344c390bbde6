"""What the ``dml`` command does with a repository's history, settings and garbage."""

from __future__ import annotations

from daggerml import _core
from daggerml.released import accepts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, Optional, Union

    from daggerml._core import Ref

    Side = Literal["ours", "theirs"]
    Revision = Union[str, Ref]

__all__ = ["Branches", "Config", "History", "Tags", "revision_text"]


class History:
    """Branches, tags and commits of a repository; :class:`daggerml.Dml` is one."""

    __slots__ = ()
    _handle: _core.Repository

    @property
    def branch(self) -> Branches:
        """The branches: ``list``, ``create``, ``move``, ``rename``, ``delete``.

        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo:
        ...     with repo.new("base") as dag:
        ...         dag.commit(1)
        ...     made = repo.branch.create("trial")
        ...     status = repo.checkout("trial")
        ...     with repo.new("idea") as dag:
        ...         dag.commit(2)
        ...     status = repo.checkout("main")
        ...     print(list(repo.branch.list()), list(repo.dags()))
        ...     merged = repo.merge("trial")
        ...     print(list(repo.dags()))
        ['main', 'trial'] ['base']
        ['base', 'idea']
        """
        return Branches(self._handle)

    @property
    def tag(self) -> Tags:
        """The tags: ``list``, ``create``, ``delete``."""
        return Tags(self._handle)

    @property
    def config(self) -> Config:
        """The settings: ``list``, ``get``, ``set``."""
        return Config(self._handle)

    def status(self) -> dict[str, Any]:
        """Tell what is checked out: root, branch, commit, and the number of DAGs."""
        return self._handle.status()

    @accepts("remote")
    def checkout(self, revision: Revision) -> dict[str, Any]:
        """Choose the branch, or else the commit, that is checked out; the status then."""
        _core.checkout(self._handle, revision_text(revision))
        return self.status()

    @accepts("ff_only", "remote")
    def merge(
        self,
        revision: Revision,
        *,
        ff: Literal["auto", "never", "only"] = "auto",
        favor: Optional[Side] = None,
        message: Optional[str] = None,
    ) -> Ref:
        """Merge a revision into what is checked out; returns the commit that it leads to.

        A name that both sides changed is a conflict, unless ``favor`` says who is
        right: a :class:`DmlRepoError` of kind ``conflict``, and the merge waits for
        :meth:`resolve_conflict` and :meth:`merge_continue`, or :meth:`merge_abort`.
        """
        return _core.merge(self._handle, revision_text(revision), ff, favor, message)

    def conflicts(self) -> dict[str, Optional[str]]:
        """Return the names that a waiting merge is about, each with what was chosen."""
        return _core.conflicts(self._handle)

    def resolve_conflict(self, name: str, choice: str) -> None:
        """Choose ``"ours"``, ``"theirs"``, ``"removed"``, or a revision of a DAG, for a name."""
        _core.resolve_conflict(self._handle, name, choice)

    def merge_continue(self) -> Ref:
        """End a merge whose conflicts are resolved; returns its commit."""
        return _core.merge_continue(self._handle)

    def merge_abort(self) -> None:
        """Give up a merge that waits."""
        _core.merge_abort(self._handle)

    @accepts("remote")
    def rebase(
        self,
        revision: Revision,
        *,
        favor: Optional[Side] = None,
        resolve: Optional[Mapping[str, str]] = None,
    ) -> Ref:
        """Make the commits of what is checked out anew on top of a revision.

        A conflict is an error that names it, and nothing is changed: then ``resolve``
        has the choice for each name (see :meth:`resolve_conflict`), or ``favor`` for all.
        """
        return _core.rebase(self._handle, revision_text(revision), favor, dict(resolve or {}))

    @accepts("remote")
    def revert(
        self,
        revision: Revision,
        message: Optional[str] = None,
        *,
        mainline: Optional[int] = None,
        favor: Optional[Side] = None,
        resolve: Optional[Mapping[str, str]] = None,
    ) -> Ref:
        """Commit the undoing of a commit; of a merge, back to its parent ``mainline``.

        Conflicts are as in :meth:`rebase`.
        """
        text = revision_text(revision)
        return _core.revert(self._handle, text, message, mainline, favor, dict(resolve or {}))

    @accepts("remote", "dep")
    def diff(
        self, revision: Revision = "HEAD", relative_to: Optional[Revision] = None
    ) -> dict[str, tuple[Optional[Ref], Optional[Ref]]]:
        """Return the names whose DAGs differ, each with the DAG before and the DAG after.

        Without ``relative_to`` it is what the commit itself changed.
        """
        before = None if relative_to is None else revision_text(relative_to)
        return _core.diff(self._handle, revision_text(revision), before)

    def delete_dag(self, *names: str, message: Optional[str] = None) -> Ref:
        """Take names of DAGs away, by a commit; earlier commits keep them."""
        return _core.delete_dags(self._handle, list(names), message)

    def rename_dag(
        self, old: str, new: str, *, force: bool = False, message: Optional[str] = None
    ) -> Ref:
        """Give a DAG another name, by a commit; ``force`` takes a name that is in use."""
        return _core.rename_dag(self._handle, old, new, force, message)

    @accepts("remote")
    def gc(self, *, dry_run: bool = False) -> dict[str, dict[str, int]]:
        """Remove objects that nothing refers to; how many are kept and removed, by kind.

        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo:
        ...     with repo.new("kept") as dag:
        ...         dag.commit(1)
        ...     repo.gc()["removed"]
        {}
        """
        return _core.gc(self._handle, dry_run)

    def fsck(self) -> list[dict[str, Any]]:
        """Check everything; returns what is damaged: nothing, one hopes.

        Each finding has ``subject``, ``name``, ``detail``, ``referrers`` and ``lost``;
        an object also ``kind`` and ``id``.
        """
        return _core.fsck(self._handle)


class Branches:
    """The branches of a repository: :attr:`Dml.branch <History.branch>`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    @accepts("remote", "dep")
    def list(self) -> dict[str, Ref]:
        """Return the names of the branches with their commits."""
        return _core.refs(self._handle, tags=False)

    @accepts("remote")
    def create(self, name: str, revision: Revision = "HEAD") -> Ref:
        """Make a branch; returns its commit."""
        return _core.create_branch(self._handle, name, revision_text(revision), force=False)

    def move(self, name: str, revision: Revision) -> Ref:
        """Let a branch be at another commit; it is made if need be."""
        return _core.create_branch(self._handle, name, revision_text(revision), force=True)

    def rename(self, old: str, new: str) -> None:
        """Give a branch another name."""
        _core.rename_branch(self._handle, old, new)

    def delete(self, name: str, *, force: bool = False) -> Ref:
        """Delete a branch; returns where it was.

        That is refused when its commits would be on no branch or tag, unless ``force``.
        """
        return _core.delete_branch(self._handle, name, force)


class Tags:
    """The tags of a repository: :attr:`Dml.tag <History.tag>`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    @accepts("remote", "dep")
    def list(self) -> dict[str, Ref]:
        """Return the names of the tags with their commits."""
        return _core.refs(self._handle, tags=True)

    @accepts("remote")
    def create(self, name: str, revision: Revision = "HEAD") -> Ref:
        """Make a tag; returns its commit."""
        return _core.create_tag(self._handle, name, revision_text(revision))

    def delete(self, name: str) -> Ref:
        """Delete a tag; returns where it was."""
        return _core.delete_tag(self._handle, name)


class Config:
    """The settings that count for a repository: :attr:`Dml.config <History.config>`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: _core.Repository) -> None:
        self._handle = handle

    def list(self) -> dict[str, str]:
        """Return all settings: the repository's own, and the user's."""
        return _core.settings(self._handle)

    def get(self, key: str) -> Optional[str]:
        """Return a setting, as text; ``None`` when it is not set."""
        return _core.setting(self._handle, key)

    @accepts("scope")
    def set(self, key: str, value: Optional[str], *, user: bool = False) -> None:
        """Change a setting of the repository, or the user's; ``None`` removes it."""
        _core.set_setting(self._handle, key, value, user)

    def add(self, key: str, value: str, *, user: bool = False) -> None:
        """Add to a setting that is a list, of the repository or the user."""
        _core.add_setting(self._handle, key, value, user)


def revision_text(revision: Revision) -> str:
    """Return a revision as the text that stands for it."""
    return revision.id() if isinstance(revision, _core.Ref) else revision
