"""Running machines: which the manager could not stop after the update, and what mends them."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from infra import names, tags
from infra.aws_clients import AwsClients
from infra.settings import Settings
from sandbox.adopt.machines import Machine, image_in_use, listing, machines

SETTINGS = Settings()
ALL_TAGS = {**tags.common("production"), names.USER_TAG: "alice"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClients]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        clients = AwsClients("us-east-1")
        for profile in (names.INSTANCE_PROFILE, "other"):
            clients.iam.create_instance_profile(InstanceProfileName=profile)
        yield clients


@pytest.fixture
def subnet(aws: AwsClients) -> Any:
    vpc = aws.ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    return aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.100.0.0/24")["Subnet"]


@pytest.fixture
def image(aws: AwsClients) -> str:
    return aws.ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]


def launch(aws: AwsClients, subnet: Any, image: str, **changes: Any) -> str:
    """A launch that the new policy allows, with *changes*; None leaves a parameter out."""
    listed = [{"Key": key, "Value": value} for key, value in ALL_TAGS.items()]
    request: dict[str, Any] = {
        "ImageId": image,
        "InstanceType": "g5.12xlarge",
        "SubnetId": subnet["SubnetId"],
        "IamInstanceProfile": {"Name": names.INSTANCE_PROFILE},
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/sda1",
                "Ebs": {"Encrypted": True, "VolumeType": "gp3", "VolumeSize": 100},
            }
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": listed} for kind in ("instance", "volume")
        ],
        **changes,
    }
    answer = aws.ec2.run_instances(
        MinCount=1, MaxCount=1, **{key: value for key, value in request.items() if value}
    )
    return answer["Instances"][0]["InstanceId"]


def look(aws: AwsClients, subnet: Any, settings: Settings = SETTINGS) -> list[Machine]:
    return list(machines(listing(aws, subnet["VpcId"]), settings))


def run(aws: AwsClients, command: str) -> None:
    """What the AWS CLI does for a command of the report."""
    _, _, operation, *options = shlex.split(command)
    given: dict[str, list[str]] = {}
    values: list[str] = []
    for word in options:
        if word.startswith("--"):
            values = given.setdefault(word, [])
        else:
            values.append(word)
    target: Any = {"Name": names.INSTANCE_PROFILE}
    match operation:
        case "create-tags":
            pairs = [dict(part.split("=") for part in pair.split(",")) for pair in given["--tags"]]
            aws.ec2.create_tags(Resources=given["--resources"], Tags=pairs)  # pyright: ignore[reportArgumentType] - Key and Value
        case "associate-iam-instance-profile":
            [identifier] = given["--instance-id"]
            aws.ec2.associate_iam_instance_profile(InstanceId=identifier, IamInstanceProfile=target)
        case "replace-iam-instance-profile-association":
            [identifier] = given["--association-id"]
            aws.ec2.replace_iam_instance_profile_association(
                AssociationId=identifier, IamInstanceProfile=target
            )
        case _:
            raise AssertionError(command)


def test_a_launch_as_the_new_policy_allows_it_is_no_question(
    aws: AwsClients, subnet: Any, image: str
) -> None:
    launch(aws, subnet, image)
    [machine] = look(aws, subnet, Settings(sandbox_ami_id=image))
    assert (machine.user, machine.lacks, machine.commands, machine.refused_launch) == (
        "alice",
        (),
        (),
        (),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"TagSpecifications": None},
        {"IamInstanceProfile": None},
        {"IamInstanceProfile": {"Name": "other"}},
        {"TagSpecifications": None, "IamInstanceProfile": None},
    ],
)
def test_a_machine_that_the_manager_could_not_stop_is_mended_by_the_commands(
    aws: AwsClients, subnet: Any, image: str, changes: dict[str, Any]
) -> None:
    identifier = launch(aws, subnet, image, **changes)
    [machine] = look(aws, subnet)
    assert machine.id == identifier
    assert machine.lacks
    for command in machine.commands:
        run(aws, command)
    [mended] = look(aws, subnet)
    assert (mended.lacks, mended.commands) == ((), ())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"MetadataOptions": {"HttpTokens": "optional"}}, "IMDSv2"),
        ({"InstanceType": "p4d.24xlarge"}, "allowed_instance_types g5.* g6.* p4d.24xlarge"),
        ({"InstanceType": "t3.large"}, "launch an allowed type, not t3.large"),
        ({"IamInstanceProfile": None}, "name the profile sandbox-instance-profile, not none"),
        ({"TagSpecifications": None}, "tag the volume at launch with Project"),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 3000}}]},
            "encrypt every volume",
        ),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 3000}}]},
            "at most 2048 GiB",
        ),
        ({}, "sandbox settings set sandbox_ami_id ami-"),
    ],
)
def test_what_the_service_has_to_change_is_read_from_its_newest_launch(
    aws: AwsClients, subnet: Any, image: str, changes: dict[str, Any], text: str
) -> None:
    launch(aws, subnet, image, **changes)
    [machine] = look(aws, subnet)
    assert any(text in line for line in machine.refused_launch), machine.refused_launch


def test_the_one_image_in_use_is_offered(aws: AwsClients, subnet: Any, image: str) -> None:
    assert image_in_use(listing(aws, subnet["VpcId"])) == ""
    launch(aws, subnet, image)
    launch(aws, subnet, image)
    assert image_in_use(listing(aws, subnet["VpcId"])) == image
    other = aws.ec2.register_image(Name="other", RootDeviceName="/dev/sda1")["ImageId"]
    launch(aws, subnet, other)
    assert image_in_use(listing(aws, subnet["VpcId"])) == ""


def test_machines_of_other_networks_and_terminated_ones_are_not_looked_at(
    aws: AwsClients, subnet: Any, image: str
) -> None:
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    other = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]
    launch(aws, other, image, TagSpecifications=None)
    gone = launch(aws, subnet, image, TagSpecifications=None)
    aws.ec2.terminate_instances(InstanceIds=[gone])
    assert look(aws, subnet) == []
