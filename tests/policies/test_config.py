"""Parameters, levels, exemptions, secret markers and the version of the pack."""

import json
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pulumi.runtime import proto
from pulumi.runtime.proto.analyzer_pb2 import AnalyzerStackConfigureRequest
from pulumi_policy import deserialize, policy

from infra.settings import Settings
from policies import additions, config, pack, secret_markers
from policies.config import PARAMETERS, STACK_PARAMETERS, ConfigError, Parameters
from policies.exemptions import Exemption, ExemptionError, load, tail
from policies.rule import Level
from policies.rules import RULES
from sandbox.status import report as status
from tests.policies import passing_stack
from tests.policies.pack_server import UNKNOWN, FakeResource, PackServer, secret

FOLDER = Path(pack.__file__).parent
ENTRY = {
    "rule": "one-vpc",
    "resource": "aws:ec2/vpc:Vpc::mutant",
    "reason": "Until the old one is empty.",
    "expires": "2026-12-31",
}


def rule_ids() -> set[str]:
    return {rule.id for rule in RULES}


def test_defaults_equal_those_of_the_program() -> None:
    settings = Settings()
    assert {name: getattr(settings, name) for name in STACK_PARAMETERS} == {
        name: getattr(Parameters(), name) for name in STACK_PARAMETERS
    }


def test_the_parameters_come_from_the_stacks_config() -> None:
    given = {
        "sandbox:region": "eu-west-1",
        "sandbox:vpc_cidr": "10.7.0.0/16",
        "sandbox:allowed_ssh_cidrs": '["203.0.113.0/24","2001:db8::/32"]',
        "sandbox:protect": "true",
        "sandbox:flow_logs": "false",
        "sandbox:monthly_budget_usd": "100",
        "sandbox:manager_keys": '{"a":"current","b":"next"}',
        "aws:region": "us-west-2",
    }
    environment = {"PULUMI_CONFIG": json.dumps(given), "PULUMI_STACK": "production"}
    assert config.environment_parameters(environment) == Parameters(
        region="eu-west-1",
        vpc_cidr=ip_network("10.7.0.0/16"),
        allowed_ssh_cidrs=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")),
        flow_logs=False,
        monthly_budget_usd=100,
        manager_keys={"a": "current", "b": "next"},
        stack="production",
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [("vpc_cidr", "10.0.0.1/8"), ("main_vpc_cidr", "nonsense"), ("allowed_ssh_cidrs", '["x"]')],
)
def test_a_value_that_is_not_valid_ends_the_pack(key: str, text: str) -> None:
    environment = {"PULUMI_CONFIG": json.dumps({f"sandbox:{key}": text})}
    with pytest.raises(ConfigError, match=f"sandbox:{key}"):
        config.environment_parameters(environment)


def test_every_default_passes_the_schema_of_its_parameter() -> None:
    defaults = {name: getattr(Parameters(), name) for name in PARAMETERS}
    as_json = json.loads(json.dumps(defaults, default=str))
    for name, (schema, parse) in PARAMETERS.items():
        jsonschema.Draft202012Validator.check_schema(dict(schema))
        if name != "stack":
            jsonschema.validate(as_json[name], dict(schema))
            assert parse(as_json[name]) == defaults[name]


def test_rules_name_only_parameters_that_exist() -> None:
    assert {name for rule in RULES for name in rule.parameters} <= set(PARAMETERS)


def test_a_key_is_old_for_the_pack_when_it_is_old_for_sandbox_status() -> None:
    assert Parameters().max_key_age_days == status.MAX_KEY_AGE_DAYS


def test_the_packs_config_changes_one_rule_only() -> None:
    parameters = Parameters(flow_log_retention_days=30)
    group = passing_stack.LOG_GROUP.having(retentionInDays=30)
    chosen = {"log-retention": {"log_retention_days": 30}}
    other = {"ssh-not-world-open": {"widest_ipv4_prefix": 32}}
    assert rules_broken(PackServer(parameters), group) == ["log-retention"]
    assert rules_broken(PackServer(parameters, config=chosen), group) == []
    assert rules_broken(PackServer(parameters, config=other), group) == ["log-retention"]


