"""docs/policies.md says what the code says."""

import re
from pathlib import Path

from policies.config import KINDS
from policies.rule import ResourceRule, Rule
from policies.rules import RULES

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


def test_rules_have_kebab_ids_and_whole_sentences() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id) or rule.id == "tagged"
        assert rule.why.endswith("."), rule.id
        assert rule.fix.endswith("."), rule.id
