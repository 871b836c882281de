"""The stacks that claims are proven for: the defaults, and each setting that changes documents."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra import context, names
from infra.account import AccountIdentity
from infra.permissions import instance, spending
from infra.permissions.context import PolicyContext
from infra.permissions.statements import document
from infra.settings import Settings
from sandbox.permissions import placeholders
from sandbox.permissions.claims.encoding import PolicyLayers
from sandbox.permissions.claims.table import Values
from sandbox.permissions.identities import BUILD

ACCOUNT: Final = AccountIdentity(partition="aws", account_id="123456789012")
VPC_ID: Final = "vpc-0a1b2c3d4e5f60718"
ISSUER: Final = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
OTHER_ISSUER: Final = "oidc.eks.us-east-1.amazonaws.com/id/3210456789ABCDEF"
ON_EKS: Final = {
    "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT.account_id}:oidc-provider/{ISSUER}",
    "service_account": "default/sandbox-manager",
}
ORGANIZATION: Final = f"arn:aws:iam::{ACCOUNT.account_id}:policy/organization"
BUDGET: Final = {"monthly_budget_usd": 1000, "budget_email": "owner@example.com"}
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "defaults": {},
    "capacity_reservations": {
        "capacity_reservations": ["cr-0aaaaaaaaaaaaaaaa", "cr-0bbbbbbbbbbbbbbbb"]
    },
    "limits of launches": {
        "allowed_instance_types": ["g5.*", "p4d.24xlarge"],
        "instance_tags": ["job"],
        "max_volume_gib": 16384,
        "volume_types": ["gp3", "io2"],
    },
    "default_instance_type": {"default_instance_type": "p4d.24xlarge"},
    "ecr_repositories": {"ecr_repositories": ["metta", "team/*"]},
    "another region and environment": {
        "region": "eu-central-1",
        "environment": "staging",
        "log_prefix": "/research/",
        "s3_output_bucket": "results",
    },
    "flow_logs": {"flow_logs": False},
    "instances_only_from_vpc": {"instances_only_from_vpc": True},
    "instances_read_outputs": {"instances_read_outputs": True},
    "manager_identity: irsa": {"manager_identity": "irsa", **ON_EKS},
    "manager_identity: pod-identity": {"manager_identity": "pod-identity", **ON_EKS},
    "monthly_budget_usd": BUDGET,
    "monthly_budget_usd, for a role at another path": {
        **BUDGET,
        "manager_identity": "irsa",
        "manager_path": "/",
        **ON_EKS,
    },
    "logs_per_instance": {"logs_per_instance": True},
    "permissions_boundary": {**BUDGET, "permissions_boundary": ORGANIZATION},
    "results_per_instance": {"results_per_instance": True, "s3_read_buckets": ["softmax-data"]},
    "s3_output_bucket, read by sandboxes": {
        "s3_output_bucket": "results",
        "instances_read_outputs": True,
    },
    "s3_read_buckets": {"s3_read_buckets": ["models", "datasets-*"]},
    "s3_read_buckets, too long for the boundary": {
        "s3_read_buckets": [f"softmax-{number:02}-{'x' * 50}" for number in range(27)]
    },
    "sandbox_ami_id": {"sandbox_ami_id": "ami-0c0ffee0000000001"},
}
"""Settings by name; each changes documents, and each setting that changes documents is here."""
BOUNDARIES: Final = {
    "manager_boundary": names.MANAGER_BOUNDARY,
    "instance_boundary": names.INSTANCE_BOUNDARY,
    "flow_logs_boundary": names.FLOW_LOGS_BOUNDARY,
    "budget_boundary": names.BUDGET_BOUNDARY,
}
"""The program's boundary of each identity, by the placeholder of the one that it has."""
TRUSTS: Final = {
    "trust of the instance role": ("instance", None),
    "trust of the flow logs role": ("flow-logs", None),
    "trust of the budget's role": ("budget", None),
    "trust of the manager's role for a service account": ("manager", "irsa"),
    "trust of the manager's role for pods": ("manager", "pod-identity"),
}
"""The identity of each trust policy, and the manager's kind where there is more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedStack:
    """The documents of every identity of the table, and the values of the placeholders."""

    name: str
    given: Mapping[str, Any]
    layers: Mapping[str, PolicyLayers]
    values: Values

    @property
    def given_of_rows(self) -> Mapping[str, Any]:
        """The settings with which rows hold here: those that only add an identity do not count."""
        return {
            key: value
            for key, value in self.given.items()
            if key not in {**ON_EKS, **BUDGET, "manager_path": "", "permissions_boundary": ""}
        }


def made_up_stacks() -> Sequence[ClaimedStack]:
    """A stack in a made-up account for each entry of `SETTINGS`."""
    return [
        stack_of(name, given, Settings.model_validate(given), ACCOUNT, VPC_ID)
        for name, given in SETTINGS.items()
    ]


def stack_of(
    name: str, given: Mapping[str, Any], settings: Settings, account: AccountIdentity, vpc_id: str
) -> ClaimedStack:
    """The stack with *settings* in *account*; *given* are those that differ from the defaults."""
    policy_context = context.policy_context(settings, account, vpc_id=vpc_id)
    return ClaimedStack(
        name=name,
        given=given,
        layers=layers_of(settings, policy_context),
        values=values_of(settings, policy_context, account),
    )


def layers_of(settings: Settings, policy_context: PolicyContext) -> Mapping[str, PolicyLayers]:
    """The documents of each identity that the stack has."""
    documents = {name: build(settings, policy_context) for name, build in BUILD.items()}
    identities = {
        "manager": documents["manager"],
        "instance": documents["instance"],
        "flow logs": documents["flow-logs"],
        "budget": documents["budget"],
        "pipeline": documents["ci-deploy"],
        "pipeline preview": documents["ci-preview"],
    }
    layers = {
        name: PolicyLayers(identity=tuple(parts["policies"]), boundary=parts["boundary"])
        for name, parts in identities.items()
        if parts["policies"]
    }
    manager = documents["manager"]
    layers["manager out of budget"] = PolicyLayers(
        identity=(*manager["policies"], json.loads(document(spending.stop()))),
        boundary=manager["boundary"],
    )
    for who, (identity, kind) in TRUSTS.items():
        trust = documents[identity]["trust"]
        if trust and kind in {None, settings.manager_identity}:
            layers[who] = PolicyLayers(resource=trust)
    return layers


def values_of(
    settings: Settings, policy_context: PolicyContext, account: AccountIdentity
) -> Values:
    """The values of the placeholders, those of rows and those that only claims have."""
    outputs = {
        "vpc_id": policy_context.vpc_id,
        "public_subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa"],
    }
    provider = settings.oidc_provider_arn or ON_EKS["oidc_provider_arn"]
    manager_type = "user" if settings.manager_identity == "user" else "role"
    namespace, _, service_account = (
        settings.service_account or ON_EKS["service_account"]
    ).partition("/")
    return {
        **placeholders.of_stack(settings, outputs, account),
        "launchable_types": policy_context.instance_types,
        "volume_types": policy_context.volume_types,
        "max_volume_gib": str(policy_context.max_volume_gib),
        "market_types": (
            "on-demand",
            *(["capacity-block"] if policy_context.capacity_reservations else []),
        ),
        "capacity_reservations": policy_context.capacity_reservations,
        "launch_tag_keys": policy_context.launch_tag_keys,
        "repositories": policy_context.ecr_repositories,
        "read_buckets": policy_context.s3_read_buckets,
        **_bounded(policy_context),
        "own_results": policy_context.s3_output_bucket
        + (f"/{instance.OWN_PREFIX}" if policy_context.results_per_instance else ""),
        "image": policy_context.ami_id,
        **{
            name: policy_context.permissions_boundary or policy_context.iam(f"policy/{boundary}")
            for name, boundary in BOUNDARIES.items()
        },
        "manager": policy_context.iam(f"{manager_type}{settings.manager_path}{names.MANAGER}"),
        "manager_type": manager_type.capitalize(),
        "oidc_provider": provider,
        "oidc_issuer": provider.split(":oidc-provider/", 1)[1],
        "other_oidc_provider": f"{policy_context.iam('oidc-provider')}/{OTHER_ISSUER}",
        "other_oidc_issuer": OTHER_ISSUER,
        "namespace": namespace,
        "service_account": service_account,
    }


def _bounded(policy_context: PolicyContext) -> Values:
    """The buckets that the sandboxes' boundary names, besides that of the results."""
    wide = instance.read_the_accounts_buckets(policy_context).sid
    if any(item.sid == wide for item in instance.boundary(policy_context)):
        return {"bounded_buckets": "*", "bounded_objects": "*"}
    buckets = policy_context.s3_read_buckets
    return {"bounded_buckets": buckets, "bounded_objects": [f"{name}/*" for name in buckets]}
