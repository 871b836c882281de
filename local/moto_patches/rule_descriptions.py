"""A rule with a prefix list or a group as source has a description. moto 5.2.5 drops it.

Without this patch, each refresh would report that somebody removed the description.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_PrefixListId.html
"""

from collections.abc import Mapping
from typing import Any

from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule


def install() -> None:
    group: Any = SecurityGroup
    original, flattened = SecurityGroupRule.__init__, group._flattened_rules

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        original(self, *args, **kwargs)
        source, prefix_list = (*args, None, None)[6:8]  # moto passes them by position
        self.source_description = (source or prefix_list or {}).get("Description")

    def description(self: Any) -> str | None:
        return self.ip_range.get("Description") or self.source_description

    def _flattened_rules(self: Any, rules: Any) -> Any:
        views = flattened(self, rules)
        for view in views:
            alike = [rule for rule in rules if _kind(rule) == _kind(view)]
            view.source_groups = [
                _described(rule.source_group, rule) for rule in alike if rule.source_group
            ]
            view.prefix_list_ids = [
                _described({"PrefixListId": rule.prefix_list_id}, rule)
                for rule in alike
                if rule.prefix_list_id
            ]
        return views

    SecurityGroupRule.__init__ = __init__
    SecurityGroupRule.description = property(description)
    group._flattened_rules = _flattened_rules


def _kind(rule: Any) -> tuple[Any, ...]:
    """What the rules of one permission share."""
    return rule.from_port, rule.to_port, rule.ip_protocol


def _described(source: Mapping[str, Any], rule: Any) -> dict[str, Any]:
    """The source of the rule, with its present description."""
    named = {key: value for key, value in source.items() if key != "Description"}
    return named | ({"Description": rule.description} if rule.description else {})
