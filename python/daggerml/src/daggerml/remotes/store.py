"""What the store behind a helper does: six verbs, their answers and their errors."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Optional, Union

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "KINDS",
    "MAX_BODY",
    "MAX_ETAG",
    "MAX_KEY",
    "MAX_PAGE",
    "UNCHANGED",
    "Description",
    "Entry",
    "Found",
    "HelperError",
    "Store",
    "Unchanged",
    "checked_key",
]

#: The kinds of errors.
KINDS = ("missing", "denied", "unavailable", "too_large", "unsupported", "invalid", "internal")

#: The longest key and the longest etag, in bytes.
MAX_KEY, MAX_ETAG = 200, 1024

#: The longest body, in bytes.
MAX_BODY = 1 << 30

#: The most entries of a page.
MAX_PAGE = 1000

_SEGMENT = r"[a-z0-9-][a-z0-9.-]*"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
#: The beginning of a key.
_PREFIX = re.compile(rf"({_SEGMENT}/)*({_SEGMENT})?")


class HelperError(Exception):
    """An error that is answered: ``kind`` is one of :data:`KINDS`.

    :param message: what went wrong and what to do, without credentials.
    :param retry_after: with ``unavailable``, after how many seconds to try again.
    """

    def __init__(self, kind: str, message: str, *, retry_after: Optional[float] = None) -> None:
        if kind not in KINDS:
            text = f"{kind!r} is not a kind of errors of helpers"
            raise ValueError(text)
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after


class Description(NamedTuple):
    """What a store can do.

    ``largest`` is the longest body in bytes, ``page`` the most entries of one ``list``.
    """

    address: str
    writable: bool = True
    ranges: bool = True
    lists: bool = True
    largest: int = MAX_BODY
    page: int = MAX_PAGE


class Entry(NamedTuple):
    """A blob in a list: its length in bytes, and when it was written.

    ``modified`` is in seconds since 1970 by the clock of the store; ``None`` when it is unknown.
    """

    key: str
    bytes: int
    modified: Optional[float] = None


class Found(NamedTuple):
    """A blob or a range of one. ``size`` is the length of the whole blob."""

    etag: str
    size: int
    data: Union[bytes, bytearray, memoryview]


class Unchanged(enum.Enum):
    """The answer that a blob still has the etag that the caller knows."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


class Store:
    """Blobs with names. Its methods are called from several threads at once.

    A derived class overrides what it can do. Every method may raise :class:`HelperError`. Also
    these become errors of a kind: ``FileNotFoundError`` (``missing``: the whole store, not one
    blob), ``PermissionError`` (``denied``), any other ``OSError`` (``unavailable``).
    """

    #: The name and the version of the helper, for people.
    name: str = "helper"
    version: str = "0"

    def describe(self) -> Description:
        """Returns what the store can do. Raises an error when it cannot be reached."""
        raise NotImplementedError

    def list(self, prefix: str, after: Optional[str] = None) -> Sequence[Entry]:
        """Returns the next entries whose keys begin with ``prefix``, in order of their keys.

        :param after: only keys greater than this. Keys are compared as bytes.
        :return: at most as many as :meth:`describe` says; when there are none, it is the end.
        """
        self._unsupported("list")

    def get(
        self,
        key: str,
        span: Optional[tuple[int, int]] = None,
        known: Optional[str] = None,
        limit: int = MAX_BODY,
    ) -> Union[Found, Unchanged, None]:
        """Returns a blob, ``None`` when there is none, or ``UNCHANGED``.

        :param span: the positions of the first byte and of the one after the last. What lies
            after the end of the blob is left out, so the answer may be empty.
        :param known: ``UNCHANGED`` is the answer when the blob has this etag.
        :param limit: the most bytes to answer. An error ``too_large`` when there are more.
        """
        self._unsupported(f"get ({key})")

    def put(self, key: str, data: bytes) -> bool:
        """Writes a blob unless there is one with this key. Returns whether it was written.

        Nobody may ever see a part of it.
        """
        self._unsupported(f"put ({key})")

    def swap(self, key: str, data: bytes, expected: Optional[str]) -> Optional[str]:
        """Writes a blob if the present one has the etag ``expected``.

        :param expected: ``None`` when there must not be one yet.
        :return: the new etag; ``None`` when another one is there, or none.
        """
        self._unsupported(f"swap ({key})")

    def delete(self, key: str) -> None:
        """Removes a blob, if it is there."""
        self._unsupported(f"delete ({key})")

    def _unsupported(self, what: str) -> NoReturn:
        text = f"the remote helper {self.name!r} cannot do {what}"
        raise HelperError("unsupported", text)


def checked_key(key: object) -> str:
    """Returns a key, or raises an error ``invalid`` when it is not one.

    A key has segments of ``a-z``, ``0-9``, ``-`` and ``.`` with ``/`` between them. None of them
    is empty or begins with ``.``; the whole has at most 200 bytes.
    """
    if isinstance(key, str) and len(key) <= MAX_KEY and _KEY.fullmatch(key):
        return key
    text = f"{_shown(key)} is not a key"
    raise HelperError("invalid", text)


def checked_prefix(prefix: object) -> str:
    """Returns the beginning of a key, which may be empty, or raises an error ``invalid``."""
    if isinstance(prefix, str) and len(prefix) <= MAX_KEY and _PREFIX.fullmatch(prefix):
        return prefix
    text = f"{_shown(prefix)} is not the beginning of a key"
    raise HelperError("invalid", text)


def _shown(key: object) -> str:
    text = repr(key)
    return text if len(text) <= MAX_KEY else f"{text[:MAX_KEY]}..."
