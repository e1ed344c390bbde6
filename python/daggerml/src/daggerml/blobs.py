"""Reading blobs as files are read: bytes of any length, of which only a part is in memory."""

from __future__ import annotations

import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    from daggerml._core import Blob, BlobReader

    Path = Union[str, os.PathLike[str]]

__all__ = ["BlobFile"]

#: What :meth:`BlobFile.read` asks the engine for at once, when it reads up to the end.
_STEP = 64 << 20


class BlobFile(io.RawIOBase):
    """The bytes of a blob as a binary file that is open for reading.

    Each part is compared with its id when it is read.

    >>> import daggerml, io
    >>> with daggerml.temporary() as repo, repo.new("blob") as dag:
    ...     node = dag.put_file(io.BytesIO(b"some bytes"))
    ...     with node.open() as file:
    ...         file.seek(5), file.read(), file.tell()
    ...     dag.commit(node)
    (5, b'bytes', 10)
    """

    def __init__(self, reader: BlobReader, blob: Blob) -> None:
        super().__init__()
        self._reader = reader
        self._at = 0
        #: The blob.
        self.blob = blob

    def readable(self) -> bool:
        """Returns ``True``."""
        return True

    def seekable(self) -> bool:
        """Returns ``True``."""
        return True

    def tell(self) -> int:
        """Returns the place of the byte that is read next."""
        self._check()
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Goes to a place, counted from the beginning, from here or from the end. Returns it."""
        self._check()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.blob.size}.get(whence)
        if base is None:
            text = f"whence is 0, 1 or 2, not {whence!r}"
            raise ValueError(text)
        if base + offset < 0:
            text = f"a blob has no place {base + offset}"
            raise ValueError(text)
        self._at = base + offset
        return self._at

    def read(self, size: Union[int, None] = -1, /) -> bytes:
        """Returns ``size`` bytes, fewer at the end; all that are left when it is negative."""
        self._check()
        if size is None or size < 0:
            return self.readall()
        data = self._reader.read_at(self._at, size)
        self._at += len(data)
        return data

    def readall(self) -> bytes:
        """Returns all bytes that are left."""
        return b"".join(iter(lambda: self.read(_STEP), b""))

    def readinto(self, buffer: Any, /) -> int:
        """Reads bytes into a buffer. Returns how many."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _check(self) -> None:
        if self.closed:
            text = "the file is closed"
            raise ValueError(text)
