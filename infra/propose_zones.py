"""Propose `sandbox:zones`: a slot for every zone that offers the stack's default instance type.

What has a slot keeps it, whether the config names it or a subnet stands there already: a proposal
moves nothing. Without --write it only prints.

Example: python -m infra.propose_zones --stack production --write
"""

import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from itertools import count
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra import addresses, settings
from infra.cli import CommandError, pulumi

KEY = f"{settings.NAMESPACE}:zones"


def propose(taken: Mapping[str, int], offered: Iterable[str]) -> dict[str, int]:
    """*taken* unchanged, and for each other zone of *offered* the lowest slot that is free."""
    free = (slot for slot in count() if slot not in taken.values())
    return {**taken, **{zone: next(free) for zone in sorted(set(offered) - taken.keys())}}


def offering(instance_type: str, region: str) -> list[str]:
    """The zones of *region* where *instance_type* can be launched.

    Raises:
        CommandError: there is none.
    """
    ec2 = boto3.client("ec2", region_name=region)
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [instance_type]}],
    )
    found = sorted(one["Location"] for page in pages for one in page["InstanceTypeOfferings"])
    if not found:
        raise CommandError(
            f"{region} offers {instance_type} in no zone; "
            "choose another default_instance_type or region"
        )
    return found


def standing(vpc_id: str, cidr: IPv4Network, region: str) -> dict[str, int]:
    """The slots of the subnets that the VPC has.

    Raises:
        CommandError: a subnet's addresses are no slot of *cidr*.
    """
    slots = {str(addresses.block(cidr, slot)): slot for slot in range(addresses.slot_count(cidr))}
    ec2 = boto3.client("ec2", region_name=region)
    pages = ec2.get_paginator("describe_subnets").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )
    found: dict[str, int] = {}
    for subnet in (one for page in pages for one in page["Subnets"]):
        if subnet["CidrBlock"] not in slots:
            raise CommandError(
                f"{subnet['SubnetId']} has {subnet['CidrBlock']}, which is no slot of {cidr}; "
                f"write {KEY} by hand"
            )
        found[subnet["AvailabilityZone"]] = slots[subnet["CidrBlock"]]
    return found


def _settings(stack: str) -> settings.Settings:
    config = json.loads(pulumi("config", "--json", stack=stack))
    prefix = f"{settings.NAMESPACE}:"
    return settings.parse(
        {
            key.removeprefix(prefix): one["value"]
            for key, one in config.items()
            if key.startswith(prefix)
        }
    )


def main(
    stack: Annotated[str, typer.Option(help="The stack whose settings and subnets are read.")],
    *,
    write: Annotated[bool, typer.Option("--write", help="Set the slots in its config.")] = False,
) -> None:
    """Propose a slot for every zone that offers the stack's default instance type."""
    try:
        own = _settings(stack)
        outputs = json.loads(pulumi("stack", "output", "--json", stack=stack))
        vpc_id = outputs.get("vpc_id")
        stood = standing(vpc_id, own.vpc_cidr, own.region) if vpc_id else {}
        offered = offering(own.default_instance_type, own.region)
        slots = propose({**stood, **own.zones}, offered)
        settings.parse(
            {"region": own.region, "vpc_cidr": str(own.vpc_cidr), "zones": json.dumps(slots)}
        )
        if write:
            for zone, slot in slots.items():
                pulumi("config", "set", "--path", f"{KEY}.{zone}", str(slot), stack=stack)
    except (CommandError, settings.SettingsError, BotoCoreError, ClientError) as error:
        typer.echo(f"{stack}: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{KEY}:")
    for zone, slot in slots.items():
        new = "" if zone in own.zones else "  # new" if zone not in stood else "  # stands already"
        typer.echo(f"  {zone}: {slot}{new}")


if __name__ == "__main__":
    typer.run(main)
