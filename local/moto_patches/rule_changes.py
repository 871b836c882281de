"""ModifySecurityGroupRules changes every part of a rule. moto 5.2.5 changes only IPv4 sources.

A source may also be an IPv6 range, a prefix list or a group. A protocol without ports, such as
icmpv6, needs no ports.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRuleRequest.html
"""

from typing import Any, Final

from moto.ec2.models import EC2Backend

WITH_PORTS: Final = frozenset({"tcp", "udp", "6", "17"})
ALL: Final = -1
"""The port that stands for all of them."""


def install() -> None:
    moto: Any = EC2Backend
    original = moto.modify_security_group_rules

    def modify(self: Any, group_id: str, rules: dict[str, dict[str, Any]]) -> None:
        original(self, group_id, {rule_id: _with_ports(rule) for rule_id, rule in rules.items()})
        group = self.get_security_group_by_name_or_id(group_id)
        for rule_id, changed in rules.items():
            rule = group.get_rule(rule_id)
            if "CidrIpv6" in changed:
                rule.ip_range["CidrIpv6"] = changed["CidrIpv6"]
            if "PrefixListId" in changed:
                rule.prefix_list_id = changed["PrefixListId"]
            if "ReferencedGroupId" in changed:
                rule.source_group = {**rule.source_group, "GroupId": changed["ReferencedGroupId"]}
            if rule.source_group or rule.prefix_list_id:
                rule.source_description = changed.get("Description")

    moto.modify_security_group_rules = modify


def _with_ports(rule: dict[str, Any]) -> dict[str, Any]:
    if rule.get("IpProtocol") in WITH_PORTS:
        return rule
    return {"FromPort": ALL, "ToPort": ALL, **rule}
