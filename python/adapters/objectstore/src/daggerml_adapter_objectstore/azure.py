"""The settings of Azure's blobs, as its command line reads them from the environment."""

from __future__ import annotations

import shutil
from typing import Any

__all__ = ["settings"]

#: The account that everybody knows, of the emulator on the same machine.
_EMULATOR = {
    "AccountName": "devstoreaccount1",
    "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
    "K1SZFPTOtr/KBHBeksoGMGw==",
    "BlobEndpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


def settings(environment: dict[str, str]) -> dict[str, Any]:
    """Returns the settings for the store."""
    found: dict[str, Any] = {}
    string = environment.get("AZURE_STORAGE_CONNECTION_STRING", "")
    parts = dict(part.split("=", 1) for part in string.split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        parts = {**_EMULATOR, **parts}
    for name, variables, part in (
        ("account_name", ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"), "AccountName"),
        ("account_key", ("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"), "AccountKey"),
        ("sas_key", ("AZURE_STORAGE_SAS_TOKEN",), "SharedAccessSignature"),
        ("endpoint", ("AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_SERVICE_ENDPOINT"), "BlobEndpoint"),
    ):
        value = next((environment[each] for each in variables if environment.get(each)), None)
        # A connection string is complete in itself, so it comes first.
        value = parts.get(part) or value
        if value:
            found[name] = value.rstrip("/") if name == "endpoint" else value
    signs = {"account_key", "sas_key"} & found.keys()
    services = ("AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_STORAGE_TOKEN")
    if not signs and not any(environment.get(each) for each in services) and shutil.which("az"):
        found["use_azure_cli"] = True  # whoever typed `az login` is known to it
    return found
