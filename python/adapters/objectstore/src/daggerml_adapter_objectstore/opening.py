"""From an address to the store behind it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from daggerml.remotes import HelperError
from daggerml_adapter_objectstore import aws, azure, problems

if TYPE_CHECKING:
    from daggerml_adapter_objectstore.address import Address

__all__ = ["Opened", "opened"]

#: How long reads are tried again.
RETRIES, PATIENCE = 5, timedelta(seconds=60)


class Opened(NamedTuple):
    """The store, twice: ``reads`` are tried again by the library, ``writes`` only by us.

    ``secrets`` are what must not be shown, besides what the environment has.
    """

    reads: Any
    writes: Any
    secrets: tuple[str, ...]


#: Settings that are secrets.
_SECRETS = ("secret_access_key", "session_token", "account_key", "sas_key")


def opened(address: Address) -> Opened:
    """Makes the store of an address; nothing is sent yet."""
    import obstore.store as stores
    from obstore.exceptions import BaseError

    environment = dict(os.environ)
    options: dict[str, Any] = {"client_options": {"timeout": "600s", "connect_timeout": "10s"}}
    config: dict[str, Any] = {}
    target, make = address.bucket, _MAKERS[address.scheme](stores)
    if address.scheme == "s3":
        config = _s3(environment, options)
    elif address.scheme == "gs":
        config = _gs(environment)
    elif address.scheme == "az":
        config = azure.settings(environment)
    else:
        target = str(address)
    if address.scheme != "https" and address.prefix:
        options["prefix"] = address.prefix
    # As the clouds' own tools: an endpoint may say `http`, an address of ours cannot.
    url = str(config.get("endpoint") or config.get("base_url") or "")
    options["client_options"]["allow_http"] = url.startswith("http://")

    def made(retries: int) -> Any:
        retry = {"max_retries": retries, "retry_timeout": PATIENCE}
        return make(target, retry_config=retry, **options, **config)

    try:
        try:
            reads = made(RETRIES)
        except BaseError:
            if config.pop("disable_bulk_delete", None) is None:
                raise
            reads = made(RETRIES)  # an older library, which does not know the setting
        secrets = tuple(str(config[name]) for name in _SECRETS if config.get(name))
        return Opened(reads, made(0), secrets)
    except (BaseError, ValueError, TypeError) as problem:
        error = problems.translated(problem, address)
        kind = "invalid" if error.kind == "unavailable" else error.kind
        raise HelperError(kind, str(error)) from None


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "s3": lambda stores: stores.S3Store,
    "gs": lambda stores: stores.GCSStore,
    "az": lambda stores: stores.AzureStore,
    "https": lambda stores: stores.HTTPStore.from_url,
}


def _s3(environment: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    config, provider = aws.settings(environment)
    bundle = config.pop("ca_bundle", None)
    if bundle:
        options["client_options"]["root_certificate"] = Path(bundle).read_bytes()
    if provider is not None:
        options["credential_provider"] = provider
    # Some that are only like S3 do not know the request that deletes several at once.
    config["disable_bulk_delete"] = True
    return config


def _gs(environment: dict[str, str]) -> dict[str, Any]:
    host = environment.get("STORAGE_EMULATOR_HOST")
    if not host:
        return {}
    url = host if "://" in host else f"http://{host}"
    # An emulator takes any token; the library would get one for writes in any case.
    return {
        "base_url": url.rstrip("/"),
        "skip_signature": True,
        "credential_provider": lambda: {"token": "emulator", "expires_at": None},
    }
