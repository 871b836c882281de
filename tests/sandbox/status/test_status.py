"""The stack at a glance, against the emulator's EC2."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from rich.console import Console

from sandbox.core.stack import Resource
from sandbox.status import report as status
from sandbox_client.config import SandboxConfig

FROZEN = SandboxConfig.from_file(Path(__file__).parent / "frozen" / "sandbox_config.v1.json")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


@pytest.fixture
def config(ec2: Any) -> SandboxConfig:
    vpc = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.100.0.0/24", AvailabilityZone="us-east-1a")[
        "Subnet"
    ]["SubnetId"]
    return SandboxConfig.model_validate(
        {
            **FROZEN.model_dump(),
            "vpc_id": vpc,
            "subnet_id": made,
            "subnet_ids": [made],
            "subnets": [{"zone": "us-east-1a", "subnet_id": made}],
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


def test_sandboxes_are_counted_per_user_and_strays_are_marked(
    ec2: Any,
    config: SandboxConfig,
) -> None:
    assert [one.says for one in status.sandboxes(ec2, config)] == ["none"]
    for user in ("alice", "alice", "bob", None):
        launch(ec2, config, user)
    lines = {one.what: one for one in status.sandboxes(ec2, config)}
    assert lines["sandboxes of alice"].says == "2 running"
    assert lines["sandboxes of bob"].good
    assert not lines["sandboxes of (no user)"].good


def test_subnets_say_how_many_addresses_are_free(
    ec2: Any,
    config: SandboxConfig,
) -> None:
    (before,) = status.subnets(ec2, config)
    launch(ec2, config, "alice")
    (after,) = status.subnets(ec2, config)
    assert before.says.endswith("251 free")
    assert after.says.endswith("250 free")


def test_an_image_is_shown_with_its_age_and_missed_when_it_is_gone(
    ec2: Any,
    config: SandboxConfig,
) -> None:
    assert status.image(ec2, config, now=NOW).says.endswith("days old")
    gone = config.model_copy(update={"ami_id": "ami-0000000000000dead"})
    assert "is gone" in status.image(ec2, gone, now=NOW).says
    none = config.model_copy(update={"ami_id": ""})
    assert not status.image(ec2, none, now=NOW).good


@pytest.mark.parametrize(("age", "good"), [(90, True), (91, False)])
def test_a_key_over_90_days_is_to_be_rotated(age: int, *, good: bool) -> None:
    key = Resource(
        urn="urn:pulumi:x::sandbox::aws:iam/accessKey:AccessKey::sandbox-manager-a",
        type="aws:iam/accessKey:AccessKey",
        id="AKIA",
        parent="",
        outputs={"createDate": (NOW - timedelta(days=age)).isoformat()},
        modified="",
    )
    (line,) = status.key_lines([key], {"a": "current"}, now=NOW)
    assert line.good is good
    assert ("sandbox keys rotate" in line.says) is not good


def test_the_table_shows_texts_with_brackets_as_they_are() -> None:
    out = StringIO()
    lines = [status.Line(what="drift, policies", says="[red]denied[/]", good=False)]
    Console(file=out, width=80).print(status.table(lines))
    assert out.getvalue().split() == ["see", "drift,", "policies", "[red]denied[/]"]
