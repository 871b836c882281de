"""The generated tables of docs/guard-rails.md; `make docs` writes them."""

from typing import Final

from policies.resource_types import REFUSED_KINDS
from policies.rule import ResourceRule, Rule
from policies.rules import RULES

EMPTY: Final = "–"  # noqa: RUF001 - an empty cell


def rules_table() -> str:
    """All rules as a Markdown table, one row each."""
    lines = [
        "| rule | level | checks | why | fix | references | parameters |",
        "|---|---|---|---|---|---|---|",
        *(_row(rule) for rule in RULES),
    ]
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    checks = "each resource" if isinstance(rule, ResourceRule) else "the stack"
    references = ", ".join(rule.references) or EMPTY
    parameters = ", ".join(f"`{parameter}`" for parameter in rule.parameters) or EMPTY
    cells = (f"`{rule.id}`", rule.level, checks, rule.why, rule.fix, references, parameters)
    return f"| {' | '.join(cells)} |"


def refused_kinds_table() -> str:
    """The kinds of resources that `reviewed-types` refuses with a reason, as a Markdown table."""
    lines = [
        "| kind | why it is refused |",
        "|---|---|",
        *(f"| {refused.kind} | {refused.why} |" for refused in REFUSED_KINDS),
    ]
    return "\n".join(lines)
