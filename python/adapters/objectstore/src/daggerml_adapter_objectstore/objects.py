"""The six verbs on an object store."""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Optional, Union

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    NotSupportedError,
    PreconditionError,
)

from daggerml.remotes import UNCHANGED, Description, Entry, Found, HelperError, Store, Unchanged
from daggerml_adapter_objectstore import problems
from daggerml_adapter_objectstore.opening import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daggerml_adapter_objectstore.address import Address
    from daggerml_adapter_objectstore.opening import Opened

__all__ = ["Objects"]

#: What the library raises.
_FAILURES = (BaseError, OSError, ValueError)

#: The most entries of a page: as many as one request to a store gives.
PAGE = 1000

#: The longest body in bytes: all stores take it in one request.
LARGEST = 1 << 30

#: How often a write is tried, and the first wait between two tries in seconds.
TRIES, WAIT = 5, 0.2

#: How many lists are kept open to be continued.
LISTS = 8


class Objects(Store):
    """A bucket, or a part of it, as blobs with names."""

    name = "objectstore"

    def __init__(self, address: Address, version: str) -> None:
        """Serves the remote at an address, which is not reached yet."""
        self.address, self.version = address, version
        self._lock = threading.Lock()
        self._opened: Optional[Opened] = None
        self._lists: OrderedDict[tuple[str, str], Iterator[Entry]] = OrderedDict()

    def describe(self) -> Description:
        """Returns what the remote can do, without asking it."""
        server = self.address.scheme == "https"
        return Description(
            str(self.address), writable=not server, lists=not server, largest=LARGEST, page=PAGE
        )

    def list(self, prefix: str, after: Optional[str] = None) -> Sequence[Entry]:
        """Returns a page of keys. The next page goes on where this one ended."""
        if self.address.scheme == "https":
            raise HelperError("unsupported", "a plain server cannot list what it has")
        with self._lock:
            entries = self._lists.pop((prefix, after or ""), None)
        if entries is None:
            entries = self._entries(prefix, after)
        page: list[Entry] = []
        try:
            for entry in entries:
                page.append(entry)
                if len(page) == PAGE:
                    break
        except _FAILURES as problem:
            raise self._translated(problem) from None
        if len(page) == PAGE:
            with self._lock:
                self._lists[prefix, page[-1].key] = entries
                while len(self._lists) > LISTS:
                    self._lists.popitem(last=False)
        return page

    def get(
        self,
        key: str,
        span: Optional[tuple[int, int]] = None,
        known: Optional[str] = None,
        limit: int = LARGEST,
    ) -> Union[Found, Unchanged, None]:
        """Reads a blob, or a range of it, by one request."""
        try:
            found = self._store.reads.get(key, options=_options(span, known))
            meta, (first, last) = found.meta, found.range
            etag = self._etag(meta)
            if etag == known:  # some servers do not look at the condition
                return UNCHANGED
            length = 0 if _is_empty(span) else last - first
            if length <= limit:
                data = memoryview(found.bytes()) if length else b""
                return Found(etag, meta["size"], data)
        except NotModifiedError:
            return UNCHANGED
        except NotSupportedError as problem:
            if span is None:
                raise self._translated(problem) from None
            # A server that does not know ranges sends all of it.
            whole = self.get(key, None, known)
            return (
                whole._replace(data=whole.data[slice(*span)]) if isinstance(whole, Found) else whole
            )
        except _FAILURES as problem:
            if _is_absent(problem):
                return None
            if span is not None and not _is_empty(span) and problems.out_of_range(problem):
                return self.get(key, (0, 0), known)  # it ends before the range begins
            raise self._translated(problem) from None
        text = f"{key} has {length} bytes to read; the limit is {limit}"
        raise HelperError("too_large", text)

    def put(self, key: str, data: bytes) -> bool:
        """Creates an object. If an answer was lost, what is there now decides."""
        return self._written(key, data, "create") is not None

    def swap(self, key: str, data: bytes, expected: Optional[str]) -> Optional[str]:
        """Writes an object under the store's own condition."""
        if expected is None:
            return self._written(key, data, "create")
        e_tag, version = _e_tag(expected), _version(expected)
        if self.address.scheme == "gs" and not version:
            return None  # it is not an etag of this store, so the present one is another
        mode = {"e_tag": e_tag, "version": version} if version else {"e_tag": e_tag}
        return self._written(key, data, mode)

    def delete(self, key: str) -> None:
        """Removes an object, if it is there."""
        self._refuse_server()
        try:
            self._store.reads.delete(key)  # doing it twice is harmless
        except _FAILURES as problem:
            if not _is_absent(problem):
                raise self._translated(problem) from None

    def _written(self, key: str, data: bytes, mode: Any) -> Optional[str]:
        """Writes under a condition. Returns the new etag, or ``None`` when it does not hold.

        The library does not try again here: it could not tell its own first try, whose answer
        was lost, from a write of somebody else.
        """
        self._refuse_server()
        lost = False
        for number in range(TRIES):
            try:
                made = self._store.writes.put(key, data, mode=mode, use_multipart=False)
                return self._etag(made)
            except (AlreadyExistsError, PreconditionError) as problem:
                # A conflict of two that write at once is not yet decided.
                if not problems.is_conflict(problem):
                    return self._mine(key, data) if lost else None
                if number == TRIES - 1:
                    raise self._translated(problem) from None
            except _FAILURES as problem:
                if _is_absent(problem):
                    return None
                if not problems.may_have_worked(problem) or number == TRIES - 1:
                    raise self._translated(problem) from None
                lost = True
            time.sleep(WAIT * 2**number * random.uniform(0.5, 1))  # noqa: S311  no secret
        raise AssertionError(mode)

    def _mine(self, key: str, data: bytes) -> Optional[str]:
        """Returns the etag of what is there, if it has the bytes of a try without an answer."""
        found = self.get(key, limit=LARGEST)
        return found.etag if isinstance(found, Found) and found.data == data else None

    def _entries(self, prefix: str, after: Optional[str]) -> Iterator[Entry]:
        """Yields what is in the store, in order of the keys."""
        folder, _, begin = prefix.rpartition("/")
        # Stores list whole folders; keys before those with the prefix are passed over.
        offset = max(after or "", f"{prefix[:-1]}{chr(ord(prefix[-1]) - 1)}~" if begin else "")
        pages = self._store.reads.list(folder or None, offset=offset or None, chunk_size=PAGE)
        for page in pages:
            for meta in page:
                key = meta["path"]
                if key.startswith(prefix) and (after is None or key > after):
                    yield Entry(key, meta["size"], meta["last_modified"].timestamp())
                elif key > prefix and not key.startswith(prefix):
                    return

    @property
    def _store(self) -> Opened:
        with self._lock:
            if self._opened is None:
                self._opened = opened(self.address)
            return self._opened

    def _etag(self, made: dict[str, Any]) -> str:
        """Returns the text that stands for a version of an object."""
        e_tag, version = made.get("e_tag"), made.get("version")
        if self.address.scheme == "gs":
            if version:
                return f"{version} {e_tag or ''}"
        elif e_tag:
            return str(e_tag)
        if self.address.scheme == "https":  # a server without etags: never unchanged
            return f"{made.get('size')}-{made.get('last_modified')}"
        text = f"{self.address.service} does not tell the version of what was written"
        raise HelperError("unsupported", text)

    def _refuse_server(self) -> None:
        if self.address.scheme == "https":
            raise HelperError("denied", f"{self.address} can only be read")

    def _translated(self, problem: BaseException) -> HelperError:
        if isinstance(problem, HelperError):
            return problem
        error = problems.translated(problem, self.address)
        text = str(error)
        for secret in self._opened.secrets if self._opened else ():
            text = text.replace(secret, "***")
        return HelperError(error.kind, text)


def _is_absent(problem: BaseException) -> bool:
    """Tells whether only the object does not exist, and not the whole bucket."""
    return isinstance(problem, FileNotFoundError) and not problems.no_such_bucket(problem)


def _is_empty(span: Optional[tuple[int, int]]) -> bool:
    return span is not None and span[0] == span[1]


def _options(span: Optional[tuple[int, int]], known: Optional[str]) -> dict[str, Any]:
    """Returns the library's options of a read."""
    options: dict[str, Any] = {}
    if known is not None:
        options["if_none_match"] = _e_tag(known)
    if _is_empty(span):
        options["head"] = True  # stores do not know empty ranges
    elif span is not None:
        options["range"] = span
    return options


def _e_tag(etag: str) -> str:
    """Returns the store's own etag in one of ours."""
    return etag.partition(" ")[2] if _version(etag) else etag


def _version(etag: str) -> Optional[str]:
    """Returns the generation of an object of Google in an etag."""
    version, space, _ = etag.partition(" ")
    return version if space and version.isdigit() else None
