"""Derive the stack's settings from a Terraform state. Pure."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from infra import access_keys, names, settings
from infra.settings import checks
from sandbox.adopt import policy_comparison
from sandbox.adopt.mapping import AdoptionPlan
from sandbox.adopt.policy_comparison import as_list
from sandbox.adopt.terraform_state import State, TerraformResource
from sandbox.core.errors import RefusedError

NAMESPACE: Final = settings.NAMESPACE
WATCH: Final = "watch_terraform_tags"
"""Previews warn while something still carries the tag Terraform=true."""
CURES: Final[Mapping[str, str]] = {
    "main_vpc_cidr": "if that is not your network: pulumi config set KEY RANGE",
    "vpc_cidr": "AWS cannot change the range of a VPC; keep this environment under Terraform",
    "service_account": (
        "if another state holds the association of the manager, name both states, or: pulumi "
        "config set KEY NAMESPACE/NAME"
    ),
}
"""By a setting that no state of the sandbox holds, how the stack gets it."""
S3_ARN: Final = "arn:aws:s3:::"
ARN_FIELDS: Final = 6
"""arn:partition:service:region:account:resource."""


def settings_of(state: State, plan: AdoptionPlan) -> dict[str, Any]:
    """The settings that describe the running environment, by key without namespace.

    Raises:
        RefusedError: the VPC has no ARN, so its region is unknown.
    """
    region, _ = region_and_account(state, plan)
    environment = plan.environment
    values: dict[str, Any] = {
        "region": region,
        "environment": environment.vpc.tags.get("Environment", "production"),
        "vpc_cidr": environment.vpc.text("cidr_block"),
        "zones": dict(sorted(environment.slots.items(), key=lambda item: item[1])),
        "allowed_ssh_cidrs": list(plan.ssh_ranges),
        "allowed_egress": list(plan.egress),
        **environment.manager.settings,
        WATCH: True,
    }
    instance_type = _default_instance_type(state)
    if instance_type and not refused_settings(state):
        values["default_instance_type"] = instance_type
    if plan.key_stages not in ({}, access_keys.INITIAL_STAGES):
        values["manager_keys"] = dict(plan.key_stages)
    if tags := _own_tags(state, plan):
        values["tags"] = tags
    if boundary := _boundary(state):
        values["permissions_boundary"] = boundary
    if plan.log_retention_days is not None:
        values["instance_log_retention_days"] = plan.log_retention_days or max(checks.RETENTIONS)
    for policy in state.of("aws_iam_policy"):
        if policy.id == environment.policies[names.INSTANCE_POLICY]:
            values.update(_from_instance_policy(policy))
    return values


def region_and_account(state: State, plan: AdoptionPlan) -> tuple[str, str]:
    """The region and the account number of the environment.

    Raises:
        RefusedError: the VPC has no ARN.
    """
    vpc = plan.environment.vpc
    parts = vpc.text("arn").split(":")
    if len(parts) < ARN_FIELDS:
        raise RefusedError(
            f"{state.where}: {vpc.address} has no ARN; refresh the state with: terraform apply "
            "-refresh-only"
        )
    return parts[3], parts[4]


def require_valid(state: State, config: Mapping[str, str]) -> None:
    """Refuse settings that the program refuses, before anything is written.

    Raises:
        RefusedError: one line that names every setting that is not valid.
    """
    try:
        settings.parse(config)
    except settings.SettingsError as error:
        cure = next(
            (
                cure.replace("KEY", f"{NAMESPACE}:{key}")
                for key, cure in CURES.items()
                if any(f"{NAMESPACE}:{key}" in problem for problem in error.problems)
            ),
            "change these values with Terraform first, then pull the state again",
        )
        raise RefusedError(
            f"{state.where}: the program cannot describe this environment: "
            f"{'; '.join(error.problems)}; {cure}"
        ) from None


def merged(current: Mapping[str, Any], adopted: Mapping[str, Any]) -> dict[str, str]:
    """The stack's settings as texts, in the form that the program receives; *adopted* wins."""
    return {key: text(value) for key, value in {**current, **adopted}.items()}


