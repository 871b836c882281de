"""docs/guard-rails.md says what the code says."""

import json
import re
from datetime import timedelta
from pathlib import Path

import jsonschema

from policies.config import KINDS, Parameters, schema
from policies.exemptions import load
from policies.rule import ResourceRule, Rule
from policies.rules import RULES
from tests.policies import good_stack as stack
from tests.policies.view import View

DOCS = Path(__file__).parents[2] / "docs" / "policies.md"


def row(rule: Rule) -> str:
    references = ", ".join(rule.references) or "–"  # noqa: RUF001 - an empty cell
    takes = ", ".join(f"`{one}`" for one in rule.takes) or "–"  # noqa: RUF001 - an empty cell
    looks_at = "a resource" if isinstance(rule, ResourceRule) else "the stack"
    cells = (f"`{rule.id}`", rule.level, looks_at, rule.why, rule.fix, references, takes)
    return f"| {' | '.join(cells)} |"


def test_the_table_of_rules_is_the_codes() -> None:
    text = DOCS.read_text(encoding="utf-8")
    table = text.partition("| rule |")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [row(rule) for rule in RULES]


def test_every_parameter_is_explained() -> None:
    explained = re.findall(r"^\| `([a-z0-9_]+)` \| (?:stack|pack)", DOCS.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(set(KINDS) - {"stack"})


def test_the_example_of_an_exemption_does_what_the_text_says(tmp_path: Path) -> None:
    path = tmp_path / "exemptions.json"
    path.write_text(example("Exemptions"), encoding="utf-8")
    (one,) = load(path, {rule.id for rule in RULES})
    bare = stack.without(stack.FLOW_LOG)
    for today, found in (
        (one.expires, set[str]()),
        (one.expires + timedelta(days=1), {one.rule, "exemptions-current"}),
    ):
        said = View(Parameters(exemptions=(one,), today=today)).of_stack(bare)
        assert {each.rule for each in said if each.mandatory} == found


def test_the_example_of_a_packs_config_is_one() -> None:
    takes = {rule.id: rule.takes for rule in RULES}
    for rule, chosen in json.loads(example("Parameters and levels")).items():
        given = {"enforcementLevel": chosen} if isinstance(chosen, str) else {**chosen}
        assert given.pop("enforcementLevel", "mandatory") in {"advisory", "mandatory", "disabled"}
        assert set(given) <= set(takes[rule])
        jsonschema.validate(given, {"properties": schema(takes[rule])})


def example(section: str) -> str:
    """The JSON of a section."""
    text = DOCS.read_text(encoding="utf-8").partition(f"## {section}\n")[2]
    return text.partition("```json\n")[2].partition("```")[0]


def test_rules_have_kebab_ids_and_whole_sentences() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id) or rule.id == "tagged"
        assert rule.why.endswith("."), rule.id
        assert rule.fix.endswith("."), rule.id
