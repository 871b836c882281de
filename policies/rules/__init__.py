"""The table of all rules, in the order of docs/guard-rails.md."""

from typing import Final

from policies.rule import Rule
from policies.rules import (
    closed_list,
    documents,
    identity,
    ingress,
    logs_and_secrets,
    network,
    structure,
    tags,
)

RULES: Final[tuple[Rule, ...]] = (
    *closed_list.RULES,
    *network.RULES,
    *ingress.RULES,
    *documents.RULES,
    *identity.RULES,
    *tags.RULES,
    *logs_and_secrets.RULES,
    *structure.RULES,
)