def changes(current: Mapping[str, Any], adopted: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of *adopted* that the stack's config does not hold yet."""
    return {key: value for key, value in adopted.items() if current.get(key) != value}


def text(value: Any) -> str:  # noqa: ANN401 - a setting may be anything
    return value if isinstance(value, str) else json.dumps(value)


def refused_settings(state: State) -> Mapping[str, str]:
    """The settings of the environment that the program refuses, with the value and the reason.

    No resource depends on them, so the stack keeps its own value.
    """
    value = _default_instance_type(state)
    try:
        checks.instance_type(value)
    except ValueError as error:
        return {"default_instance_type": f"{value} {error}"} if value else {}
    return {}


def _own_tags(state: State, plan: AdoptionPlan) -> Mapping[str, str]:
    """The tags that Terraform's provider put on everything, and that the program takes over."""
    environment = plan.environment
    tagged = [
        environment.vpc,
        *(
            group
            for group in state.of("aws_security_group")
            if group.id == environment.security_group
        ),
        *(role for role in state.of("aws_iam_role") if role.text("name") == names.INSTANCE_ROLE),
    ]
    tags: dict[str, str] = {}
    for key, value in sorted(environment.vpc.tags.items()):
        if all(resource.tags.get(key) == value for resource in tagged):
            with suppress(ValueError):
                tags.update(checks.own_tags({key: value}))
    return tags


def _boundary(state: State) -> str:
    """The boundary that the organization put on the manager and the instances' role, "" if none.

    Raises:
        RefusedError: they have two, and the program sets one.
    """
    bounded = {
        boundary: identity.address
        for kind in ("aws_iam_user", "aws_iam_role")
        for identity in state.of(kind)
        if identity.text("name") in {names.MANAGER, names.INSTANCE_ROLE}
        and (boundary := identity.text("permissions_boundary"))
    }
    if len(bounded) > 1:
        listed = " and ".join(f"{address} has {arn}" for arn, address in bounded.items())
        raise RefusedError(
            f"{state.where}: {listed}, and the program sets one boundary on every identity; set "
            "one of them on both with Terraform first"
        )
    return next(iter(bounded), "")


def _default_instance_type(state: State) -> str:
    """It is only in an output of the module; "" if there is none."""
    output: Any = state.outputs.get("sandbox_config")
    value: Any = (
        cast("Mapping[str, Any]", output).get("default_instance_type")
        if isinstance(output, dict)
        else None
    )
    return value if isinstance(value, str) else ""


def _from_instance_policy(policy: TerraformResource) -> Iterator[tuple[str, Any]]:
    """Buckets and log prefix, from the statements that the old module wrote."""
    statements = policy_comparison.statements(policy.text("policy"))
    if statements is None:
        return
    read = written = ""
    for statement in statements:
        actions = set(as_list(statement.get("Action", [])))
        resources = cast("list[str]", as_list(statement.get("Resource", [])))
        buckets = [
            arn.removeprefix(S3_ARN)
            for arn in resources
            if arn.startswith(S3_ARN) and "/" not in arn
        ]
        if "s3:GetObject" in actions and buckets:
            read = buckets[0]
            yield "s3_read_buckets", buckets
        if "s3:PutObject" in actions:
            [written] = {arn.removeprefix(S3_ARN).partition("/")[0] for arn in resources} or {""}
            if "*" not in written:
                yield "s3_output_bucket", written
        if "logs:PutLogEvents" in actions and len(resources) == 1:
            prefix = resources[0].partition(":log-group:")[2].removesuffix(":*").removesuffix("*")
            with suppress(ValueError):
                yield "log_prefix", checks.log_prefix(prefix)
    if read and read == written:
        yield "instances_read_outputs", True
    if not read:  # they read nothing: the least that the program gives is their own results
        default = settings.Settings().s3_output_bucket
        yield "s3_read_buckets", [written or default]
