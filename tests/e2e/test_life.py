"""A stack's life, in order: up, a second stack, no change, drift, change, guards, destroy."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import Client, everything, tags
from tests.e2e.engine_stack import EngineStack

COMMON = {
    "Project": "alignment-league",
    "Environment": "production",
    "Purpose": "researcher-sandbox",
}


@pytest.fixture(scope="module")
def before(client: Client) -> dict[str, list[str]]:
    return everything(client)


def test_a_refused_config_is_one_clear_message_and_makes_nothing(
    sandbox: EngineStack, client: Client, before: dict[str, list[str]]
) -> None:
    sandbox.configure(
        vpc_cidr="10.0.0.1/16", allowed_ssh_cidrs=["203.0.113.7"], alowed_ssh_cidrs=["0.0.0.0/0"]
    )
    output = sandbox.pulumi("up", "--yes", "--skip-preview", fails=True).output
    assert "the stack's config cannot be used:" in output
    assert "sandbox:vpc_cidr = 10.0.0.1/16: 10.0.0.1/16 has host bits set" in output
    assert "203.0.113.7/32" in output
    assert "the nearest is sandbox:allowed_ssh_cidrs" in output
    assert "Traceback" not in output
    assert everything(client) == before


def test_a_wrong_type_is_refused_by_the_engine_itself(sandbox: EngineStack) -> None:
    sandbox.configure(flow_logs="yes")
    output = sandbox.pulumi("preview", fails=True).output
    assert "flow_logs' must be of type 'boolean'" in output
    assert "Traceback" not in output


@pytest.fixture(scope="module")
def standing(sandbox: EngineStack, before: dict[str, list[str]]) -> EngineStack:
    """The stack, deployed once with the defaults."""
    assert before["users"] == []
    sandbox.configure()
    changes = sandbox.up()
    assert set(changes) <= {"create", "same"}  # a refused update leaves the stack's own resource
    return sandbox


@pytest.fixture(scope="module")
def outputs(standing: EngineStack) -> Mapping[str, Any]:
    """The outputs after the first update; the ids in them stay."""
    return standing.outputs(secrets=True)


def only(items: list[Any]) -> Any:
    assert len(items) == 1, items
    return items[0]


def test_the_vpc_is_as_promised(client: Client, outputs: Mapping[str, Any]) -> None:
    ec2 = client("ec2")
    vpc = only(ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["sandbox-vpc"]}])["Vpcs"])
    assert vpc["VpcId"] == outputs["vpc_id"]
    assert vpc["CidrBlock"] == "10.100.0.0/16"
    assert tags(vpc) == {**COMMON, "Name": "sandbox-vpc"}
    for attribute in ("enableDnsHostnames", "enableDnsSupport"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True


def test_three_public_subnets_give_public_addresses_and_share_one_route_table(
    client: Client, outputs: Mapping[str, Any]
) -> None:
    ec2 = client("ec2")
    in_vpc = [{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}]
    subnets = {s["SubnetId"]: s for s in ec2.describe_subnets(Filters=in_vpc)["Subnets"]}
    assert set(subnets) == set(outputs["public_subnet_ids"])
    in_order = [subnets[subnet_id] for subnet_id in outputs["public_subnet_ids"]]
    assert [s["CidrBlock"] for s in in_order] == [f"10.100.{slot}.0/24" for slot in range(3)]
    assert [s["AvailabilityZone"][-1] for s in in_order] == ["a", "b", "c"]
    assert all(s["MapPublicIpOnLaunch"] for s in in_order)
    assert all(tags(s) == {**COMMON, "Name": "sandbox-public", "Type": "public"} for s in in_order)
    tables = [
        table
        for table in ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
        if not any(link.get("Main") for link in table["Associations"])
    ]
    table = only(tables)
    assert {link["SubnetId"] for link in table["Associations"]} == set(subnets)
    gateway = only(
        ec2.describe_internet_gateways(
            Filters=[{"Name": "attachment.vpc-id", "Values": [outputs["vpc_id"]]}]
        )["InternetGateways"]
    )
    targets = {
        route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId"): route[
            "GatewayId"
        ]
        for route in table["Routes"]
    }
    assert targets.pop("10.100.0.0/16") == "local"
    assert targets.pop("0.0.0.0/0") == gateway["InternetGatewayId"]
    endpoint = only(ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"])
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert set(targets.values()) <= {endpoint["VpcEndpointId"]}
    assert not ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert not ec2.describe_nat_gateways()["NatGateways"]


def test_ssh_is_the_only_way_in(client: Client, outputs: Mapping[str, Any]) -> None:
    ec2 = client("ec2")
    in_vpc = [{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}]
    groups = {
        g["GroupName"]: g for g in ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"]
    }
    assert set(groups) == {"default", "sandbox-instances"}
    group = groups["sandbox-instances"]
    assert group["GroupId"] == outputs["security_group_id"]
    assert group["Description"] == "Security group for researcher sandbox EC2 instances"
    assert tags(group) == {**COMMON, "Name": "sandbox-instances"}
    rules = {
        rule["IsEgress"]: rule
        for rule in ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}]
        )["SecurityGroupRules"]
    }
    ingress, egress = rules[False], rules[True]
    assert (ingress["IpProtocol"], ingress["FromPort"], ingress["ToPort"]) == ("tcp", 22, 22)
    assert ingress["CidrIpv4"] == "0.0.0.0/0"
    assert ingress["Description"] == "Allow SSH access from researchers"
    assert tags(ingress)["Name"] == "sandbox-ssh-inbound"
    assert (egress["IpProtocol"], egress["CidrIpv4"]) == ("-1", "0.0.0.0/0")
    assert egress["Description"] == "Allow all outbound traffic"
    assert tags(egress)["Name"] == "sandbox-all-outbound"
    default = groups["default"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def test_the_vpcs_traffic_is_recorded(client: Client, outputs: Mapping[str, Any]) -> None:
    log = only(client("ec2").describe_flow_logs()["FlowLogs"])
    assert log["ResourceId"] == outputs["vpc_id"]
    assert log["TrafficType"] == "ALL"
    groups = {g["logGroupName"]: g for g in client("logs").describe_log_groups()["logGroups"]}
    assert set(groups) == {"/sandbox/flow-logs", "/aws/ec2/sandbox/instances"}
    assert all(g["retentionInDays"] == 365 for g in groups.values())
    assert log["LogDestination"].rstrip("*:").endswith("log-group:/sandbox/flow-logs")


def test_the_manager_signs_in_with_the_exported_key(
    client: Client, environment: Mapping[str, str], outputs: Mapping[str, Any]
) -> None:
    import boto3  # noqa: PLC0415 - the service's own session

    iam = client("iam")
    user = iam.get_user(UserName="sandbox-manager")["User"]
    assert user["Path"] == "/service/"
    assert outputs["sandbox_manager_user_name"] == "sandbox-manager"
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(
        "sandbox-manager-boundary"
    )
    attached = iam.list_attached_user_policies(UserName="sandbox-manager")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["sandbox-manager-policy"]
    assert iam.list_user_policies(UserName="sandbox-manager")["PolicyNames"] == []
    key = only(iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"])
    assert key["AccessKeyId"] == outputs["sandbox_manager_access_key_id"]
    manager = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=outputs["sandbox_manager_access_key_id"],
        aws_secret_access_key=outputs["sandbox_manager_secret_access_key"],
    )
    assert manager.get_caller_identity()["Arn"].endswith(":user/service/sandbox-manager")


def test_the_instances_run_under_their_role(client: Client, outputs: Mapping[str, Any]) -> None:
    iam = client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=outputs["instance_profile_name"])
    role = only(profile["InstanceProfile"]["Roles"])
    assert profile["InstanceProfile"]["InstanceProfileName"] == "sandbox-instance-profile"
    assert (role["RoleName"], role["Arn"]) == (
        "sandbox-instance-role",
        outputs["instance_role_arn"],
    )
    trusted = only(role["AssumeRolePolicyDocument"]["Statement"])
    assert trusted["Principal"] == {"Service": "ec2.amazonaws.com"}
    boundary = iam.get_role(RoleName="sandbox-instance-role")["Role"]["PermissionsBoundary"]
    assert boundary["PermissionsBoundaryArn"].endswith("sandbox-instance-boundary")
    attached = iam.list_attached_role_policies(RoleName="sandbox-instance-role")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["sandbox-instance-policy"]


def test_what_the_service_reads_is_complete(outputs: Mapping[str, Any]) -> None:
    config = outputs["sandbox_config"]
    assert config["vpc_id"] == outputs["vpc_id"]
    assert config["subnet_id"] == outputs["public_subnet_ids"][0]
    assert config["subnet_ids"] == outputs["public_subnet_ids"]
    assert config["security_group_id"] == outputs["security_group_id"]
    assert config["instance_profile"] == outputs["instance_profile_name"]
    assert config["region"] == "us-east-1"
    assert config["default_instance_type"] == "g5.12xlarge"
    assert (config["ami_id"], config["key_name"]) == ("", "")


def test_no_output_and_no_file_of_the_state_shows_the_key(
    standing: EngineStack, outputs: Mapping[str, Any], environment: Mapping[str, str]
) -> None:
    secret = outputs["sandbox_manager_secret_access_key"]
    shown = standing.outputs()
    assert shown["sandbox_manager_secret_access_key"] == "[secret]"
    assert shown["sandbox_manager_access_key_id"] == "[secret]"
    assert len(secret) > 30
    state = Path(environment["PULUMI_BACKEND_URL"].removeprefix("file://").split("?")[0])
    files = [file for file in [*state.rglob("*"), *standing.folder.rglob("*")] if file.is_file()]
    assert any(file.name == "test.json" for file in files)
    assert [file for file in files if secret.encode() in file.read_bytes()] == []
    for arguments in (["stack"], ["stack", "export"], ["stack", "history"]):
        assert secret not in standing.pulumi(*arguments).output


def test_a_second_stack_in_the_account_is_refused_and_can_be_left(
    standing: EngineStack, client: Client, tmp_path: Path
) -> None:
    first = everything(client)
    second = EngineStack(tmp_path, standing.environment, name="staging")
    second.configure(environment="staging", vpc_cidr="10.101.0.0/16")
    output = second.pulumi("up", "--yes", "--skip-preview", fails=True).output
    assert "exists already, by the environment production" in output
    assert "Traceback" not in output
    assert everything(client) == first
    second.destroy()
    assert everything(client) == first


def test_at_rest_nothing_changes_and_nothing_drifts(
    standing: EngineStack, outputs: Mapping[str, Any]
) -> None:
    """Nor did the second stack change a resource of the first."""
    standing.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    shown = standing.pulumi("preview", "--diff", "--expect-no-changes").output
    assert outputs["sandbox_manager_secret_access_key"] not in shown


def test_drift_behind_the_programs_back_is_found_and_mended(
    standing: EngineStack, client: Client, outputs: Mapping[str, Any]
) -> None:
    ec2 = client("ec2")
    ec2.modify_subnet_attribute(
        SubnetId=outputs["public_subnet_ids"][0], MapPublicIpOnLaunch={"Value": False}
    )
    ec2.delete_tags(Resources=[outputs["vpc_id"]], Tags=[{"Key": "Purpose"}])
    iam = client("iam")
    iam.detach_user_policy(
        UserName="sandbox-manager",
        PolicyArn=iam.list_attached_user_policies(UserName="sandbox-manager")["AttachedPolicies"][
            0
        ]["PolicyArn"],
    )
    changes = standing.up("--refresh")
    assert (changes["update"], changes["create"]) == (2, 1)
    standing.pulumi("preview", "--refresh", "--expect-no-changes")


CHANGED: Mapping[str, object] = {
    "allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8:1::/48"],
    "zones": {"us-east-1a": 0, "us-east-1b": 1, "us-east-1c": 2, "us-east-1d": 3},
    "sandbox_ami_id": "ami-0123456789abcdef0",
}


def test_a_change_of_the_config_replaces_nothing(standing: EngineStack, client: Client) -> None:
    before = standing.urns()
    standing.configure(**CHANGED)
    changes = standing.up()
    assert "replace" not in changes
    after = standing.urns()
    removed = before.items() - after.items()
    assert {urn.rsplit("::", 1)[1] for urn, _ in removed} == {"sandbox-ssh-inbound-0.0.0.0/0"}
    added = {urn.rsplit("::", 1)[1] for urn in after.keys() - before.keys()}
    assert added == {
        "sandbox-public-us-east-1d",
        "sandbox-ssh-inbound-203.0.113.0/24",
        "sandbox-ssh-inbound-2001.db8.1../48",
    }
    changed = standing.outputs()
    assert changed["sandbox_config"]["ami_id"] == "ami-0123456789abcdef0"
    rules = client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [changed["security_group_id"]]}]
    )["SecurityGroupRules"]
    sources = {r.get("CidrIpv4") or r["CidrIpv6"] for r in rules if not r["IsEgress"]}
    assert sources == {"203.0.113.0/24", "2001:db8:1::/48"}


def test_a_zone_that_goes_takes_only_its_own_subnet(standing: EngineStack) -> None:
    before = standing.urns()
    without_b = {"us-east-1a": 0, "us-east-1c": 2, "us-east-1d": 3}
    standing.configure(**{**CHANGED, "zones": without_b, "protect": True})
    standing.up()
    removed = {urn.rsplit("::", 1)[1] for urn in before.keys() - standing.urns().keys()}
    assert removed == {"sandbox-public-us-east-1b"}


def test_a_plain_destroy_is_told_to_run_the_guard(standing: EngineStack) -> None:
    output = standing.pulumi("destroy", "--yes", "--skip-preview", fails=True).output
    assert "--run-program" in output


DENIAL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
)


def refused_destroy(stack: EngineStack) -> str:
    output = stack.pulumi("destroy", "--yes", "--skip-preview", "--run-program", fails=True).output
    assert "Traceback" not in output
    return output


def test_destroy_names_what_stands_in_the_way_and_then_leaves_nothing(
    standing: EngineStack, client: Client, before: dict[str, list[str]], outputs: Mapping[str, Any]
) -> None:
    ec2 = client("ec2")
    ubuntu = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"
    image = client("ssm").get_parameter(Name=ubuntu)["Parameter"]["Value"]
    run = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, SubnetId=outputs["sandbox_config"]["subnet_id"]
    )
    instance = run["Instances"][0]["InstanceId"]
    iam = client("iam")
    user = {"UserName": "sandbox-manager"}
    iam.put_user_policy(**user, PolicyName="debug", PolicyDocument=DENIAL)
    iam.create_login_profile(**user, Password="made up for this")
    vpc_id = outputs["vpc_id"]
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.100.200.0/24")["Subnet"]["SubnetId"]
    resources = standing.urns()
    assert "sandbox:protect" in refused_destroy(standing)
    standing.configure()
    output = refused_destroy(standing)
    blockers = (
        f"instance {instance} (running)",
        f"subnet {subnet}",
        "inline policy debug",
        "a password",
    )
    assert [blocker for blocker in blockers if blocker not in output] == []
    assert standing.urns() == resources
    ec2.terminate_instances(InstanceIds=[instance])
    iam.delete_user_policy(**user, PolicyName="debug")
    iam.delete_login_profile(**user)
    ec2.delete_subnet(SubnetId=subnet)
    standing.destroy()
    assert everything(client) == before
    assert (
        json.loads(standing.pulumi("stack", "export").output)["deployment"].get("resources", [])
        == []
    )
