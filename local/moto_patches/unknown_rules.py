"""The error for an unknown rule id. moto 5.2.5 answers with the code for an unknown rule content.

The provider accepts only this code as a sign that somebody deleted the rule; with another code a
destroy fails.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from typing import Any

from moto.ec2.exceptions import InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models import EC2Backend


def install() -> None:
    for direction in ("ingress", "egress"):
        _refuse_unknown(direction)


def _refuse_unknown(direction: str) -> None:
    operation = f"revoke_security_group_{direction}"
    original = getattr(EC2Backend, operation)

    def revoke(self: EC2Backend, group_name_or_id: str, *args: Any, **kwargs: Any) -> None:
        group: Any = self.get_security_group_by_name_or_id(group_name_or_id)
        known = {rule.id for rule in getattr(group, f"{direction}_rules", ())}
        for rule_id in kwargs.get("security_rule_ids") or ():
            if group and rule_id not in known:
                raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        original(self, group_name_or_id, *args, **kwargs)

    setattr(EC2Backend, operation, revoke)
