"""Corrections of moto where it differs from AWS: one file for each difference.

Each file names moto's version and the AWS page that it follows. It patches moto inside the
server's process; the program and the provider use the server like AWS.
"""

from importlib import import_module
from pkgutil import iter_modules


def install() -> None:
    """Apply every patch of this folder, once, in the process that serves."""
    for patch in iter_modules(__path__):
        import_module(f"{__name__}.{patch.name}").install()
