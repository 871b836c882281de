"""Questions to the user. Each names what happens on yes."""

import getpass
import sys

import typer

from sandbox.core import output
from sandbox.core.errors import RefusedError


def can_ask() -> bool:
    """Whether there is a terminal."""
    return sys.stdin.isatty()


def secret(text: str) -> str:
    """A secret that the user types without an echo; "" without a terminal."""
    return getpass.getpass(f"{text}: ", sys.stderr) if can_ask() else ""


def confirm(action: str, *, yes: bool) -> None:
    """Ask whether to do *action*, for example "delete access key AKIA…"; *yes* answers it.

    Raises:
        RefusedError: the answer is no, or there is no terminal and no *yes*.
        typer.Abort: the input ends.
    """
    if yes:
        return
    if not can_ask():
        raise RefusedError(f"{action}: there is no terminal to ask; add --yes to do it")
    # typer.confirm writes a part of its question to standard output, where the result goes
    output.mark_spoken()
    sys.stderr.write(f"{output.harmless(action)}? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    if answer.strip().lower() not in {"y", "yes"}:
        raise RefusedError(f"{action}: not confirmed; nothing was changed")
