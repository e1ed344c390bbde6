"""The settings of S3, as the AWS command line reads them: environment, then profile."""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from typing import Any, Optional

from daggerml.remotes import HelperError

__all__ = ["settings"]

#: Members of a profile that only AWS's own library can use.
_NEEDS_BOTO3 = ("role_arn", "sso_session", "sso_start_url", "login_session", "source_profile")


def settings(environment: dict[str, str]) -> tuple[dict[str, Any], Optional[Any]]:
    """Returns the settings for the store, and a provider of credentials if one is needed.

    What the store finds in the environment by itself is left to it.
    """
    profile = _profile(environment)
    found: dict[str, Any] = {
        "region": environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or profile.get("region")
        or "us-east-1"
    }
    endpoint = (
        environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL")
        or profile.get("endpoint_url")
    )
    if endpoint:
        found["endpoint"] = endpoint.rstrip("/")
    if environment.get("AWS_CA_BUNDLE") or profile.get("ca_bundle"):
        found["ca_bundle"] = environment.get("AWS_CA_BUNDLE") or profile["ca_bundle"]
    # Credentials of the environment come before those of a profile.
    if environment.get("AWS_ACCESS_KEY_ID") or environment.get("AWS_SKIP_SIGNATURE"):
        return found, None
    if profile.get("aws_access_key_id"):
        found["access_key_id"] = profile["aws_access_key_id"]
        found["secret_access_key"] = profile.get("aws_secret_access_key", "")
        if profile.get("aws_session_token"):
            found["session_token"] = profile["aws_session_token"]
        return found, None
    if profile.get("credential_process"):
        return found, _Process(profile["credential_process"])
    if any(name in profile for name in _NEEDS_BOTO3):
        return found, _boto3(environment)
    return found, None


def _profile(environment: dict[str, str]) -> dict[str, str]:
    """Returns what the two files of the AWS command line say of the profile."""
    name = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE")
    wanted = name or "default"
    found: dict[str, str] = {}
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", wanted if wanted == "default" else f"profile {wanted}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", wanted),
    ):
        path = Path(environment.get(variable) or Path.home() / ".aws" / file).expanduser()
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(path, "utf-8")
        except (configparser.Error, ValueError):
            raise HelperError("invalid", f"{path} cannot be read as AWS settings") from None
        if parser.has_section(section):
            found.update(parser.items(section))
    if name and not found:
        text = f"there is no AWS profile {name!r}; `aws configure list-profiles` shows them"
        raise HelperError("denied", text)
    return found


class _Process:
    """Asks the program of a profile's ``credential_process``, as often as is needed."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __call__(self) -> dict[str, Any]:
        import json
        import shlex
        import subprocess
        from datetime import datetime

        words = shlex.split(self._command, posix=os.name != "nt")
        made = subprocess.run(
            words, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
        try:
            told = json.loads(made.stdout) if made.returncode == 0 else {}
            found = {
                "access_key_id": told["AccessKeyId"],
                "secret_access_key": told["SecretAccessKey"],
                "token": told.get("SessionToken"),
            }
            until = told.get("Expiration")
            found["expires_at"] = until and datetime.fromisoformat(until.replace("Z", "+00:00"))
        except (KeyError, TypeError, ValueError):
            text = f"the credential_process {words[0]!r} did not give credentials"
            raise HelperError("denied", text) from None
        return found


def _boto3(environment: dict[str, str]) -> Any:
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        text = "this AWS profile signs in by a role or SSO, for which `boto3` must be installed"
        raise HelperError("denied", text) from None
    name = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE")
    return Boto3CredentialProvider(boto3.Session(profile_name=name))
