"""Questions to the user. Each names what happens on yes."""

import sys

import typer

from sandbox.core.errors import RefusedError


def confirm(action: str, *, yes: bool) -> None:
    """Ask whether to do *action*, for example "delete access key AKIA…"; *yes* answers it.

    Raises:
        RefusedError: the user says no, or nobody can be asked and *yes* is not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(f"{action}: nobody can be asked here; add --yes to do it")
    if not typer.confirm(f"{action}?", err=True):
        raise RefusedError(f"{action}: not confirmed; nothing was changed")
