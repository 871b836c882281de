"""The reference client against the emulator, with the manager's own key and rights."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import context, names
from infra.account import AccountIdentity
from infra.permissions import manager, trust
from infra.permissions.statements import document, documents
from infra.settings import Settings
from local import serve
from sandbox_client.client import Sandboxes
from sandbox_client.config import SandboxConfig
from sandbox_client.launch import launch_request

ADMIN = {
    "aws_access_key_id": "admin",
    "aws_secret_access_key": "admin",
    "region_name": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve.answering() as running:
        yield running.endpoint


@pytest.fixture(scope="module")
def account(endpoint: str) -> Mapping[str, Any]:
    """The configuration of a stack, and the manager's key."""

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=endpoint, **ADMIN)  # pyrefly: ignore[no-matching-overload] - by name

    ec2, iam = client("ec2"), client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        {
            "zone": zone,
            "subnet_id": ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.100.{slot}.0/24", AvailabilityZone=zone
            )["Subnet"]["SubnetId"],
        }
        for slot, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    profile = iam.create_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE)
    role = iam.create_role(
        RoleName=names.INSTANCE_ROLE, AssumeRolePolicyDocument=document(trust.ec2())
    )
    iam.add_role_to_instance_profile(
        InstanceProfileName=names.INSTANCE_PROFILE, RoleName=role["Role"]["RoleName"]
    )
    give_the_manager_its_rights(iam, vpc)
    image = ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
    tags = {
        image: {
            "Project": names.PROJECT,
            "Environment": "production",
            "Purpose": names.IMAGE_PURPOSE,
        },
        **{subnet["subnet_id"]: {"Name": names.SUBNET} for subnet in subnets},
        group: {"Name": names.SECURITY_GROUP},
    }
    for identity, values in tags.items():
        pairs = [{"Key": key, "Value": value} for key, value in values.items()]
        ec2.create_tags(Resources=[identity], Tags=pairs)
    config = {
        "schema_version": 1,
        "environment": "production",
        "region": "us-east-1",
        "vpc_id": vpc,
        "subnet_id": subnets[0]["subnet_id"],
        "subnet_ids": [subnet["subnet_id"] for subnet in subnets],
        "subnets": subnets,
        "associate_public_ip": True,
        "security_group_id": group,
        "instance_profile": names.INSTANCE_PROFILE,
        "instance_profile_arn": profile["InstanceProfile"]["Arn"],
        "default_instance_type": "g5.12xlarge",
        "allowed_instance_types": ["g5.*", "g6.*"],
        "ami_id": image,
        "root_device_name": "/dev/sda1",
        "key_name": "",
        "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 1},
        "required_tags": {
            "Project": "alignment-league",
            "Environment": "production",
            "Purpose": "researcher-sandbox",
        },
        "user_tag": "user_id",
    }
    return {
        "config": json.dumps(config),
        "key": iam.create_access_key(UserName=names.MANAGER)["AccessKey"],
        "id": client("sts").get_caller_identity()["Account"],
        "ec2": ec2,
        "iam": iam,
    }


def give_the_manager_its_rights(iam: Any, vpc_id: str) -> None:
    """Create the user with its policies and its boundary, like the stack."""
    policy_context = context.policy_context(
        Settings(environment="production", region="us-east-1"),
        AccountIdentity(partition="aws", account_id="123456789012"),
        vpc_id=vpc_id,
    )
    boundary = iam.create_policy(
        PolicyName=names.MANAGER_BOUNDARY, PolicyDocument=document(manager.boundary(policy_context))
    )
    iam.create_user(
        UserName=names.MANAGER,
        Path=names.MANAGER_PATH,
        PermissionsBoundary=boundary["Policy"]["Arn"],
    )
    for number, text in enumerate(documents(manager.policy(policy_context))):
        policy = iam.create_policy(
            PolicyName=f"{names.MANAGER_POLICY}-{number}", PolicyDocument=text
        )
        iam.attach_user_policy(UserName=names.MANAGER, PolicyArn=policy["Policy"]["Arn"])


@pytest.fixture
def sandboxes(account: Mapping[str, Any], endpoint: str) -> Sandboxes:
    config = SandboxConfig.from_environment({"SANDBOX_CONFIG": account["config"]})
    ec2 = boto3.client(
        "ec2",
        region_name=config.region,
        endpoint_url=endpoint,
        aws_access_key_id=account["key"]["AccessKeyId"],
        aws_secret_access_key=account["key"]["SecretAccessKey"],
    )
    return Sandboxes(config, ec2)


def test_a_sandbox_lives_from_launch_to_termination_within_the_managers_rights(
    sandboxes: Sandboxes, account: Mapping[str, Any]
) -> None:
    sandbox = sandboxes.launch("alice")
    assert sandbox.zone == "us-east-1a"
    (listed,) = sandboxes.list("alice")
    assert (listed.instance_id, listed.user_id) == (sandbox.instance_id, "alice")
    assert listed.public_ip
    assert sandboxes.list("bob") == []
    sandboxes.stop(sandbox.instance_id)
    assert [stopped.state for stopped in sandboxes.list()] == ["stopped"]
    sandboxes.start(sandbox.instance_id)
    sandboxes.terminate(sandbox.instance_id)
    assert sandboxes.list() == []
    last_used = account["iam"].get_access_key_last_used(AccessKeyId=account["key"]["AccessKeyId"])
    assert last_used["UserName"] == "sandbox-manager"
    assert last_used["AccessKeyLastUsed"]["ServiceName"] == "ec2"


