"""Slots are proposed in zones that offer the instance type, and existing slots do not move."""

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from infra.aws_clients import AwsClients
from sandbox import cli
from sandbox.core.errors import ExitCode, SandboxError
from sandbox.zones import proposal
from tests.sandbox.conftest import FakePulumi

REGION = "us-east-1"
CIDR = IPv4Network("10.100.0.0/16")
ZONES = st.sampled_from([f"us-east-1{letter}" for letter in "abcdefghij"])
TAKEN = st.lists(
    st.tuples(ZONES, st.integers(0, 12)),
    unique_by=(lambda slot: slot[0], lambda slot: slot[1]),
).map(dict)


@given(TAKEN, st.lists(ZONES), st.none() | st.integers(0, 5))
def test_a_proposal_moves_nothing_and_gives_each_zone_a_slot_of_its_own(
    taken: dict[str, int], offered: list[str], limit: int | None
) -> None:
    slots = proposal.propose(taken, offered, limit=limit)
    assert taken.items() <= slots.items()
    assert len(set(slots.values())) == len(slots)
    candidates = set(taken) | set(offered)
    expected = len(candidates) if limit is None else min(len(candidates), max(limit, len(taken)))
    assert set(slots) <= candidates
    assert len(slots) == expected


def test_new_zones_take_the_lowest_free_slots_in_their_order() -> None:
    assert proposal.propose({"us-east-1c": 1}, ["us-east-1d", "us-east-1a"]) == {
        "us-east-1c": 1,
        "us-east-1a": 0,
        "us-east-1d": 2,
    }


@pytest.fixture
def vpc_id(made_up_credentials: Mapping[str, str]) -> Iterator[str]:
    assert made_up_credentials
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        yield ec2.create_vpc(CidrBlock=str(CIDR))["Vpc"]["VpcId"]


@pytest.fixture
def config(fake_pulumi: FakePulumi, vpc_id: str) -> FakePulumi:
    """A stack with a VPC and one pinned zone."""
    zones = {"us-east-1d": 4}
    fake_pulumi.answer(
        "config", {"sandbox:zones": {"value": json.dumps(zones), "objectValue": zones}}
    )
    fake_pulumi.answer("config set-all")
    fake_pulumi.answer("stack output", {"vpc_id": vpc_id})
    return fake_pulumi


@pytest.mark.usefixtures("vpc_id")
def test_zones_without_the_instance_type_are_left_out() -> None:
    offered = proposal.offering(AwsClients(REGION), "g5.12xlarge")
    assert "us-east-1a" in offered
    assert "us-east-1e" not in offered  # AWS has no g5 there, and moto's table is AWS's


@pytest.mark.usefixtures("vpc_id")
def test_local_zones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS lists them for an account that opted in (https://docs.aws.amazon.com/local-zones/)."""
    aws = AwsClients(REGION)
    listed = aws.list_all

    def with_a_local_zone(service: str, operation: str, items: str, **parameters: Any) -> list[Any]:
        zones = listed(service, operation, items, **parameters)
        offers = operation == "describe_instance_type_offerings"
        return [*zones, "us-east-1-atl-1a"] if offers else zones

    monkeypatch.setattr(aws, "list_all", with_a_local_zone)
    assert "us-east-1-atl-1a" not in proposal.offering(aws, "g5.12xlarge")


@pytest.mark.usefixtures("vpc_id")
def test_only_zones_that_need_no_opt_in_are_asked_for() -> None:
    aws = AwsClients(REGION)
    asked: dict[str, Any] = {}
    aws.ec2.meta.events.register(
        "before-parameter-build.ec2.DescribeAvailabilityZones",
        lambda params, **_: asked.update(params),
    )
    proposal.offering(aws, "g5.12xlarge")
    assert {"Name": "opt-in-status", "Values": ["opt-in-not-required"]} in asked["Filters"]


def test_existing_subnets_are_known_by_their_slots(vpc_id: str) -> None:
    aws = AwsClients(REGION)
    for zone, block in (("us-east-1b", "10.100.7.0/24"), ("us-east-1a", "10.100.0.0/24")):
        aws.ec2.create_subnet(VpcId=vpc_id, CidrBlock=block, AvailabilityZone=zone)
    assert proposal.existing(aws, vpc_id, CIDR) == {"us-east-1a": 0, "us-east-1b": 7}
    aws.ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.100.64.0/20", AvailabilityZone="us-east-1c")
    with pytest.raises(SandboxError, match=r"10\.100\.64\.0/20"):
        proposal.existing(aws, vpc_id, CIDR)


def test_the_command_prints_as_many_zones_as_the_program_takes_and_writes_only_when_asked(
    config: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["zones", "propose", "--stack", "dev", "--json"]) == ExitCode.DONE
    slots = {"us-east-1d": 4, "us-east-1a": 0, "us-east-1b": 1}
    assert json.loads(capsys.readouterr().out) == slots
    assert not [call for call in config.calls if "set" in call]
    assert cli.run(["zones", "propose", "--stack", "dev", "--write"]) == ExitCode.DONE
    shown = capsys.readouterr()
    assert "  us-east-1d: 4\n" in shown.out
    assert "Pulumi.dev.yaml" in shown.err
    assert "sandbox:zones.us-east-1a=0" in config.calls[-1]


def test_all_proposes_every_zone(config: FakePulumi, capsys: pytest.CaptureFixture[str]) -> None:
    assert config
    assert cli.run(["zones", "propose", "--stack", "dev", "--all", "--json"]) == ExitCode.DONE
    assert len(json.loads(capsys.readouterr().out)) > 3


def test_a_region_without_the_instance_type_is_one_line_with_the_setting(
    config: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    config.answer("config --json", {"sandbox:default_instance_type": {"value": "p6.48xlarge"}})
    assert cli.run(["--quiet", "zones", "propose", "--stack", "dev"]) == ExitCode.FAILED
    [line] = capsys.readouterr().err.splitlines()
    assert "sandbox:default_instance_type = p6.48xlarge" in line
