"""Options that several commands share; each has one meaning and one text."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from sandbox.core import output

NAMESPACE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A label of RFC 1123, as Kubernetes asks of a namespace."""
WORKLOAD: Final = re.compile(r"[A-Za-z][A-Za-z0-9.-]*/[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def _stack_names(incomplete: str) -> list[str]:
    """Complete the stacks that have a file in this folder."""
    names = (
        path.name.split(".", 1)[1].removesuffix(".yaml") for path in Path().glob("Pulumi.*.yaml")
    )
    return sorted(name for name in names if name.startswith(incomplete))


def _set_quiet(value: bool) -> bool:  # noqa: FBT001 - Typer's callback
    if value:  # the option stands before or after the sub-command's name; either holds
        output.set_quiet(quiet=True)
    return value


def _namespace(value: str) -> str:
    if not NAMESPACE.fullmatch(value):
        raise typer.BadParameter(
            f"{value!r} is not a valid Kubernetes namespace; use 1 to 63 lower-case letters, "
            "digits and hyphens, for example sandbox"
        )
    return value


def _workloads(values: list[str] | None) -> list[str]:
    for value in values or []:
        if not WORKLOAD.fullmatch(value):
            raise typer.BadParameter(
                f"{value!r} is not a valid workload; use KIND/NAME, for example deployment/sandbox"
            )
    return values or []


StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        autocompletion=_stack_names,
        help="The stack. Default: PULUMI_STACK, else the selected stack.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=_set_quiet,
        help="Print results and errors only, no notes and no progress.",
    ),
]
NamespaceOption = Annotated[
    str, typer.Option(callback=_namespace, help="The service's Kubernetes namespace.")
]
ContextOption = Annotated[
    str | None, typer.Option(help="The cluster, as a context of kubectl. Default: kubectl's own.")
]
RestartOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND/NAME",
        callback=_workloads,
        help="Restart this workload, for example deployment/sandbox-manager. Repeatable.",
    ),
]
