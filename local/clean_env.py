"""The user's environment without anything that leads to a real account."""

import os
from typing import Final

_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"
"""If it is set, every run compiles the libraries again, for seconds."""


def clean() -> dict[str, str]:
    """The environment without the variables and files of AWS and Pulumi."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "BOTO_", "PULUMI_")) and name != _NO_BYTECODE
    }
    return {
        **inherited,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