def rules_broken(server: PackServer, resource: FakeResource) -> list[str]:
    return [violation.rule for violation in server.check_resource(resource)]


def test_a_value_of_the_packs_config_that_is_not_valid_is_a_finding() -> None:
    chosen = {"subnet-inside-vpc": {"vpc_cidr": "10.0.0.1/8"}}
    (violation,) = PackServer(config=chosen).check_resource(passing_stack.SUBNET)
    assert (violation.rule, violation.mandatory) == ("subnet-inside-vpc", True)
    assert "vpc_cidr" in violation.message


def test_strict_json_makes_every_advisory_rule_mandatory_but_the_one_on_old_keys() -> None:
    advisory = {rule.id for rule in RULES if rule.level is Level.ADVISORY}
    strict = json.loads((FOLDER / "strict.json").read_text(encoding="utf-8"))
    # an old key must not stop the update that rotates it
    assert strict == dict.fromkeys(advisory - {"access-key-age"}, "mandatory")


def test_the_exemptions_of_the_repository_are_valid() -> None:
    load(FOLDER / "exemptions.json", rule_ids())


def test_an_exemption_covers_its_rule_and_resource_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(json.dumps([ENTRY]), encoding="utf-8")
    (exemption,) = load(path, rule_ids())
    urn = "urn:pulumi:dev::sandbox::sandbox:network:Network$aws:ec2/vpc:Vpc::mutant"
    assert exemption.covers("one-vpc", urn, date(2026, 12, 31))
    assert not exemption.covers("one-vpc", urn, date(2027, 1, 1))
    assert not exemption.covers("required-tags", urn, date(2026, 12, 31))
    assert not exemption.covers("one-vpc", urn.replace("mutant", "other"), date(2026, 12, 31))
    assert tail("") == "stack"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rule": "no-such-rule"}, "rule = no-such-rule"),
        ({"reason": "because"}, "reason = because"),
        ({"expires": "soon"}, "expires = soon"),
        ({"resource": "everything"}, "resource = everything"),
        ({"note": "x"}, "note"),
        ({"expires": 20261231}, "expires"),
    ],
)
def test_an_exemption_that_is_not_valid_stops_the_pack(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(json.dumps([ENTRY, {**ENTRY, **change}]), encoding="utf-8")
    with pytest.raises(ExemptionError, match=named) as error:
        load(path, rule_ids())
    assert "exemptions.json[1]" in str(error.value)


def test_an_exemption_hides_a_finding_until_its_last_day() -> None:
    group = passing_stack.LOG_GROUP.having(retentionInDays=7)
    exempt = Exemption(
        rule="log-retention",
        resource="aws:cloudwatch/logGroup:*",
        reason="a load test",
        expires=date(2026, 11, 30),
    )
    before = Parameters(exemptions=(exempt,), today=date(2026, 11, 30), flow_log_retention_days=7)
    after = replace(before, today=date(2026, 12, 1))
    assert rules_broken(PackServer(before), group) == []
    assert rules_broken(PackServer(after), group) == ["log-retention"]
    violations = PackServer(after).check_stack(passing_stack.ALL)
    assert "exemptions-current" in {violation.rule for violation in violations}


def test_a_secret_equals_its_text_and_prints_as_a_placeholder() -> None:
    values = secret_markers.deserialized({"a": secret("canary"), "b": [secret({"c": 1.5})]})
    assert values["a"] == "canary"
    assert f"{values['a']} {values['b']!r} {values['a']!s}" == "[secret] [{'c': [secret]}] [secret]"


def test_the_markers_are_not_installed_over_an_unknown_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "deserialize_properties", deserialize.deserialize_properties)
    secret_markers.install_secret_markers()
    assert policy.deserialize_properties is secret_markers.deserialized
    with pytest.raises(RuntimeError, match="deserialize_properties"):
        secret_markers.install_secret_markers()


