"""The user's environment without the variables that lead to a real account."""

import os
from typing import Final

_LOOPBACK: Final = "127.0.0.1,localhost"
_PYTHON: Final = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONHOME", "PYTHONSTARTUP")
"""Variables that put other modules before those of the virtual environment."""
_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"
"""If it is set, every run compiles the libraries again, which takes seconds."""


def clean() -> dict[str, str]:
    """The environment without the variables and files of AWS and Pulumi."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "BOTO_", "PULUMI_"))
        and name not in {_NO_BYTECODE, *_PYTHON}
    }
    # the emulator answers on the loopback interface, which no proxy of the user reaches
    unproxied = {
        name: ",".join(filter(None, (os.environ.get(name), _LOOPBACK)))
        for name in ("NO_PROXY", "no_proxy")
    }
    return {
        **inherited,
        **unproxied,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
