"""`sandbox permissions check` asks AWS's own simulator, and EC2, the same table."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from infra.settings import Settings
from sandbox.permissions import dry_runs as launches
from sandbox.permissions import simulation as account
from sandbox.permissions.commands import app, one_line
from sandbox.permissions.placeholders import world
from sandbox.permissions.simulation import Answer
from sandbox.permissions.table import rows
from local.iam.evaluator import Document, Layers, Request, decide
from tests.infra.permissions.judging import Identity
from local.iam.reference import any_resource
from tests.infra.permissions.stacks import identities, scope
from tests.infra.permissions.worlds import ACCOUNT, VPC_ID

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient

pytestmark = pytest.mark.proof

SETTINGS = Settings()
OUTPUTS: Mapping[str, Any] = {
    "vpc_id": VPC_ID,
    "public_subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa"],
    "sandbox_config": {
        "ami_id": "ami-0a11ce00000000001",
        "subnet_id": "subnet-0aaaaaaaaaaaaaaaa",
        "security_group_id": "sg-0aaaaaaaaaaaaaaaa",
        "instance_profile": "sandbox-instance-profile",
        "default_instance_type": "g5.12xlarge",
    },
}
WORLD = world(SETTINGS, OUTPUTS, ACCOUNT, "aws")
PLACE = launches.Place(
    image_id="ami-0a11ce00000000001",
    subnet_id="subnet-0aaaaaaaaaaaaaaaa",
    security_group_id="sg-0aaaaaaaaaaaaaaaa",
    instance_profile="sandbox-instance-profile",
    instance_type="g5.12xlarge",
    environment="production",
)
OWNERS = {WORLD[f"principal:{who}"]: who for who in ("manager", "instance", "flow logs")}
ANSWERS = {"allowed": "allowed", "denied": "implicitDeny", "forbidden": "explicitDeny"}


@pytest.fixture(autouse=True)
def made_up_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach an account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def respond(client: Any, call: str, answer: Any) -> None:
    """Let *answer* stand in for the service: what is asked is still checked against its model."""
    asked: list[Mapping[str, Any]] = []

    def remember(params: Mapping[str, Any], **_: object) -> None:
        asked.append(params)

    def reply(**_: object) -> tuple[object, Mapping[str, Any]]:
        status, parsed = answer(asked[-1])
        return SimpleNamespace(status_code=status), parsed

    client.meta.events.register(f"before-parameter-build.{call}", remember)
    client.meta.events.register(f"before-call.{call}", reply)


def simulator(documents: Mapping[str, Identity]) -> "IAMClient":
    """IAM's simulator as it answers for an account with *documents*."""
    client = boto3.client("iam", region_name="us-east-1")

    def answer(asked: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        own = documents[OWNERS[asked["PolicySourceArn"]]]
        [action], [resource] = asked["ActionNames"], asked["ResourceArns"]
        if resource == "*":
            resource = any_resource(action, region="us-east-1", account=ACCOUNT)
        context = {
            one["ContextKeyName"]: (
                one["ContextKeyValues"]
                if one["ContextKeyType"].endswith("List")
                else one["ContextKeyValues"][0]
            )
            for one in asked["ContextEntries"]
        }
        policy: Document | None = json.loads(asked.get("ResourcePolicy", "null"))
        decision = decide(
            Layers(identity=tuple(own.policies.values()), boundary=own.boundary, resource=policy),
            Request(
                principal=asked["PolicySourceArn"],
                action=action,
                resource=resource,
                context=context,
            ),
        )
        result = {"EvalActionName": action, "EvalDecision": ANSWERS[decision]}
        return 200, {"EvaluationResults": [result], "IsTruncated": False}

    respond(client, "iam.SimulatePrincipalPolicy", answer)
    return client


def by_verdict(answers: list[Answer], verdict: str) -> list[str]:
    return [f"{one.row}: {one.why}" for one in answers if one.verdict == verdict]


def test_a_stack_as_it_should_be_holds_in_every_row_that_can_be_asked() -> None:
    iam = simulator(identities(scope({})))
    answers = list(account.simulate(iam, rows(), WORLD, SETTINGS.model_dump()))
    assert by_verdict(answers, "broken") == []
    assert len(by_verdict(answers, "holds")) > 380


def test_what_cannot_be_asked_is_said_with_its_reason() -> None:
    iam = simulator(identities(scope({})))
    answers = list(account.simulate(iam, rows(), WORLD, SETTINGS.model_dump()))
    unasked = [one for one in answers if one.verdict == "not asked"]
    assert {one.why for one in unasked} == {
        "AWS simulates no trust policies",
        "holds for stacks with a budget that stops launches",
        "AWS simulates a resource's own policy for users only",
        "holds for stacks with another default_instance_type",
        "holds for stacks with another instances_read_outputs",
        "holds for stacks with another sandbox_ami_id",
    }


def test_an_account_whose_policy_was_widened_by_hand_is_found_out() -> None:
    documents = dict(identities(scope({})))
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    documents["instance"] = Identity(policies={"policy": everything})
    answers = list(account.simulate(simulator(documents), rows(), WORLD, SETTINGS.model_dump()))
    broken = [one for one in answers if one.verdict == "broken"]
    assert {one.row.who for one in broken} == {"instance"}
    assert {one.why for one in broken} == {"allowed"}


def ec2(code: str) -> "EC2Client":
    """EC2 as it answers a DryRun call, with *code*."""
    client = boto3.client("ec2", region_name="us-east-1")

    def answer(asked: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        assert asked["DryRun"] is True
        return 412, {"Error": {"Code": code, "Message": "made up"}}

    respond(client, "ec2.RunInstances", answer)
    return client


@pytest.mark.parametrize(
    ("code", "fails"), [("DryRunOperation", "denied"), ("UnauthorizedOperation", "allowed")]
)
def test_ec2s_own_answer_to_a_launch_is_compared_with_the_row(code: str, fails: str) -> None:
    answers = list(launches.dry_run(ec2(code), rows(), PLACE))
    asked = [one for one in answers if one.verdict != "not asked"]
    broken = [one for one in asked if one.verdict == "broken"]
    assert len(asked) >= 25
    assert broken
    assert all((one.row.decision == "allowed") == (fails == "allowed") for one in broken)
    assert len(broken) + len(by_verdict(asked, "holds")) == len(asked)


def test_an_answer_that_is_about_something_else_is_no_answer() -> None:
    answers = list(launches.dry_run(ec2("InvalidAMIID.NotFound"), rows(), PLACE))
    assert {one.verdict for one in answers} == {"not asked"}
    assert "EC2 says InvalidAMIID.NotFound" in {one.why for one in answers}


@mock_aws
def test_a_dry_run_starts_nothing() -> None:
    client = boto3.client("ec2", region_name="us-east-1")
    iam = boto3.client("iam", region_name="us-east-1")
    iam.create_instance_profile(InstanceProfileName=PLACE.instance_profile)
    [image] = client.describe_images(Owners=["amazon"], MaxResults=5)["Images"][:1]
    [subnet] = client.describe_subnets()["Subnets"][:1]
    [group] = client.describe_security_groups()["SecurityGroups"][:1]
    place = replace(
        PLACE,
        image_id=image["ImageId"],
        subnet_id=subnet["SubnetId"],
        security_group_id=group["GroupId"],
    )
    answers = list(launches.dry_run(client, rows(), place))
    assert "holds" in {one.verdict for one in answers}
    assert client.describe_instances()["Reservations"] == []


def test_without_an_image_no_launch_is_asked() -> None:
    answers = list(launches.dry_run(ec2("x"), rows(), replace(PLACE, image_id="")))
    assert {one.why for one in answers} == {"the stack has no image yet"}


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("without user_id", lambda call: "user_id" not in _tags(call, "instance")),
        ("with an empty user_id", lambda call: _tags(call, "instance")["user_id"] == ""),
        ("a volume without tags", lambda call: _tags(call, "volume") == {}),
        ("tokens are optional", lambda call: call["MetadataOptions"]["HttpTokens"] == "optional"),
        ("the launch says nothing of tokens", lambda call: "MetadataOptions" not in call),
        ("a launch without a profile", lambda call: "IamInstanceProfile" not in call),
        ("a type of no allowed family", lambda call: call["InstanceType"] == "p5.48xlarge"),
        (
            "a volume that is not encrypted",
            lambda call: not call["BlockDeviceMappings"][0]["Ebs"]["Encrypted"],
        ),
    ],
)
def test_a_row_becomes_the_call_it_speaks_of(what: str, asked: Any) -> None:
    [row] = [row for row in rows() if row.what == what and row.is_launch]
    assert asked(launches.request(row, PLACE))


