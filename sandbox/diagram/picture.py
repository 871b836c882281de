"""What the architecture's picture shows, read from the deployed stack's state.

Every type of resource is either drawn or folded into another one; a new type that is neither is
refused, so the picture cannot fall behind the program.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.core.errors import SandboxError
from sandbox.core.stack import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A component of the stack, or something outside of it, at a place of the grid."""

    key: str
    title: str
    column: int
    row: int
    lines: tuple[str, ...] = ()
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """Who does what to whom, by the boxes' keys."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


Outputs = Mapping[str, Any]


def _group_rule(o: Outputs) -> str:
    source = o.get("cidrIpv4") or o.get("cidrIpv6") or "a prefix list"
    return f"in: {o['ipProtocol']} {int(o['fromPort'])} from {source}"


def _key(o: Outputs) -> str:
    return f"access key, {str(o['status']).lower()}"


DRAWN: Final[Mapping[str, Callable[[Outputs], str]]] = {
    "aws:ec2/vpc:Vpc": lambda o: f"VPC {o['cidrBlock']}",
    "aws:ec2/subnet:Subnet": lambda o: f"subnet {o['availabilityZone']} {o['cidrBlock']}",
    "aws:ec2/internetGateway:InternetGateway": lambda _: "internet gateway",
    "aws:ec2/routeTable:RouteTable": lambda _: "one public route table",
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda _: "S3 gateway endpoint",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": lambda _: "default group, emptied",
    "aws:ec2/securityGroup:SecurityGroup": lambda o: f"group {o['name']}",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _group_rule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": lambda o: f"out: to {o['cidrIpv4']}",
    "aws:ec2/managedPrefixList:ManagedPrefixList": lambda o: f"prefix list {o['name']}",
    "aws:iam/user:User": lambda o: f"user {o['name']}",
    "aws:iam/role:Role": lambda o: f"role {o['name']}",
    "aws:iam/policy:Policy": lambda o: f"policy {o['name']}",
    "aws:iam/instanceProfile:InstanceProfile": lambda o: f"profile {o['name']}",
    "aws:iam/accessKey:AccessKey": _key,
    "aws:ec2/flowLog:FlowLog": lambda o: f"flow log, {o['trafficType'].lower()} traffic",
    "aws:cloudwatch/logGroup:LogGroup": lambda o: f"{o['name']}, {int(o['retentionInDays'])} days",
    "aws:costexplorer/costAllocationTag:CostAllocationTag": lambda o: f"tag {o['tagKey']}",
    "aws:budgets/budget:Budget": lambda o: f"{o['limitAmount']} {o['limitUnit']} a month",
    "aws:budgets/budgetAction:BudgetAction": lambda _: "action: attach the stop",
}
FOLDED: Final = frozenset(
    {
        "aws:ec2/route:Route",  # part of the route table
        "aws:ec2/routeTableAssociation:RouteTableAssociation",  # every subnet has the one table
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",  # its policy stands in the same box
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",  # the same
        "aws:iam/rolePolicy:RolePolicy",  # part of its role
        "pulumi:index:Stash",  # the destroy guard: nothing of it is in AWS
    }
)
COMPONENTS: Final = (
    Box(key="SshAccess", title="SSH access", column=1, row=0),
    Box(key="Manager", title="Manager", column=1, row=1),
    Box(key="SpendingStop", title="Spending stop", column=1, row=2),
    Box(key="Network", title="Network", column=2, row=0),
    Box(key="Instances", title="Sandboxes' identity", column=2, row=1),
    Box(key="CostTags", title="Cost allocation tags", column=2, row=2),
    Box(key="FlowLogs", title="Flow logs", column=3, row=2),
)
OUTSIDE: Final = (
    Box(key="researchers", title="Researchers", column=0, row=0, outside=True),
    Box(key="service", title="The service", column=0, row=1, outside=True),
    Box(key="internet", title="Internet", column=3, row=0, outside=True),
    Box(key="s3", title="Amazon S3", column=3, row=1, outside=True),
)
ARROWS: Final = (
    Arrow(source="researchers", target="SshAccess", label="SSH"),
    Arrow(source="service", target="Manager", label="signs in"),
    Arrow(source="SshAccess", target="Network", label="guards"),
    Arrow(source="Manager", target="Network", label="launches into"),
    Arrow(source="Manager", target="Instances", label="passes"),
    Arrow(source="SpendingStop", target="Manager", label="stops"),
    Arrow(source="Network", target="internet", label="to and from"),
    Arrow(source="Network", target="s3", label="endpoint"),
    Arrow(source="Network", target="FlowLogs", label="traffic"),
)


def picture(resources: Sequence[Resource]) -> Picture:
    """The stack's components with what is in them; those without anything are left out.

    Raises:
        SandboxError: a resource is of a type that this table does not know.
    """
    lines: dict[str, list[str]] = {}
    for one in resources:
        if one.type in FOLDED or one.type.startswith(("pulumi:pulumi:", "pulumi:providers:")):
            continue
        if one.type.startswith("sandbox:"):
            continue
        if one.type not in DRAWN:
            raise SandboxError(
                f"{one.type} ({one.name}): is in no table of handover/picture.py; "
                "draw it there, or fold it into another"
            )
        component = one.parent.rsplit("::", 2)[-2].rsplit(":", 1)[-1]
        lines.setdefault(component, []).append(DRAWN[one.type](one.outputs))
    boxes = [
        Box(
            key=box.key,
            title=box.title,
            column=box.column,
            row=box.row,
            lines=tuple(sorted(lines[box.key], key=_rank)),
        )
        for box in COMPONENTS
        if box.key in lines
    ]
    keys = {box.key for box in (*boxes, *OUTSIDE)}
    return Picture(
        boxes=(*OUTSIDE, *boxes),
        arrows=tuple(one for one in ARROWS if {one.source, one.target} <= keys),
    )


ORDER: Final = ["VPC", "group", "user", "profile", "role", "subnet", "access", "policy", "flow"]
"""What a box is about comes first, whatever order the state has."""


def _rank(line: str) -> tuple[int, str]:
    word = line.split(maxsplit=1)[0]
    return ORDER.index(word) if word in ORDER else len(ORDER), line
