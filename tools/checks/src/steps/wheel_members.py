"""Print what only one of two wheels holds, and fail if there is something.

Compared are the names of files and the fields of METADATA. The order within keywords
and version ranges does not count, since it means nothing. SBOMs are left out: only
our own packer adds them.
"""

from __future__ import annotations

import email.parser
import re
import sys
import zipfile


def settled(key: str, value: str) -> str:
    """Put what has no order into one."""
    if key == "keywords":
        return ",".join(sorted(value.split(",")))
    if key == "requires-dist":
        requirement, _, marker = value.partition(";")
        name = re.split("[<>=!~( ]", requirement)[0]
        ranges = sorted(re.findall("[<>=!~]+[^,) ]+", requirement))
        return f"{name}{','.join(ranges)}; {marker.strip()}"
    return value


def facts(path: str) -> set[str]:
    """Return what a wheel holds."""
    found = set()
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            if not name.endswith("/") and "/sboms/" not in name:
                found.add(f"file {name}")
            if name.endswith(".dist-info/METADATA"):
                message = email.parser.BytesParser().parsebytes(wheel.read(name))
                for key, value in message.items():
                    text = settled(key.lower(), " ".join(value.split()))
                    found.add(f"field {key.lower()}: {text}")
                found.add(f"description: {str(message.get_payload()).strip()!r}")
    return found


ours, theirs = map(facts, sys.argv[1:])
for fact in sorted(ours ^ theirs):
    print("only in", sys.argv[1] if fact in ours else sys.argv[2], fact)
sys.exit(ours != theirs)
