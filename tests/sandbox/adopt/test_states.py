"""What is read of a state file, and which files are refused: without an engine."""

import json
from pathlib import Path

import pytest
from bad_states import BAD, GOOD
from variants import VARIANTS, make
from world import original

from infra import settings
from sandbox.adopt import adopted_settings as config
from sandbox.adopt import mapping
from sandbox.adopt import terraform_state as state
from sandbox.core.errors import SandboxError


def understood(content: bytes) -> dict[str, str]:
    """All that happens to a state before an engine is asked; the settings it comes to."""
    old = state.parse(content, "old.tfstate")
    plan = mapping.plan(old)
    config.account_of(old, plan)
    found = config.merged({}, config.settings_of(old, plan))
    config.require_usable(old, found)
    return found


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_line_that_says_what_to_do(name: str) -> None:
    content, message = BAD[name]
    with pytest.raises(SandboxError) as caught:
        understood(content)
    text = str(caught.value)
    assert message in text
    assert text.startswith("old.tfstate: ")
    assert "\n" not in text
    assert "pQLg5fyB3TKxT7FTTcDa5ilPHadZCAdb" not in text


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"none\.tfstate: cannot be read: No such file"):
        state.read(str(tmp_path / "none.tfstate"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be read: Is a directory"):
        state.read(str(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_powershell_redirects_can_be_read(encoding: str) -> None:
    assert state.parse(GOOD.decode().encode(encoding), "f") == state.parse(GOOD, "f")


@pytest.mark.parametrize("name", VARIANTS)
def test_every_resource_of_a_state_is_adopted_or_named_as_left(name: str) -> None:
    old = state.parse(json.dumps(make(name)).encode(), "f")
    plan = mapping.plan(old)
    said = sorted(one.address for one in (*plan.adopted, *plan.left))
    assert said == sorted(one.address for one in old.resources)


def test_what_the_program_does_not_know_is_left_with_a_reason() -> None:
    plan = mapping.plan(state.parse(GOOD, "f"))
    assert {one.address: one.why for one in plan.left} == {
        "module.sandbox_vpc.aws_default_network_acl.this[0]": (
            "the program leaves the VPC's default network ACL as AWS made it"
        ),
        "module.sandbox_vpc.aws_default_route_table.default[0]": (
            "the program leaves the VPC's default route table as AWS made it"
        ),
        "aws_s3_bucket.own": "this program has no such resource",
        "random_pet.own": "this program has no such resource",
        "aws_vpc_security_group_ingress_rule.own": "this program has no such resource",
    }


def test_import_ids_are_those_that_the_provider_takes() -> None:
    plan = mapping.plan(state.parse(json.dumps(original()).encode(), "f"))
    ids = {(one.type.rpartition(":")[2], one.name): one.import_id for one in plan.adopted}
    assert ids["Vpc", "sandbox-vpc"] == "vpc-acfe02713c124f16b"
    assert ids["DefaultSecurityGroup", "sandbox-vpc-default"] == "sg-c11a0a67f6cce1870"
    assert ids["Route", "sandbox-public-internet"] == "rtb-66a2744935705da95_0.0.0.0/0"
    assert ids["RouteTableAssociation", "sandbox-public-us-east-1b"] == (
        "subnet-97dc20c4cb0560a41/rtb-66a2744935705da95"
    )
    assert ids["SecurityGroupIngressRule", "sandbox-ssh-inbound-0.0.0.0/0"] == (
        "sgr-6d72d69f2003d4a12"
    )
    assert ids["UserPolicyAttachment", "sandbox-manager"] == (
        "sandbox-manager/arn:aws:iam::123456789012:policy/sandbox-manager-policy"
    )
    assert ids["Policy", "sandbox-instance-policy"] == (
        "arn:aws:iam::123456789012:policy/sandbox-instance-policy"
    )
    assert len(ids) == len(plan.adopted) == 22


def test_the_settings_say_what_stands() -> None:
    found = settings.parse(understood(json.dumps(make("a gap between the subnets")).encode()))
    assert found.zones == {"us-east-1a": 0, "us-east-1c": 7}
    assert found.watch_terraform_tags is True


def test_every_ssh_range_is_kept_as_the_program_names_it() -> None:
    old = state.parse(json.dumps(make("several SSH ranges")).encode(), "f")
    plan = mapping.plan(old)
    assert plan.ssh == ("198.51.100.0/24", "203.0.113.7/32", "2001:db8:1::/48")
    assert "sandbox-ssh-inbound-2001.db8.1../48" in {one.name for one in plan.adopted}


def test_a_default_type_that_the_program_refuses_stays_out_of_the_settings() -> None:
    content = json.dumps(original()).replace('"g5.12xlarge"', '"t3.large"').encode()
    assert "default_instance_type" not in understood(content)


def test_no_secret_shows_in_what_a_plan_prints() -> None:
    old = state.parse(json.dumps(original()).encode(), "f")
    plan = mapping.plan(old)
    assert plan.key is not None
    shown = f"{old}{plan}{plan.key}"
    assert plan.key.secret not in shown
    assert plan.key.smtp_password not in shown
