"""Refuses a state bucket that sandboxes may read, because the state holds the manager's key.

The boundary of the sandboxes denies reading state too, but it recognizes state by its name only. An
export or a copy may have any name.
"""

import json
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi

from infra.settings import Settings


def require(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse settings with which a sandbox may read or write the bucket of this stack's state.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    address = urlsplit(backend_url(environment))
    if address.scheme != "s3":
        return
    readable = dict.fromkeys(settings.s3_read_buckets, "s3_read_buckets")
    for pattern, key in {**readable, settings.s3_output_bucket: "s3_output_bucket"}.items():
        if fnmatchcase(address.netloc, pattern):
            raise pulumi.RunError(
                f"sandbox:{key} = {pattern}: gives sandboxes the bucket {address.netloc}, which "
                "holds the state of this stack; name only the buckets that sandboxes need, or keep "
                "the state in another bucket"
            )


def backend_url(environment: Mapping[str, str]) -> str:
    """Where Pulumi keeps the state: the variable, or the login of this machine; "" if unknown.

    Source: https://www.pulumi.com/docs/iac/concepts/state-and-backends/
    """
    if url := environment.get("PULUMI_BACKEND_URL"):
        return url
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = Path(environment.get("PULUMI_CREDENTIALS_PATH") or home)
    try:
        login: Any = json.loads((folder / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    match login:
        case {"current": str() as url}:
            return url
        case _:
            return ""
