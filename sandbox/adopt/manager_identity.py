"""Which identity the manager of an old environment is, and who may assume it. Pure.

The module made a user first, then a role for a Kubernetes service account: by the cluster's OIDC
provider (IRSA), and later by EKS Pod Identity.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from infra import names
from infra.settings import Settings
from sandbox.adopt import policy_comparison
from sandbox.adopt.policy_comparison import as_list
from sandbox.adopt.terraform_state import State, TerraformResource
from sandbox.core.errors import RefusedError

POD_IDENTITY: Final = "pods.eks.amazonaws.com"
ASSOCIATION: Final = "aws_eks_pod_identity_association"
SUBJECT: Final = "system:serviceaccount:"
PATHS: Final = get_args(Settings.model_fields["manager_path"].annotation)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerIdentity:
    """The manager in IAM."""

    kind: Literal["user", "role"]
    settings: Mapping[str, str]
    """Those that describe it, by key without namespace."""


def manager_identity(state: State) -> ManagerIdentity:
    """The identity that *state* holds.

    Raises:
        RefusedError: it holds none, or one that the program cannot have.
    """
    user = _named(state, "aws_iam_user")
    if user:
        return ManagerIdentity(kind="user", settings=_path(state, user))
    role = _named(state, "aws_iam_role")
    if not role:
        raise RefusedError(
            f"{state.where}: has neither a user nor a role {names.MANAGER}, so the program would "
            "create a second manager; if another state holds it, as that of the cluster, name both "
            "states: sandbox adopt check SANDBOX CLUSTER"
        )
    return ManagerIdentity(
        kind="role", settings={**_path(state, role), **dict(_trusted(state, role))}
    )


def _named(state: State, terraform_type: str) -> TerraformResource | None:
    return next(
        (item for item in state.of(terraform_type) if item.text("name") == names.MANAGER), None
    )


def _path(state: State, identity: TerraformResource) -> Mapping[str, str]:
    path = identity.text("path") or "/"
    if path not in PATHS:
        raise RefusedError(
            f"{state.where}: {identity.address} has the path {path}, which IAM cannot change, and "
            f"the program has {' and '.join(PATHS)} only; keep this environment under Terraform"
        )
    return {} if path == names.MANAGER_PATH else {"manager_path": path}


def _trusted(state: State, role: TerraformResource) -> Iterator[tuple[str, str]]:
    """The settings that give the role's trust.

    Raises:
        RefusedError: the program cannot have this trust.
    """
    statements = policy_comparison.statements(role.text("assume_role_policy")) or []
    match [statement.get("Principal") for statement in statements]:
        case [{"Service": service}] if as_list(service) == [POD_IDENTITY]:
            yield "manager_identity", "pod-identity"
            yield from _associated(state, role)
        case [{"Federated": provider}] if len(as_list(provider)) == 1:
            yield "manager_identity", "irsa"
            yield "oidc_provider_arn", as_list(provider)[0]
            yield "service_account", _subject(state, role, statements[0])
        case principals:
            raise RefusedError(
                f"{state.where}: {role.address} may be assumed by {_listed(principals)}, and the "
                "program lets one service account assume it, by an OIDC provider or by EKS Pod "
                "Identity; restore the module's trust policy with Terraform first"
            )


def _associated(state: State, role: TerraformResource) -> Iterator[tuple[str, str]]:
    """The service account of the role's association; none where another state holds that.

    Raises:
        RefusedError: there are several.
    """
    accounts = {
        f"{item.text('namespace')}/{item.text('service_account')}": item.address
        for item in state.of(ASSOCIATION)
        if item.text("role_arn") == role.text("arn")
    }
    if len(accounts) > 1:
        raise RefusedError(
            f"{state.where}: {' and '.join(accounts.values())} give {names.MANAGER} to "
            f"{' and '.join(accounts)}, and the program lets one service account assume it; remove "
            "the associations that the service does not use with Terraform first"
        )
    for account in accounts:
        yield "service_account", account


def _subject(state: State, role: TerraformResource, statement: Mapping[str, Any]) -> str:
    """The service account that an OIDC trust names."""
    subjects = [
        subject
        for keys in statement.get("Condition", {}).values()
        for key, values in keys.items()
        if key.endswith(":sub")
        for subject in as_list(values)
    ]
    if len(subjects) != 1 or not subjects[0].startswith(SUBJECT) or "*" in subjects[0]:
        raise RefusedError(
            f"{state.where}: {role.address} may be assumed by "
            f"{' and '.join(subjects) or 'every account of its OIDC provider'}, and the program "
            "lets one service account assume it; name only the service's with Terraform first"
        )
    return subjects[0].removeprefix(SUBJECT).replace(":", "/")


def _listed(principals: Sequence[Any]) -> str:
    return (
        " and ".join(json.dumps(principal).replace('"', "") for principal in principals) or "nobody"
    )
