"""The stack's config: what is taken, what is refused, and in which words."""

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra import settings
from infra.settings import Settings, SettingsError
from tests.infra.bad_stacks import BAD
from tests.infra.conftest import Run

ROOT = Path(__file__).parents[2]
DECLARED: Mapping[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
KINDS = {str: "string", bool: "boolean", int: "integer"}


def texts(config: Mapping[str, Any]) -> dict[str, str]:
    """*config* as the engine hands it to a program."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }


@pytest.mark.parametrize(("config", "said"), BAD, ids=lambda one: str(one)[:60])
def test_a_bad_stack_file_is_refused_before_anything_is_made(
    record: Run, config: Mapping[str, Any], said: tuple[str, ...]
) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        record(**config)
    message = str(raised.value)
    assert isinstance(raised.value, SettingsError)
    assert len(raised.value.problems) == 1, message
    assert "\n" not in raised.value.problems[0]
    for text in said:
        assert text in message
    assert record.last.resources == []


def test_at_least_sixty_bad_stack_files_are_tried() -> None:
    assert len(BAD) >= 60


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.parse(
            texts(
                {
                    "regoin": "us-east-1",
                    "vpc_cidr": "10.0.1.5/16",
                    "allowed_ssh_cidrs": ["1.2.3.4"],
                    "zones": {"eu-west-1a": 0},
                    "flow_logs": "no",
                }
            )
        )
    assert [line.split(" = ")[0] for line in raised.value.problems] == [
        "sandbox:allowed_ssh_cidrs",
        "sandbox:flow_logs",
        "sandbox:regoin",
        "sandbox:vpc_cidr",
        "sandbox:zones",
    ]


def test_what_is_right_alone_is_still_checked_together_when_another_key_is_wrong() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.parse(texts({"vpc_cidr": "10.0.0.0/20", "flow_logs": "no"}))
    assert len(raised.value.problems) == 2


def test_defaults_are_those_that_the_project_file_declares() -> None:
    own = settings.parse({})
    for key, declared in DECLARED.items():
        assert settings.parse(texts({key: declared["default"]})) == own, key


def test_the_project_file_declares_every_setting_with_its_type_and_a_description() -> None:
    assert list(DECLARED) == list(Settings.model_fields)
    for key, field in Settings.model_fields.items():
        value = field.get_default(call_default_factory=True)
        kind = KINDS.get(type(value)) or {"tuple": "array", "dict": "object"}.get(
            type(value).__name__, "string"
        )
        assert DECLARED[key]["type"] == kind, key
        assert DECLARED[key]["description"], key


def test_stack_files_name_only_declared_keys() -> None:
    for stack in ROOT.glob("Pulumi.*.yaml"):
        own = yaml.safe_load(stack.read_text()).get("config", {})  # a local stack may have none
        assert {key.removeprefix("sandbox:") for key in own} <= DECLARED.keys(), stack


def test_the_commented_choices_of_the_production_file_are_taken_as_they_stand() -> None:
    text = (ROOT / "Pulumi.production.yaml").read_text()
    choices = re.findall(r"^  # (sandbox:.*|  [- ].*|  [a-z0-9-]+: \d)$", text, re.MULTILINE)
    config = yaml.safe_load("\n".join(["sandbox:protect: true", *choices]))
    own = settings.parse(texts({key.removeprefix("sandbox:"): v for key, v in config.items()}))
    assert own.protect
    assert len(own.zones) == 3
    assert own.allowed_ssh_cidrs == (IPv4Network("203.0.113.0/24"), IPv6Network("2001:db8:1::/48"))


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.parse({}).region = "eu-west-1"  # pyright: ignore[reportAttributeAccessIssue]


def test_nobody_else_reads_the_config() -> None:
    readers = [
        path.name
        for path in [ROOT / "__main__.py", *(ROOT / "infra").rglob("*.py")]
        if "pulumi.Config" in path.read_text() or "runtime.config" in path.read_text()
    ]
    assert readers == ["settings.py"]
