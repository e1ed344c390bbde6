"""Print what a wheel holds, one fact a line, so that two wheels can be compared.

The files by name; of METADATA every field, with the order within keywords and
version ranges settled, since it means nothing. SBOMs are left out: only our own
packer adds them.
"""

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


with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if not name.endswith("/") and "/sboms/" not in name:
            print("file", name)
        if name.endswith(".dist-info/METADATA"):
            message = email.parser.BytesParser().parsebytes(wheel.read(name))
            for key, value in message.items():
                print("field", f"{key.lower()}: {settled(key.lower(), ' '.join(value.split()))}")
            print("field", f"description: {str(message.get_payload()).strip()!r}")
