"""An AWS account to build in: the emulator in this process, a stack's network, and decoys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import boto3

from ami.limits import Limits
from ami.stack import Facts

__all__ = ["FAST", "Limits", "StackOnPaper", "client", "decoys", "holdings", "network", "replace"]

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# Short between two looks, long until a wait is given up: a busy machine must not look like a fault.
FAST = Limits(
    poll=0.01,
    knock=0.02,
    visible=10,
    running=30,
    login=40,
    ready=40,
    setup=120,
    check=60,
    reboot=40,
    stopped=30,
    available=30,
    terminated=30,
    sweep=60,
    quiet_rounds=3,
    quiet_pause=0.01,
    keepalive=5,
    reconnects=2,
    deadline=600,
)


@dataclass
class StackOnPaper:
    """A stack's config without the engine: what a build reads of it and writes to it."""

    given: Facts
    configured: list[str] = field(default_factory=list[str])

    def facts(self) -> Facts:
        return self.given

    def configure(self, image_id: str) -> None:
        self.configured.append(image_id)

    def configured_images(self) -> frozenset[str]:
        return frozenset(self.configured)


def network(ec2: EC2Client, *, public: bool = True) -> Facts:
    """A VPC with three public subnets, as the stack makes them."""
    vpc = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    if public:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnets: list[str] = []
    for number, zone in enumerate("abc"):
        subnet = ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.100.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )["Subnet"]["SubnetId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        subnets.append(subnet)
    return Facts(
        stack="test",
        environment="production",
        region="us-east-1",
        vpc_id=vpc,
        subnet_ids=tuple(subnets),
        instance_type="g5.12xlarge",
        configured_image="",
    )


def decoys(ec2: EC2Client, facts: Facts) -> None:
    """Things of other people, and of the service, that look like a build's."""
    tags = [{"Key": "Project", "Value": "alignment-league"}, {"Key": "Name", "Value": "ami-build"}]
    other = [{"Key": "Purpose", "Value": "ami-build"}, {"Key": "Project", "Value": "another"}]
    group = ec2.create_security_group(
        GroupName="ami-build-by-hand", Description="someone's", VpcId=facts.vpc_id
    )["GroupId"]
    ec2.create_key_pair(KeyName="ami-build-by-hand", KeyType="ed25519")
    for some in (tags, other):
        machine = ec2.run_instances(
            ImageId="ami-0ubuntu22040000001",
            InstanceType="g5.xlarge",
            MinCount=1,
            MaxCount=1,
            SubnetId=facts.subnet_ids[0],
            SecurityGroupIds=[group],
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": some},  # pyright: ignore[reportArgumentType]
                {"ResourceType": "volume", "Tags": some},  # pyright: ignore[reportArgumentType]
            ],
        )["Instances"][0]["InstanceId"]
    ec2.create_image(
        InstanceId=machine,  # pyright: ignore[reportPossiblyUnboundVariable]
        Name="sandbox-production-by-hand",
        TagSpecifications=[
            {"ResourceType": "image", "Tags": other},  # pyright: ignore[reportArgumentType]
            {"ResourceType": "snapshot", "Tags": other},  # pyright: ignore[reportArgumentType]
        ],
    )
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)


def client(endpoint: str) -> Any:
    """A client of its own, so that looking is no call of the build."""
    return boto3.client("ec2", region_name="us-east-1", endpoint_url=endpoint)


def holdings(ec2: EC2Client) -> set[str]:
    """Everything in the account that a build could leave."""
    instances = {
        one.get("InstanceId", "")
        for page in ec2.get_paginator("describe_instances").paginate()
        for some in page["Reservations"]
        for one in some.get("Instances", [])
        if one.get("State", {}).get("Name") != "terminated"
    }
    return (
        instances
        | {one.get("ImageId", "") for one in ec2.describe_images(Owners=["self"])["Images"]}
        | {
            one.get("SnapshotId", "")
            for one in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        }
        | {one.get("VolumeId", "") for one in ec2.describe_volumes()["Volumes"]}
        | {one.get("GroupId", "") for one in ec2.describe_security_groups()["SecurityGroups"]}
        | {one.get("KeyPairId", "") for one in ec2.describe_key_pairs()["KeyPairs"]}
        | {
            one.get("NetworkInterfaceId", "")
            for one in ec2.describe_network_interfaces()["NetworkInterfaces"]
        }
    )
