"""AWS's command line, for the commands in the README; it pins another botocore."""

from pathlib import Path
from typing import Final

from local import python_tools

VERSION: Final = "1.46.3"


def folder() -> Path:
    """The folder that holds `aws`."""
    return python_tools.folder("awscli", VERSION)
