"""The manager's access key as a Kubernetes secret, and kubectl, which applies it.

The secret travels through standard input only, never in an argument or a file.
"""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.core.errors import RefusedError, SandboxError

SECRET_NAME: Final = "sandbox-manager-aws"  # noqa: S105 - the name of a Kubernetes object
KEY_ID_OUTPUT: Final = "sandbox_manager_access_key_id"
ROLE_OUTPUT: Final = "sandbox_manager_role_arn"
FIELDS: Final = {
    "AWS_ACCESS_KEY_ID": KEY_ID_OUTPUT,
    "AWS_SECRET_ACCESS_KEY": "sandbox_manager_secret_access_key",
}
"""The secret's keys, and the outputs of the stack that they come from."""
FIELD_MANAGER: Final = "sandbox-handover"
"""The cluster records it as the owner of the secret's fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the secret goes, and the workloads that read it."""

    namespace: str = "default"
    context: str | None = None
    """A context of kubectl; None means kubectl's current one."""
    restart: Sequence[str] = ()
    """Workloads as KIND/NAME, which read a new key only after a restart."""

    def options(self) -> Sequence[str]:
        """The same as options of `sandbox secret` and `sandbox keys`."""
        context = ["--context", self.context] if self.context else []
        restart = [part for workload in self.restart for part in ("--restart", workload)]
        return ["--namespace", self.namespace, *context, *restart]

    def __str__(self) -> str:
        context = f" of context {self.context}" if self.context else ""
        return f"namespace {self.namespace}{context}"


def manifest(outputs: Mapping[str, Any], *, stack: str, namespace: str) -> str:
    """The secret as JSON, which is YAML too. *outputs* are those of *stack*, with their secrets.

    Raises:
        RefusedError: the manager is a role, which has no access key.
        SandboxError: the stack has no access key among its outputs.
    """
    if outputs.get(ROLE_OUTPUT):
        raise RefusedError(
            f"stack {stack}: the manager is a role (sandbox:manager_identity) and has no access "
            "key; the service takes the role through its service account, so it needs no secret"
        )
    if missing := [output for output in FIELDS.values() if not outputs.get(output)]:
        raise SandboxError(
            f"stack {stack}: {' and '.join(missing)}: missing among the outputs; run "
            f"pulumi up --stack {stack} first"
        )
    data = {
        field: base64.b64encode(outputs[output].encode()).decode()
        for field, output in FIELDS.items()
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": SECRET_NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER},
        },
        "type": "Opaque",
        "data": data,
    }
    return json.dumps(secret, indent=2) + "\n"


def apply(text: str, target: Target) -> None:
    """Apply the secret *text*, then restart the workloads that read it.

    The apply is server-side: a client-side one keeps a second copy of the secret in an annotation.

    Raises:
        SandboxError: kubectl is not installed, or the cluster refuses.
    """
    context = ["--context", target.context] if target.context else []
    owner = f"--field-manager={FIELD_MANAGER}"
    _kubectl("apply", "--server-side", owner, "--force-conflicts", *context, "-f", "-", text=text)
    for workload in target.restart:
        _kubectl("rollout", "restart", workload, "--namespace", target.namespace, *context)


def _kubectl(*arguments: str, text: str = "") -> None:
    try:
        completed = subprocess.run(
            ["kubectl", *arguments], input=text, capture_output=True, text=True, check=False
        )
    except (FileNotFoundError, PermissionError):
        raise SandboxError(
            "kubectl: is not on PATH; install it, or pipe the secret to a machine that has it"
        ) from None
    if completed.returncode:
        lines = [line for line in completed.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else "it gave no reason"
        raise SandboxError(
            f"kubectl {' '.join(arguments)}: {reason}; check the cluster and your rights there, "
            "then run the same command again"
        )
