"""Propose the slots of `sandbox:zones`. A proposal never moves a subnet that exists."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import count, islice
from typing import Final

from infra import addresses, settings
from infra.aws_clients import AwsClients, as_filters
from sandbox.core.errors import SandboxError
from sandbox.core.stack import Stack

KEY: Final = f"{settings.NAMESPACE}:zones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One line of the proposal."""

    zone: str
    number: int
    comment: str = ""


def propose(
    taken: Mapping[str, int], offered: Iterable[str], *, limit: int | None = None
) -> dict[str, int]:
    """*taken* unchanged, then zones of *offered* in the lowest free slots, up to *limit* in all."""
    free = (slot for slot in count() if slot not in taken.values())
    room = None if limit is None else max(limit - len(taken), 0)
    added = islice(sorted(set(offered) - taken.keys()), room)
    return {**taken, **{zone: next(free) for zone in added}}


def offering(aws: AwsClients, instance_type: str) -> Sequence[str]:
    """The availability zones of the region where *instance_type* can be launched.

    Local and Wavelength Zones, which an account opts in to, are left out, as the program does.

    Raises:
        SandboxError: there is none.
    """
    zones = aws.list_all(
        "ec2",
        "describe_availability_zones",
        "AvailabilityZones[].ZoneName",
        Filters=as_filters({"opt-in-status": "opt-in-not-required", "state": "available"}),
    )
    offerings = aws.list_all(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings[].Location",
        LocationType="availability-zone",
        Filters=as_filters({"instance-type": instance_type}),
    )
    if not (offered := sorted(set(zones) & set(offerings))):
        raise SandboxError(
            f"{settings.NAMESPACE}:default_instance_type = {instance_type}: no availability zone "
            f"of {aws.region} offers it; use another instance type or region"
        )
    return offered


def existing(aws: AwsClients, vpc_id: str, cidr: IPv4Network) -> Mapping[str, int]:
    """The slots of the subnets that the VPC has, by zone.

    Raises:
        SandboxError: a subnet's addresses are not a slot of *cidr*.
    """
    blocks = {str(addresses.block(cidr, slot)): slot for slot in range(addresses.slot_count(cidr))}
    slots: dict[str, int] = {}
    for subnet in aws.describe("describe_subnets", "Subnets", {"vpc-id": vpc_id}):
        if subnet["CidrBlock"] not in blocks:
            raise SandboxError(
                f"{subnet['SubnetId']}: {subnet['CidrBlock']} is not a slot of {cidr}; "
                f"write {KEY} by hand"
            )
        slots[subnet["AvailabilityZone"]] = blocks[subnet["CidrBlock"]]
    return slots


def for_stack(stack: Stack, *, every_zone: bool) -> Sequence[Slot]:
    """The proposal for *stack*: as many zones as the program takes by itself, or *every_zone*.

    Raises:
        SandboxError: no zone offers the type, or a subnet does not lie in a slot.
    """
    current = stack.settings()
    aws = AwsClients(current.region)
    stack.require_account(aws, current.account_id)
    vpc_id = stack.outputs().get("vpc_id")
    with_subnet: Mapping[str, int] = existing(aws, vpc_id, current.vpc_cidr) if vpc_id else {}
    slots = propose(
        {**with_subnet, **current.zones},
        offering(aws, current.default_instance_type),
        limit=None if every_zone else addresses.DEFAULT_ZONES,
    )
    settings.parse(  # refuses more slots than the addresses hold
        {"region": current.region, "vpc_cidr": str(current.vpc_cidr), "zones": json.dumps(slots)}
    )

    def comment(zone: str) -> str:
        if zone in current.zones:
            return ""
        return "has a subnet already" if zone in with_subnet else "new"

    return [Slot(zone=zone, number=number, comment=comment(zone)) for zone, number in slots.items()]


def write(stack: Stack, slots: Sequence[Slot]) -> None:
    """Write *slots* into the stack's config, in one edit."""
    stack.set_config_at({f"{KEY}.{slot.zone}": str(slot.number) for slot in slots})
