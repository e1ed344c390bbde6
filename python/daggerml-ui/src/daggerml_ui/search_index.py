"""What is searched: the names, values and code of DAGs, in a temporary SQLite database.

A committed DAG never changes, so it is read once. The database is a file without a name, which
the system removes with the process; memory holds a few megabytes of it, however much is indexed.
Nothing of it is in the repository, which may come from anybody.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from daggerml.errors import Error
from daggerml_ui.texts import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from daggerml._core import Data, Ref
    from daggerml.dml import Dml

__all__ = ["Hit", "SearchIndex"]

#: Of longer texts, and larger collections, only the beginning is searched.
_TEXT = 100_000
_ELEMENTS = 200

#: So many nodes are read before others may look something up.
_BATCH = 200

#: How much of the database is in memory, in KiB.
_MEMORY = 8192

#: Shorter texts have no trigram, so every text is looked at for them.
_TRIGRAM = 3

#: An id is looked for by so many digits at least.
_DIGITS = 6

_FIND = (
    "SELECT text.rowid, dag.id, node, title, what, body FROM text "
    "JOIN dag ON dag.number = text.dag JOIN shown ON shown.id = dag.id "
    "WHERE {} AND text.rowid > ? ORDER BY text.rowid LIMIT ?"
)

_Row = tuple[str, int, bytes, str, str]


class Hit(NamedTuple):
    """A node in which something was found."""

    #: Where to go on.
    place: int
    dag: str
    node: str
    title: str
    what: str
    text: str


class SearchIndex:
    """The texts of the DAGs of a repository that were looked for so far."""

    def __init__(self, dml: Dml, *, trigrams: bool = True) -> None:
        """Makes an empty index.

        :param trigrams: whether texts are found without looking at each, if SQLite can do it.
        """
        self._dml = dml
        self._lock = threading.RLock()
        self._database: Optional[sqlite3.Connection] = None
        self._trigrams = trigrams
        self._worker: Optional[threading.Thread] = None
        self._waiting: list[Ref] = []
        self._changed = threading.Condition(self._lock)
        self._shown: Optional[frozenset[Ref]] = None

    def build(self, dags: Mapping[str, Ref], patience: float) -> int:
        """Begins to read these DAGs, waits for a while, and returns how many are not read yet."""
        wanted = frozenset(dags.values())
        with self._lock:
            database = self._open()
            if self._shown != wanted:
                self._shown = wanted
                database.execute("DELETE FROM shown")
                database.executemany(
                    "INSERT INTO shown VALUES (?)", ((_bytes(ref),) for ref in wanted)
                )
                missing = database.execute(
                    "SELECT id FROM shown WHERE id NOT IN (SELECT id FROM dag WHERE whole)"
                )
                ids = {row[0] for row in missing}
                self._waiting = [ref for ref in wanted if _bytes(ref) in ids]
            if self._waiting and (self._worker is None or not self._worker.is_alive()):
                self._worker = threading.Thread(target=self._work, name="search", daemon=True)
                self._worker.start()
            self._changed.wait_for(lambda: not self._waiting, patience)
            return len(self._waiting)

    def find(self, wanted: str, after: int, most: int) -> list[Hit]:
        """Returns nodes of the DAGs that were told last, in which a text or an id was found."""
        if "\0" in wanted:  # where SQLite takes a text to end
            return []
        quoted = wanted.replace('"', '""')
        like = "".join(f"\\{char}" if char in "%_\\" else char for char in wanted)
        by_trigram = self._trigrams and len(wanted) >= _TRIGRAM
        query = _FIND.format("body MATCH ?" if by_trigram else "body LIKE ? ESCAPE '\\'")
        given = f'"{quoted}"' if by_trigram else f"%{like}%"
        with self._lock:
            rows = self._open().execute(query, (given, after, most)).fetchall()
        return [
            Hit(place, dag.hex(), node.hex(), title, what, _around(body, wanted))
            for place, dag, node, title, what, body in rows
        ]

    def with_id(self, digits: str, most: int) -> list[tuple[str, str]]:
        """Returns the ids of DAGs and of their nodes that begin with these digits."""
        if len(digits) < _DIGITS or not all(char in "0123456789abcdef" for char in digits):
            return []
        least, largest = (bytes.fromhex(digits.ljust(64, fill)[:64]) for fill in "0f")
        query = (
            "SELECT dag.id, node.id FROM node JOIN dag ON dag.number = node.dag "
            "JOIN shown ON shown.id = dag.id WHERE node.id BETWEEN ? AND ? LIMIT ?"
        )
        with self._lock:
            rows = self._open().execute(query, (least, largest, most)).fetchall()
        return [(dag.hex(), node.hex()) for dag, node in rows]

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            database.executescript(
                f"PRAGMA cache_size = -{_MEMORY}; PRAGMA journal_mode = OFF;"
                "PRAGMA temp_store = FILE;"
                "CREATE TABLE dag (number INTEGER PRIMARY KEY, id BLOB UNIQUE, whole INTEGER);"
                "CREATE TABLE shown (id BLOB PRIMARY KEY) WITHOUT ROWID;"
                "CREATE TABLE node (id BLOB, dag INTEGER, PRIMARY KEY (id, dag)) WITHOUT ROWID;"
            )
            columns = "dag, node, title, what"
            if self._trigrams:
                unindexed = columns.replace(",", " UNINDEXED,")
                try:
                    database.execute(
                        f"CREATE VIRTUAL TABLE text USING fts5(body, {unindexed} UNINDEXED, "
                        "tokenize = 'trigram', columnsize = 0)"
                    )
                except sqlite3.OperationalError:  # older than 3.34, or built without it
                    self._trigrams = False
            if not self._trigrams:
                database.execute(f"CREATE TABLE text (body, {columns})")
            self._database = database
        return self._database

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None  # it is alive a moment longer, and reads no more
                    return
                ref = self._waiting[-1]
                database = self._open()
                # What is found of it is shown before all of it was read.
                added = database.execute(
                    "INSERT OR REPLACE INTO dag VALUES (NULL, ?, 0)", (_bytes(ref),)
                )
                of = int(added.lastrowid or 0)
            try:
                for nodes, rows in _batches(self._dml, ref, of):
                    with self._lock:
                        database.execute("BEGIN")
                        database.executemany("INSERT OR IGNORE INTO node VALUES (?, ?)", nodes)
                        database.executemany("INSERT INTO text VALUES (?, ?, ?, ?, ?)", rows)
                        database.execute("COMMIT")
            except Error:
                pass  # a part of it was excised: what was read is found
            with self._lock:
                database.execute("UPDATE dag SET whole = 1 WHERE number = ?", (of,))
                if ref in self._waiting:
                    self._waiting.remove(ref)
                self._changed.notify_all()


def _bytes(ref: Ref) -> bytes:
    return bytes.fromhex(ref.id())


def _batches(dml: Dml, ref: Ref, of: int) -> Iterator[tuple[list[tuple[bytes, int]], list[_Row]]]:
    """Yields the nodes of a DAG and their texts, some at a time."""
    view = dml._handle.view(ref)
    names: dict[Ref, list[str]] = {}
    for name, node in view.names().items():
        names.setdefault(node, []).append(name)
    nodes: list[tuple[bytes, int]] = []
    rows: list[_Row] = []
    for node in view.nodes():
        known, of_node = names.get(node, ()), _bytes(node)
        title = ", ".join(known)
        nodes.append((of_node, of))
        rows.extend(
            (text[:_TEXT], of, of_node, title, what) for what, text in _said(view, node, known)
        )
        if len(nodes) >= _BATCH:
            yield nodes, rows
            nodes, rows = [], []
    yield nodes, rows


def _said(view: Any, node: Ref, names: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the texts of a node, each kind of them in one."""
    told = view.describe(node)
    kind = told["kind"]
    said: dict[str, list[str]] = {}
    if names:
        said["name"] = list(names)
    # What other nodes made is found where it was made.
    # What stays at a remote is not fetched to be found.
    if (kind in {"literal", "call"} or names) and "promised" not in told:
        try:
            for what, text in _texts(view.data(node), 3):
                said.setdefault(what, []).append(text[:_TEXT])
        except Error as error:
            said["error"] = [error.message]
    return [(what, "\n".join(texts)) for what, texts in said.items()]


def _texts(data: Data, depth: int) -> Iterator[tuple[str, str]]:
    if data.type == "string":
        yield "value", data.value()
    elif data.type == "runnable":
        runnable = data.value()
        yield "code", runnable.uri.uri
        for value in runnable.innermost().kwargs.values():
            if isinstance(value, str):
                yield "code", value
    elif data.type in {"list", "map"} and depth:
        keys = range(len(data)) if data.type == "list" else data.keys()
        for key in keys[:_ELEMENTS]:
            if isinstance(key, str):
                yield "key", key
            yield from _texts(data.get(key), depth - 1)
    elif data.type not in {"bytes", "list", "map"}:
        yield "value", brief(data)


def _around(text: str, wanted: str) -> str:
    """Returns the part of a text around the wanted one."""
    at = max(0, text.lower().find(wanted.lower()))
    start = max(0, at - 40)
    end = at + len(wanted) + 80
    part = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{part}{'…' if end < len(text) else ''}"
