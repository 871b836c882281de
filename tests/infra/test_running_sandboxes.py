"""No update harms running sandboxes, changes the account, or ignores an unread setting."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pulumi
import pytest
from moto import mock_aws
from pulumi.runtime.config import set_all_config

from infra import settings
from infra.preflight import running_sandboxes
from infra.settings import SettingsError
from tests.infra.conftest import ACCOUNT, Run

ZONES = {"us-east-1a": 0, "us-east-1b": 1}


class Standing:
    """A stack's network in moto, and the engine's answer that describes it."""

    def __init__(self) -> None:
        self.ec2: Any = boto3.client("ec2", region_name="us-east-1")
        self.vpc_id = self.ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
        self.subnets = {
            zone: self.ec2.create_subnet(
                VpcId=self.vpc_id, CidrBlock=f"10.100.{slot}.0/24", AvailabilityZone=zone
            )["Subnet"]["SubnetId"]
            for zone, slot in ZONES.items()
        }

    @property
    def answer(self) -> Mapping[str, Any]:
        vpc = {
            "id": self.vpc_id,
            "arn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/{self.vpc_id}",
            "cidrBlock": "10.100.0.0/16",
            "tagsAll": {"Environment": "production"},
        }
        subnets = {
            f"urn::{zone}": {
                "type": "aws:ec2/subnet:Subnet",
                "outputs": {
                    "id": subnet_id,
                    "arn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:subnet/{subnet_id}",
                    "availabilityZone": zone,
                    "cidrBlock": f"10.100.{ZONES[zone]}.0/24",
                },
            }
            for zone, subnet_id in self.subnets.items()
        }
        log_group = {
            "type": "aws:cloudwatch/logGroup:LogGroup",
            "outputs": {
                "arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/ec2/sandbox/instances",
                "name": "/aws/ec2/sandbox/instances",
            },
        }
        return {
            "urn::sandbox-vpc": {"type": "aws:ec2/vpc:Vpc", "outputs": vpc},
            "urn::sandbox-instances-logs": log_group,
            **subnets,
        }

    def launch(self, zone: str) -> str:
        run = self.ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=self.subnets[zone]
        )
        return run["Instances"][0]["InstanceId"]


@pytest.fixture
def standing(record: Run, fake_credentials: None) -> Iterator[Standing]:
    del fake_credentials
    with mock_aws():
        network = Standing()
        record.standing = network.answer
        yield network


@pytest.mark.parametrize(
    "change",
    [
        {"zones": {"us-east-1a": 0}},
        {"zones": {"us-east-1a": 0, "us-east-1b": 2}},
        {"vpc_cidr": "10.101.0.0/16"},
        {"environment": "staging"},
        {"log_prefix": "/sandboxes/"},
    ],
    ids=["zone removed", "slot changed", "vpc_cidr", "environment", "log_prefix"],
)
def test_a_change_that_hurts_instances_is_refused_until_they_are_gone(
    record: Run, standing: Standing, change: dict[str, Any]
) -> None:
    instances = [standing.launch("us-east-1b") for _ in range(2)]
    standing.ec2.stop_instances(InstanceIds=instances[:1])
    with pytest.raises(pulumi.RunError, match=f"{next(iter(change))}.* 2 of them") as raised:
        record(**{"zones": ZONES, **change})
    assert all(instance in str(raised.value) for instance in instances)
    assert [resource.type for resource in record.last.resources] == ["pulumi:providers:aws"]
    standing.ec2.terminate_instances(InstanceIds=instances)
    assert record(**{"zones": ZONES, **change}).inputs("Vpc")


def test_a_zone_without_instances_can_go(record: Run, standing: Standing) -> None:
    standing.launch("us-east-1a")
    assert len(record(zones={"us-east-1a": 0}).inputs("Subnet")) == 1


def test_a_preview_without_such_a_change_asks_aws_nothing(
    record: Run, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing.launch("us-east-1a")

    def unexpected(region: str) -> None:
        raise AssertionError(region)

    monkeypatch.setattr(running_sandboxes, "AwsClients", unexpected)
    added = {**ZONES, "us-east-1c": 2}
    assert len(record(zones=added, allowed_ssh_cidrs=["10.0.0.0/8"]).inputs("Subnet")) == 3


@pytest.mark.usefixtures("standing")
def test_a_standing_stack_stays_in_its_region(record: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"region = eu-west-1.*us-east-1"):
        record(region="eu-west-1", zones={"eu-west-1a": 0})


def test_credentials_of_another_account_are_refused(record: Run, standing: Standing) -> None:
    other = "999999999999"
    with pytest.raises(pulumi.RunError, match=rf"account_id = {other}.*{ACCOUNT}"):
        record(account_id=other)
    answer = standing.answer
    answer["urn::sandbox-vpc"]["outputs"]["arn"] = f"arn:aws:ec2:us-east-1:{other}:vpc/vpc-1"
    record.standing = answer
    with pytest.raises(pulumi.RunError, match=rf"{ACCOUNT}.*{other}"):
        record(zones=ZONES)


def test_the_pinned_account_reaches_the_provider(record: Run) -> None:
    def allowed_accounts(run: Any) -> Any:
        [provider] = [
            resource for resource in run.resources if resource.type == "pulumi:providers:aws"
        ]
        return provider.inputs.get("allowedAccountIds")

    assert ACCOUNT in allowed_accounts(record(account_id=ACCOUNT))
    assert allowed_accounts(record()) is None


@pytest.mark.parametrize(
    ("key", "cure"),
    [
        ("aws:region", "sandbox:region"),
        ("aws:profile", "AWS_PROFILE"),
        ("aws:allowedAccountIds", "sandbox:account_id"),
        ("aws:secretKey", "remove it"),
        ("sanbdox:zones", "sandbox:zones"),
    ],
)
def test_a_setting_that_nobody_reads_is_refused_with_the_cure(key: str, cure: str) -> None:
    set_all_config({key: "canary", "pulumi:tags": "{}"})
    try:
        with pytest.raises(SettingsError) as raised:
            settings.from_stack()
    finally:
        set_all_config({})
    [problem] = raised.value.problems
    assert problem.startswith(f"{key}: ")
    assert cure in problem
    assert "canary" not in problem
