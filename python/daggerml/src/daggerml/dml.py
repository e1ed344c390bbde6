"""Repositories."""

from __future__ import annotations

import os

from daggerml import _core
from daggerml.dag import Dag
from daggerml.errors import DmlRepoError
from daggerml.released import accepts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Literal, Optional, Union

    from daggerml._core import Blob, Ref
    from daggerml.blobs import BlobFile
    from daggerml.executions import Executions
    from daggerml.history import Branches, Config, History, Side, Tags
    from daggerml.sharing import Dependencies, OnProgress, Remotes

    StrPath = Union[str, "os.PathLike[str]"]
    Revision = Union[str, Ref, None]

__all__ = ["Dml"]


#: What described a repository in 0.1.x.
_CONFIGURATION = (
    "config_home",
    "db_map_size_headroom",
    "db_map_size_max",
    "db_path",
    "default_branch_name",
    "remote_fetch_workers",
    "remote_prune_age_seconds",
    "remote_root",
)


class Dml:
    """A repository: the folder that holds ``.dml``.

    ``Dml(project_home)`` opens the repository of a folder or the nearest one above it.
    Threads can share it, and all handles of one repository in a process share one open
    file. A forked process cannot use it: start workers with the ``spawn`` method.

    >>> from daggerml import Dml
    >>> with Dml.temporary() as repo:
    ...     with repo.new("first", message="hello") as dag:
    ...         dag.commit([1, 2, 3])
    ...     repo.load("first").result.value()
    [1, 2, 3]
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: _core.Repository

    @accepts(*_CONFIGURATION)
    def __init__(self, project_home: StrPath = ".") -> None:
        self._handle = _core.Repository.discover(os.path.abspath(os.fspath(project_home)))

    @classmethod
    def _of(cls, core: _core.Repository) -> Dml:
        self = cls.__new__(cls)
        self._handle = core
        return self

    @classmethod
    @accepts(*_CONFIGURATION, "branch")
    def init(
        cls,
        project_home: StrPath = ".",
        *,
        exist_ok: bool = True,
        shared: Optional[Literal["group"]] = None,
        user: Optional[str] = None,
    ) -> Dml:
        """Makes a repository in the folder ``project_home``, and the folder where it is missing.

        Only you can read and write it, whatever the umask is.

        :param exist_ok: whether to open a repository that is there already, so that a notebook
            can be run again; otherwise that is an error.
        :param shared: ``"group"`` lets the folder's group read and write it too.
        :param user: the author of commits, as the setting ``user.name`` of a new repository.
        :raises DmlRepoError: of kind ``exists``, when it is there and ``exist_ok`` is false.
        """
        _check_shared(shared)
        path = os.path.abspath(os.fspath(project_home))
        try:
            made = cls._of(_core.Repository.init(path, shared is not None))
        except DmlRepoError as error:
            if error.kind != "exists" or not exist_ok:
                raise
            return cls.open(path)
        if user is not None:
            made.config.set("user.name", user)
        return made

    @classmethod
    @accepts(*_CONFIGURATION)
    def clone(
        cls,
        root: str,
        project_home: Optional[StrPath] = None,
        *,
        branch: Optional[str] = None,
        remote: str = "origin",
        tags: bool = True,
        depth: Optional[int] = None,
        filter: Optional[str] = None,  # noqa: A002
        shared: Optional[Literal["group"]] = None,
        on_progress: OnProgress = None,
    ) -> Dml:
        """Makes a repository that begins as a remote is. When that fails, none is left behind.

        A clone that was interrupted, such as by Ctrl-C, goes on when it is made again.

        :param root: the address of the remote: the path of a folder, ``s3://bucket/prefix`` ...
        :param project_home: the folder to make it in; by default the last part of the address.
        :param branch: the branch to check out; by default the one that the remote names.
        :param remote: the name of the remote in the new repository.
        :param tags: whether tags come along.
        :param depth: how many commits of each branch come along, and tags of these; by default
            all. ``fetch(unshallow=True)`` brings the rest later.
        :param filter: which values stay at the remote until they are read: those over a size
            with ``"values:1MiB"``, all but the smallest with ``"values"``.
        :param shared: as in :meth:`init`.
        :param on_progress: see :meth:`push`.
        :raises NotFoundError: when there is no remote, or it has no such branch.
        """
        from daggerml.sharing import address, checked_depth, folder_of

        _check_shared(shared)
        home = folder_of(root) if project_home is None else os.fspath(project_home)
        return cls._of(
            _core.clone(
                address(root),
                os.path.abspath(home),
                remote=remote,
                branch=branch,
                tags=tags,
                depth=checked_depth(depth),
                filter=filter,
                group=shared is not None,
                on_step=on_progress,
            )
        )

    @classmethod
    def open(cls, project_home: StrPath = ".") -> Dml:
        """Opens the repository in the folder ``project_home`` itself."""
        return cls._of(_core.Repository.open(os.path.abspath(os.fspath(project_home))))

    @classmethod
    def discover(cls, start: StrPath = ".") -> Dml:
        """Opens the repository in the folder ``start`` or the nearest one above it."""
        return cls(start)

    @classmethod
    @accepts(*_CONFIGURATION)
    def temporary(
        cls, prefix: str = "dml-", *, user: Optional[str] = None
    ) -> AbstractContextManager[Dml]:
        """Makes a repository in a temporary folder, which is removed when ``with`` ends.

        :param prefix: how the name of the folder begins.
        :param user: the author of commits, as the setting ``user.name``.
        """
        return _Temporary(cls, prefix, user)

    @property
    def root(self) -> str:
        """The folder that holds ``.dml``."""
        return os.fspath(self._handle.root)

    @accepts("cache_key", "execution_id")
    def new(self, name: str, message: str = "", *, tags: Optional[Iterable[str]] = None) -> Dag:
        """Begins a draft that will be committed under ``name``; see :func:`daggerml.new`."""
        dag = Dag._begun(self, self._handle.new_dag(name, message), name, message)
        for tag in [tags] if isinstance(tags, str) else tags or ():
            dag.add_tag(tag)
        return dag

    def open_blob(self, blob: Blob) -> BlobFile:
        """Returns the bytes of a blob as a binary file, which can be read from any place.

        :raises DmlRepoError: when the blob is not in this repository.

        >>> import io
        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo, repo.new("blobs") as dag:
        ...     files = dag.put({"a": dag.put_file(io.BytesIO(b"first"))})
        ...     repo.open_blob(files.value()["a"]).read()
        ...     dag.commit(files)
        b'first'
        """
        from daggerml.blobs import BlobFile

        return BlobFile(self._handle.open_blob(blob), blob)

    @accepts(dep="remote")
    def load(
        self,
        name: Union[str, Ref],
        *,
        revision: Revision = None,
        remote: Union[str, bool, None] = None,
    ) -> Dag:
        """Loads a committed DAG by its name or its ref.

        :param revision: the commit to look in: a ref, an id, a branch, a tag, ``"HEAD~2"`` ...;
            by default the one that is checked out.
        :param remote: the remote whose branch ``revision`` names, as it was when it was last
            fetched; ``True`` is the remote that the branch follows. By default its branch is
            the one that is followed, or that of the same name.
        :raises NotFoundError: when there is no such DAG or commit.
        """
        if isinstance(name, _core.Ref):
            return Dag._finished(self, self._handle.view(name))
        if remote:
            from daggerml.sharing import remote_revision

            revision = remote_revision(self._handle, remote, revision)
        return Dag._finished(self, self._handle.load(name, _revision(revision)), name)

    def resume(
        self, index: Optional[Ref], *, name: Optional[str] = None, message: Optional[str] = None
    ) -> Dag:
        """Continues a draft that was frozen, or that another process left.

        From then on no other handle can change it.

        :param index: its id, :attr:`Dag.token`.
        :param name: the name it was begun with, to be checked; ``message`` likewise.
        :raises NotFoundError: when there is no such draft.
        :raises DmlRepoError: when the name or the message is another one.
        """
        if index is None:
            text = (
                "None is not a draft id (a committed DAG has none); Dml.indexes() lists the drafts"
            )
            raise DmlRepoError(text)
        dag = self._handle.resume(index)
        info = dag.info()
        for what, given, kept in (("name", name, info[0]), ("message", message, info[1])):
            if given is not None and given != kept:
                text = f"this DAG was begun with the {what} {kept!r}, not {given!r}"
                raise DmlRepoError(text)
        return Dag._begun(self, dag, *info)

    def discard(self, index: Ref) -> None:
        """Throws a draft away, by its id."""
        self._handle.discard(index)

    def indexes(self) -> list[dict[str, Any]]:
        """Returns the drafts that can be resumed, oldest first.

        Each has ``index`` (its id), ``name``, ``message`` and more.
        """
        return self._handle.indexes()

    def dags(self, *, revision: Revision = None) -> dict[str, Ref]:
        """Returns the refs of the committed DAGs by their names, as of ``revision``."""
        return self._handle.dags(_revision(revision))

    # What it is made of

    @property
    def history(self) -> History:
        """The commits: ``log``, ``diff``, ``checkout``, ``merge``, ``rebase``, ``revert`` ..."""
        from daggerml.history import History

        return History(self._handle)

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
        from daggerml.history import Branches

        return Branches(self._handle)

    @property
    def tag(self) -> Tags:
        """The tags: ``list``, ``create``, ``delete``."""
        from daggerml.history import Tags

        return Tags(self._handle)

    @property
    def config(self) -> Config:
        """The settings: ``list``, ``get``, ``set``, ``add``."""
        from daggerml.history import Config

        return Config(self._handle)

    @property
    def exec(self) -> Executions:
        """The calls: those that run now, and every run that ended."""
        from daggerml.executions import Executions

        return Executions(self)

    @property
    def remotes(self) -> Remotes:
        """The remotes: ``list``, ``add``, ``remove``, ``push``, ``fetch``, ``pull`` ..."""
        from daggerml.sharing import Remotes

        return Remotes(self._handle)

    @property
    def dep(self) -> Dependencies:
        """The remotes, for programs of 0.1.x: a dependency is a remote that is only fetched."""
        from daggerml.sharing import Dependencies

        return Dependencies(self._handle)

    def status(self) -> dict[str, Any]:
        """Returns what is checked out.

        The keys are ``root``, ``branch`` (``None`` where a commit is checked out), ``commit``
        (``None`` before the first one), ``dags`` (how many there are), ``shallow``
        (whether older commits stayed at a remote), ``promised`` (how many values did), and
        ``upstream``: what the branch follows (``None``, or ``name``, ``remote``, ``branch``,
        ``commit``, ``ahead`` and ``behind``, as of the last fetch).
        """
        return {**self._handle.status(), "upstream": _core.upstream(self._handle)}

    @accepts("remote")
    def gc(self, *, dry_run: bool = False) -> dict[str, dict[str, int]]:
        """Removes the objects that nothing refers to, and gives their space back.

        Returns how many are ``kept`` and ``removed``, by kind, and how many bytes the data
        ``file`` had ``before`` and has ``after``. With ``dry_run`` nothing is removed.

        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo:
        ...     with repo.new("kept") as dag:
        ...         dag.commit(1)
        ...     repo.gc()["removed"]
        {}
        """
        return _core.gc(self._handle, dry_run)

    def fsck(self) -> list[dict[str, Any]]:
        """Checks everything in the repository. Returns what is damaged; normally nothing.

        Each finding has ``subject``, ``name``, ``detail``, ``referrers`` and ``lost``;
        an object also has ``kind`` and ``id``.
        """
        return _core.fsck(self._handle)

    # Shorter ways to write what Dml.history and Dml.remotes do

    @accepts("remote", "dep")
    def rev_parse(self, revision: str) -> Ref:
        """Returns the ref that a revision stands for; see :meth:`History.rev_parse`.

        >>> from daggerml import Dml
        >>> with Dml.temporary() as repo:
        ...     for number in range(2):
        ...         with repo.new("count", message=f"to {number}") as dag:
        ...             dag.commit(number)
        ...     [entry["message"] for entry in repo.log()]
        ...     repo.load("count", revision="HEAD~1").result.value()
        ...     repo.rev_parse("main") == repo.status()["commit"]
        ['to 1', 'to 0']
        0
        True
        """
        return self.history.rev_parse(revision)

    @accepts("remote", "dep")
    def log(
        self,
        revision: Union[str, Ref] = "HEAD",
        limit: Optional[int] = 10,
        *,
        dag: Optional[str] = None,
        first_parent: bool = False,
    ) -> list[dict[str, Any]]:
        """Returns the commits up to a revision, newest first; see :meth:`History.log`."""
        return self.history.log(revision, limit, dag=dag, first_parent=first_parent)

    @accepts("remote", "dep")
    def diff(
        self, revision: Union[str, Ref] = "HEAD", relative_to: Revision = None
    ) -> dict[str, tuple[Optional[Ref], Optional[Ref]]]:
        """Returns the names whose DAGs differ; see :meth:`History.diff`."""
        return self.history.diff(revision, relative_to)

    @accepts("remote")
    def checkout(self, revision: Union[str, Ref]) -> dict[str, Any]:
        """Checks out a branch or a commit; see :meth:`History.checkout`."""
        return self.history.checkout(revision)

    @accepts("ff_only", "remote")
    def merge(
        self,
        revision: Union[str, Ref],
        *,
        ff: Literal["auto", "never", "only"] = "auto",
        favor: Optional[Side] = None,
        message: Optional[str] = None,
    ) -> Ref:
        """Merges a revision into the branch that is checked out; see :meth:`History.merge`."""
        return self.history.merge(revision, ff=ff, favor=favor, message=message)

    def conflicts(self) -> dict[str, Optional[str]]:
        """Returns the names in conflict in a waiting merge; see :meth:`History.conflicts`."""
        return self.history.conflicts()

    def resolve_conflict(self, name: str, choice: str) -> None:
        """Chooses what a name in conflict gets; see :meth:`History.resolve_conflict`."""
        self.history.resolve_conflict(name, choice)

    def merge_continue(self) -> Ref:
        """Completes a merge whose conflicts are resolved; see :meth:`History.merge_continue`."""
        return self.history.merge_continue()

    def merge_abort(self) -> None:
        """Gives up a waiting merge; see :meth:`History.merge_abort`."""
        self.history.merge_abort()

    @accepts("remote")
    def rebase(
        self,
        revision: Union[str, Ref],
        *,
        favor: Optional[Side] = None,
        resolve: Optional[Mapping[str, str]] = None,
    ) -> Ref:
        """Makes the commits of a branch again on top of a revision; see :meth:`History.rebase`."""
        return self.history.rebase(revision, favor=favor, resolve=resolve)

    @accepts("remote")
    def revert(
        self,
        revision: Union[str, Ref],
        message: Optional[str] = None,
        *,
        mainline: Optional[int] = None,
        favor: Optional[Side] = None,
        resolve: Optional[Mapping[str, str]] = None,
    ) -> Ref:
        """Makes a commit that undoes another one; see :meth:`History.revert`."""
        return self.history.revert(
            revision, message, mainline=mainline, favor=favor, resolve=resolve
        )

    @accepts(revision="refs")
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
        """Sends commits to a remote, and moves its branches; see :meth:`Remotes.push`."""
        return self.remotes.push(
            refs,
            remote=remote,
            force=force,
            all=all,
            tags=tags,
            set_upstream=set_upstream,
            dry_run=dry_run,
            on_progress=on_progress,
        )

    @accepts(dep="remote")
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
        """Brings what is new at a remote here; see :meth:`Remotes.fetch`."""
        return self.remotes.fetch(
            remote,
            tags=tags,
            prune=prune,
            dry_run=dry_run,
            depth=depth,
            unshallow=unshallow,
            filter=filter,
            on_progress=on_progress,
        )

    @accepts("ff_only")
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
        """Fetches, and joins a remote's branch into the one here; see :meth:`Remotes.pull`."""
        return self.remotes.pull(
            branch, remote=remote, ff=ff, favor=favor, depth=depth, on_progress=on_progress
        )

    def delete_dag(self, *names: str, message: Optional[str] = None) -> Ref:
        """Makes a commit without the DAGs of these names; see :meth:`History.delete_dag`."""
        return self.history.delete_dag(*names, message=message)

    def rename_dag(
        self, old: str, new: str, *, force: bool = False, message: Optional[str] = None
    ) -> Ref:
        """Makes a commit in which a DAG has another name; see :meth:`History.rename_dag`."""
        return self.history.rename_dag(old, new, force=force, message=message)

    # Its names

    def __contains__(self, name: object) -> bool:
        return name in self.dags()

    def __getitem__(self, name: str) -> Dag:
        return self.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.dags())

    def __reduce__(self) -> tuple[Any, ...]:
        # Where it is unpickled, in a process that was spawned say, it is opened again.
        return (self.__class__.open, (self.root,))

    def __repr__(self) -> str:
        return f"Dml({self.root!r})"

    def __eq__(self, other: object) -> bool:
        return self.root == other.root if isinstance(other, Dml) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.root)


def _check_shared(shared: object) -> None:
    if shared not in {None, "group"}:
        raise DmlRepoError(f'shared must be None or "group", not {shared!r}')


def _revision(revision: Revision) -> Optional[str]:
    if revision is None:
        return None
    from daggerml.history import revision_text  # most loads have no revision, nor need the rest

    return revision_text(revision)


class _Temporary:
    """A repository in a temporary folder, which is made by ``with`` and removed at its end."""

    # Written out, since importing contextlib takes as long as importing all of this package.

    def __init__(self, cls: type[Dml], prefix: str, user: Optional[str]) -> None:
        self.cls = cls
        self.user = user
        self.prefix = prefix

    def __enter__(self) -> Dml:
        import tempfile

        self.folder = tempfile.mkdtemp(prefix=self.prefix)
        try:
            return self.cls.init(self.folder, user=self.user)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *raised: object) -> None:
        import shutil
        import sys

        calls = sys.modules.get("daggerml.calls")
        if calls is not None:  # some were made, here perhaps
            calls.release(os.path.realpath(self.folder))
        # On Windows an open database file stays until the process ends.
        shutil.rmtree(self.folder, ignore_errors=True)
