"""The addresses of remotes on object stores."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

from daggerml.remotes import HelperError

__all__ = ["SCHEMES", "Address"]

#: The schemes, and what each stands for in messages.
SCHEMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure", "https": "the server"}

#: A part of a path. Object stores do not know `.` and `..`, servers do.
_PART = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~!$&'()*+,;=:@-]+")


class Address(NamedTuple):
    """Where a remote is: ``bucket`` is the host of an https address."""

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        """Returns the address as text."""
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def service(self) -> str:
        """The service, for messages."""
        return SCHEMES[self.scheme]

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads an address, or raises an error ``invalid`` that does not repeat it."""
        try:
            found = urlsplit(text)
            _ = found.port
        except ValueError as problem:
            _refuse(f"it is not an address: {problem}")
        if found.scheme not in SCHEMES:
            known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            _refuse(f"it does not begin with one of {known}")
        if "@" in found.netloc:
            _refuse("it has a user in it; give credentials to the cloud's own tools instead")
        if found.query or found.fragment or "?" in text or "#" in text:
            _refuse("it has a query or a fragment, and these could be credentials")
        if not found.netloc or (found.scheme != "https" and ":" in found.netloc):
            _refuse("its bucket is missing or has a port; endpoints are set in the environment")
        prefix = found.path.strip("/")
        if prefix and not all(_PART.fullmatch(part) for part in prefix.split("/")):
            _refuse("its path has an empty part, `.`, `..` or a character that is not allowed")
        return cls(found.scheme, found.netloc, prefix)


def _refuse(why: str) -> NoReturn:
    raise HelperError("invalid", f"the address of the remote is refused: {why}")
