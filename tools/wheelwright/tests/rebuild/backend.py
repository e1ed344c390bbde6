"""A build backend of the tests: it lies in the source, so that nothing is installed."""

import base64
import hashlib
import os
import socket
import time
import zipfile
from pathlib import Path

INFO = "demo-1.0.dist-info/"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    """Builds the one wheel, as the file `how` of the source says."""
    how = Path("how").read_text(encoding="utf-8").split()
    if "network" in how:
        try:
            socket.create_connection(("127.0.0.1", int(how[1])), timeout=5).close()
        except OSError:
            pass
        else:
            raise SystemExit("there is network")
    if "sleep" in how:
        time.sleep(600)
    if "fail" in how:
        raise SystemExit("the backend says \x1b[31mno")
    seen = [name for name, value in os.environ.items() if "hunter22" in value]
    if seen:
        raise SystemExit(f"{seen} are seen")
    files = {
        "demo.py": Path("demo.py").read_bytes(),
        INFO + "METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        INFO + "WHEEL": b"Wheel-Version: 1.0\nGenerator: demo 1\nTag: py3-none-any\n",
    }
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}\n")
    rows.append(INFO + "RECORD,,\n")
    files[INFO + "RECORD"] = "".join(rows).encode()
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", "946684800"))
    date = time.gmtime(seconds)[:6]
    name = "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, name), "w") as wheel:
        for path, content in files.items():
            member = zipfile.ZipInfo(path, date)
            member.external_attr = 0o100644 << 16
            wheel.writestr(member, content)
    return name
