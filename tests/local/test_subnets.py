"""Every attribute of a subnet can change."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_patches import subnet_attributes

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
