"""Nothing of the stack is deleted while its VPC holds what the stack did not make.

AWS refuses to delete a subnet that is in use, and the provider then tries for many minutes, with
half of the stack gone. The guard stands on top of everything else, so it is the first to be
deleted, alone; its hook looks first and names what is in the way.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pulumi

from infra import names

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef


def attach(
    components: Sequence[pulumi.Resource], vpc_id: pulumi.Output[str], region: str
) -> pulumi.Stash:
    """Delete none of *components* before the VPC is free of foreign instances and interfaces."""
    hook = pulumi.ResourceHook("nothing-foreign-in-the-vpc", refuse_if_in_use)
    return pulumi.Stash(
        "destroy-guard",
        input={"vpc_id": vpc_id, "region": region},
        opts=pulumi.ResourceOptions(
            depends_on=components, hooks=pulumi.ResourceHookBinding(before_delete=[hook])
        ),
    )


def refuse_if_in_use(args: pulumi.ResourceHookArgs) -> None:
    """Refuse the deletion and name what the VPC still holds.

    Raises:
        pulumi.RunError: instances or interfaces of others are in the VPC.
    """
    place = (args.old_outputs or {})["output"]
    found = list(unmanaged_in_vpc(place["vpc_id"], place["region"]))
    if found:
        raise pulumi.RunError(
            f"{place['vpc_id']} still holds what this stack did not make: {'; '.join(found)}; "
            "terminate or delete these, then destroy again (nothing has been deleted)"
        )


def unmanaged_in_vpc(vpc_id: str, region: str) -> Iterator[str]:
    """Instances and network interfaces in the VPC: the stack itself makes neither."""
    # imported here: only a destroy looks, and the SDK would cost each preview its import
    import boto3  # noqa: PLC0415

    ec2 = boto3.client("ec2", region_name=region)
    here: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [vpc_id]}]
    for page in ec2.get_paginator("describe_instances").paginate(Filters=here):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                if (state := instance["State"]["Name"]) != "terminated":
                    yield _described(f"instance {instance['InstanceId']} ({state})", instance)
    for page in ec2.get_paginator("describe_network_interfaces").paginate(Filters=here):
        for interface in page["NetworkInterfaces"]:
            if not interface.get("Attachment", {}).get("InstanceId"):
                what = interface.get("Description") or "no description"
                yield f"interface {interface['NetworkInterfaceId']} ({what})"


def _described(text: str, instance: "InstanceTypeDef") -> str:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    user = tags.get(names.USER_TAG)
    return f"{text} of {user}" if user else text
