"""Running machines: which the manager could not stop after the update, and what mends them.

Then what the service has to change, so that it may launch a machine like the newest.
"""

import json
import shlex
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto import mock_aws
from moto.iam.responses import IamResponse

from infra import names, tags
from infra.aws_clients import AwsClients
from infra.settings import Settings
from local.moto_patches import policy_simulation
from sandbox.adopt.launch import (
    TEMPLATE_TAG,
    UNKNOWN,
    Launch,
    LaunchNetwork,
    LaunchPart,
    judged_launch,
)
from sandbox.adopt.machines import Machine, MachineListing, image_in_use, listing, machines
from sandbox.adopt.preview_check import Verdict
from sandbox.adopt.questions import questions
from tests.sandbox.permissions.fake_aws import answer_with, error

SETTINGS = Settings()
ALL_TAGS = {**tags.common("production"), names.USER_TAG: "alice"}


@pytest.fixture
def aws() -> Iterator[AwsClients]:
    with mocked() as clients:
        yield clients


@contextmanager
def mocked() -> Generator[AwsClients]:
    """An account with two profiles, whose IAM simulates."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        for operation in ("simulate_custom_policy", "simulate_principal_policy"):
            patch.setattr(IamResponse, operation, None, raising=False)
        policy_simulation.install()
        clients = AwsClients("us-east-1")
        for profile in (names.INSTANCE_PROFILE, "other"):
            clients.iam.create_instance_profile(InstanceProfileName=profile)
        yield clients


@pytest.fixture
def subnet(aws: AwsClients) -> Any:
    return network(aws)


def network(aws: AwsClients) -> Any:
    """A subnet in a VPC of its own, with the sandboxes' group."""
    vpc = aws.ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    aws.ec2.create_security_group(GroupName=names.SECURITY_GROUP, Description="x", VpcId=vpc)
    return aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.100.0.0/24")["Subnet"]


def group_of(aws: AwsClients, subnet: Any) -> str:
    filters = {"vpc-id": [subnet["VpcId"]], "group-name": [names.SECURITY_GROUP]}
    [group] = aws.describe("describe_security_groups", "SecurityGroups", filters)
    return group["GroupId"]


@pytest.fixture
def image(aws: AwsClients) -> str:
    return new_image(aws)


def new_image(aws: AwsClients) -> str:
    return aws.ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]


