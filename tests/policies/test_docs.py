"""docs/guard-rails.md agrees with the code."""

import json
import re
from datetime import timedelta
from pathlib import Path

import jsonschema

from policies.config import PARAMETERS, Parameters, schema
from policies.exemptions import load
from policies.rules import RULES
from tests.policies import docs, stack
from tests.policies.pack_server import PackServer


def test_every_parameter_is_explained() -> None:
    explained = re.findall(r"^\| `([a-z0-9_]+)` \| (?:stack|pack)", docs.text(), re.MULTILINE)
    assert sorted(explained) == sorted(set(PARAMETERS) - {"stack"})


def test_the_example_of_an_exemption_works_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(docs.example("Exemptions"), encoding="utf-8")
    (exemption,) = load(path, {rule.id for rule in RULES})
    resources = stack.without(stack.FLOW_LOG)
    for today, rules in (
        (exemption.expires, set[str]()),
        (exemption.expires + timedelta(days=1), {exemption.rule, "exemptions-current"}),
    ):
        server = PackServer(Parameters(exemptions=(exemption,), today=today))
        violations = server.check_stack(resources)
        assert {violation.rule for violation in violations if violation.mandatory} == rules


def test_the_example_of_a_pack_config_is_valid() -> None:
    parameters = {rule.id: rule.parameters for rule in RULES}
    for rule, entry in json.loads(docs.example("Parameters and levels")).items():
        values = {"enforcementLevel": entry} if isinstance(entry, str) else {**entry}
        assert values.pop("enforcementLevel", "mandatory") in {"advisory", "mandatory", "disabled"}
        assert set(values) <= set(parameters[rule])
        jsonschema.validate(values, {"properties": schema(parameters[rule])})


def test_rule_ids_are_unique_and_kebab_case() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule_id in ids:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule_id)
