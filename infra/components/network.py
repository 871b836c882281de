"""The isolated network: a VPC with one public subnet per zone, without a route to another VPC."""

from __future__ import annotations  # naming a class of pulumi_aws does not import it

from collections.abc import Mapping
from ipaddress import IPv4Network

import pulumi

from infra import addresses, names
from infra.context import StackContext
from infra.lazy_aws import ec2
from infra.tags import named


class Network(pulumi.ComponentResource):
    """A VPC with two ways out only: its internet gateway and the gateway endpoint of S3."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Mapping[str, pulumi.Output[str]]
    """By zone, in the order of the slots."""

    def __init__(
        self, name: str, context: StackContext, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sandbox:network:Network", name, {}, opts)
        settings = context.settings
        child = pulumi.ResourceOptions(parent=self)
        vpc = ec2.Vpc(
            names.VPC,
            cidr_block=str(settings.vpc_cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=named(names.VPC),
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protect),
        )
        subnets = {  # first, because they take AWS longest
            zone: self._subnet(zone, block, vpc)
            for zone, block in addresses.plan(settings.vpc_cidr, context.zones).items()
        }
        ec2.DefaultSecurityGroup(  # AWS creates it; this removes its rules
            f"{names.VPC}-default",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=named(f"{names.VPC}-default"),
            opts=child,
        )
        gateway = ec2.InternetGateway(names.VPC, vpc_id=vpc.id, tags=named(names.VPC), opts=child)
        table = ec2.RouteTable(
            names.SUBNET, vpc_id=vpc.id, tags=named(f"{names.VPC}-public"), opts=child
        )
        ec2.Route(
            f"{names.SUBNET}-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        ec2.VpcEndpoint(
            f"{names.VPC}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{settings.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            tags=named(f"{names.VPC}-s3"),
            opts=child,
        )
        for zone, subnet in subnets.items():
            ec2.RouteTableAssociation(
                f"{names.SUBNET}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=child
            )
        self.vpc_id = vpc.id
        self.subnet_ids = {zone: subnet.id for zone, subnet in subnets.items()}
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids})

    def _subnet(self, zone: str, block: IPv4Network, vpc: ec2.Vpc) -> ec2.Subnet:
        return ec2.Subnet(
            f"{names.SUBNET}-{zone}",
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=str(block),
            map_public_ip_on_launch=True,
            tags=named(names.SUBNET, Type="public"),
            opts=pulumi.ResourceOptions(parent=self),
        )
