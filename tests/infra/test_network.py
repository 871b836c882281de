"""The network that the program registers, and the guard against its deletion."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any, cast

import boto3
import pulumi
import pytest
from moto import mock_aws

from infra import account, catalogue, destroy_guard
from infra.aws_clients import AwsClients
from infra.components.network import Network
from infra.components.ssh_access import SshAccess
from infra.context import StackContext, policy_context
from infra.preflight import quotas
from infra.settings import Settings
from infra.standing import StandingResource
from tests.infra.conftest import ACCOUNT, Run


@pytest.fixture
def ranges() -> list[str]:
    """SSH ranges, one more than a security group holds rules."""
    return [f"198.51.{number}.0/24" for number in range(61)]


def test_the_network_is_that_of_the_replaced_module(record: Run) -> None:
    run = record()
    vpc = run.only("Vpc").inputs
    assert vpc["cidrBlock"] == "10.100.0.0/16"
    assert vpc["enableDnsHostnames"] is True
    assert vpc["enableDnsSupport"] is True
    assert vpc["tags"] == {"Name": "sandbox-vpc"}
    subnets = {subnet["availabilityZone"]: subnet for subnet in run.inputs("Subnet")}
    assert {zone: subnet["cidrBlock"] for zone, subnet in subnets.items()} == {
        "us-east-1a": "10.100.0.0/24",
        "us-east-1b": "10.100.1.0/24",
        "us-east-1c": "10.100.2.0/24",
    }
    for subnet in subnets.values():
        assert subnet["mapPublicIpOnLaunch"] is True
        assert subnet["tags"] == {"Name": "sandbox-public", "Type": "public"}
    assert [route["destinationCidrBlock"] for route in run.inputs("Route")] == ["0.0.0.0/0"]
    assert len(run.inputs("RouteTableAssociation")) == 3
    default_group = run.only("DefaultSecurityGroup").inputs
    assert (default_group["ingress"], default_group["egress"]) == ([], [])
    assert run.only("VpcEndpoint").inputs["serviceName"] == "com.amazonaws.us-east-1.s3"


def test_pinned_slots_decide_the_subnets_without_a_lookup_of_zones(record: Run) -> None:
    run = record(zones={"us-east-1d": 3, "us-east-1a": 0})
    assert {subnet["availabilityZone"]: subnet["cidrBlock"] for subnet in run.inputs("Subnet")} == {
        "us-east-1a": "10.100.0.0/24",
        "us-east-1d": "10.100.3.0/24",
    }
    assert [token for token in run.invokes if "Zones" in token] == []


def test_a_region_without_zones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoZones:
        names: tuple[str, ...] = ()

    monkeypatch.setattr("pulumi_aws.get_availability_zones", lambda **_: NoZones)
    identity = account.AccountIdentity(account_id=ACCOUNT, partition="aws")
    here = account.Account(provider=cast("Any", None), identity=identity)
    with pytest.raises(pulumi.RunError, match=r"sandbox:region = us-east-1: .*sandbox:zones"):
        account.zones(Settings(), here)


def test_ssh_is_open_to_the_configured_ranges_and_to_nothing_else(record: Run) -> None:
    allowed = ["203.0.113.0/24", "198.51.100.7/32", "2001:db8:1::/48"]
    run = record(allowed_ssh_cidrs=allowed)
    rules = run.inputs("SecurityGroupIngressRule")
    assert {rule.get("cidrIpv4") or rule.get("cidrIpv6") for rule in rules} == set(allowed)
    for rule in rules:
        assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 22, 22)
        assert rule["description"] == "Allow SSH access from researchers"
        assert rule["tags"] == {"Name": "sandbox-ssh-inbound"}
    group = run.only("SecurityGroup").inputs
    assert group["name"] == "sandbox-instances"
    assert group["description"] == "Security group for researcher sandbox EC2 instances"
    assert "ingress" not in group
    egress = run.only("SecurityGroupEgressRule").inputs
    assert (egress["ipProtocol"], egress["cidrIpv4"]) == ("-1", "0.0.0.0/0")


def test_no_resource_name_holds_the_separator_of_urns(record: Run) -> None:
    run = record(allowed_ssh_cidrs=["2001:db8::/32", "::1/128"])
    assert [resource.name for resource in run.resources if "::" in resource.name] == []


def test_more_ranges_than_a_group_holds_become_one_prefix_list(
    record: Run, ranges: list[str]
) -> None:
    run = record(allowed_ssh_cidrs=[*ranges, "2001:db8::/32"])
    prefix_list = run.only("ManagedPrefixList").inputs
    assert {entry["cidr"] for entry in prefix_list["entries"]} == set(ranges)
    assert (prefix_list["maxEntries"], prefix_list["addressFamily"]) == (61, "IPv4")
    rules = run.inputs("SecurityGroupIngressRule")
    assert [rule["prefixListId"] for rule in rules if "prefixListId" in rule] == [
        "sandbox-ssh-ipv4-id"
    ]
    assert [rule["cidrIpv6"] for rule in rules if "cidrIpv6" in rule] == ["2001:db8::/32"]


def test_as_many_ranges_as_a_group_holds_stay_rules(record: Run, ranges: list[str]) -> None:
    run = record(allowed_ssh_cidrs=ranges[:60])
    assert len(run.inputs("SecurityGroupIngressRule")) == 60
    assert run.inputs("ManagedPrefixList") == []


def test_one_request_holds_at_most_100_entries(record: Run) -> None:
    ranges = [f"10.{number // 256}.{number % 256}.0/24" for number in range(250)]
    lists = record(allowed_ssh_cidrs=ranges).inputs("ManagedPrefixList")
    assert sorted(prefix_list["maxEntries"] for prefix_list in lists) == [50, 100, 100]
    entries = [entry["cidr"] for prefix_list in lists for entry in prefix_list["entries"]]
    assert sorted(entries) == sorted(ranges)
    assert len({prefix_list["name"] for prefix_list in lists}) == 3
    sources = [rule["prefixListId"] for rule in record.last.inputs("SecurityGroupIngressRule")]
    assert sorted(sources) == sorted(f"{prefix_list['name']}-id" for prefix_list in lists)


@pytest.mark.parametrize("quota", [60, 120])
def test_a_quota_below_the_number_of_ranges_is_refused(
    monkeypatch: pytest.MonkeyPatch, ranges: list[str], quota: int
) -> None:
    monkeypatch.setattr(quotas, "_rules_per_group", lambda _: quota)
    settings = Settings.model_validate({"allowed_ssh_cidrs": ranges})
    with pytest.raises(pulumi.RunError, match=rf"L-0EA8095F.* 121; this account has {quota}"):
        quotas.require(settings)
    monkeypatch.setattr(quotas, "_rules_per_group", lambda _: 121)
    quotas.require(settings)


def test_both_quotas_are_named_where_their_product_would_be_too_high(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quotas, "_rules_per_group", lambda _: 60)
    for count, both in ((140, False), (141, True)):
        cidrs = [f"10.0.{number}.0/24" for number in range(count)]
        with pytest.raises(pulumi.RunError) as raised:
            quotas.require(Settings.model_validate({"allowed_ssh_cidrs": cidrs}))
        assert (quotas.GROUPS_PER_INTERFACE in str(raised.value)) is both


def test_the_destroy_guard_knows_the_vpc_and_has_its_hook(record: Run) -> None:
    run = record()
    assert "nothing-foreign-in-the-vpc" in run.hooks
    assert run.only("Stash").inputs["input"] == {"vpc_id": "sandbox-vpc-id", "region": "us-east-1"}


@mock_aws
@pytest.mark.usefixtures("fake_credentials")
def test_the_destroy_guard_names_instances_and_interfaces_of_others() -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    vpc_id = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.100.0.0/24")["Subnet"]["SubnetId"]
    aws = AwsClients("us-east-1")
    standing = [
        StandingResource(
            type=catalogue.VPC.name,
            name="sandbox-vpc",
            outputs={"id": vpc_id, "cidrBlock": "10.100.0.0/16"},
        ),
        StandingResource(type=catalogue.SUBNET.name, name="a", outputs={"id": subnet_id}),
    ]
    [default_group] = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )["SecurityGroups"]
    standing.append(
        StandingResource(
            type=catalogue.DEFAULT_SECURITY_GROUP.name,
            name="default",
            outputs={"id": default_group["GroupId"]},
        )
    )
    destroy_guard.refuse_if_blocked(aws, standing)
    interface = ec2.create_network_interface(SubnetId=subnet_id, Description="of a database")
    interface_id = interface["NetworkInterface"]["NetworkInterfaceId"]
    reservation = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "user_id", "Value": "r-17"}]}
        ],
    )
    instance_id = reservation["Instances"][0]["InstanceId"]
    with pytest.raises(pulumi.RunError) as raised:
        destroy_guard.refuse_if_blocked(aws, standing)
    assert f"instance {instance_id} (running) of r-17" in str(raised.value)
    assert f"interface {interface_id} (of a database)" in str(raised.value)
    ec2.terminate_instances(InstanceIds=[instance_id])
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    destroy_guard.refuse_if_blocked(aws, standing)


def test_a_component_needs_no_other_component_and_no_config(record: Run) -> None:
    settings = Settings(
        region="eu-west-1",
        vpc_cidr=IPv4Network("172.16.0.0/24"),
        allowed_ssh_cidrs=(IPv6Network("2001:db8::/32"),),
    )
    identity = account.AccountIdentity(account_id=ACCOUNT, partition="aws")
    context = StackContext(
        settings=settings,
        policy_context=policy_context(settings, identity),
        zones={"eu-west-1a": 7},
    )
    alone = record(lambda: Network("alone", context))
    assert [subnet["cidrBlock"] for subnet in alone.inputs("Subnet")] == ["172.16.0.112/28"]
    wider = replace(context, zones={"eu-west-1a": 7, "eu-west-1b": 0})
    assert len(record(lambda: Network("alone", wider)).inputs("Subnet")) == 2
    alone = record(lambda: SshAccess("alone", context, "vpc-1"))
    assert [rule["cidrIpv6"] for rule in alone.inputs("SecurityGroupIngressRule")] == [
        "2001:db8::/32"
    ]
