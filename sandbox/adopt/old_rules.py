"""Read the rules of a security group that the provider's old resource wrote. Pure.

`aws_security_group_rule` stands for one rule of EC2 if it names one range, and then its state has
the id of that rule.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sandbox.adopt.terraform_state import State, TerraformResource

OLD_RULE: Final = "aws_security_group_rule"
INGRESS_RULE: Final = "aws_vpc_security_group_ingress_rule"
EGRESS_RULE: Final = "aws_vpc_security_group_egress_rule"
NEW_TYPES: Final = {"ingress": INGRESS_RULE, "egress": EGRESS_RULE}


def with_new_rules(state: State) -> State:
    """*state* with each old rule that has the id of its rule, as the provider reads that rule."""
    return replace(state, resources=tuple(map(_new, state.resources)))


def _new(resource: TerraformResource) -> TerraformResource:
    identifier = resource.text("security_group_rule_id")
    kind = NEW_TYPES.get(resource.text("type"))
    if resource.type != OLD_RULE or not identifier or not kind:
        return resource
    old = resource.attributes
    return replace(
        resource,
        type=kind,
        attributes={
            "id": identifier,
            "security_group_id": old.get("security_group_id"),
            "ip_protocol": old.get("protocol"),
            "from_port": old.get("from_port"),
            "to_port": old.get("to_port"),
            "cidr_ipv4": _first(old.get("cidr_blocks")),
            "cidr_ipv6": _first(old.get("ipv6_cidr_blocks")),
            "description": old.get("description"),
        },
    )


def _first(values: Sequence[str] | None) -> str | None:
    return values[0] if values else None
