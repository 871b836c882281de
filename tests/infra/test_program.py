"""The whole program under the recorder: what it asks the engine for, against what is promised."""

import json
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import boto3
import pulumi
import pytest
from moto import mock_aws

from infra import account, destroy_guard
from infra.components import network, ssh_access
from infra.preflight import quotas
from infra.settings import Settings
from tests.infra.conftest import ACCOUNT, PROGRAM, Run

COMMON = {
    "Project": "alignment-league",
    "Environment": "production",
    "Purpose": "researcher-sandbox",
}
MANY = [f"198.51.{one}.0/24" for one in range(61)]


def document(inputs: Any, key: str = "policy") -> list[dict[str, Any]]:
    return json.loads(inputs[key])["Statement"]


def test_the_network_is_the_replaced_modules(record: Run) -> None:
    made = record()
    vpc = made.one("Vpc").inputs
    assert vpc["cidrBlock"] == "10.100.0.0/16"
    assert vpc["enableDnsHostnames"] is True
    assert vpc["enableDnsSupport"] is True
    assert vpc["tags"] == {"Name": "sandbox-vpc"}
    subnets = {one["availabilityZone"]: one for one in made.inputs("Subnet")}
    assert {zone: one["cidrBlock"] for zone, one in sorted(subnets.items())} == {
        "us-east-1a": "10.100.0.0/24",
        "us-east-1b": "10.100.1.0/24",
        "us-east-1c": "10.100.2.0/24",
    }
    assert all(one["mapPublicIpOnLaunch"] is True for one in subnets.values())
    assert all(
        one["tags"] == {"Name": "sandbox-public", "Type": "public"} for one in subnets.values()
    )
    assert [one["destinationCidrBlock"] for one in made.inputs("Route")] == ["0.0.0.0/0"]
    assert len(made.inputs("RouteTableAssociation")) == 3
    default = made.one("DefaultSecurityGroup").inputs
    assert (default["ingress"], default["egress"]) == ([], [])
    assert made.one("VpcEndpoint").inputs["serviceName"] == "com.amazonaws.us-east-1.s3"


def test_pinned_slots_decide_the_subnets_and_ask_aws_for_no_zones(record: Run) -> None:
    made = record(zones={"us-east-1d": 3, "us-east-1a": 0})
    assert {one["availabilityZone"]: one["cidrBlock"] for one in made.inputs("Subnet")} == {
        "us-east-1a": "10.100.0.0/24",
        "us-east-1d": "10.100.3.0/24",
    }
    assert made.invokes == ["aws:index/getCallerIdentity:getCallerIdentity"]


def test_a_region_without_zones_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        names = ()

    monkeypatch.setattr("pulumi_aws.get_availability_zones", lambda **_: Nothing)
    here = account.Account(
        provider=None, identity=account.Identity(account_id=ACCOUNT, partition="aws")
    )  # pyright: ignore[reportArgumentType]
    with pytest.raises(pulumi.RunError, match="us-east-1: offers no availability zone"):
        account.zones(Settings(), here)


def test_ssh_is_open_to_the_configured_ranges_and_to_nothing_else(record: Run) -> None:
    ranges = ["203.0.113.0/24", "198.51.100.7/32", "2001:db8:1::/48"]
    made = record(allowed_ssh_cidrs=ranges)
    rules = made.inputs("SecurityGroupIngressRule")
    assert {one.get("cidrIpv4") or one.get("cidrIpv6") for one in rules} == set(ranges)
    assert all(
        (one["ipProtocol"], one["fromPort"], one["toPort"]) == ("tcp", 22, 22) for one in rules
    )
    assert all(one["description"] == "Allow SSH access from researchers" for one in rules)
    assert all(one["tags"] == {"Name": "sandbox-ssh-inbound"} for one in rules)
    group = made.one("SecurityGroup").inputs
    assert group["name"] == "sandbox-instances"
    assert group["description"] == "Security group for researcher sandbox EC2 instances"
    assert "ingress" not in group
    egress = made.one("SecurityGroupEgressRule").inputs
    assert (egress["ipProtocol"], egress["cidrIpv4"]) == ("-1", "0.0.0.0/0")


