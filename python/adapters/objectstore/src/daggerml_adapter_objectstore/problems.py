"""The errors of object stores, as errors of helpers.

The text of an error is made here: what a store says may show signatures or keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Optional

from daggerml.remotes import HelperError

if TYPE_CHECKING:
    from daggerml_adapter_objectstore.address import Address

__all__ = ["is_conflict", "may_have_worked", "no_such_bucket", "out_of_range", "translated"]

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,80})</Code>")
_NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|ContainerBeingDeleted|specified bucket does not exist"
)
#: Statuses after which the same request may succeed.
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
#: How credentials that are missing are told of.
_NO_CREDENTIALS = re.compile(
    r"(?i)credential|metadata endpoint|metadata service|169\.254\.169\.254|must be specified"
)

_HINTS = {
    "s3": "AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set them",
    "gs": "`gcloud auth application-default login` or GOOGLE_APPLICATION_CREDENTIALS sets them",
    "az": "AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY, a connection string or `az login` sets "
    "them",
    "https": "the server decides who may read",
}


def no_such_bucket(problem: BaseException) -> bool:
    """Tells whether the bucket itself does not exist, and not only one object."""
    return bool(_NO_BUCKET.search(str(problem)))


def is_conflict(problem: BaseException) -> bool:
    """Tells whether the store asks to try again, since another write is under way."""
    return "ConditionalRequestConflict" in str(problem)


def out_of_range(problem: BaseException) -> bool:
    """Tells whether a range lies outside of the object."""
    return _status(problem) == 416 or "InvalidRange" in str(problem)  # noqa: PLR2004


def may_have_worked(problem: BaseException) -> bool:
    """Tells whether a write that failed may have been carried out, or may succeed later."""
    status = _status(problem)
    return status in _AGAIN if status is not None else not _NO_CREDENTIALS.search(str(problem))


def translated(problem: BaseException, address: Address) -> HelperError:  # noqa: PLR0911
    """Returns an error of a helper that says what a store's error means."""
    service, status, code = address.service, _status(problem), _CODE.search(str(problem))
    said = "" if status is None else f" ({status}{f' {code[1]}' if code else ''})"
    kind = type(problem).__name__
    if no_such_bucket(problem):
        text = f"{address.bucket!r} does not exist{said}; create it with the cloud's own tools"
        return HelperError("missing", text)
    if kind in {"PermissionDeniedError", "UnauthenticatedError"} or status in {401, 403}:
        hint = _HINTS[address.scheme]
        text = f"{service} refuses these credentials{said}, or they lack rights; {hint}"
        return HelperError("denied", text)
    if status is None and _NO_CREDENTIALS.search(str(problem)):
        return HelperError("denied", f"there are no credentials; {_HINTS[address.scheme]}")
    if kind == "NotSupportedError":
        text = f"{service} cannot do this: {_first_line(problem)}"
        return HelperError("unsupported", text)
    if status is None:
        return HelperError("unavailable", f"{service} was not reached: {_first_line(problem)}")
    if status in _AGAIN:
        return HelperError("unavailable", f"{service} cannot answer now{said}")
    if status in {411, 413} or (code and code[1] == "EntityTooLarge"):
        return HelperError("too_large", f"{service} does not take a body of this length{said}")
    return HelperError("invalid", f"{service} does not accept the request{said}")


def _status(problem: BaseException) -> Optional[int]:
    found = _STATUS.search(str(problem))
    return int(found[1]) if found else None


def _first_line(problem: BaseException) -> str:
    """Returns the store's words without addresses, which may be signed, and short."""
    line = str(problem).partition("\n")[0]
    line = re.sub(r"\S*://\S+", "...", line.rpartition(" - ")[2])
    return line if len(line) <= 300 else f"{line[:300]}..."  # noqa: PLR2004