def _tags(call: Mapping[str, Any], kind: str) -> Mapping[str, str]:
    return {
        tag["Key"]: tag["Value"]
        for one in call["TagSpecifications"]
        if one["ResourceType"] == kind
        for tag in one["Tags"]
    }


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `pulumi` on PATH that answers for one deployed stack."""
    answers = {"config": {"sandbox:environment": {"value": "staging"}}, "stack": dict(OUTPUTS)}
    script = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps({answers!r}[sys.argv[1]]))\n"
    (tmp_path / "pulumi").write_text(script)
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("pulumi")
def test_without_credentials_the_command_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers keys
    result = CliRunner().invoke(app, ["account"])
    assert (result.exit_code, result.output) == (2, "Unable to locate credentials\n")


@pytest.mark.usefixtures("pulumi")
def test_an_unknown_profile_of_the_manager_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    result = CliRunner().invoke(app, ["account", "--manager-profile", "nobody"])
    assert (result.exit_code, result.output) == (
        2,
        "The config profile (nobody) could not be found\n",
    )


def test_a_key_that_may_not_simulate_is_told_what_to_use() -> None:
    refusal = ClientError(
        {"Error": {"Code": "AccessDenied", "Message": "x"}}, "SimulatePrincipalPolicy"
    )
    assert one_line(refusal) == (
        "SimulatePrincipalPolicy: AccessDenied: use a key that may simulate, not the manager's"
    )


def test_without_pulumi_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(app, ["account"])
    assert result.exit_code == 2
    assert result.output.startswith("stack production: pulumi: is not on PATH; install it from")
    assert len(result.output.splitlines()) == 1
