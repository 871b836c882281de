"""Propose `sandbox:zones`: a slot for every zone that offers the stack's default instance type.

A zone that has a slot keeps it, whether the config names it or a subnet is there already: a
proposal moves no subnet.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import count
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


def propose(taken: Mapping[str, int], offered: Iterable[str]) -> dict[str, int]:
    """*taken* unchanged, and for each other zone of *offered* the lowest slot that is free."""
    free = (slot for slot in count() if slot not in taken.values())
    return {**taken, **{zone: next(free) for zone in sorted(set(offered) - taken.keys())}}


def offering(aws: AwsClients, instance_type: str) -> list[str]:
    """The zones of the region where *instance_type* can be launched.

    Raises:
        SandboxError: there is none.
    """
    offerings = aws.list_all(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=as_filters({"instance-type": instance_type}),
    )
    found = sorted(offering["Location"] for offering in offerings)
    if not found:
        raise SandboxError(
            f"{aws.region} offers {instance_type} in no zone; "
            "choose another default_instance_type or region"
        )
    return found


def standing(aws: AwsClients, vpc_id: str, cidr: IPv4Network) -> dict[str, int]:
    """The slots of the subnets that the VPC has.

    Raises:
        SandboxError: a subnet's addresses are no slot of *cidr*.
    """
    slots = {str(addresses.block(cidr, slot)): slot for slot in range(addresses.slot_count(cidr))}
    found: dict[str, int] = {}
    for subnet in aws.describe("describe_subnets", "Subnets", {"vpc-id": vpc_id}):
        if subnet["CidrBlock"] not in slots:
            raise SandboxError(
                f"{subnet['SubnetId']} has {subnet['CidrBlock']}, which is no slot of {cidr}; "
                f"write {KEY} by hand"
            )
        found[subnet["AvailabilityZone"]] = slots[subnet["CidrBlock"]]
    return found


def for_stack(stack: Stack) -> Sequence[Slot]:
    """The proposal for *stack*.

    Raises:
        SandboxError: no zone offers the type, or a subnet does not lie in a slot.
    """
    own = stack.settings()
    aws = AwsClients(own.region)
    vpc_id = stack.outputs().get("vpc_id")
    stood = standing(aws, vpc_id, own.vpc_cidr) if vpc_id else {}
    slots = propose({**stood, **own.zones}, offering(aws, own.default_instance_type))
    settings.parse(
        {"region": own.region, "vpc_cidr": str(own.vpc_cidr), "zones": json.dumps(slots)}
    )
    return [
        Slot(
            zone=zone,
            number=number,
            comment=""
            if zone in own.zones
            else "  # has a subnet already"
            if zone in stood
            else "  # new",
        )
        for zone, number in slots.items()
    ]


def write(stack: Stack, slots: Sequence[Slot]) -> None:
    """Write *slots* into the stack's config, in one edit."""
    stack.set_config_at({f"{KEY}.{slot.zone}": str(slot.number) for slot in slots})
