"""Access to the instances: SSH from the configured ranges, and nothing else."""

from collections.abc import Sequence
from typing import Final

import pulumi

from infra import names
from infra.addresses import IPNetwork
from infra.context import StackContext
from infra.lazy_aws import ec2, vpc
from infra.tags import named

SSH: Final = 22
MAX_RULES: Final = 60
"""Inbound rules of one address family in a security group (AWS: Amazon VPC quotas, default)."""


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
        for version in (4, 6):
            self._allow(
                version,
                [cidr for cidr in context.settings.allowed_ssh_cidrs if cidr.version == version],
            )
        vpc.SecurityGroupEgressRule(
            names.EGRESS_RULE,
            security_group_id=group.id,
            description="Allow all outbound traffic",
            ip_protocol="-1",
            cidr_ipv4="0.0.0.0/0",
            tags=named(names.EGRESS_RULE),
            opts=child,
        )
        self.register_outputs({"security_group_id": self.security_group_id})

    def _allow(self, version: int, ranges: Sequence[IPNetwork]) -> None:
        """Add one rule per range, or one prefix list for more ranges than a group takes rules."""
        if len(ranges) > MAX_RULES:
            self._rule(f"ipv{version}", prefix_list_id=self._prefix_list(version, ranges))
            return
        for cidr in ranges:
            # two colons separate the parts of a URN, so a name may not hold those of IPv6
            self._rule(str(cidr).replace(":", "."), **{f"cidr_ipv{version}": str(cidr)})

    def _prefix_list(self, version: int, ranges: Sequence[IPNetwork]) -> pulumi.Output[str]:
        name = f"{names.SSH_PREFIX_LIST}-ipv{version}"
        return ec2.ManagedPrefixList(
            name,
            name=name,
            address_family=f"IPv{version}",
            max_entries=len(ranges),
            entries=[{"cidr": str(cidr)} for cidr in ranges],
            tags=named(name),
            opts=pulumi.ResourceOptions(parent=self),
        ).id

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