def test_a_launched_instance_has_its_tags_an_encrypted_volume_and_requires_imdsv2(
    sandboxes: Sandboxes, account: Mapping[str, Any]
) -> None:
    sandbox = sandboxes.launch("alice")
    reservations = account["ec2"].describe_instances(InstanceIds=[sandbox.instance_id])
    (instance,) = reservations["Reservations"][0]["Instances"]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    expected = {**sandboxes.config.required_tags, "user_id": "alice"}
    assert {tag["Key"]: tag["Value"] for tag in instance["Tags"]} == expected
    (volume,) = account["ec2"].describe_volumes(
        VolumeIds=[instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]]
    )["Volumes"]
    assert volume["Encrypted"]
    assert {tag["Key"]: tag["Value"] for tag in volume["Tags"]} == expected
    sandboxes.terminate(sandbox.instance_id)


def asked(sandboxes: Sandboxes, request: Mapping[str, Any]) -> tuple[str, str]:
    """The code and the message of EC2's answer to a dry run of *request*."""
    with pytest.raises(ClientError) as refusal:
        sandboxes.ec2.run_instances(**request, DryRun=True)
    error = refusal.value.response.get("Error", {})
    return error.get("Code", ""), error.get("Message", "")


def test_the_policy_allows_every_request_that_the_client_builds(sandboxes: Sandboxes) -> None:
    choices: dict[str, Any]
    for choices in (
        {},
        {"instance_type": "g6.xlarge"},
        {"subnet_id": sandboxes.config.subnet_ids[1], "key_name": "alice", "volume_gib": 300},
    ):
        request: Any = launch_request(sandboxes.config, "alice", **choices)
        assert asked(sandboxes, request)[0] == "DryRunOperation", choices


@pytest.mark.parametrize(
    ("part", "resource"),
    [
        ("MetadataOptions", "instance/*"),
        ("IamInstanceProfile", "instance/*"),
        ("BlockDeviceMappings", "volume/*"),
        ("TagSpecifications", "instance/*"),
    ],
)
def test_the_policy_refuses_the_request_without_one_of_its_parts(
    sandboxes: Sandboxes, part: str, resource: str
) -> None:
    request: Any = launch_request(sandboxes.config, "alice")
    del request[part]
    code, message = asked(sandboxes, request)
    assert code == "UnauthorizedOperation"
    assert f":{resource} " in message


def test_the_policy_refuses_a_volume_without_tags(sandboxes: Sandboxes) -> None:
    request: Any = launch_request(sandboxes.config, "alice")
    request["TagSpecifications"] = [
        specification
        for specification in request["TagSpecifications"]
        if specification["ResourceType"] != "volume"
    ]
    code, message = asked(sandboxes, request)
    assert code == "UnauthorizedOperation"
    assert ":volume/* " in message


def refuse(sandboxes: Sandboxes, code: str, *zones: str) -> list[str]:
    """Let EC2 answer *code* in these zones; return the subnets of the launches."""
    by_zone = {subnet.zone: subnet.subnet_id for subnet in sandboxes.config.subnets}
    subnets: list[str] = []
    run_instances = sandboxes.ec2.run_instances

    def answer(**request: Any) -> Any:
        subnet = request["NetworkInterfaces"][0]["SubnetId"]
        subnets.append(subnet)
        if subnet in {by_zone[zone] for zone in zones}:
            raise ClientError({"Error": {"Code": code, "Message": "none"}}, "RunInstances")
        return run_instances(**request)

    sandboxes.ec2.run_instances = answer
    return subnets


@pytest.mark.parametrize(
    "code", ["InsufficientInstanceCapacity", "InsufficientFreeAddressesInSubnet", "Unsupported"]
)
def test_a_full_zone_is_left_for_the_next_one(sandboxes: Sandboxes, code: str) -> None:
    refuse(sandboxes, code, "us-east-1a")
    sandbox = sandboxes.launch("alice")
    assert sandbox.zone == "us-east-1b"
    sandboxes.terminate(sandbox.instance_id)


def test_the_last_answer_is_raised_when_every_zone_is_full(sandboxes: Sandboxes) -> None:
    refuse(sandboxes, "InsufficientInstanceCapacity", "us-east-1a", "us-east-1b")
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        sandboxes.launch("alice")


def test_a_launch_that_is_refused_is_not_tried_in_another_zone(sandboxes: Sandboxes) -> None:
    subnets = refuse(sandboxes, "UnauthorizedOperation", "us-east-1a")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        sandboxes.launch("alice")
    assert subnets == [sandboxes.config.subnet_id]


def test_a_user_id_with_wildcards_lists_no_sandbox_of_another_user(sandboxes: Sandboxes) -> None:
    users = ("alice", "bob", "*", "b?b", "b\\?b", "team[alice]")
    launched = {user: sandboxes.launch(user).instance_id for user in users}
    for user, instance_id in launched.items():
        assert [sandbox.instance_id for sandbox in sandboxes.list(user)] == [instance_id], user
    assert sandboxes.list("") == sandboxes.list("b*") == sandboxes.list("???") == []
    assert {sandbox.instance_id for sandbox in sandboxes.list()} == set(launched.values())
    for instance_id in launched.values():
        sandboxes.terminate(instance_id)
