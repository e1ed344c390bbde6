"""The name of the object store of DaggerML 0.1.x, which says what replaces it."""

from __future__ import annotations

from typing import Any

from daggerml.errors import InvalidError

__all__ = ["S3Store"]


class S3Store:
    """Stored data in S3, in 0.1.x. Making one raises an error: nothing here needs S3."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        text = "there is no S3 store here: a repository needs a folder, and nothing else"
        hint = (
            "put bytes of up to 64 MiB as a value; store larger ones with boto3, and put "
            "daggerml.Uri('s3://bucket/key')"
        )
        raise InvalidError(text, hint=hint)
