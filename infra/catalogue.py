"""Every resource type that this program creates, with what the other parts need to know of it.

One entry serves every table that names types: the guard rails' closed list of types and their tags,
the labels of `sandbox diagram`, the searches of `sandbox recover`, and what `sandbox drift` looks
for. Add a resource type here first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Outputs = Mapping[str, Any]
Label = Callable[[Outputs], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One type of resource."""

    name: str
    """Pulumi's name of it."""
    taggable: bool
    """Whether AWS keeps tags on it."""
    label: Label | None
    """Its line in the picture, from its outputs; None where another resource's line stands for it."""


def _rule_label(outputs: Outputs) -> str:
    source = outputs.get("cidrIpv4") or outputs.get("cidrIpv6") or "a prefix list"
    return f"in: {outputs['ipProtocol']} {int(outputs['fromPort'])} from {source}"


VPC: Final = ResourceType(
    name="aws:ec2/vpc:Vpc", taggable=True, label=lambda outputs: f"VPC {outputs['cidrBlock']}"
)
SUBNET: Final = ResourceType(
    name="aws:ec2/subnet:Subnet",
    taggable=True,
    label=lambda outputs: f"subnet {outputs['availabilityZone']} {outputs['cidrBlock']}",
)
INTERNET_GATEWAY: Final = ResourceType(
    name="aws:ec2/internetGateway:InternetGateway",
    taggable=True,
    label=lambda _: "internet gateway",
)
ROUTE_TABLE: Final = ResourceType(
    name="aws:ec2/routeTable:RouteTable", taggable=True, label=lambda _: "one public route table"
)
ROUTE: Final = ResourceType(name="aws:ec2/route:Route", taggable=False, label=None)
ROUTE_TABLE_ASSOCIATION: Final = ResourceType(
    name="aws:ec2/routeTableAssociation:RouteTableAssociation", taggable=False, label=None
)
VPC_ENDPOINT: Final = ResourceType(
    name="aws:ec2/vpcEndpoint:VpcEndpoint", taggable=True, label=lambda _: "S3 gateway endpoint"
)
DEFAULT_SECURITY_GROUP: Final = ResourceType(
    name="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    taggable=True,
    label=lambda _: "default group, emptied",
)
SECURITY_GROUP: Final = ResourceType(
    name="aws:ec2/securityGroup:SecurityGroup",
    taggable=True,
    label=lambda outputs: f"group {outputs['name']}",
)
INGRESS_RULE: Final = ResourceType(
    name="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    taggable=True,
    label=_rule_label,
)
EGRESS_RULE: Final = ResourceType(
    name="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    taggable=True,
    label=lambda outputs: f"out: to {outputs['cidrIpv4']}",
)
PREFIX_LIST: Final = ResourceType(
    name="aws:ec2/managedPrefixList:ManagedPrefixList",
    taggable=True,
    label=lambda outputs: f"prefix list {outputs['name']}",
)
FLOW_LOG: Final = ResourceType(
    name="aws:ec2/flowLog:FlowLog",
    taggable=True,
    label=lambda outputs: f"flow log, {outputs['trafficType'].lower()} traffic",
)
LOG_GROUP: Final = ResourceType(
    name="aws:cloudwatch/logGroup:LogGroup",
    taggable=True,
    label=lambda outputs: f"{outputs['name']}, {int(outputs['retentionInDays'])} days",
)
USER: Final = ResourceType(
    name="aws:iam/user:User", taggable=True, label=lambda outputs: f"user {outputs['name']}"
)
ROLE: Final = ResourceType(
    name="aws:iam/role:Role", taggable=True, label=lambda outputs: f"role {outputs['name']}"
)
POLICY: Final = ResourceType(
    name="aws:iam/policy:Policy", taggable=True, label=lambda outputs: f"policy {outputs['name']}"
)
ROLE_POLICY: Final = ResourceType(name="aws:iam/rolePolicy:RolePolicy", taggable=False, label=None)
ROLE_POLICY_ATTACHMENT: Final = ResourceType(
    name="aws:iam/rolePolicyAttachment:RolePolicyAttachment", taggable=False, label=None
)
USER_POLICY_ATTACHMENT: Final = ResourceType(
    name="aws:iam/userPolicyAttachment:UserPolicyAttachment", taggable=False, label=None
)
INSTANCE_PROFILE: Final = ResourceType(
    name="aws:iam/instanceProfile:InstanceProfile",
    taggable=True,
    label=lambda outputs: f"profile {outputs['name']}",
)
ACCESS_KEY: Final = ResourceType(
    name="aws:iam/accessKey:AccessKey",
    taggable=False,
    label=lambda outputs: f"access key, {str(outputs['status']).lower()}",
)
COST_ALLOCATION_TAG: Final = ResourceType(
    name="aws:costexplorer/costAllocationTag:CostAllocationTag",
    taggable=False,
    label=lambda outputs: f"tag {outputs['tagKey']}",
)
BUDGET: Final = ResourceType(
    name="aws:budgets/budget:Budget",
    taggable=True,
    label=lambda outputs: f"{outputs['limitAmount']} {outputs['limitUnit']} a month",
)
BUDGET_ACTION: Final = ResourceType(
    name="aws:budgets/budgetAction:BudgetAction",
    taggable=True,
    label=lambda _: "action: attach the stop",
)
STASH: Final = ResourceType(name="pulumi:index:Stash", taggable=False, label=None)
"""The destroy guard: nothing of it is in AWS."""

CATALOGUE: Final[Mapping[str, ResourceType]] = {
    resource_type.name: resource_type
    for resource_type in (
        VPC,
        SUBNET,
        INTERNET_GATEWAY,
        ROUTE_TABLE,
        ROUTE,
        ROUTE_TABLE_ASSOCIATION,
        VPC_ENDPOINT,
        DEFAULT_SECURITY_GROUP,
        SECURITY_GROUP,
        INGRESS_RULE,
        EGRESS_RULE,
        PREFIX_LIST,
        FLOW_LOG,
        LOG_GROUP,
        USER,
        ROLE,
        POLICY,
        ROLE_POLICY,
        ROLE_POLICY_ATTACHMENT,
        USER_POLICY_ATTACHMENT,
        INSTANCE_PROFILE,
        ACCESS_KEY,
        COST_ALLOCATION_TAG,
        BUDGET,
        BUDGET_ACTION,
        STASH,
    )
}
