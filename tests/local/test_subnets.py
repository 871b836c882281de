"""Every attribute of a subnet can change."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_patches import subnet_attributes, subnet_ipv6_blocks

ON_LAUNCH = "PrivateDnsNameOptionsOnLaunch"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"EnableDns64": {"Value": True}}, {"EnableDns64": True}),
        ({"EnableLniAtDeviceIndex": 1}, {"EnableLniAtDeviceIndex": 1}),
        (
            {"PrivateDnsHostnameTypeOnLaunch": "resource-name"},
            {"HostnameType": "resource-name"},
        ),
        (
            {"EnableResourceNameDnsAAAARecordOnLaunch": {"Value": True}},
            {"EnableResourceNameDnsAAAARecord": True},
        ),
        ({"MapPublicIpOnLaunch": {"Value": True}}, {"MapPublicIpOnLaunch": True}),
    ],
)
@mock_aws
def test_an_attribute_of_a_subnet_changes(change: dict[str, Any], seen: dict[str, Any]) -> None:
    subnet_attributes.install()
    ec2 = boto3.client("ec2", region_name="us-east-1")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, **change)
    (answer,) = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert {**answer, **answer[ON_LAUNCH]}.items() >= seen.items()
    if "EnableLniAtDeviceIndex" in seen:
        ec2.modify_subnet_attribute(SubnetId=subnet, DisableLniAtDeviceIndex={"Value": True})
        (answer,) = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
        assert "EnableLniAtDeviceIndex" not in answer


@mock_aws
def test_a_subnet_is_found_by_its_ipv6_block() -> None:
    subnet_ipv6_blocks.install()
    ec2 = boto3.client("ec2", region_name="us-east-1")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    whole = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    block = whole.replace("/56", "/64")
    subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.1.0/24")
    answer = ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=block)
    identity = answer["Ipv6CidrBlockAssociation"]["AssociationId"]

    def matching(name: str, value: str) -> list[Any]:
        filters: Any = [{"Name": f"ipv6-cidr-block-association.{name}", "Values": [value]}]
        return ec2.describe_subnets(Filters=filters)["Subnets"]

    for name, value in {
        "association-id": identity,
        "ipv6-cidr-block": block,
        "state": "associated",
    }.items():
        (listed,) = matching(name, value)
        assert listed["SubnetId"] == subnet
        assert listed["Ipv6CidrBlockAssociationSet"] == [
            {
                "AssociationId": identity,
                "Ipv6CidrBlock": block,
                "Ipv6CidrBlockState": {"State": "associated"},
            }
        ]
    ec2.disassociate_subnet_cidr_block(AssociationId=identity)
    assert matching("association-id", identity) == []
