"""A rule with a prefix list or a group as source has a description. moto 5.2.5 drops it.

Without this patch, each refresh would report that somebody removed the description.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
"""

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule


def install() -> None:
    original = SecurityGroupRule.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        original(self, *args, **kwargs)
        group, prefix_list = (*args, None, None)[6:8]  # moto passes them by position
        self.source_description = (group or prefix_list or {}).get("Description")

    def description(self: Any) -> str | None:
        return self.ip_range.get("Description") or self.source_description

    SecurityGroupRule.__init__ = __init__
    SecurityGroupRule.description = property(description)
