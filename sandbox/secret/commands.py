"""`sandbox secret`: the manager's access key as a Kubernetes secret."""

import sys
from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.errors import UsageError
from sandbox.core.options import (
    ContextOption,
    NamespaceOption,
    QuietOption,
    RestartOption,
    StackOption,
)

EPILOG = "Example: sandbox secret --stack production | kubectl apply --server-side -f -"


def secret(
    *,
    stack: StackOption = None,
    namespace: NamespaceOption = "default",
    apply: Annotated[bool, typer.Option("--apply", help="Apply it with kubectl.")] = False,
    context: ContextOption = None,
    restart: RestartOption = None,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print the secret even to a terminal.")
    ] = False,
    _quiet: QuietOption = False,
) -> None:
    """Print the manager's current access key as a Kubernetes secret, or apply it."""
    from sandbox.core import kubernetes
    from sandbox.core.stack import Stack

    if not apply and (context or restart):
        raise UsageError("--context and --restart: are only used with --apply; add it")
    if not apply and sys.stdout.isatty() and not show_secrets:
        raise UsageError(
            "standard output is a terminal, which would show the secret; pipe it to "
            "kubectl apply --server-side -f -, or use --apply or --show-secrets"
        )
    target = kubernetes.Target(namespace=namespace, context=context, restart=restart or [])
    selected = Stack.select(stack)
    outputs = selected.outputs(secrets=True)
    text = kubernetes.manifest(outputs, stack=selected.name, namespace=namespace)
    if not apply:
        output.result(text.rstrip("\n"))
        return
    with output.progress(f"applying secret {kubernetes.SECRET_NAME} to {target}"):
        kubernetes.apply(text, target)
    output.note(f"applied secret {kubernetes.SECRET_NAME} to {target}")
