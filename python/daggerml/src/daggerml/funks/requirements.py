"""Requirements such as ``numpy>=2``, and versions, by PEP 440.

A requirement is a name with version specifiers. The rest of PEP 508 (extras, addresses and
markers) is refused. This package has no dependencies, so it does not use ``packaging``.
"""

from __future__ import annotations

import copy
import re
from typing import Any, NamedTuple, Optional

from daggerml.errors import InvalidError

__all__ = ["Requirement", "Version", "parsed", "unmet"]

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(.*)", re.DOTALL)
_SPECIFIER = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*(\S+)\s*")
_VERSION = re.compile(
    r"""\s*v?
    (?:(?P<epoch>[0-9]+)!)?
    (?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<stage>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre>[0-9]*))?
    (?:-(?P<dash>[0-9]+)|[-_.]?(?P<after>post|rev|r)[-_.]?(?P<post>[0-9]*))?
    (?:[-_.]?(?P<is_dev>dev)[-_.]?(?P<dev>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?
    \s*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_STAGES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


class Version:
    """A version, ordered as PEP 440 says."""

    def __init__(self, text: str) -> None:
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(text)
        part = match.group
        self.epoch = int(part("epoch") or 0)
        self.release = tuple(int(each) for each in part("release").split("."))
        self.pre: Optional[tuple[str, int]] = None
        if part("stage"):
            stage = part("stage").lower()
            self.pre = (_STAGES.get(stage, stage), int(part("pre") or 0))
        post = part("dash") or (part("post") or 0 if part("after") else None)
        self.post = None if post is None else int(post)
        self.dev = int(part("dev") or 0) if part("is_dev") else None
        local = re.split(r"[-_.]", part("local").lower()) if part("local") else []
        self.local = tuple((1, int(it), "") if it.isdigit() else (0, 0, it) for it in local)

    @property
    def base(self) -> tuple[Any, ...]:
        """The epoch and the release without zeros at the end."""
        release = list(self.release)
        while release and not release[-1]:
            release.pop()
        return (self.epoch, tuple(release))

    @property
    def public(self) -> tuple[Any, ...]:
        """The key of comparisons, without the local part."""
        pre: tuple[Any, ...] = (1,) if self.pre is None else (0, *self.pre)
        if self.pre is None and self.post is None and self.dev is not None:
            pre = (-1,)
        dev = (1, 0) if self.dev is None else (0, self.dev)
        return (*self.base, pre, -1 if self.post is None else self.post, dev)

    @property
    def whole(self) -> tuple[Any, ...]:
        """The key of comparisons."""
        return (*self.public, self.local)

    def starts_with(self, release: tuple[int, ...], epoch: int) -> bool:
        """Tells whether the release begins with these numbers."""
        padded = self.release + (0,) * len(release)
        return self.epoch == epoch and padded[: len(release)] == release


class Requirement(NamedTuple):
    """The normalized name of a package, and the specifiers that its version must meet."""

    name: str
    specifiers: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return self.name + ",".join(operator + text for operator, text in self.specifiers)

    def is_met_by(self, version: str) -> bool:
        """Tells whether a version meets the requirement."""
        return all(_fits(version, operator, text) for operator, text in self.specifiers)


def parsed(text: str) -> Requirement:
    """Parses a requirement.

    :raises InvalidError: when it is not one.
    """
    match = _NAME.fullmatch(text) if text.__class__ is str else None
    if match is None:
        raise _invalid(text, "it has no name of a package")
    rest = match.group(2).strip()
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    for mark, what in (("[", "extras"), ("@", "an address"), (";", "a marker")):
        if mark in rest:
            raise _invalid(text, f"{what} cannot be checked where it runs")
    specifiers = [_specifier(text, each) for each in rest.split(",") if each.strip()]
    name = re.sub(r"[-_.]+", "-", match.group(1)).lower()
    return Requirement(name, tuple(sorted(set(specifiers))))


def _specifier(text: str, part: str) -> tuple[str, str]:
    match = _SPECIFIER.fullmatch(part)
    if match is None:
        raise _invalid(text, f"{part.strip()!r} is no comparison with a version")
    operator, version = match.group(1), match.group(2)
    if operator == "===":
        return operator, version.lower()
    is_prefix = version.endswith(".*")
    try:
        found = Version(version[:-2] if is_prefix else version)
    except ValueError:
        raise _invalid(text, f"{version!r} is no version") from None
    is_release = not (found.pre or found.local) and found.post is found.dev is None
    if is_prefix and (operator not in {"==", "!="} or not is_release):
        raise _invalid(text, f"{operator}{version} cannot have a star")
    if found.local and operator not in {"==", "!="}:
        raise _invalid(text, f"{operator}{version} cannot have a local version")
    if operator == "~=" and len(found.release) == 1:
        raise _invalid(text, f"~={version} needs a second number")
    return operator, version.lower()


def _invalid(text: object, why: str) -> InvalidError:
    message = f"{text!r} is not a requirement that can be checked: {why}"
    return InvalidError(message, hint="write a name and versions, such as 'numpy>=2,<3'")


def _fits(installed: str, operator: str, text: str) -> bool:
    if operator == "===":
        return installed.lower() == text
    try:
        version = Version(installed)
    except ValueError:  # the version is older than PEP 440, and cannot be compared
        return False
    if operator == "!=":
        return not _fits(installed, "==", text)
    if text.endswith(".*"):
        given = Version(text[:-2])
        return version.starts_with(given.release, given.epoch)
    given = Version(text)
    if operator == "~=":
        is_later = version.public >= given.public
        return is_later and version.starts_with(given.release[:-1], given.epoch)
    if operator == "==":
        return (version.whole if given.local else version.public) == (
            given.whole if given.local else given.public
        )
    if operator in {"<=", ">="}:
        one, other = version.public, given.public
        return one <= other if operator == "<=" else one >= other
    return _is_beyond(version, given, operator)


def _is_beyond(version: Version, given: Version, operator: str) -> bool:
    """Compares by ``<`` or ``>``, for which pre- and post-releases of a version are equal."""
    bound = copy.copy(given)
    bound.local = ()
    if operator == "<":
        if given.pre is None and given.dev is None:
            bound.dev = 0  # its own pre-releases are not earlier
        return version.whole < bound.whole
    if given.dev is not None:
        bound.dev = given.dev + 1
        return version.whole >= bound.whole
    if given.post is not None:
        bound.post, bound.dev = given.post + 1, 0
        return version.whole >= bound.whole
    # Its own local versions and post-releases are not later.
    is_its_own = (version.base, version.pre) == (given.base, given.pre)
    return version.whole > given.whole and not is_its_own


def unmet(requirements: list[str]) -> list[str]:
    """Returns the requirements that the installed packages do not meet, each in words."""
    from importlib import metadata

    found = []
    for text in requirements:
        requirement = parsed(text)
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found.append(f"{requirement} is required, and {requirement.name} is not installed")
            continue
        if not requirement.is_met_by(version):
            what = f"{requirement.name} {version}"
            found.append(f"{requirement} is required, and {what} is installed")
    return found
