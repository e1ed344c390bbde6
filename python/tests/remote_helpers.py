"""Remote helpers for tests: one that keeps to the rules, and many that break one each.

Run as a program: VARIANT ADDRESS. The blobs are in a file of SQLite.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Optional, Union

from daggerml.remotes import (
    UNCHANGED,
    Description,
    Entry,
    Found,
    HelperError,
    Store,
    Unchanged,
    serve,
)
from daggerml.remotes import helper as helper_module
from daggerml.remotes import store as store_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    Span = Optional[tuple[int, int]]

#: The modules that speak the protocol, some of whose parts are replaced here.
helper: Any = helper_module
store: Any = store_module

LARGEST = 16 << 20


class Table(Store):
    """Blobs in a table, by all the rules."""

    name, version = "table", "1"

    def __init__(self, address: str) -> None:
        self.address = address
        path = address.partition(":")[2]
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=60)
        self.db.execute("pragma synchronous = off")
        self.db.execute(
            "create table if not exists blobs"
            " (key text primary key, etag text, data blob, time real) without rowid"
        )

    def ask(self, sql: str, *values: object) -> tuple[list[Any], int]:
        with self.lock:
            cursor = self.db.execute(sql, values)
            return cursor.fetchall(), cursor.rowcount

    def describe(self) -> Description:
        return Description(self.address, largest=LARGEST, page=100)

    def list(self, prefix: str, after: Optional[str] = None) -> Sequence[Entry]:
        rows, _ = self.ask(
            "select key, length(data), time from blobs"
            " where substr(key, 1, ?) = ? and key > ? order by key limit 100",
            len(prefix), prefix, after or "",
        )  # fmt: skip
        return [Entry(*row) for row in rows]

    def get(
        self, key: str, span: Span = None, known: Optional[str] = None, limit: int = LARGEST
    ) -> Union[Found, Unchanged, None]:
        rows, _ = self.ask("select etag, data from blobs where key = ?", key)
        if not rows:
            return None
        [(etag, data)] = rows
        if etag == known:
            return UNCHANGED
        part = data[span[0] : span[1]] if span else data
        if len(part) > limit:
            raise HelperError("too_large", f"{key} has {len(part)} bytes")
        return Found(etag, len(data), part)

    def put(self, key: str, data: bytes) -> bool:
        return self.swap(key, data, None) is not None

    def swap(self, key: str, data: bytes, expected: Optional[str]) -> Optional[str]:
        etag, now = f"{time.time_ns()}-{os.getpid()}", time.time()
        if expected is None:
            sql = "insert or ignore into blobs values (?, ?, ?, ?)"
            _, done = self.ask(sql, key, etag, data, now)
        else:
            sql = "update blobs set etag = ?, data = ?, time = ? where key = ? and etag = ?"
            _, done = self.ask(sql, etag, data, now, key, expected)
        return etag if done else None

    def delete(self, key: str) -> None:
        self.ask("delete from blobs where key = ?", key)


class NoName(Table):
    name = ""


class OneAtATime(Table):
    """Answers those that came while it was busy with the wrong bytes."""

    busy = 0

    def get(self, *args: Any) -> Union[Found, Unchanged, None]:
        self.busy += 1
        wrong = self.busy > 1
        try:
            found = super().get(*args)
            time.sleep(0.05)
        finally:
            self.busy -= 1
        return found._replace(data=b"?") if wrong and isinstance(found, Found) else found


class LoudDescribe(Table):
    def describe(self) -> Description:
        return super().describe()._replace(address="https://me:secret@host/x")


class NotMissing(Table):
    def get(self, key: str, *args: Any) -> Union[Found, Unchanged, None]:
        return super().get(key, *args) or Found("none", 0, b"")


class Text(Table):
    def get(self, *args: Any) -> Union[Found, Unchanged, None]:
        found = super().get(*args)
        if isinstance(found, Found):
            data = bytes(found.data).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            return found._replace(data=data)
        return found


class NeverUnchanged(Table):
    def get(
        self, key: str, span: Span = None, known: Optional[str] = None, limit: int = LARGEST
    ) -> Union[Found, Unchanged, None]:
        return super().get(key, span, None, limit)


class InclusiveRanges(Table):
    def get(
        self, key: str, span: Span = None, known: Optional[str] = None, limit: int = LARGEST
    ) -> Union[Found, Unchanged, None]:
        span = span and (span[0], span[1] + 1)
        return super().get(key, span, known, limit)


class CutsAtLimit(Table):
    def get(
        self, key: str, span: Span = None, known: Optional[str] = None, limit: int = LARGEST
    ) -> Union[Found, Unchanged, None]:
        found = super().get(key, span, known)
        return found._replace(data=found.data[:limit]) if isinstance(found, Found) else found


class SaysReadOnly(Table):
    def describe(self) -> Description:
        return super().describe()._replace(writable=False)


class PutReplaces(Table):
    def put(self, key: str, data: bytes) -> bool:
        self.ask("delete from blobs where key = ?", key)
        return super().put(key, data)


class SwapsBlindly(Table):
    def swap(self, key: str, data: bytes, expected: Optional[str]) -> Optional[str]:
        self.ask("delete from blobs where key = ?", key)
        return super().swap(key, data, None)


class ChecksThenWrites(Table):
    """Not atomic: two that look at the same time both write."""

    def put(self, key: str, data: bytes) -> bool:
        if self.get(key) is not None:
            return False
        time.sleep(0.1)
        self.ask("insert or replace into blobs values (?, ?, ?, ?)", key, "e", data, 1)
        return True

    def swap(self, key: str, data: bytes, expected: Optional[str]) -> Optional[str]:
        found = self.get(key)
        if (found.etag if isinstance(found, Found) else None) != expected:
            return None
        time.sleep(0.1)
        etag = str(time.time_ns())
        self.ask("insert or replace into blobs values (?, ?, ?, ?)", key, etag, data, 1)
        return etag


class DeleteOfNothingFails(Table):
    def delete(self, key: str) -> None:
        if self.get(key) is None:
            raise HelperError("invalid", "there is none")
        super().delete(key)


class ListsFolders(Table):
    """Takes a prefix for a folder."""

    def list(self, prefix: str, after: Optional[str] = None) -> Sequence[Entry]:
        prefix = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        return super().list(prefix, after)


class Unordered(Table):
    def list(self, prefix: str, after: Optional[str] = None) -> Sequence[Entry]:
        return super().list(prefix, after)[::-1]


class ListsAgain(Table):
    """Needs the key to go on after."""

    def list(self, prefix: str, after: Optional[str] = None) -> Sequence[Entry]:
        known = after is None or self.get(after) is not None
        return super().list(prefix, after if known else None)


class LongPages(Table):
    def describe(self) -> Description:
        return super().describe()._replace(page=7)


class Caches(Table):
    """Reads what it once read, whatever others write."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.cache: dict[str, Union[Found, Unchanged, None]] = {}

    def get(
        self, key: str, span: Span = None, known: Optional[str] = None, limit: int = LARGEST
    ) -> Union[Found, Unchanged, None]:
        if key not in self.cache:
            self.cache[key] = super().get(key)
        return self.cache[key]


