"""Refuses to destroy the stack while its VPC holds resources that the stack did not create.

AWS refuses to delete a subnet that is in use, and the provider then tries for many minutes, with
half of the stack gone. The guard depends on every component, so the engine deletes it first, alone;
its hook checks the VPC and names what blocks the destroy.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from infra import names
from infra.aws_clients import AwsClients


def attach(
    components: Sequence[pulumi.Resource], vpc_id: pulumi.Output[str], region: str
) -> pulumi.Stash:
    """Delete none of *components* while the VPC holds instances or interfaces of others."""
    hook = pulumi.ResourceHook("nothing-foreign-in-the-vpc", refuse_if_in_use)
    return pulumi.Stash(
        "destroy-guard",
        input={"vpc_id": vpc_id, "region": region},
        opts=pulumi.ResourceOptions(
            depends_on=components, hooks=pulumi.ResourceHookBinding(before_delete=[hook])
        ),
    )


def refuse_if_in_use(args: pulumi.ResourceHookArgs) -> None:
    """Refuse the deletion and name what blocks it.

    Raises:
        pulumi.RunError: the VPC holds instances or interfaces that the stack did not create.
    """
    guarded = (args.old_outputs or {})["output"]
    blocking = list(unmanaged_in_vpc(guarded["vpc_id"], guarded["region"]))
    if blocking:
        raise pulumi.RunError(
            f"{guarded['vpc_id']}: holds resources that this stack did not create: "
            f"{'; '.join(blocking)}; nothing has been deleted; delete these resources, then "
            "destroy again"
        )


def unmanaged_in_vpc(vpc_id: str, region: str) -> Iterator[str]:
    """Instances and network interfaces in the VPC: the stack itself creates none."""
    aws = AwsClients(region)
    in_vpc = {"vpc-id": vpc_id}
    for reservation in aws.describe("describe_instances", "Reservations", in_vpc):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                yield _label(instance)
    for interface in aws.describe("describe_network_interfaces", "NetworkInterfaces", in_vpc):
        if not interface.get("Attachment", {}).get("InstanceId"):
            description = interface.get("Description") or "no description"
            yield f"interface {interface['NetworkInterfaceId']} ({description})"


def _label(instance: Mapping[str, Any]) -> str:
    label = f"instance {instance['InstanceId']} ({instance['State']['Name']})"
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    user = tags.get(names.USER_TAG)
    return f"{label} of {user}" if user else label
