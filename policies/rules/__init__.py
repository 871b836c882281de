"""The table: every rule of the pack, in the order of docs/guard-rails.md."""

from typing import Final

from policies.rule import Rule
from policies.rules import compute, data, documents, identity, ingress, network, structure, tags

RULES: Final[tuple[Rule, ...]] = (
    *network.RULES,
    *ingress.RULES,
    *documents.RULES,
    *identity.RULES,
    *compute.RULES,
    *tags.RULES,
    *data.RULES,
    *structure.RULES,
)
