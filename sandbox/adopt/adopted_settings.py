"""What a Terraform state says about the stack's settings. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from infra import access_keys as keys
from infra import names, settings
from infra.settings import checks
from sandbox.adopt.mapping import Plan
from sandbox.adopt.terraform_state import Resource, State
from sandbox.core.errors import SandboxError

NAMESPACE: Final = settings.NAMESPACE
WATCH: Final = "watch_terraform_tags"
"""Makes previews warn while something still carries the tag Terraform=true."""
ROTATING: Final[keys.Keys] = {"a": "retiring", "b": "current"}
"""Both keys are valid; the stack hands out the new one."""
S3_ARN: Final = "arn:aws:s3:::"


def settings_of(state: State, plan: Plan) -> dict[str, Any]:
    """The settings under which the program describes what stands, by key without namespace."""
    vpc = plan.place.vpc
    found: dict[str, Any] = {
        "region": region_of(vpc),
        "environment": vpc.tags.get("Environment", "production"),
        "vpc_cidr": vpc.text("cidr_block"),
        "zones": dict(sorted(plan.place.slots.items(), key=lambda one: one[1])),
        "allowed_ssh_cidrs": list(plan.ssh),
        WATCH: True,
    }
    found.update(_instance_type(state))
    if plan.rotate_key:
        found["manager_keys"] = ROTATING
    if plan.log_days is not None:
        found["instance_log_retention_days"] = plan.log_days or max(checks.RETENTIONS)
    for policy in state.of("aws_iam_policy"):
        if policy.id == plan.place.policies[names.INSTANCE_POLICY]:
            found.update(_of_instance_policy(policy))
    return found


def region_of(resource: Resource) -> str:
    return resource.text("arn").split(":")[3]


def account_of(state: State, plan: Plan) -> str:
    """The number of the account that the state is about.

    Raises:
        SandboxError: the VPC has no ARN.
    """
    parts = plan.place.vpc.text("arn").split(":")
    if len(parts) < len(("arn", "aws", "ec2", "region", "account", "vpc")):
        raise SandboxError(
            f"{state.where}: {plan.place.vpc.address} has no ARN; refresh it with: terraform apply "
            "-refresh-only"
        )
    return parts[4]


def require_usable(state: State, config: Mapping[str, str]) -> None:
    """Refuse what the program itself would refuse, before anything is written.

    Raises:
        SandboxError: one line that names every setting the program cannot use.
    """
    try:
        settings.parse(config)
    except settings.SettingsError as error:
        raise SandboxError(
            f"{state.where}: this program cannot describe what stands: {'; '.join(error.problems)}"
        ) from None


def merged(standing: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str]:
    """The stack's settings as texts, as a program gets them; what the state says comes first."""
    return {key: text(value) for key, value in {**standing, **found}.items()}


def changes(standing: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of *found* that the stack's config does not hold yet."""
    return {key: value for key, value in found.items() if standing.get(key) != value}


def text(value: Any) -> str:  # noqa: ANN401 - a setting may be anything
    return value if isinstance(value, str) else json.dumps(value)


def _instance_type(state: State) -> Iterator[tuple[str, str]]:
    """It lives in an output only, so one that the program refuses is not worth a stop."""
    output: Any = state.outputs.get("sandbox_config")
    kind: Any = (
        cast("Mapping[str, Any]", output).get("default_instance_type")
        if isinstance(output, dict)
        else None
    )
    if isinstance(kind, str):
        with suppress(ValueError):
            yield "default_instance_type", checks.instance_type(kind)


def _of_instance_policy(policy: Resource) -> Iterator[tuple[str, Any]]:
    """Buckets and log groups, where the old policy names them as the old module wrote it."""
    try:
        document: Any = json.loads(policy.text("policy"))
    except ValueError:
        return
    for statement in _several(document.get("Statement", [])):
        actions = set(_several(statement.get("Action", [])))
        resources = cast("list[str]", _several(statement.get("Resource", [])))
        buckets = [
            one.removeprefix(S3_ARN)
            for one in resources
            if one.startswith(S3_ARN) and "/" not in one
        ]
        if "s3:GetObject" in actions and buckets:
            yield "s3_read_buckets", buckets
        if actions == {"s3:PutObject"} and len(resources) == 1:
            bucket, _, rest = resources[0].removeprefix(S3_ARN).partition("/")
            if rest == "*" and "*" not in bucket:
                yield "s3_output_bucket", bucket
        if "logs:PutLogEvents" in actions and len(resources) == 1:
            prefix = resources[0].partition(":log-group:")[2].removesuffix(":*").removesuffix("*")
            with suppress(ValueError):
                yield "log_prefix", checks.log_prefix(prefix)


def _several(value: Any) -> Sequence[Any]:  # noqa: ANN401 - IAM takes one or a list of them
    return cast("list[Any]", value) if isinstance(value, list) else [value]
