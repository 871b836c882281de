"""The table of all rules, in the order of docs/guard-rails.md."""

from typing import Final

from policies.rule import Rule
from policies.rules import closed, data, documents, identity, ingress, network, structure, tags

RULES: Final[tuple[Rule, ...]] = (
    *closed.RULES,
    *network.RULES,
    *ingress.RULES,
    *documents.RULES,
    *identity.RULES,
    *tags.RULES,
    *data.RULES,
    *structure.RULES,
)
