"""Print the names in a wheel, and its metadata in a settled order, one a line."""

import email.parser
import json
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        value = ""
        if name.endswith(".dist-info/METADATA"):
            message = email.parser.BytesParser().parsebytes(wheel.read(name))
            fields = sorted((key.lower(), text.strip()) for key, text in message.items())
            value = json.dumps([fields, str(message.get_payload()).strip()])
        if not name.endswith("/") and "/sboms/" not in name:
            print(name, value, sep="\t")
