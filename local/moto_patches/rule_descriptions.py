"""The description of a rule whose source is a prefix list or a group, which moto 5.2.5 forgets.

Without it every comparison with the account would find that somebody removed it.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
"""

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule


def install() -> None:
    original = SecurityGroupRule.__init__

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - the class's own
        original(self, *arguments, **named)
        group, prefix_list = (*arguments, None, None)[6:8]  # as moto gives them: by position
        self.source_description = (group or prefix_list or {}).get("Description")

    def description(self: Any) -> str | None:
        return self.ip_range.get("Description") or self.source_description

    SecurityGroupRule.__init__ = __init__
    SecurityGroupRule.description = property(description)
