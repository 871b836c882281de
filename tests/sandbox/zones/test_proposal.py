"""Slots are proposed where the instance type is offered, and none that is taken moves."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from sandbox.core.pulumi_cli import CommandError
from sandbox.zones import proposal as propose_zones
from sandbox.zones.proposal import propose

LETTERS = st.sampled_from([f"us-east-1{letter}" for letter in "abcdefghij"])
TAKEN = st.lists(st.tuples(LETTERS, st.integers(0, 12)), unique_by=(lambda x: x[0], lambda x: x[1]))


@given(TAKEN.map(dict), st.lists(LETTERS))
def test_a_proposal_moves_nothing_and_gives_each_zone_a_slot_of_its_own(
    taken: dict[str, int], offered: list[str]
) -> None:
    slots = propose(taken, offered)
    assert taken.items() <= slots.items()
    assert set(slots) == set(taken) | set(offered)
    assert len(set(slots.values())) == len(slots)


def test_new_zones_take_the_lowest_free_slots_in_their_order() -> None:
    assert propose({"us-east-1c": 1}, ["us-east-1d", "us-east-1a"]) == {
        "us-east-1c": 1,
        "us-east-1a": 0,
        "us-east-1d": 2,
    }


@pytest.fixture
def vpc_id(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="us-east-1")
        yield ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]


def test_zones_without_the_instance_type_are_left_out(vpc_id: str) -> None:
    assert vpc_id
    offered = propose_zones.offering("g5.12xlarge", "us-east-1")
    assert "us-east-1a" in offered
    assert "us-east-1e" not in offered  # AWS has no g5 there, and moto's table is AWS's


def test_standing_subnets_are_known_by_their_slots(vpc_id: str) -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    for zone, block in (("us-east-1b", "10.100.7.0/24"), ("us-east-1a", "10.100.0.0/24")):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=block, AvailabilityZone=zone)
    found = propose_zones.standing(vpc_id, IPv4Network("10.100.0.0/16"), "us-east-1")
    assert found == {"us-east-1a": 0, "us-east-1b": 7}
    ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.100.64.0/20", AvailabilityZone="us-east-1c")
    with pytest.raises(CommandError, match=r"has 10\.100\.64\.0/20, which is no slot"):
        propose_zones.standing(vpc_id, IPv4Network("10.100.0.0/16"), "us-east-1")


def test_the_command_prints_slots_and_writes_them_only_when_asked(
    vpc_id: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, ...]] = []

    def pulumi(*arguments: str, stack: str) -> str:
        assert stack == "production"
        asked.append(arguments)
        answers = {
            "config": {"sandbox:zones": {"value": json.dumps({"us-east-1d": 4})}},
            "stack": {"vpc_id": vpc_id},
        }
        return json.dumps(answers[arguments[0]])

    monkeypatch.setattr(propose_zones, "pulumi", pulumi)
    propose_zones.main("production", write=False)
    assert "  us-east-1d: 4\n" in capsys.readouterr().out
    assert not [one for one in asked if "set" in one]
    propose_zones.main("production", write=True)
    assert ("config", "set", "--path", "sandbox:zones.us-east-1d", "4") in asked


def test_a_region_without_the_type_is_one_clear_line(
    vpc_id: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vpc_id
    answers = {
        "config": '{"sandbox:default_instance_type": {"value": "p6.48xlarge"}}',
        "stack": "{}",
    }
    monkeypatch.setattr(
        propose_zones, "pulumi", lambda *arguments, stack: answers[arguments[0]] if stack else ""
    )
    with pytest.raises(propose_zones.typer.Exit):
        propose_zones.main("production", write=False)
    assert capsys.readouterr().err == (
        "production: us-east-1 offers p6.48xlarge in no zone; "
        "choose another default_instance_type or region\n"
    )
