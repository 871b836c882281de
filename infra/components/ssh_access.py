"""The traffic of the instances: SSH from the configured ranges, and configured outbound traffic."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import pulumi

from infra import names
from infra.addresses import IPNetwork
from infra.components.managed_policies import numbered
from infra.context import StackContext
from infra.egress import PROTOCOLS, Egress
from infra.lazy_aws import ec2, vpc
from infra.preflight import quotas
from infra.tags import named

SSH: Final = 22
ENTRIES_PER_LIST: Final = 100
"""Entries that one request can put into a prefix list (EC2 API, CreateManagedPrefixList)."""


class SshAccess(pulumi.ComponentResource):
    """The security group of the instances."""

    security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: StackContext,
        vpc_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sandbox:ssh_access:SshAccess", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            names.SECURITY_GROUP,
            name=names.SECURITY_GROUP,
            description="Security group for researcher sandbox EC2 instances",
            vpc_id=vpc_id,
            tags=named(names.SECURITY_GROUP),
            opts=child,
        )
        self.security_group_id = group.id
        self._settings = context.settings
        for version in (4, 6):
            self._allow(
                version,
                [cidr for cidr in context.settings.allowed_ssh_cidrs if cidr.version == version],
            )
        for rule in map(Egress.of, context.settings.allowed_egress):
            self._let_out(rule)
        self.register_outputs({"security_group_id": self.security_group_id})

    def _allow(self, version: int, ranges: Sequence[IPNetwork]) -> None:
        """Add one rule per range, or prefix lists for more ranges than a group holds rules."""
        if len(ranges) > quotas.MAX_RULES:
            for number, start in enumerate(range(0, len(ranges), ENTRIES_PER_LIST), start=1):
                suffix = numbered(f"ipv{version}", number)
                entries = ranges[start : start + ENTRIES_PER_LIST]
                prefix_list_id = self._prefix_list(suffix, version, entries)
                self._rule(suffix, prefix_list_id=prefix_list_id)
            return
        for cidr in ranges:
            self._rule(_without_colons(cidr), **{f"cidr_ipv{version}": str(cidr)})

    def _prefix_list(
        self, suffix: str, version: int, ranges: Sequence[IPNetwork]
    ) -> pulumi.Output[str]:
        name = f"{names.SSH_PREFIX_LIST}-{suffix}"
        return ec2.ManagedPrefixList(
            name,
            name=name,
            address_family=f"IPv{version}",
            max_entries=len(ranges),
            entries=[{"cidr": str(cidr)} for cidr in ranges],
            tags=named(name),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=self._quota_hooks,
            ),
        ).id

    @cached_property
    def _quota_hooks(self) -> pulumi.ResourceHookBinding:
        hook = quotas.hook(self._settings)
        return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])

    def _rule(self, suffix: str, **source: pulumi.Input[str]) -> None:
        vpc.SecurityGroupIngressRule(
            f"{names.SSH_RULE}-{suffix}",
            security_group_id=self.security_group_id,
            description="Allow SSH access from researchers",
            ip_protocol="tcp",
            from_port=SSH,
            to_port=SSH,
            tags=named(names.SSH_RULE),
            opts=pulumi.ResourceOptions(parent=self),
            **source,
        )

    def _let_out(self, egress: Egress) -> None:
        """Add an outbound rule; the unlimited one keeps its name from the replaced module."""
        first, last = egress.bounds or (None, None)
        name = egress_name(egress)
        vpc.SecurityGroupEgressRule(
            name,
            security_group_id=self.security_group_id,
            description=f"Allow outbound traffic: {egress}"
            if not egress.is_everything
            else "Allow all outbound traffic",
            ip_protocol=PROTOCOLS[egress.protocol],
            from_port=first,
            to_port=last,
            tags=named(names.EGRESS_RULE if egress.is_everything else names.NARROW_EGRESS_RULE),
            opts=pulumi.ResourceOptions(parent=self),
            **{f"cidr_ipv{egress.cidr.version}": str(egress.cidr)},
        )


def egress_name(egress: Egress) -> str:
    """The logical name of an outbound rule."""
    if egress.is_everything:
        return names.EGRESS_RULE
    return f"{names.NARROW_EGRESS_RULE}-{_without_colons(egress).replace(' ', '-')}"


def _without_colons(range_or_rule: object) -> str:
    """Text for a logical name: `::` separates the parts of a URN, so IPv6's colons cannot stay."""
    return str(range_or_rule).replace(":", ".")
