"""Questions to the user. Each names what happens on yes."""

import getpass
import sys

import typer

from sandbox.core.errors import RefusedError


def secret(text: str) -> str:
    """What the user types without seeing it; "" if nobody can be asked."""
    return getpass.getpass(f"{text}: ", sys.stderr) if sys.stdin.isatty() else ""


def confirm(action: str, *, yes: bool) -> None:
    """Ask whether to do *action*, for example "delete access key AKIA…"; *yes* answers it.

    Raises:
        RefusedError: the user says no, or nobody can be asked and *yes* is not given.
        typer.Abort: the input ends.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(f"{action}: nobody can be asked here; add --yes to do it")
    # typer.confirm writes a part of its question to standard output, where the result goes
    sys.stderr.write(f"{action}? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    if answer.strip().lower() not in {"y", "yes"}:
        raise RefusedError(f"{action}: not confirmed; nothing was changed")
