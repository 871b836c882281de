"""How a state file is read and mapped, and which files are refused, without an engine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import catalogue, settings
from infra.access_keys import Keys
from sandbox.adopt import adopted_settings, run, terraform_state
from sandbox.adopt.mapping import LEFT_ALONE, UNKNOWN, AdoptionPlan, plan_adoption
from sandbox.core.errors import SandboxError
from tests.sandbox.adopt.conftest import TALLY
from tests.sandbox.adopt.fake_account import attributes, original
from tests.sandbox.adopt.refused_runs import REFUSED_RUNS
from tests.sandbox.adopt.refused_states import (
    REFUSED,
    SETTINGS,
    WHERE,
    WITHOUT_CURE,
    accepted,
    cured,
    settings_from,
)
from tests.sandbox.adopt.variants import (
    ORGANIZATION,
    VARIANTS,
    Variant,
    both,
    in_two_states,
    key,
    make,
    managed,
    second_key,
    with_ipv6_route,
    with_other_resources,
    with_second_subnet,
)


def plan_of(variant: str) -> AdoptionPlan:
    return plan_adoption(terraform_state.parse(json.dumps(make(variant)).encode(), WHERE))


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_adopted_is_refused_in_one_line_with_a_cure(name: str) -> None:
    content, fragment = REFUSED[name]
    with pytest.raises(SandboxError) as caught:
        settings_from(content())
    message = str(caught.value)
    assert fragment in message
    assert message.startswith(f"{WHERE}: ")
    assert "\n" not in message
    assert "; " in message
    assert "pQLg5fyB3TKxT7FTTcDa5ilPHadZCAdb" not in message


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_accepted_after_the_cure_or_says_that_there_is_none(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    before = SETTINGS.get(name)
    if name in WITHOUT_CURE:
        with pytest.raises(SandboxError, match="keep this environment under Terraform"):
            settings_from(REFUSED[name][0](), before)
    else:
        settings_from(cured(name), before)
        record_property(TALLY, {"refused": 1})


@pytest.mark.parametrize("name", REFUSED_RUNS)
def test_a_run_is_refused_in_one_line_and_goes_on_after_the_cure(name: str) -> None:
    with pytest.raises(SandboxError) as caught:
        REFUSED_RUNS[name].refused()
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)
    REFUSED_RUNS[name].cured()


@pytest.mark.parametrize("name", ["none.tfstate", ""])
def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(SandboxError, match="cannot be read") as caught:
        terraform_state.read([str(path)])
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_powershell_redirected_is_read(encoding: str) -> None:
    content = accepted()
    redirected = content.decode().encode(encoding)
    assert terraform_state.parse(redirected, WHERE) == terraform_state.parse(content, WHERE)


@pytest.mark.parametrize(
    "half_done", [{"status": "tainted"}, {"deposed": "00000001"}, {"attributes_flat": {}}]
)
def test_a_half_finished_change_of_what_is_left_alone_hinders_nothing(
    half_done: dict[str, object],
) -> None:
    state = json.loads(accepted())
    stranger = {"mode": "managed", "type": "null_resource", "name": "build"}
    block = {**stranger, "instances": [{"attributes": {"id": "1"}, **half_done}]}
    state["resources"].append(block)
    plan = plan_adoption(terraform_state.parse(json.dumps(state).encode(), WHERE))
    assert "null_resource.build" in {left.address for left in plan.left_alone}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_resource_of_a_state_is_adopted_or_listed_as_left_alone(variant: str) -> None:
    state = terraform_state.parse(json.dumps(make(variant)).encode(), WHERE)
    plan = plan_adoption(state)
    mapped = sorted(resource.address for resource in (*plan.adopted, *plan.left_alone))
    assert mapped == sorted(resource.address for resource in state.resources)


def test_a_resource_that_the_program_does_not_have_is_left_alone_with_a_reason() -> None:
    plan = plan_adoption(terraform_state.parse(accepted(), WHERE))
    assert {resource.address: resource.reason for resource in plan.left_alone} == {
        "module.sandbox_vpc.aws_default_network_acl.this[0]": LEFT_ALONE["aws_default_network_acl"],
        "module.sandbox_vpc.aws_default_route_table.default[0]": LEFT_ALONE[
            "aws_default_route_table"
        ],
        "aws_s3_bucket.other": UNKNOWN,
        "random_pet.other": UNKNOWN,
        "aws_vpc_security_group_ingress_rule.other": UNKNOWN,
    }


def test_import_ids_have_the_form_that_the_provider_takes() -> None:
    plan = plan_of("the original")
    ids = {
        (resource.type.rpartition(":")[2], resource.name): resource.import_id
        for resource in plan.adopted
    }
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


def test_a_second_subnet_that_terraform_has_forgotten_is_no_obstacle() -> None:
    state = with_second_subnet(original())
    state["resources"] = [block for block in state["resources"] if block["name"] != "other"]
    plan = plan_adoption(terraform_state.parse(json.dumps(state).encode(), WHERE))
    assert plan.environment.slots["us-east-1a"] == 0


def test_a_policy_of_the_user_is_left_alone_and_the_report_says_what_becomes_of_it() -> None:
    state = original()
    attachment = {
        "id": "x",
        "role": "sandbox-instance-role",
        "policy_arn": "arn:aws:iam::aws:policy/X",
    }
    state["resources"].append(managed("aws_iam_role_policy_attachment", attachment))
    plan = plan_adoption(terraform_state.parse(json.dumps(state).encode(), WHERE))
    [reason] = [item.reason for item in plan.left_alone if item.address.endswith(".other")]
    assert reason.endswith("the program denies sandbox-instance-role what only it allows")


def test_an_organizations_boundary_on_one_identity_becomes_that_of_all() -> None:
    state = original()
    attributes(state, "aws_iam_user")[0]["permissions_boundary"] = ORGANIZATION
    config = settings_from(json.dumps(state).encode())
    assert config["permissions_boundary"] == ORGANIZATION
    assert "permissions_boundary" not in settings_from(json.dumps(original()).encode())


def test_an_ipv6_route_is_left_alone() -> None:
    state = with_ipv6_route(original())
    plan = plan_adoption(terraform_state.parse(json.dumps(state).encode(), WHERE))
    assert "aws_route.other" in {resource.address for resource in plan.left_alone}
    assert "aws_route.other" not in {resource.address for resource in plan.adopted}


def test_the_last_version_of_the_module_keeps_its_role_and_reads_no_more_than_results() -> None:
    config = settings_from(json.dumps(make("the last version, by Pod Identity")).encode())
    parsed = settings.parse(config)
    assert (parsed.manager_identity, parsed.service_account) == (
        "pod-identity",
        "default/sandbox-manager",
    )
    assert parsed.manager_path == "/"
    assert parsed.s3_read_buckets == ("softmax-sandbox-outputs",)
    adopted = {
        (item.type, item.name) for item in plan_of("the last version, by Pod Identity").adopted
    }
    assert (catalogue.ROLE.name, "sandbox-manager") in adopted
    assert (catalogue.ROLE_POLICY_ATTACHMENT.name, "sandbox-manager") in adopted


def test_two_states_are_one_environment_and_only_the_first_is_listed(tmp_path: Path) -> None:
    sandbox, cluster = tmp_path / "sandbox.tfstate", tmp_path / "cluster.tfstate"
    of_sandboxes, of_cluster = in_two_states(make("a manager by IRSA"))
    of_cluster["resources"].append(with_other_resources(original())["resources"][-2])
    sandbox.write_text(json.dumps(of_sandboxes))
    cluster.write_text(json.dumps(of_cluster))
    with pytest.raises(SandboxError, match="sandbox adopt check SANDBOX CLUSTER"):
        plan_adoption(terraform_state.read([str(sandbox)]))
    state = terraform_state.read([str(sandbox), str(cluster)])
    plan = plan_adoption(state)
    parsed = settings.parse(adopted_settings.merged({}, adopted_settings.settings_of(state, plan)))
    assert parsed.manager_identity == "irsa"
    assert parsed.oidc_provider_arn.endswith("ABCDEF0123456789")
    assert {item.where for item in plan.left_alone} == {str(sandbox)}
    assert run.forgettable([str(cluster), str(sandbox)]) == [
        item.address for item in plan.adopted if item.where == str(cluster)
    ]


def test_terraform_may_forget_what_was_adopted_and_nothing_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / "old.tfstate"
    file.write_bytes(accepted())
    state, forgettable = terraform_state.read([str(file)]), run.forgettable([str(file)])
    kept = [item.address for item in state.resources if item.address not in forgettable]
    assert kept == [
        "aws_s3_bucket.other",
        "random_pet.other",
        "aws_vpc_security_group_ingress_rule.other",
    ]


@pytest.mark.parametrize(
    ("variant", "key", "value"),
    [
        ("only HTTPS may leave", "allowed_egress", '["tcp 443 0.0.0.0/0"]'),
        ("rules of the old kind", "allowed_egress", '["all 0.0.0.0/0"]'),
        ("rules of the old kind", "allowed_ssh_cidrs", '["0.0.0.0/0"]'),
        ("tags of the organization", "tags", '{"CostCenter": "4711", "Owner": "ml-platform"}'),
        ("a manager by IRSA", "instances_read_outputs", "true"),
        ("a manager by IRSA", "s3_read_buckets", '["softmax-sandbox-outputs"]'),
    ],
)
def test_what_the_program_has_a_setting_for_is_kept(variant: str, key: str, value: str) -> None:
    assert settings_from(json.dumps(make(variant)).encode())[key] == value


def test_zones_keep_the_slots_of_their_subnets() -> None:
    config = settings_from(json.dumps(make("a gap between the subnets")).encode())
    parsed = settings.parse(config)
    assert parsed.zones == {"us-east-1a": 0, "us-east-1c": 7}
    assert parsed.watch_terraform_tags is True


def test_every_ssh_range_is_kept_and_named_as_in_the_program() -> None:
    plan = plan_of("several SSH ranges")
    assert plan.ssh_ranges == ("198.51.100.0/24", "203.0.113.7/32", "2001:db8:1::/48")
    assert "sandbox-ssh-inbound-2001.db8.1../48" in {resource.name for resource in plan.adopted}


def test_a_default_type_that_the_program_refuses_is_named() -> None:
    content = json.dumps(original()).replace('"g5.12xlarge"', '"t3.large"').encode()
    assert "default_instance_type" not in settings_from(content)
    refused = adopted_settings.refused_settings(terraform_state.parse(content, WHERE))
    assert list(refused) == ["default_instance_type"]
    assert refused["default_instance_type"].startswith("t3.large ")
    accepted_state = terraform_state.parse(json.dumps(original()).encode(), WHERE)
    assert adopted_settings.refused_settings(accepted_state) == {}


def test_the_repr_of_a_plan_shows_no_secret() -> None:
    state = terraform_state.parse(json.dumps(original()).encode(), WHERE)
    plan = plan_adoption(state)
    shown = f"{state}{plan}{plan.access_keys}"
    [key] = plan.access_keys.values()
    assert key.secret not in shown
    assert key.smtp_password not in shown


def keys_after(change: Variant, *, rotate_key: bool = False) -> tuple[dict[str, str], Keys]:
    """The Terraform name of the adopted key by slot, and the stage by slot."""
    state = terraform_state.parse(json.dumps(change(original())).encode(), WHERE)
    plan = plan_adoption(state, rotate_key=rotate_key)
    slots = {
        resource.name.removeprefix("sandbox-manager-"): resource.address.rpartition(".")[2]
        for resource in plan.adopted
        if resource.type == catalogue.ACCESS_KEY.name
    }
    return slots, plan.key_stages


def test_an_active_key_is_current_and_an_inactive_one_stays_inactive() -> None:
    assert keys_after(second_key("Inactive")) == (
        {"a": "sandbox_manager", "b": "second"},
        {"a": "current", "b": "inactive"},
    )
    swapped = both(key(status="Inactive"), second_key("Active"))
    assert keys_after(swapped) == (
        {"a": "second", "b": "sandbox_manager"},
        {"a": "current", "b": "inactive"},
    )


def test_beside_a_key_that_is_switched_off_a_new_one_is_created() -> None:
    assert keys_after(key(status="Inactive", secret=None)) == (
        {"a": "sandbox_manager"},
        {"a": "inactive", "b": "current"},
    )


def test_a_rotation_needs_a_free_slot() -> None:
    assert keys_after(key(secret=None), rotate_key=True)[1] == {"a": "retiring", "b": "current"}
    with pytest.raises(SandboxError, match=r"aws_iam_access_key\.second"):
        keys_after(second_key("Inactive"), rotate_key=True)
