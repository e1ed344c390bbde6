"""Read a rebuild statement with other people's tools: securesystemslib and in-toto.

    python tools/release/read_statement.py STATEMENT.rebuild.json KEY.pub

Checks the signature by the key, and that the document is a statement of in-toto. Prints
the SHA-256 and name of each file that it is about; ends with 1 if it is not signed so.
Run by `cargo checks rehearsal`; needs the group `rehearsal` of
tools/checks/pyproject.toml.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def main() -> int:
    """Return the exit code."""
    statement, key = map(Path, sys.argv[1:])
    data = json.loads(statement.read_text())
    # The library looks for a key by the id that the envelope names.
    key_id = data["signatures"][0]["keyid"]
    public = load_ssh_public_key(key.read_bytes())
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    trusted = SSlibKey(key_id, "ed25519", "ed25519", {"public": raw.hex()})
    envelope = Envelope.from_dict(data)
    try:
        envelope.verify([trusted], 1)
    except VerificationError as error:
        print(error, file=sys.stderr)
        return 1
    message = json_format.Parse(envelope.payload, statement_pb2.Statement())
    parsed = Statement.copy_from_pb(message)
    parsed.validate()
    for subject in parsed.pb.subject:
        print(subject.digest["sha256"], subject.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
