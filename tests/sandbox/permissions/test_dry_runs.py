"""`sandbox permissions check --manager-profile` compares EC2's own answers with the contract."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sandbox.permissions.dry_runs import LaunchTarget, dry_run, request
from sandbox.permissions.table import rows
from tests.sandbox.permissions.fake_aws import ec2

TARGET = LaunchTarget(
    image_id="ami-0a11ce00000000001",
    subnet_id="subnet-0aaaaaaaaaaaaaaaa",
    security_group_id="sg-0aaaaaaaaaaaaaaaa",
    instance_profile="sandbox-instance-profile",
    instance_type="g5.12xlarge",
    environment="production",
)


def tags_of(parameters: Mapping[str, Any], resource_type: str) -> Mapping[str, str]:
    return {
        tag["Key"]: tag["Value"]
        for specification in parameters["TagSpecifications"]
        if specification["ResourceType"] == resource_type
        for tag in specification["Tags"]
    }


@pytest.mark.parametrize(
    ("code", "expected_of_broken"),
    [("DryRunOperation", False), ("UnauthorizedOperation", True)],
    ids=["every launch would run", "every launch is refused"],
)
def test_a_row_is_broken_where_ec2_decides_otherwise(
    code: str, *, expected_of_broken: bool
) -> None:
    answers = list(dry_run(ec2(code), rows(), TARGET))
    asked = [answer for answer in answers if answer.verdict != "not asked"]
    assert len(asked) >= 25
    for answer in asked:
        is_allowed_row = answer.row.decision == "allowed"
        assert answer.verdict == ("broken" if is_allowed_row == expected_of_broken else "holds")


def test_an_error_about_something_else_is_no_answer() -> None:
    answers = list(dry_run(ec2("InvalidAMIID.NotFound"), rows(), TARGET))
    assert {answer.verdict for answer in answers} == {"not asked", "no answer"}
    assert any("InvalidAMIID.NotFound" in answer.why for answer in answers)


@mock_aws
def test_a_dry_run_starts_no_instance() -> None:
    client = boto3.client("ec2", region_name="us-east-1")
    iam = boto3.client("iam", region_name="us-east-1")
    iam.create_instance_profile(InstanceProfileName=TARGET.instance_profile)
    image_id = client.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
    [subnet] = client.describe_subnets()["Subnets"][:1]
    [group] = client.describe_security_groups()["SecurityGroups"][:1]
    target = replace(
        TARGET,
        image_id=image_id,
        subnet_id=subnet["SubnetId"],
        security_group_id=group["GroupId"],
    )
    assert "holds" in {answer.verdict for answer in dry_run(client, rows(), target)}
    assert client.describe_instances()["Reservations"] == []


def test_without_an_image_no_launch_is_asked() -> None:
    answers = list(dry_run(ec2("unused"), rows(), replace(TARGET, image_id="")))
    assert {answer.verdict for answer in answers} == {"not asked"}


@pytest.mark.parametrize(
    ("what", "is_in"),
    [
        ("without user_id", lambda call: "user_id" not in tags_of(call, "instance")),
        ("with an empty user_id", lambda call: tags_of(call, "instance")["user_id"] == ""),
        ("a volume without tags", lambda call: tags_of(call, "volume") == {}),
        ("tokens are optional", lambda call: call["MetadataOptions"]["HttpTokens"] == "optional"),
        (
            "the launch does not say whether tokens are required",
            lambda call: "MetadataOptions" not in call,
        ),
        ("a launch without a profile", lambda call: "IamInstanceProfile" not in call),
        ("a type of no allowed family", lambda call: call["InstanceType"] == "p5.48xlarge"),
        (
            "a volume that is not encrypted",
            lambda call: not call["BlockDeviceMappings"][0]["Ebs"]["Encrypted"],
        ),
    ],
)
def test_a_row_becomes_the_call_that_it_describes(
    what: str, is_in: Callable[[Mapping[str, Any]], bool]
) -> None:
    [row] = [row for row in rows() if row.what == what and row.is_launch]
    assert is_in(request(row, TARGET))
