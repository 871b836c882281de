"""Every part of a security group rule can be changed."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_patches import rule_changes, rule_descriptions


@pytest.fixture
def ec2() -> Iterator[Any]:
    for patch in (rule_changes, rule_descriptions):
        patch.install()
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def group(ec2: Any, vpc: str, name: str) -> str:
    return ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]


def prefix_list(ec2: Any, name: str) -> str:
    answer = ec2.create_managed_prefix_list(PrefixListName=name, MaxEntries=1, AddressFamily="IPv4")
    return answer["PrefixList"]["PrefixListId"]


def changed(ec2: Any, owner: str, source: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The rule for TCP 22 from *source*, after it was changed to *new*."""
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **source}
    answer = ec2.authorize_security_group_ingress(GroupId=owner, IpPermissions=[permission])
    identity = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **new}
    ec2.modify_security_group_rules(
        GroupId=owner,
        SecurityGroupRules=[{"SecurityGroupRuleId": identity, "SecurityGroupRule": rule}],
    )
    (answer,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[identity])[
        "SecurityGroupRules"
    ]
    return answer


def test_a_rules_ipv6_range_changes(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    source = {"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]}
    rule = changed(ec2, group(ec2, vpc, "a"), source, {"CidrIpv6": "2001:db9::/32"})
    assert rule["CidrIpv6"] == "2001:db9::/32"


def test_a_rules_prefix_list_and_description_change(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    first, second = prefix_list(ec2, "first"), prefix_list(ec2, "second")
    source = {"PrefixListIds": [{"PrefixListId": first, "Description": "old"}]}
    new = {"PrefixListId": second, "Description": "new"}
    owner = group(ec2, vpc, "a")
    rule = changed(ec2, owner, source, new)
    assert (rule["PrefixListId"], rule["Description"]) == (second, "new")
    (described,) = ec2.describe_security_groups(GroupIds=[owner])["SecurityGroups"]
    (permission,) = described["IpPermissions"]
    assert permission["PrefixListIds"] == [{"PrefixListId": second, "Description": "new"}]


def test_a_rules_group_changes(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    owner, first, second = (group(ec2, vpc, name) for name in ("owner", "first", "second"))
    source = {"UserIdGroupPairs": [{"GroupId": first}]}
    rule = changed(ec2, owner, source, {"ReferencedGroupId": second})
    assert rule["ReferencedGroupInfo"]["GroupId"] == second


def test_a_protocol_without_ports_needs_none(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    owner = group(ec2, vpc, "a")
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    answer = ec2.authorize_security_group_ingress(GroupId=owner, IpPermissions=[permission])
    identity = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def change(protocol: str) -> None:
        rule = {"IpProtocol": protocol, "CidrIpv4": "10.0.0.0/8"}
        call = {"SecurityGroupRuleId": identity, "SecurityGroupRule": rule}
        ec2.modify_security_group_rules(GroupId=owner, SecurityGroupRules=[call])

    change("icmp")
    with pytest.raises(ec2.exceptions.ClientError, match="InvalidParameterValue"):
        change("udp")