def launch(aws: AwsClients, subnet: Any, image: str, **changes: Any) -> str:
    """A launch that the new policy allows, with *changes*; None leaves a parameter out."""
    listed = [{"Key": key, "Value": value} for key, value in ALL_TAGS.items()]
    request: dict[str, Any] = {
        "ImageId": image,
        "InstanceType": "g5.12xlarge",
        "SubnetId": subnet["SubnetId"],
        "SecurityGroupIds": [group_of(aws, subnet)],
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
            aws.ec2.create_tags(Resources=given["--resources"], Tags=pairs)  # pyrefly: ignore[bad-argument-type] - Key and Value
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


def test_a_machine_that_the_manager_could_stop_needs_no_command(
    aws: AwsClients, subnet: Any, image: str
) -> None:
    launch(aws, subnet, image)
    [machine] = look(aws, subnet)
    assert (machine.user, machine.lacks, machine.commands) == ("alice", (), ())


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
    [question] = questions(Verdict(changes=(), unchanged=0), [machine])
    assert question.about.endswith(f"could no longer stop {identifier}")
    for command in machine.commands:
        run(aws, command)
    [mended] = look(aws, subnet)
    assert (mended.lacks, mended.commands) == ((), ())


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
    other = network(aws)
    launch(aws, other, image, TagSpecifications=None)
    gone = launch(aws, subnet, image, TagSpecifications=None)
    aws.ec2.terminate_instances(InstanceIds=[gone])
    assert look(aws, subnet) == []


@dataclass(frozen=True)
class Launched:
    """An account with one machine, launched as the new policies allow it."""

    aws: AwsClients
    listed: MachineListing
    settings: Settings
    network: LaunchNetwork

    def judged(self, listed: MachineListing | None = None, **changed: Any) -> Launch:
        settings = self.settings.model_copy(update=changed)
        answer = judged_launch(self.aws, listed or self.listed, settings, self.network)
        assert answer is not None
        return answer

    def with_changes(self, **changes: Mapping[str, Any]) -> MachineListing:
        """The listing, with other values of the instance, its volume, its profile or its image."""
        kinds = {
            "instance": "instances",
            "volume": "volumes",
            "profile": "associations",
            "image": "images",
        }
        return replace(
            self.listed,
            **{
                kinds[kind]: [{**item, **change} for item in getattr(self.listed, kinds[kind])]
                for kind, change in changes.items()
            },
        )


@pytest.fixture(scope="module")
def launched() -> Iterator[Launched]:
    with mocked() as aws:
        subnet, image = network(aws), new_image(aws)
        launch(aws, subnet, image)
        yield Launched(
            aws=aws,
            listed=listing(aws, subnet["VpcId"]),
            settings=Settings(sandbox_ami_id=image),
            network=LaunchNetwork(
                vpc_id=subnet["VpcId"],
                subnet_ids=(subnet["SubnetId"],),
                security_group_id=group_of(aws, subnet),
            ),
        )


def by_kind(answer: Launch) -> Mapping[str, LaunchPart]:
    """The parts, each by its name without the id."""
    return {part.name.rpartition(" ")[0]: part for part in answer.parts}


def test_a_launch_as_the_new_policies_allow_it_is_allowed_part_by_part(launched: Launched) -> None:
    answer = launched.judged()
    assert by_kind(answer).keys() == {
        *("instance", "tags of instance", "volume", "tags of volume", "image"),
        *("network", "subnet", "security-group", "role"),
    }
    assert {(part.decision, part.changes) for part in answer.parts} == {("allowed", ())}
    assert not answer.is_refused


def tagged(**others: str) -> Any:
    return {"Tags": [{"Key": key, "Value": value} for key, value in {**ALL_TAGS, **others}.items()]}


NO_TAGS = {"Tags": []}
CASES: list[tuple[Mapping[str, Any], Mapping[str, str]]] = [
    ({"instance": {"MetadataOptions": {"HttpTokens": "optional"}}}, {"instance": "IMDSv2"}),
    (
        {"instance": {"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 3}}},
        {"instance": "HttpPutResponseHopLimit to at most 2"},
    ),
    (
        {"instance": {"InstanceType": "p4d.24xlarge"}},
        {"instance": "allowed_instance_types g5.* g6.* p4d.24xlarge"},
    ),
    ({"instance": {"InstanceType": "t3.large"}}, {"instance": "an allowed type, not t3.large"}),
    ({"instance": {"InstanceLifecycle": "spot"}}, {"instance": "on demand, not spot"}),
    ({"instance": {"Placement": {"Tenancy": "dedicated"}}}, {"instance": "shared hardware"}),
    ({"profile": {"IamInstanceProfile": {}}}, {"instance": f"{names.INSTANCE_PROFILE}, not none"}),
    ({"profile": {"IamInstanceProfile": {"Arn": "arn:x/other"}}}, {"instance": "not other"}),
    (
        {"instance": NO_TAGS, "volume": NO_TAGS},
        {"instance": "with Project = alignment-league", "volume": "with user_id"},
    ),
    ({"instance": tagged(Environment="test")}, {"instance": "Environment = production"}),
    ({"instance": tagged(Name="x")}, {}),
    (
        {"instance": tagged(**{"Cost centre": "x"})},
        {"tags of instance": "instance_tags Name 'Cost centre'"},
    ),
    ({"volume": tagged(Owner="x")}, {"tags of volume": "leave the tags Owner out"}),
    ({"volume": {"Encrypted": False}}, {"volume": "encrypt it"}),
    ({"volume": {"Size": 3000}}, {"volume": "at most 2048 GiB"}),
    ({"volume": {"VolumeType": "io1"}}, {"volume": "the type gp2 or gp3"}),
    ({"volume": {"Iops": 16_001}}, {"volume": "at most 16000 IOPS"}),
    ({"volume": {"Throughput": 1_001}}, {"volume": "at most 1000 MiB/s"}),
    ({"instance": {"SubnetId": "subnet-0123456789abcdef0"}}, {"subnet": "name subnet-"}),
    ({"instance": {"SecurityGroups": [{"GroupId": "sg-1"}]}}, {"security-group": "name sg-"}),
    ({"instance": {"KeyName": "laptop"}}, {}),
    (
        {"instance": {"Placement": {"GroupName": "near"}}},
        {"placement-group": "without a placement"},
    ),
    ({"instance": tagged(**{TEMPLATE_TAG: "lt-1"})}, {"launch-template": "without a template"}),
    (
        {
            "instance": {
                "CapacityReservationSpecification": {
                    "CapacityReservationTarget": {"CapacityReservationId": "cr-1"}
                }
            }
        },
        {"capacity-reservation": "capacity_reservations cr-1"},
    ),
]


@pytest.mark.parametrize(("changes", "refused"), CASES)
def test_iam_refuses_what_the_program_names_a_change_for_and_nothing_else(
    launched: Launched, changes: Mapping[str, Any], refused: Mapping[str, str]
) -> None:
    answer = launched.judged(launched.with_changes(**changes))
    parts = by_kind(answer)
    by_iam = {name: part.changes for name, part in parts.items() if part.decision != "allowed"}
    assert by_iam.keys() == refused.keys(), by_iam
    assert all(text in "; ".join(by_iam[name]) for name, text in refused.items()), by_iam
    assert by_iam == {name: part.changes for name, part in parts.items() if part.changes}
    assert (UNKNOWN,) not in by_iam.values()
    assert answer.is_refused == bool(refused)


def test_an_image_is_allowed_by_its_tags_or_by_the_setting(launched: Launched) -> None:
    image = launched.settings.sandbox_ami_id
    [change] = by_kind(launched.judged(sandbox_ami_id=""))["image"].changes
    assert f"sandbox settings set sandbox_ami_id {image}" in change
    of_stack = {"Tags": tagged(Purpose=names.IMAGE_PURPOSE)["Tags"]}
    listed = launched.with_changes(image=of_stack)
    assert by_kind(launched.judged(listed, sandbox_ami_id=""))["image"].decision == "allowed"
    shared = launched.with_changes(image={**of_stack, "OwnerId": "210987654321"})
    assert by_kind(launched.judged(shared, sandbox_ami_id=""))["image"].changes == (change,)


def test_a_machine_without_its_image_is_judged_too(launched: Launched) -> None:
    listed = replace(launched.listed, images=[])
    assert by_kind(launched.judged(listed, sandbox_ami_id=""))["image"].decision == "denied"


@pytest.mark.parametrize(
    ("action", "decisions"), [("*", {"allowed"}), ("ec2:Describe*", {"denied"})]
)
def test_the_boundary_of_the_organization_is_read_and_asked_too(
    launched: Launched, action: str, decisions: set[str]
) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    create = launched.aws.iam.create_policy
    policy = create(PolicyName=f"organization{len(action)}", PolicyDocument=document)["Policy"]
    answer = launched.judged(permissions_boundary=policy.get("Arn", ""))
    assert {part.decision for part in answer.parts} == decisions
    assert {part.changes for part in answer.parts} == (
        {()} if decisions == {"allowed"} else {(UNKNOWN,)}
    )


def test_without_a_machine_there_is_no_launch_to_judge(launched: Launched) -> None:
    nothing = replace(launched.listed, instances=[])
    assert judged_launch(launched.aws, nothing, SETTINGS, launched.network) is None


def test_without_the_right_to_simulate_the_changes_are_listed_and_the_reason_is_given(
    launched: Launched,
) -> None:
    aws = AwsClients("us-east-1")
    answer_with(aws.iam, "iam.SimulateCustomPolicy", lambda _: error("AccessDenied"))
    listed = launched.with_changes(instance={"MetadataOptions": {"HttpTokens": "optional"}})
    answer = replace(launched, aws=aws).judged(listed)
    assert "SimulateCustomPolicy" in answer.not_judged
    assert answer.not_judged.endswith("allow iam:SimulateCustomPolicy")
    assert {part.decision for part in answer.parts} == {None}
    assert [part.changes for part in answer.parts if part.changes] == [
        ("require IMDSv2: MetadataOptions HttpTokens = required",)
    ]
