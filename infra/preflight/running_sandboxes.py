"""Refuses changes of the settings that would hurt running sandboxes.

It compares the settings with what the last update left, so a preview without such a change asks AWS
nothing. Only terminated instances make such a change possible: AWS refuses to delete a subnet that
is in use, and after a change of the environment the manager could no longer stop its instances.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from infra import addresses, catalogue, names
from infra.aws_clients import AwsClients
from infra.context import StackContext
from infra.standing import StandingResource

MAX_SHOWN: Final = 5
"""Instances that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingNetwork:
    """The network that the last update left."""

    vpc_id: str
    vpc_cidr: str
    region: str
    environment: str
    """Its tag; "" in an adopted network that has none."""
    subnet_ids: Mapping[tuple[str, str], str]
    """By zone and range."""
    log_group: str
    """Where sandboxes write their logs; "" if there is none yet."""


def require_no_harm(context: StackContext, standing: Iterable[StandingResource]) -> None:
    """Refuse a change that hurts running sandboxes.

    Raises:
        pulumi.RunError: it names the setting, the instances that it hurts, and the cure.
    """
    network = _network(standing)
    if network is None:
        return
    settings = context.settings
    if settings.region != network.region:
        raise pulumi.RunError(
            f"sandbox:region = {settings.region}: the stack is in {network.region}, and it "
            f"cannot move; set sandbox:region to {network.region}, or destroy the stack with that "
            "region first"
        )
    whole_vpc = {"vpc-id": network.vpc_id}
    if network.environment and settings.environment != network.environment:
        _require_none(
            f"sandbox:environment = {settings.environment}: the manager could no longer stop or "
            f"terminate the instances of {network.environment}",
            network.region,
            whole_vpc,
        )
    log_group = names.instance_log_group(settings.log_prefix)
    if network.log_group and log_group != network.log_group:
        _require_none(
            f"sandbox:log_prefix = {settings.log_prefix}: deletes {network.log_group} with the "
            "logs of the instances",
            network.region,
            whole_vpc,
        )
    if str(settings.vpc_cidr) != network.vpc_cidr:
        _require_none(
            f"sandbox:vpc_cidr = {settings.vpc_cidr}: replaces the VPC {network.vpc_cidr}",
            network.region,
            whole_vpc,
        )
        return
    planned = addresses.plan(settings.vpc_cidr, context.zones)
    kept = {(zone, str(block)) for zone, block in planned.items()}
    going = {subnet: network.subnet_ids[subnet] for subnet in network.subnet_ids.keys() - kept}
    if going:
        zones = ", ".join(sorted(zone for zone, _ in going))
        _require_none(
            f"sandbox:zones: removes or replaces the subnets of {zones}",
            network.region,
            {"subnet-id": list(going.values())},
        )


def _network(standing: Iterable[StandingResource]) -> StandingNetwork | None:
    vpc: Mapping[str, Any] | None = None
    subnet_ids: dict[tuple[str, str], str] = {}
    log_group = ""
    for resource in standing:
        outputs = resource.outputs
        if "arn" not in outputs:
            continue  # a repaired stack has no outputs before its refresh
        if resource.type == catalogue.VPC.name:
            vpc = outputs
        elif resource.type == catalogue.SUBNET.name:
            subnet_ids[outputs["availabilityZone"], outputs["cidrBlock"]] = resource.id
        elif resource.name == names.INSTANCE_LOGS:
            log_group = outputs["name"]
    if vpc is None:
        return None
    return StandingNetwork(
        vpc_id=vpc["id"],
        vpc_cidr=vpc["cidrBlock"],
        region=vpc["arn"].split(":")[3],
        environment=vpc.get("tagsAll", {}).get("Environment", ""),
        subnet_ids=subnet_ids,
        log_group=log_group,
    )


def _require_none(harm: str, region: str, where: Mapping[str, Any]) -> None:
    """Refuse *harm* if there are instances *where*, by filters of EC2.

    Raises:
        pulumi.RunError: there are instances, or they could not be counted.
    """
    # imported here: few updates need it, and the import would slow every preview down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    states = ["pending", "running", "stopping", "stopped"]
    filters = {**where, "instance-state-name": states}
    try:
        instances = AwsClients(region).describe(
            "describe_instances", "Reservations[].Instances[]", filters
        )
    except (BotoCoreError, ClientError) as error:
        raise pulumi.RunError(
            f"{harm}, and its instances could not be counted: {error}; allow ec2:DescribeInstances"
        ) from None
    if not instances:
        return
    ids = sorted(instance["InstanceId"] for instance in instances)
    shown = " ".join(ids[:MAX_SHOWN]) + (" …" if len(ids) > MAX_SHOWN else "")
    raise pulumi.RunError(
        f"{harm}, and {len(ids)} of them exist; undo the change, or tell their users and terminate "
        f"them first: aws ec2 terminate-instances --region {region} --instance-ids {shown}"
    )
