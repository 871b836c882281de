"""docs/guard-rails.md agrees with the code."""

import json
import re
from datetime import timedelta
from pathlib import Path

import jsonschema

from policies import additions
from policies.config import PARAMETERS, Parameters, schema
from policies.exemptions import load
from policies.rules import RULES
from tests.policies import guard_rails_document, passing_stack
from tests.policies.pack_server import PackServer


def test_every_parameter_is_explained() -> None:
    explained = re.findall(
        r"^\| `([a-z0-9_]+)` \| (?:stack|pack)", guard_rails_document.text(), re.MULTILINE
    )
    assert sorted(explained) == sorted(set(PARAMETERS) - {"stack"})


def test_the_example_of_an_exemption_works_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(guard_rails_document.example("Exemptions"), encoding="utf-8")
    (exemption,) = load(path, {rule.id for rule in RULES})
    for today, rules in (
        (exemption.expires, set[str]()),
        (exemption.expires + timedelta(days=1), {exemption.rule, "exemptions-current"}),
    ):
        parameters = Parameters(stack="production", exemptions=(exemption,), today=today)
        violations = PackServer(parameters).check_all(passing_stack.ALL)
        assert {violation.rule for violation in violations if violation.mandatory} == rules


def test_the_example_of_a_pack_config_is_valid() -> None:
    parameters = {rule.id: rule.parameters for rule in RULES}
    for rule, entry in json.loads(guard_rails_document.example("Parameters and levels")).items():
        values = {"enforcementLevel": entry} if isinstance(entry, str) else {**entry}
        assert values.pop("enforcementLevel", "mandatory") in {"advisory", "mandatory", "disabled"}
        assert set(values) <= set(parameters[rule])
        jsonschema.validate(values, {"properties": schema(parameters[rule])})


def test_rule_ids_are_unique_and_kebab_case() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule_id in ids:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule_id)


def test_the_example_of_additions_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "additions.json"
    path.write_text(guard_rails_document.example("What an owner adds"), encoding="utf-8")
    assert len(additions.load(path)) == 3
