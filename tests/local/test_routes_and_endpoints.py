"""Routes, VPC endpoints, NAT gateways and subnets answer as in AWS."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

PATCHES = (
    "ipv6_only_subnets",
    "nat_gateways",
    "prefix_list_blocks",
    "public_images",
    "route_targets",
    "subnet_ipv6_blocks",
    "vpc_endpoints",
)


class Network:
    """A VPC with two subnets and a route table."""

    def __init__(self) -> None:
        make: Any = boto3.client
        self.ec2 = make("ec2", region_name="us-east-1")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)[
            "Vpc"
        ]
        self.id = self.vpc["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.id, CidrBlock=block, AvailabilityZone=zone)["Subnet"][
                "SubnetId"
            ]
            for block, zone in (("10.0.0.0/24", "us-east-1a"), ("10.0.1.0/24", "us-east-1b"))
        ]
        self.table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]

    def routes(self) -> list[dict[str, Any]]:
        (table,) = self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"]
        return table["Routes"]

    def endpoint(self, service: str, **parameters: Any) -> str:
        name = f"com.amazonaws.us-east-1.{service}"
        answer = self.ec2.create_vpc_endpoint(VpcId=self.id, ServiceName=name, **parameters)
        return answer["VpcEndpoint"]["VpcEndpointId"]

    def described(self, endpoint: str) -> dict[str, Any]:
        (answer,) = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
        return answer


@pytest.fixture(scope="module", autouse=True)
def patched() -> None:
    for patch in PATCHES:
        import_module(f"local.moto_patches.{patch}").install()


@pytest.fixture
def network() -> Iterator[Network]:
    with mock_aws():
        yield Network()


def test_a_gateway_endpoint_has_awss_defaults_and_its_routes_follow_its_tables(
    network: Network,
) -> None:
    endpoint = network.endpoint("s3")
    answer = network.described(endpoint)
    assert (answer["VpcEndpointType"], answer["IpAddressType"]) == ("Gateway", "ipv4")
    assert answer["DnsOptions"]["DnsRecordIpType"] == "ipv4"
    assert answer["PrivateDnsEnabled"] is False
    network.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[network.table])
    assert endpoint in {route.get("GatewayId") for route in network.routes()}
    network.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[network.table])
    assert endpoint not in {route.get("GatewayId") for route in network.routes()}
    network.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert not network.ec2.describe_vpc_endpoints()["VpcEndpoints"]


def test_a_prefix_list_of_aws_has_blocks(network: Network) -> None:
    name = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}]
    (answer,) = network.ec2.describe_prefix_lists(Filters=name)["PrefixLists"]
    assert "52.216.0.0/15" in answer["Cidrs"]


def test_an_interface_endpoint_has_an_interface_and_a_name_for_each_zone(network: Network) -> None:
    first, second = network.subnets
    endpoint = network.endpoint(
        "ec2", VpcEndpointType="Interface", SubnetIds=[first], ServiceRegion="eu-west-1"
    )
    answer = network.described(endpoint)
    assert answer["ServiceRegion"] == "eu-west-1"
    assert [group["GroupName"] for group in answer["Groups"]] == ["default"]
    assert len(answer["DnsEntries"]) == 3
    assert answer["DnsEntries"][-1]["DnsName"] == "ec2.us-east-1.amazonaws.com"
    (interface,) = network.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert interface["PrivateIpAddress"].startswith("10.0.0.")
    chosen = [{"SubnetId": second, "Ipv4": "10.0.1.77"}]
    network.ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, AddSubnetIds=[second], SubnetConfigurations=chosen
    )
    network.ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, RemoveSubnetIds=[first], PrivateDnsEnabled=False
    )
    answer = network.described(endpoint)
    interfaces = network.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert [interface["SubnetId"] for interface in interfaces] == [second]
    assert interfaces[0]["NetworkInterfaceId"] in answer["NetworkInterfaceIds"]
    assert interfaces[0]["InterfaceType"] == "vpc_endpoint"
    assert interfaces[0]["PrivateIpAddress"] == "10.0.1.77"
    assert "us-east-1b" in answer["DnsEntries"][1]["DnsName"]
    assert len(answer["DnsEntries"]) == 2


def test_a_route_to_a_detached_gateway_or_interface_is_a_black_hole(network: Network) -> None:
    ec2 = network.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.id)
    target = {"RouteTableId": network.table, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.create_route(**target, GatewayId=gateway)
    assert {route["State"] for route in network.routes()} == {"active"}
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.id)
    assert [route["State"] for route in network.routes()] == ["active", "active", "blackhole"]
    interface = ec2.create_network_interface(SubnetId=network.subnets[0])["NetworkInterface"]
    ec2.replace_route(**target, NetworkInterfaceId=interface["NetworkInterfaceId"])
    assert network.routes()[-1]["State"] == "blackhole"


def test_a_route_names_the_interface_and_the_instance_that_has_it(network: Network) -> None:
    ec2 = network.ec2
    image = ec2.register_image(Name="image", RootDeviceName="/dev/sda1")["ImageId"]
    (instance,) = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, SubnetId=network.subnets[0]
    )["Instances"]
    (interface,) = instance["NetworkInterfaces"]
    listed = ec2.create_managed_prefix_list(
        PrefixListName="list",
        AddressFamily="IPv4",
        MaxEntries=1,
        Entries=[{"Cidr": "192.0.2.0/24"}],
    )["PrefixList"]["PrefixListId"]
    ids = {
        "InstanceId": instance["InstanceId"],
        "NetworkInterfaceId": interface["NetworkInterfaceId"],
    }
    for (kind, identity), destination in zip(
        ids.items(),
        ({"DestinationCidrBlock": "0.0.0.0/0"}, {"DestinationPrefixListId": listed}),
        strict=True,
    ):
        ec2.create_route(RouteTableId=network.table, **destination, **{kind: identity})
        assert network.routes()[-1].items() >= (ids | destination | {"State": "active"}).items()


def test_the_local_route_changes_its_target_and_is_never_created(network: Network) -> None:
    ec2 = network.ec2
    target = {"RouteTableId": network.table, "DestinationCidrBlock": "10.0.0.0/16"}
    with pytest.raises(ClientError, match=r"InvalidGatewayID\.NotFound.*'local' does not exist"):
        ec2.create_route(**target, GatewayId="local")
    interface = ec2.create_network_interface(SubnetId=network.subnets[0])["NetworkInterface"]
    ec2.replace_route(**target, NetworkInterfaceId=interface["NetworkInterfaceId"])
    (route, _) = network.routes()
    assert "GatewayId" not in route
    assert route["Origin"] == "CreateRouteTable"
    ec2.replace_route(**target, LocalTarget=True)
    (route, _) = network.routes()
    assert (route["GatewayId"], route["Origin"]) == ("local", "CreateRouteTable")


def test_a_deleted_nat_gateway_frees_its_address_and_interface(network: Network) -> None:
    ec2 = network.ec2
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)
    identity = gateway["NatGateway"]["NatGatewayId"]
    ec2.create_route(
        RouteTableId=network.table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=identity
    )
    (interface,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert interface["InterfaceType"] == "nat_gateway"
    ec2.delete_nat_gateway(NatGatewayId=identity)
    assert "AssociationId" not in ec2.describe_addresses()["Addresses"][0]
    assert not ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert network.routes()[-1]["State"] == "blackhole"


def test_a_subnet_without_ipv4_has_no_free_ipv4_addresses(network: Network) -> None:
    block = network.vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
    answer = network.ec2.create_subnet(VpcId=network.id, Ipv6CidrBlock=block, Ipv6Native=True)
    assert answer["Subnet"]["AvailableIpAddressCount"] == 0


def test_the_images_of_an_owner_are_found(network: Network) -> None:
    name = [{"Name": "name", "Values": ["amzn2-ami-minimal-hvm-2.0.20261101*"]}]
    (image,) = network.ec2.describe_images(Owners=["amazon"], Filters=name)["Images"]
    assert image["ImageOwnerAlias"] == "amazon"
    assert not network.ec2.describe_images(Owners=["self"])["Images"]
