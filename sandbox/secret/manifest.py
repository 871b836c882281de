"""The service's key as a Kubernetes secret, which travels by standard input only."""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.core.errors import SandboxError

NAME: Final = "sandbox-manager-aws"
FIELDS: Final = {
    "AWS_ACCESS_KEY_ID": "sandbox_manager_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "sandbox_manager_secret_access_key",
}
"""The secret's keys, and the outputs they come from."""
MANAGER: Final = "sandbox-handover"
"""Who the cluster says has written the secret."""


def manifest(outputs: Mapping[str, Any], *, namespace: str) -> str:
    """The secret as JSON, which is YAML too.

    Raises:
        SandboxError: the stack has no key to hand over.
    """
    missing = [output for output in FIELDS.values() if not outputs.get(output)]
    if missing:
        raise SandboxError(
            f"{' and '.join(missing)}: not among the stack's outputs; only a manager that is a "
            "user has a key (sandbox:manager_identity = user): update the stack first"
        )
    data = {
        field: base64.b64encode(outputs[output].encode()).decode()
        for field, output in FIELDS.items()
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": MANAGER},
        },
        "type": "Opaque",
        "data": data,
    }
    return json.dumps(secret, indent=2) + "\n"


def apply(text: str, *, namespace: str, context: str | None, restart: Sequence[str]) -> None:
    """Give the secret to the cluster, then restart what reads it.

    Server-side: a client-side apply would keep a second copy of the secret in an annotation.
    """
    where = ["--context", context] if context else []
    owner = f"--field-manager={MANAGER}"
    _kubectl("apply", "--server-side", owner, "--force-conflicts", *where, "-f", "-", text=text)
    for workload in restart:
        _kubectl("rollout", "restart", workload, "--namespace", namespace, *where)


def _kubectl(*arguments: str, text: str = "") -> None:
    try:
        done = subprocess.run(
            ["kubectl", *arguments], input=text, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SandboxError(
            "kubectl: is not on PATH; install it, or pipe the secret to where it is"
        ) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise SandboxError(
            f"kubectl {' '.join(arguments)}: {lines[-1]}; check the cluster and the rights of "
            "your account there, then run this command again"
        )
