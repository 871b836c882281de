"""AWS's descriptions of its services, as botocore reads them."""

from functools import cache

import botocore.session
from botocore.loaders import create_loader


def read_once() -> None:
    """Let all sessions of this process share what they read.

    Each session reads the files anew, and moto makes several: that is half of an emulator's start.
    """
    if botocore.session.create_loader is create_loader:
        botocore.session.create_loader = cache(create_loader)