class ShortBodies(Table):
    def swap(self, key: str, data: bytes, expected: Optional[str]) -> Optional[str]:
        return super().swap(key, data[: 1 << 20], expected)


class Leaks(Table):
    def get(self, *args: Any) -> Union[Found, Unchanged, None]:
        print(os.environ.get("TEST_SECRET"), file=sys.stderr, flush=True)
        return super().get(*args)


# Those that break the protocol itself do so in the module that speaks it.


def any_key() -> None:
    store.checked_key = helper.checked_key = str


def any_member() -> None:
    helper._etag = lambda etag: None if etag is None else str(etag)


def strict_members() -> None:
    whole = helper._Helper._checked

    def checked(self: Any, request: Any) -> Any:
        if "future" in request:
            raise HelperError("invalid", "what is that?")
        return whole(self, request)

    helper._Helper._checked = checked


def ignores_verbs() -> None:
    whole = helper._Helper._checked

    def checked(self: Any, request: Any) -> Any:
        return whole(self, {**request, "verb": "describe"})

    helper._Helper._checked = checked


def any_protocol() -> None:
    whole = helper._Helper._checked

    def checked(self: Any, request: Any) -> Any:
        return whole(self, {**request, "protocol": 1})

    helper._Helper._checked = checked


def crashes() -> None:
    def read(stream: Any) -> Any:
        import json

        line = stream.readline()
        return json.loads(line) if line else None

    helper.messages.read = read


def status_3() -> None:
    whole = os._exit
    helper.os._exit = lambda code: whole(code or 3)


def hasty() -> None:
    """Ends at the end of the input, whatever is under way."""
    table: Any = Table
    whole = table.describe

    def describe(self: Any) -> Any:
        time.sleep(1)
        return whole(self)

    table.describe = describe
    helper.GRACE = 0


def talks() -> None:
    whole = helper._Helper._write

    def write(self: Any, message: Any, data: Any = None) -> None:
        whole(self, message, data)
        whole(self, {"id": 10**9, "state": "working"})

    helper._Helper._write = write


def half_bodies() -> None:
    def body(stream: Any, message: Any) -> Any:
        return stream.read(message.get("body", 0))

    helper.messages.body = body


STORES: dict[str, type[Table]] = {each.__name__: each for each in Table.__subclasses__()}
PROTOCOLS: tuple[Any, ...] = (
    any_key,
    any_member,
    strict_members,
    ignores_verbs,
    any_protocol,
    crashes,
    status_3,
    hasty,
    talks,
    half_bodies,
)

if __name__ == "__main__":
    variant, address = sys.argv[1:]
    for breaks in PROTOCOLS:
        if breaks.__name__ == variant:
            breaks()
    serve(STORES.get(variant, Table)(address))
