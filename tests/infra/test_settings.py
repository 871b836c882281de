"""The stack's config: accepted values, refused values, and the content of the refusals."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pulumi
import pytest
import yaml

from infra import settings
from infra.settings import Settings, SettingsError
from tests.infra.bad_stacks import BAD_STACKS
from tests.infra.conftest import ROOT, Run, config_text

YAML_TYPES = {str: "string", bool: "boolean", int: "integer", tuple: "array", dict: "object"}


@pytest.fixture(scope="module")
def declared() -> Mapping[str, Any]:
    """The settings as `Pulumi.yaml` declares them."""
    return yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]


def parse(config: Mapping[str, Any]) -> Settings:
    return settings.parse({key: config_text(value) for key, value in config.items()})


@pytest.mark.parametrize(("config", "facts"), BAD_STACKS, ids=lambda part: str(part)[:60])
def test_a_bad_stack_file_is_refused_with_the_setting_its_value_and_a_cure(
    config: Mapping[str, Any], facts: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(config)
    [problem] = raised.value.problems
    key, value = next(iter(config.items()))
    where = f"sandbox:{key} = {config_text(value)}: "
    assert problem.startswith(where)
    message = problem.removeprefix(where)
    assert "; " in message, "names no cure"
    assert "\n" not in message
    assert [fact for fact in facts if fact not in message] == []


def test_a_bad_stack_file_ends_the_program_before_any_resource(record: Run) -> None:
    with pytest.raises(pulumi.RunError):
        record(region="Virginia")
    assert record.last.resources == []


def test_a_default_that_conflicts_with_a_setting_is_named_as_the_default() -> None:
    with pytest.raises(SettingsError, match=r"sandbox:vpc_cidr = 10\.100\.0\.0/16 \(the default\)"):
        parse({"main_vpc_cidr": "10.96.0.0/12"})


def test_more_ssh_ranges_than_a_group_can_ever_hold_are_refused() -> None:
    ranges = [f"10.{number // 250}.{number % 250}.0/24" for number in range(941)]
    with pytest.raises(SettingsError, match=r"941 IPv4 ranges.*940"):
        parse({"allowed_ssh_cidrs": ranges})


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        parse(
            {
                "regoin": "us-east-1",
                "vpc_cidr": "10.0.1.5/16",
                "allowed_ssh_cidrs": ["1.2.3.4"],
                "zones": {"eu-west-1a": 0},
                "flow_logs": "no",
            }
        )
    assert [line.split(" = ")[0] for line in raised.value.problems] == [
        "sandbox:allowed_ssh_cidrs",
        "sandbox:flow_logs",
        "sandbox:regoin",
        "sandbox:vpc_cidr",
        "sandbox:zones",
    ]


def test_combinations_are_checked_although_another_setting_is_not_valid() -> None:
    with pytest.raises(SettingsError) as raised:
        parse({"vpc_cidr": "10.0.0.0/20", "flow_logs": "no"})
    assert len(raised.value.problems) == 2


def test_the_defaults_are_those_that_the_project_file_declares(
    declared: Mapping[str, Any],
) -> None:
    defaults = parse({})
    for key, declaration in declared.items():
        assert parse({key: declaration["default"]}) == defaults, key


def test_the_project_file_declares_every_setting_with_its_type_and_a_description(
    declared: Mapping[str, Any],
) -> None:
    assert list(declared) == list(Settings.model_fields)
    for key, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        assert declared[key]["type"] == YAML_TYPES.get(type(default), "string"), key
        assert declared[key]["description"], key


def test_stack_files_name_only_declared_keys(declared: Mapping[str, Any]) -> None:
    for stack in ROOT.glob("Pulumi.*.yaml"):
        config = yaml.safe_load(stack.read_text()).get("config", {})  # a local stack may have none
        assert {key.removeprefix("sandbox:") for key in config} <= declared.keys(), stack


def test_the_commented_choices_of_the_production_file_are_valid() -> None:
    text = (ROOT / "Pulumi.production.yaml").read_text()
    choices = re.findall(r"^  # (sandbox:.*|  [- ].*|  [a-z0-9-]+: \d)$", text, re.MULTILINE)
    config = yaml.safe_load("\n".join(["sandbox:protect: true", *choices]))
    production = parse({key.removeprefix("sandbox:"): value for key, value in config.items()})
    assert production.protect
    assert len(production.zones) == 3
    assert production.allowed_ssh_cidrs == (
        IPv4Network("203.0.113.0/24"),
        IPv6Network("2001:db8:1::/48"),
    )


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.parse({}).region = "eu-west-1"  # pyrefly: ignore[read-only]


def test_only_the_settings_read_the_config() -> None:
    readers = [
        path.name
        for path in [ROOT / "__main__.py", *(ROOT / "infra").rglob("*.py")]
        if "pulumi.Config" in path.read_text() or "runtime.config" in path.read_text()
    ]
    assert readers == ["parsing.py"]
