"""What a local process gets to see of the user's environment: nothing of real accounts."""

import os
from typing import Final

_FORGETFUL: Final = "PYTHONDONTWRITEBYTECODE"
"""With it, every run of the program compiles its megabytes of libraries anew, for seconds."""


def clean() -> dict[str, str]:
    """The environment without AWS's and Pulumi's variables, and with AWS's files out of reach."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "BOTO_", "PULUMI_")) and name != _FORGETFUL
    }
    return {
        **own,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
