"""Metadata as the public index reads it: `packaging`, and the packages on top of it."""

from __future__ import annotations

import email.utils
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, Callable, Optional

import email_validator
import packaging.metadata
import packaging.requirements
import readme_renderer.markdown
import readme_renderer.rst
import readme_renderer.txt
import rfc3986
import rfc3986.exceptions
import rfc3986.validators
import trove_classifiers
from artifacts import Wheel

if TYPE_CHECKING:
    from pathlib import Path

    from mutations import Case

#: What a judge answers: why it refuses the artifact, or `None` when it takes it.
Answer = Optional[str]

#: Most characters of a summary and of the label of a link.
SUMMARY, LABEL = 512, 32


def info(path: Path) -> bytes:
    """Return the METADATA or PKG-INFO of an artifact."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return next(wheel.read(n) for n in wheel.namelist() if n.endswith("/METADATA"))
    with tarfile.open(path) as sdist:
        found = next(m for m in sdist.getmembers() if m.name.endswith("/PKG-INFO"))
        member = sdist.extractfile(found)
        return member.read() if member else b""


def metadata(case: Case, path: Path) -> Answer:
    """`packaging.metadata`, and the packages that the index puts on top of it."""
    raw = info(path)
    try:
        parsed = packaging.metadata.Metadata.from_email(raw)
    except packaging.metadata.ExceptionGroup as group:
        return str(group.exceptions[0])
    for problem in beyond(parsed):
        return problem
    return licences(case, parsed, path) or rendered(parsed)


def beyond(parsed: packaging.metadata.Metadata) -> list[str]:
    """Return what the public index asks beyond `packaging.metadata`."""
    found = ["2.6 is not taken yet"] if parsed.metadata_version == "2.6" else []
    if parsed.version.local:
        found.append("a local version")
    if len(parsed.summary or "") > SUMMARY:
        found.append("a long summary")
    if parsed.license and parsed.license_expression:
        found.append("License and License-Expression")
    found += [f"{c} is no classifier" for c in parsed.classifiers or [] if not known(c)]
    found += [f"Dynamic: {d}" for d in parsed.dynamic or [] if d == "dynamic"]
    for address in (parsed.author_email, parsed.maintainer_email):
        found += mailbox(address)
    return found + links(parsed) + requirements(parsed)


def links(parsed: packaging.metadata.Metadata) -> list[str]:
    found = []
    for url in (parsed.home_page, parsed.download_url):
        found += [f"{url} is no address"] if url and not is_url(url) else []
    for label, url in (parsed.project_urls or {}).items():
        if not label or len(label) > LABEL or not url or not is_url(url):
            found.append(f"Project-URL {label}, {url}")
    return found


def requirements(parsed: packaging.metadata.Metadata) -> list[str]:
    found = [f"{r} is a direct link" for r in parsed.requires_dist or [] if r.url]
    for text in [*(parsed.provides_dist or []), *(parsed.obsoletes_dist or [])]:
        try:
            if packaging.requirements.Requirement(text).url:
                found.append(f"{text} is a direct link")
        except packaging.requirements.InvalidRequirement as error:
            found.append(str(error))
    return found


def known(classifier: str) -> bool:
    return classifier in trove_classifiers.classifiers


def mailbox(address: str | None) -> list[str]:
    """One address alone is judged; Python's reader gives nothing for a list."""
    if not address:
        return []
    try:
        parsed = email.utils.getaddresses([address], strict=True)
    except TypeError:  # an older Python, without strict reading
        parsed = email.utils.getaddresses([address])
    if len(parsed) != 1 or not parsed[0][1]:
        return []
    try:
        email_validator.validate_email(parsed[0][1], check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        return [str(error)]
    return []


def is_url(url: str) -> bool:
    validator = rfc3986.validators.Validator().allow_schemes("http", "https")
    validator.require_presence_of("scheme")
    validator.check_validity_of("scheme", "host", "port", "path", "query")
    try:
        validator.validate(rfc3986.uri_reference(url).normalize())
    except rfc3986.exceptions.ValidationError:
        return False
    return True


def licences(case: Case, parsed: packaging.metadata.Metadata, path: Path) -> Answer:
    for file in parsed.license_files or []:
        artifact = case.artifact
        if isinstance(artifact, Wheel):
            wanted, read = f"{artifact.folder()}/licenses/{file}", zipped_names
        else:
            wanted, read = f"{artifact.folder or artifact.stem}/{file}", tarred_names
        if wanted not in read(path):
            return f"there is no {wanted}"
    return None


def zipped_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as wheel:
        return wheel.namelist()


def tarred_names(path: Path) -> list[str]:
    with tarfile.open(path) as sdist:
        return sdist.getnames()


def rendered(parsed: packaging.metadata.Metadata) -> Answer:
    kind = (parsed.description_content_type or "text/x-rst").split(";")[0].strip().lower()
    renderer: Callable[..., str | None] = {
        "text/x-rst": readme_renderer.rst.render,
        "text/markdown": readme_renderer.markdown.render,
        "text/plain": readme_renderer.txt.render,
    }[kind]
    quiet = {"stream": io.StringIO()} if kind == "text/x-rst" else {}
    if parsed.description and renderer(parsed.description, **quiet) is None:
        return f"it does not render as {kind}"
    return None
