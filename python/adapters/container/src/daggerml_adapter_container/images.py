"""Names of images: only those that cannot come to mean another image."""

from __future__ import annotations

import re

from daggerml.errors import InvalidError

__all__ = ["checked"]

_DIGEST = r"sha256:[0-9a-f]{64}"
_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,250}[a-zA-Z0-9])?(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*@{_DIGEST}")

#: The longest name, in characters.
_LONGEST = 1000


def checked(given: object) -> str:
    """Returns the name of an image with its digest, or the id of an image of this machine.

    A tag is refused: the image is part of a call's key, and a tag can be moved.
    """
    if isinstance(given, str) and len(given) <= _LONGEST:
        found = _NAME.fullmatch(given) or re.fullmatch(_DIGEST, given)
        if found is not None:
            return given
    text = f"{given!r} does not name an image by its digest"
    hint = "write it like debian@sha256:...; `docker images --digests` and `podman images "
    raise InvalidError(text, hint=f"{hint}--digests` show digests")
