"""An AWS account for a build: a stack's network, and resources of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3

from ami.limits import Limits
from ami.target import BuildTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# Short intervals, long limits: a slow computer must not look like a fault.
FAST = Limits(
    poll_interval=0.01,
    login_retry_interval=0.02,
    visible=10,
    running=30,
    login=40,
    refused=1,
    ready=40,
    upgrade=120,
    software=120,
    verify=60,
    check=60,
    reboot=40,
    stopped=30,
    available=30,
    terminated=30,
    sweep=60,
    empty_sweeps_required=3,
    sweep_interval=0.01,
    keepalive_interval=5,
    reconnects=2,
    deadline=600,
)


@dataclass
class FakeStackImage:
    """Records each image that the stack is configured with."""

    configured: list[str] = field(default_factory=list[str])

    def configure(self, image_id: str) -> None:
        self.configured.append(image_id)


def network(ec2: EC2Client, *, public: bool = True) -> BuildTarget:
    """A VPC with three subnets, as the stack creates it; *public*: with a route to the internet."""
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
    return BuildTarget(
        stack="test",
        environment="production",
        region="us-east-1",
        vpc_id=vpc,
        subnet_ids=tuple(subnets),
        instance_type="g5.12xlarge",
    )


def add_decoys(ec2: EC2Client, target: BuildTarget) -> None:
    """Add resources of other people and of the service that resemble those of a build."""
    tags = [{"Key": "Project", "Value": "alignment-league"}, {"Key": "Name", "Value": "ami-build"}]
    other = [{"Key": "Purpose", "Value": "ami-build"}, {"Key": "Project", "Value": "another"}]
    group = ec2.create_security_group(
        GroupName="ami-build-by-hand", Description="of somebody", VpcId=target.vpc_id
    )["GroupId"]
    ec2.create_key_pair(KeyName="ami-build-by-hand", KeyType="ed25519")
    for decoy_tags in (tags, other):
        machine = ec2.run_instances(
            ImageId="ami-0ubuntu22040000001",
            InstanceType="g5.xlarge",
            MinCount=1,
            MaxCount=1,
            SubnetId=target.subnet_ids[0],
            SecurityGroupIds=[group],
            TagSpecifications=[  # pyrefly: ignore[bad-argument-type]
                {"ResourceType": "instance", "Tags": decoy_tags},
                {"ResourceType": "volume", "Tags": decoy_tags},
            ],
        )["Instances"][0]["InstanceId"]
    ec2.create_image(
        InstanceId=machine,
        Name="sandbox-production-by-hand",
        TagSpecifications=[  # pyrefly: ignore[bad-argument-type]
            {"ResourceType": "image", "Tags": other},
            {"ResourceType": "snapshot", "Tags": other},
        ],
    )
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)


def client(endpoint: str) -> Any:
    """A client for the test itself, whose calls do not count as the build's."""
    return boto3.client("ec2", region_name="us-east-1", endpoint_url=endpoint)


def holdings(ec2: EC2Client) -> set[str]:
    """The ids of everything in the account that a build could leave behind."""
    listed: Any = (  # each answer has another type, in which every field is optional
        ("ImageId", ec2.describe_images(Owners=["self"])["Images"]),
        ("SnapshotId", ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]),
        ("VolumeId", ec2.describe_volumes()["Volumes"]),
        ("GroupId", ec2.describe_security_groups()["SecurityGroups"]),
        ("KeyPairId", ec2.describe_key_pairs()["KeyPairs"]),
        ("NetworkInterfaceId", ec2.describe_network_interfaces()["NetworkInterfaces"]),
    )
    instances = {
        instance.get("InstanceId", "")
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation.get("Instances", [])
        if instance.get("State", {}).get("Name") != "terminated"
    }
    return instances | {resource[key] for key, resources in listed for resource in resources}


def kinds(ids: set[str]) -> set[str]:
    """The kinds of resources, as the prefixes of their ids: ami, snap, i, vol."""
    return {resource_id.split("-")[0] for resource_id in ids}


def image(ec2: EC2Client, image_id: str) -> Any:
    return ec2.describe_images(ImageIds=[image_id])["Images"][0]
