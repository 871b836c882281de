"""What moto lacks or does differently from AWS, each answered in a file of its own.

A gap names the version of moto and the AWS page that says how it should be. It changes moto in the
server's own process; the program and the provider talk to it as to AWS.
"""

from importlib import import_module
from pkgutil import iter_modules


def install() -> None:
    """Answer every gap of this folder, once, in the process that serves."""
    for gap in iter_modules(__path__):
        import_module(f"{__name__}.{gap.name}").install()