@pytest.fixture
def own_pack() -> pack.Pack:
    return pack.Pack(RULES, Parameters())


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch, own_pack: pack.Pack) -> Any:
    """The pack's server with every rule, as the pack installs it."""
    name = "_PolicyAnalyzerServicer"
    monkeypatch.setattr(policy, name, getattr(policy, name))
    pack.install_server(own_pack)
    rules = own_pack.policies()
    return getattr(policy, name)(pack.NAME, "0.0.1", rules, policy.EnforcementLevel.MANDATORY)


def test_the_pack_reports_the_version_of_the_project(own_server: Any) -> None:
    assert own_server.GetAnalyzerInfo(None, None).version == version("sandbox")


def test_a_cancelled_update_has_no_findings_on_the_stack(own_server: Any) -> None:
    half_made = proto.AnalyzeStackRequest()
    before = own_server.AnalyzeStack(half_made, None)
    own_server.Cancel(None, None)
    after = own_server.AnalyzeStack(half_made, None)
    assert "names-as-expected" in {finding.policyName for finding in before.diagnostics}
    assert list(after.diagnostics) == []


def test_a_preview_says_once_which_rules_the_update_decides() -> None:
    server = PackServer()
    for resource in (passing_stack.MANAGER_POLICY, passing_stack.INSTANCE_POLICY):
        assert server.check_resource(resource.having(policy=UNKNOWN)) == []
    (notice,) = [finding for finding in server.check_stack(passing_stack.ALL) if finding.undecided]
    assert not notice.mandatory
    assert "denials-present, grants-as-declared" in notice.message
    assert not any(finding.undecided for finding in server.check_stack(passing_stack.ALL))


def test_the_server_is_not_installed_over_an_unknown_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(policy, "_PolicyAnalyzerServicer")
    with pytest.raises(RuntimeError, match="_PolicyAnalyzerServicer"):
        pack.install_server(pack.Pack(RULES, Parameters()))


def test_the_pack_takes_the_config_that_the_engine_sends(
    own_server: Any, own_pack: pack.Pack
) -> None:
    request = AnalyzerStackConfigureRequest(stack="bench", config={"sandbox:environment": "bench"})
    own_server.ConfigureStack(request, None)
    assert own_pack.parameters == replace(Parameters(), stack="bench", environment="bench")


def test_the_additions_of_the_repository_are_valid() -> None:
    additions.load(FOLDER / "additions.json")


def test_an_addition_covers_one_type_and_the_names_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "additions.json"
    entry = {"resource": "aws:sns/topic:Topic::alarms-*", "reason": "tells the owner of alarms"}
    path.write_text(json.dumps([entry]), encoding="utf-8")
    (addition,) = additions.load(path)
    urn = "urn:pulumi:dev::sandbox::sandbox:network:Network$aws:sns/topic:Topic::alarms-1"
    assert addition.covers(urn)
    assert not addition.covers(urn.replace("alarms", "other"))
    assert not addition.covers(urn.replace("topic:Topic", "queue:Queue"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"resource": "aws:*::x"}, "resource = aws:"),
        ({"resource": "everything"}, "resource = everything"),
        ({"reason": "because"}, "reason = because"),
        ({"expires": "2026-12-31"}, "resource and reason"),
    ],
)
def test_an_addition_that_is_not_valid_stops_the_pack(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    path = tmp_path / "additions.json"
    entry = {"resource": "aws:sns/topic:Topic::x", "reason": "tells the owner of alarms"}
    path.write_text(json.dumps([{**entry, **change}]), encoding="utf-8")
    with pytest.raises(ExemptionError, match=named) as error:
        additions.load(path)
    assert "additions.json[0]" in str(error.value)
