"""Parameters, levels and exemptions: what changes a rule, and what refuses to."""

import json
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pulumi_policy import deserialize, policy

from infra.settings import Settings
from policies import config, pack
from policies import secret_markers as marks
from policies.config import KINDS, OF_THE_STACK, ConfigError, Parameters
from policies.exemptions import Exemption, ExemptionError, load, tail
from policies.rule import Level
from policies.rules import RULES
from sandbox.status import report as status
from tests.policies import good_stack as stack
from tests.policies.view import View, secret

RULE_IDS = {rule.id for rule in RULES}
FOLDER = Path(pack.__file__).parent
ENTRY = {
    "rule": "one-vpc",
    "resource": "aws:ec2/vpc:Vpc::mutant",
    "reason": "Until the old one is empty.",
    "expires": "2026-12-31",
}


def test_defaults_are_those_of_the_program() -> None:
    settings = Settings()
    assert {name: getattr(settings, name) for name in OF_THE_STACK} == {
        name: getattr(Parameters(), name) for name in OF_THE_STACK
    }


def test_the_stacks_config_is_what_rules_compare_with() -> None:
    given = {
        "sandbox:region": "eu-west-1",
        "sandbox:vpc_cidr": "10.7.0.0/16",
        "sandbox:allowed_ssh_cidrs": '["203.0.113.0/24","2001:db8::/32"]',
        "sandbox:protect": "true",
        "aws:region": "us-west-2",
    }
    environment = {"PULUMI_CONFIG": json.dumps(given), "PULUMI_STACK": "production"}
    assert config.of_the_stack(environment) == Parameters(
        region="eu-west-1",
        vpc_cidr=ip_network("10.7.0.0/16"),
        allowed_ssh_cidrs=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")),
        stack="production",
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [("vpc_cidr", "10.0.0.1/8"), ("main_vpc_cidr", "nonsense"), ("allowed_ssh_cidrs", '["x"]')],
)
def test_config_that_cannot_be_read_ends_the_pack(key: str, text: str) -> None:
    environment = {"PULUMI_CONFIG": json.dumps({f"sandbox:{key}": text})}
    with pytest.raises(ConfigError, match=f"sandbox:{key}"):
        config.of_the_stack(environment)


def test_every_parameter_has_a_schema_that_its_default_passes() -> None:
    plain = json.loads(json.dumps(vars_of(Parameters()), default=str))
    for name, (schema, parse) in KINDS.items():
        jsonschema.Draft202012Validator.check_schema(dict(schema))
        if name != "stack":
            jsonschema.validate(plain[name], dict(schema))
            assert parse(plain[name]) == getattr(Parameters(), name)


def vars_of(parameters: Parameters) -> dict[str, Any]:
    return {name: getattr(parameters, name) for name in KINDS}


def test_rules_take_only_parameters_that_exist() -> None:
    assert {name for rule in RULES for name in rule.takes} <= set(KINDS)


def test_a_key_is_old_on_the_day_that_the_status_says_so() -> None:
    assert Parameters().max_key_age_days == status.MAX_KEY_AGE_DAYS


def test_the_packs_config_wins_for_its_own_rule_only() -> None:
    group = stack.LOG_GROUP.having(retentionInDays=30)
    chosen = {"log-retention": {"log_retention_days": 30}}
    assert [one.rule for one in View().of_resource(group)] == ["log-retention"]
    assert View(config=chosen).of_resource(group) == []
    elsewhere = {"ssh-not-world-open": {"widest_ipv4_prefix": 32}}
    assert [one.rule for one in View(config=elsewhere).of_resource(group)] == ["log-retention"]


def test_pack_config_that_cannot_be_used_is_a_finding() -> None:
    chosen = {"subnet-inside-vpc": {"vpc_cidr": "10.0.0.1/8"}}
    found = View(config=chosen).of_resource(stack.SUBNET)
    assert [(one.rule, one.mandatory) for one in found] == [("subnet-inside-vpc", True)]
    assert "pack config of subnet-inside-vpc: vpc_cidr" in found[0].message


def test_two_rules_only_warn_and_strict_makes_world_open_ssh_mandatory() -> None:
    advisory = {rule.id for rule in RULES if rule.level is Level.ADVISORY}
    strict = json.loads((FOLDER / "strict.json").read_text(encoding="utf-8"))
    assert advisory == {"ssh-not-world-open", "access-key-age"}
    assert strict == {"ssh-not-world-open": "mandatory"}


def test_the_repository_has_no_exemption_that_cannot_be_read() -> None:
    load(FOLDER / "exemptions.json", RULE_IDS)


def test_an_exemption_covers_its_rule_and_resource_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(json.dumps([ENTRY]), encoding="utf-8")
    (one,) = load(path, RULE_IDS)
    urn = "urn:pulumi:dev::sandbox::sandbox:network:Network$aws:ec2/vpc:Vpc::mutant"
    assert one.covers("one-vpc", urn, date(2026, 12, 31))
    assert not one.covers("one-vpc", urn, date(2027, 1, 1))
    assert not one.covers("tagged", urn, date(2026, 12, 31))
    assert not one.covers("one-vpc", urn.replace("mutant", "other"), date(2026, 12, 31))
    assert tail("") == "stack"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": "no-such-rule"}, "is no rule of this pack"),
        ({"reason": "because"}, "says nothing"),
        ({"expires": "soon"}, "write YYYY-MM-DD"),
        ({"resource": "everything"}, "is not type::name"),
        ({"note": "x"}, "write the texts"),
        ({"expires": 20261231}, "write the texts"),
    ],
)
def test_an_exemption_that_is_not_whole_keeps_the_pack_from_starting(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(json.dumps([ENTRY, {**ENTRY, **change}]), encoding="utf-8")
    with pytest.raises(ExemptionError, match=said) as error:
        load(path, RULE_IDS)
    assert "exemptions.json[1]" in str(error.value)


def test_an_exempted_finding_is_not_said_and_an_expired_one_is() -> None:
    public = stack.LOG_GROUP.having(retentionInDays=7)
    exempt = Exemption(
        rule="log-retention",
        resource="aws:cloudwatch/logGroup:*",
        reason="a load test",
        expires=date(2026, 11, 30),
    )
    before = Parameters(exemptions=(exempt,), today=date(2026, 11, 30))
    after = Parameters(exemptions=(exempt,), today=date(2026, 12, 1))
    assert View(before).of_resource(public) == []
    assert [one.rule for one in View(after).of_resource(public)] == ["log-retention"]
    assert "exemptions-current" in {one.rule for one in View(after).of_stack(stack.ALL)}


def test_a_secret_equals_its_text_and_prints_as_a_placeholder() -> None:
    held = marks.deserialized({"a": secret("canary"), "b": [secret({"c": 1.5})]})
    assert held["a"] == "canary"
    assert f"{held['a']} {held['b']!r} {held['a']!s}" == "[secret] [{'c': [secret]}] [secret]"


def test_the_pack_says_when_pulumi_policy_no_longer_has_the_place_for_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "deserialize_properties", deserialize.deserialize_properties)
    marks.keep()
    assert policy.deserialize_properties is marks.deserialized  # pyright: ignore[reportPrivateImportUsage]
    with pytest.raises(RuntimeError, match="look how this version"):
        marks.keep()
