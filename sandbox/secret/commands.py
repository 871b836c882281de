"""`sandbox secret`: the manager's access key as a Kubernetes secret."""

import sys
from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.errors import UsageError
from sandbox.core.options import QuietOption, StackOption

Namespace = Annotated[str, typer.Option(help="The service's Kubernetes namespace.")]
Context = Annotated[str | None, typer.Option(help="The cluster, as a context of kubectl.")]
Restart = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND/NAME",
        help="Restart this workload, for example deployment/sandbox-manager. Repeatable.",
    ),
]


def secret(
    *,
    stack: StackOption = None,
    namespace: Namespace = "default",
    apply: Annotated[bool, typer.Option("--apply", help="Apply it with kubectl.")] = False,
    context: Context = None,
    restart: Restart = None,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print the secret even to a terminal.")
    ] = False,
    _quiet: QuietOption = False,
) -> None:
    """Render the manager's current access key as a Kubernetes secret, or apply it."""
    from sandbox.core.stack import Stack
    from sandbox.secret import manifest

    if not apply and sys.stdout.isatty() and not show_secrets:
        raise UsageError(
            "standard output is a terminal, which would show the secret; pipe it to "
            "kubectl apply -f -, or use --apply or --show-secrets"
        )
    text = manifest.manifest(Stack.select(stack).outputs(secrets=True), namespace=namespace)
    if apply:
        manifest.apply(text, namespace=namespace, context=context, restart=restart or [])
        output.note(f"applied secret {manifest.NAME} to namespace {namespace}")
    else:
        output.result(text.rstrip("\n"))
