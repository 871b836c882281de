"""The stack at a glance, against the emulated EC2."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sandbox.status import report
from sandbox_client.config import SandboxConfig
from tests.sandbox.keys.fake_stack import access_key
from tests.sandbox_client.frozen_config import frozen_values

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


@pytest.fixture
def config(ec2: Any) -> SandboxConfig:
    """A stack of one subnet, with an image."""
    vpc_id = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(
        VpcId=vpc_id, CidrBlock="10.100.0.0/24", AvailabilityZone="us-east-1a"
    )["Subnet"]["SubnetId"]
    return SandboxConfig.model_validate(
        {
            **frozen_values(),
            "vpc_id": vpc_id,
            "subnet_id": subnet_id,
            "subnet_ids": [subnet_id],
            "subnets": [{"zone": "us-east-1a", "subnet_id": subnet_id}],
            "ami_id": ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"],
        }
    )


def launch(ec2: Any, config: SandboxConfig, user: str | None) -> None:
    tags = [{"Key": "user_id", "Value": user}] if user else [{"Key": "Name", "Value": "stray"}]
    ec2.run_instances(
        ImageId=config.ami_id,
        MinCount=1,
        MaxCount=1,
        SubnetId=config.subnet_id,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )


def test_sandboxes_are_counted_by_user_and_an_instance_without_user_needs_a_check(
    ec2: Any, config: SandboxConfig
) -> None:
    assert [line.details for line in report.sandboxes(ec2, config)] == ["none"]
    for user in ("alice", "alice", "bob", None):
        launch(ec2, config, user)
    lines = {line.item: line for line in report.sandboxes(ec2, config)}
    assert lines["sandboxes of alice"].details == "2 running"
    assert lines["sandboxes of bob"].ok
    assert not lines[f"sandboxes of {report.NO_USER}"].ok


def test_subnets_show_their_free_addresses(ec2: Any, config: SandboxConfig) -> None:
    (before,) = report.subnets(ec2, config)
    launch(ec2, config, "alice")
    (after,) = report.subnets(ec2, config)
    assert before.details.endswith("251 free")
    assert after.details.endswith("250 free")


def test_a_subnet_deleted_by_hand_is_missing_beside_those_that_exist(
    ec2: Any, config: SandboxConfig
) -> None:
    deleted = {"zone": "us-east-1b", "subnet_id": "subnet-0123456789abcdef0"}
    subnets = [*config.model_dump()["subnets"], deleted]
    both = SandboxConfig.model_validate(
        {
            **config.model_dump(),
            "subnets": subnets,
            "subnet_ids": [subnet["subnet_id"] for subnet in subnets],
        }
    )
    existing, missing = report.subnets(ec2, both)
    assert existing.ok
    assert not missing.ok
    assert missing.details.startswith(f"missing: {deleted['subnet_id']}")


def test_a_vpc_deleted_by_hand_is_missing(ec2: Any, config: SandboxConfig) -> None:
    assert report.vpc(ec2, config).ok
    without_vpc = config.model_copy(update={"vpc_id": "vpc-0123456789abcdef0"})
    line = report.vpc(ec2, without_vpc)
    assert not line.ok
    assert line.details.startswith("missing: vpc-0123456789abcdef0")


def test_an_image_is_shown_with_its_age_and_a_missing_one_needs_a_build(
    ec2: Any, config: SandboxConfig
) -> None:
    def image(config: SandboxConfig) -> report.Line:
        return report.image(ec2, config, stack="test", now=NOW)

    assert image(config).details.endswith("days old")
    for ami_id in ("ami-0000000000000dead", ""):
        line = image(config.model_copy(update={"ami_id": ami_id}))
        assert not line.ok
        assert "sandbox image build --stack test" in line.details


@pytest.mark.parametrize(("age", "ok"), [(90, True), (91, False)])
def test_a_key_of_more_than_90_days_should_be_rotated(age: int, *, ok: bool) -> None:
    key = access_key("a", "AKIA", created=NOW - timedelta(days=age))
    (line,) = report.keys([key], {"a": "current"}, stack="test", now=NOW)
    assert line.ok is ok
    assert ("sandbox keys rotate --stack test" in line.details) is not ok