def test_no_urn_holds_the_mark_between_its_parts_twice(record: Run) -> None:
    made = record(allowed_ssh_cidrs=["2001:db8::/32", "::1/128"])
    assert all("::" not in one.name for one in made.resources)


def test_more_ranges_than_a_group_holds_become_one_prefix_list(
    record: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "_rules_per_group", lambda _: 200)
    made = record(allowed_ssh_cidrs=[*MANY, "2001:db8::/32"])
    prefixes = made.one("ManagedPrefixList").inputs
    assert {one["cidr"] for one in prefixes["entries"]} == set(MANY)
    assert (prefixes["maxEntries"], prefixes["addressFamily"]) == (61, "IPv4")
    rules = made.inputs("SecurityGroupIngressRule")
    assert [one["prefixListId"] for one in rules if "prefixListId" in one] == [
        "sandbox-ssh-ipv4-id"
    ]
    assert [one["cidrIpv6"] for one in rules if "cidrIpv6" in one] == ["2001:db8::/32"]


def test_sixty_ranges_are_still_rules(record: Run) -> None:
    made = record(allowed_ssh_cidrs=MANY[:60])
    assert len(made.inputs("SecurityGroupIngressRule")) == 60
    assert made.inputs("ManagedPrefixList") == []


@pytest.mark.parametrize("allowed", [60, 120])
def test_a_quota_too_low_for_the_ranges_is_said_before_anything_is_made(
    record: Run, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    monkeypatch.setattr(quotas, "_rules_per_group", lambda _: allowed)
    with pytest.raises(pulumi.RunError, match=r"L-0EA8095F.*at least 121, this account has"):
        record(allowed_ssh_cidrs=MANY)
    assert {one.type for one in record.last.resources} <= {"pulumi:providers:aws"}


def test_flow_logs_go_to_a_group_with_an_end_and_a_role_that_makes_no_group(record: Run) -> None:
    made = record(flow_log_retention_days=30)
    assert made.one("LogGroup", "sandbox-flow-logs").inputs["retentionInDays"] == 30
    assert made.one("FlowLog").inputs["trafficType"] == "ALL"
    actions = [
        action
        for statement in document(made.one("Policy", "sandbox-flow-logs").inputs)
        for action in statement["Action"]
    ]
    assert "logs:CreateLogGroup" not in actions
    assert "logs:PutLogEvents" in actions


def test_flow_logs_can_be_turned_off(record: Run) -> None:
    made = record(flow_logs=False)
    assert made.inputs("FlowLog") == []
    assert [one["name"] for one in made.inputs("LogGroup")] == ["/aws/ec2/sandbox/instances"]


def test_the_manager_is_the_replaced_modules_user(record: Run) -> None:
    made = record()
    user = made.one("User").inputs
    assert (user["name"], user["path"]) == ("sandbox-manager", "/service/")
    assert user["permissionsBoundary"].endswith("sandbox-manager-boundary")
    assert made.one("UserPolicyAttachment").inputs["policyArn"].endswith("sandbox-manager-policy")
    assert made.one("AccessKey").inputs["user"] == "sandbox-manager"


@pytest.mark.parametrize(
    ("config", "principal"),
    [
        (
            {
                "manager_identity": "irsa",
                "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example.org/id/A",
                "service_account": "default/sandbox-manager",
            },
            "Federated",
        ),
        (
            {"manager_identity": "pod-identity", "service_account": "default/sandbox-manager"},
            "Service",
        ),
    ],
)
def test_the_manager_can_be_a_role_without_any_key(
    record: Run, config: dict[str, Any], principal: str
) -> None:
    made = record(**config)
    role = made.one("Role", "sandbox-manager").inputs
    assert role["permissionsBoundary"].endswith("sandbox-manager-boundary")
    assert principal in document(role, "assumeRolePolicy")[0]["Principal"]
    assert made.inputs("User") == []
    assert made.inputs("AccessKey") == []
    assert "sandbox_manager_access_key_id" not in made.outputs
    assert made.outputs["sandbox_manager_role_arn"].endswith("sandbox-manager")


def test_the_instances_role_is_the_replaced_modules(record: Run) -> None:
    made = record()
    role = made.one("Role", "sandbox-instance-role").inputs
    assert role["permissionsBoundary"].endswith("sandbox-instance-boundary")
    assert document(role, "assumeRolePolicy")[0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert made.one("InstanceProfile").inputs["role"] == "sandbox-instance-role"
    assert made.one("InstanceProfile").inputs["name"] == "sandbox-instance-profile"


def test_a_configured_image_reaches_the_output_and_the_policy(record: Run) -> None:
    image = "ami-0123456789abcdef0"
    made = record(sandbox_ami_id=image)
    assert made.outputs["sandbox_config"]["ami_id"] == image
    assert image in made.one("Policy", "sandbox-manager-policy").inputs["policy"]


def test_a_policy_that_outgrows_one_document_is_attached_in_parts(record: Run) -> None:
    made = record(
        s3_read_buckets=[f"softmax-{number:03}-of-the-researchers" for number in range(60)]
    )
    names = [one["name"] for one in made.inputs("Policy") if "instance-policy" in one["name"]]
    assert sorted(names) == ["sandbox-instance-policy", "sandbox-instance-policy-2"]
    attached = [
        one["policyArn"].rsplit(":", 1)[1]
        for one in made.inputs("RolePolicyAttachment")
        if one["role"] == "sandbox-instance-role"
    ]
    assert sorted(attached) == sorted(names)


def test_settings_that_no_policy_can_hold_are_one_line_before_anything_is_made(record: Run) -> None:
    buckets = [f"softmax-{number:04}-{'x' * 40}" for number in range(400)]
    with pytest.raises(pulumi.RunError, match=r"AWS takes 6,144.*shorten") as raised:
        record(s3_read_buckets=buckets)
    assert "\n" not in str(raised.value)
    assert {one.type for one in record.last.resources} <= {"pulumi:providers:aws"}


def test_the_outputs_are_the_replaced_modules_and_more_in_the_configuration(record: Run) -> None:
    outputs = record(key_name="researchers").outputs
    assert set(outputs) == {
        "sandbox_config",
        "vpc_id",
        "public_subnet_ids",
        "security_group_id",
        "instance_profile_name",
        "instance_role_arn",
        "sandbox_manager_user_name",
        "sandbox_manager_access_key_id",
        "sandbox_manager_secret_access_key",
    }
    config = outputs["sandbox_config"]
    assert config["subnet_ids"] == outputs["public_subnet_ids"]
    assert config["subnet_id"] == config["subnet_ids"][0] == "sandbox-public-us-east-1a-id"
    assert config["key_name"] == "researchers"
    assert config["default_instance_type"] == "g5.12xlarge"
    assert config["region"] == "us-east-1"


def test_both_parts_of_the_key_are_secrets_and_nothing_else_holds_them(record: Run) -> None:
    outputs = record().outputs
    secrets = {name for name, value in outputs.items() if is_secret(value)}
    assert secrets == {"sandbox_manager_access_key_id", "sandbox_manager_secret_access_key"}
    open_outputs = {name: value for name, value in outputs.items() if name not in secrets}
    assert "canary" not in json.dumps(open_outputs)
    assert "sandbox-manager-id" not in json.dumps(open_outputs)


def is_secret(value: Any) -> bool:
    marker = "4dabf18193072939515e22adb298388d"
    return isinstance(value, dict) and value.get(marker) == "1b47061264138c4ac30d75fd1eb44270"


def test_common_tags_come_from_the_provider_and_from_nowhere_else(record: Run) -> None:
    made = record(environment="staging")
    provider = next(one for one in made.resources if one.type == "pulumi:providers:aws")
    assert json.loads(provider.inputs["defaultTags"])["tags"] == {
        **COMMON,
        "Environment": "staging",
    }
    assert not [
        one.name for one in made.resources if COMMON.keys() & one.inputs.get("tags", {}).keys()
    ]


def test_every_resource_is_inside_a_component_and_on_the_one_provider(record: Run) -> None:
    made = record()
    components = {"Network", "FlowLogs", "SshAccess", "Instances", "Manager"}
    for one in made.resources:
        if one.type.startswith("aws:"):
            assert one.parent.split("$")[-1].split("::")[0].rsplit(":", 1)[1] in components
            assert "pulumi:providers:aws::aws" in one.provider, one.name


def test_production_keeps_the_vpc_and_the_identities(record: Run) -> None:
    kept = {
        (one.type.rsplit(":", 1)[1], one.name)
        for one in record(protect=True).resources
        if one.protect
    }
    assert kept == {
        ("Vpc", "sandbox-vpc"),
        ("User", "sandbox-manager"),
        ("Role", "sandbox-instance-role"),
        ("InstanceProfile", "sandbox-instance-profile"),
    }
    assert not [one.name for one in record().resources if one.protect]


def test_the_table_of_contents_stays_one_page() -> None:
    assert len(PROGRAM.read_text().splitlines()) < 50


def test_nothing_is_destroyed_before_the_guard_has_looked(record: Run) -> None:
    made = record()
    assert made.hooks == ["nothing-foreign-in-the-vpc"]
    assert made.one("Stash").inputs["input"] == {"vpc_id": "sandbox-vpc-id", "region": "us-east-1"}


@mock_aws
def test_the_guard_names_foreign_instances_and_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    ec2 = boto3.client("ec2", region_name="us-east-1")
    vpc_id = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    assert list(destroy_guard.unmanaged_in_vpc(vpc_id, "us-east-1")) == []
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.100.0.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id, Description="of a database")
    interface_id = interface["NetworkInterface"]["NetworkInterfaceId"]
    run = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "user_id", "Value": "r-17"}]}
        ],
    )
    instance_id = run["Instances"][0]["InstanceId"]
    hook = pulumi.ResourceHookArgs(
        urn="",
        id="",
        name="destroy-guard",
        type="",
        old_outputs={"output": {"vpc_id": vpc_id, "region": "us-east-1"}},
    )
    with pytest.raises(pulumi.RunError) as raised:
        destroy_guard.refuse_if_in_use(hook)
    assert f"instance {instance_id} (running) of r-17" in str(raised.value)
    assert f"interface {interface_id} (of a database)" in str(raised.value)
    ec2.terminate_instances(InstanceIds=[instance_id])
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    destroy_guard.refuse_if_in_use(hook)


def test_components_stand_alone(record: Run) -> None:
    """Each is made by its arguments only: no other component, no config."""
    alone = record(
        lambda: network.Network(
            "alone",
            network.NetworkArgs(
                region="eu-west-1",
                cidr=IPv4Network("172.16.0.0/24"),
                zones={"eu-west-1a": 7},
                protect=False,
            ),
        )
    )
    assert [one["cidrBlock"] for one in alone.inputs("Subnet")] == ["172.16.0.112/28"]
    alone = record(
        lambda: ssh_access.SshAccess(
            "alone",
            ssh_access.SshAccessArgs(vpc_id="vpc-1", allowed=[IPv6Network("2001:db8::/32")]),
        )
    )
    assert [one["cidrIpv6"] for one in alone.inputs("SecurityGroupIngressRule")] == [
        "2001:db8::/32"
    ]
