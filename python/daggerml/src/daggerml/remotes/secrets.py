"""Takes secrets out of a text that people will see."""

from __future__ import annotations

import os
import re

__all__ = ["without_secrets"]

#: Words in the names of environment variables whose values are secrets.
WORDS = ("SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "CONNECTION_STRING", "SAS", "_KEY")

#: Shorter values are not looked for: they would be found in harmless words.
SHORTEST = 6

_USER = re.compile(r"(?<=://)[^/@\s\"']*@")
_QUERY = re.compile(
    r"(?i)\b(sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)|accountkey"
    r"|sharedaccesssignature|authorization|access_token|client_secret|password)"
    r"(\"?\s*[=:]\s*\"?)(?:(?:bearer|basic|sharedkey)\s+)?[^\s&\"';,]+"
)


def without_secrets(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Returns the text with ``***`` in the place of each secret.

    Secrets are the values of environment variables whose names tell so, such as
    ``AWS_SECRET_ACCESS_KEY``; users and passwords in addresses; signatures in their queries;
    and those that are given.
    """
    named = (
        value for name, value in os.environ.items() if any(word in name.upper() for word in WORDS)
    )
    # The longest first: one may be a part of another.
    for secret in sorted({*named, *secrets}, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "***")
    return _QUERY.sub(r"\1\2***", _USER.sub("***@", text))
