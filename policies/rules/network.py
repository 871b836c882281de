"""The sandbox's network is one, is where the config says, and leads only to the internet."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from policies import resource_types as kinds
from policies.config import Parameters
from policies.rule import (
    EVERY,
    Finding,
    Props,
    Resource,
    ResourceRule,
    Rule,
    Stack,
    StackCheck,
    StackResource,
    StackRule,
    as_network,
    decide_each,
    elements,
    given,
    is_unknown,
    points_to,
    text,
)
from policies.show import show

FOREIGN_NETWORK: Final = (
    "aws:ec2/*Peering*",
    "aws:ec2transitgateway/*",
    "aws:ec2/vpn*",
    "aws:ec2/customerGateway:*",
    "aws:ec2clientvpn/*",
    "aws:directconnect/*",
    "aws:networkmanager/*",
    "aws:vpclattice/*",
    "aws:ram/*",
    "aws:ec2/natGateway:*",
    "aws:ec2/egressOnlyInternetGateway:*",
    "aws:ec2/vpcIpv4CidrBlockAssociation:*",
    "aws:ec2/vpcIpv6CidrBlockAssociation:*",
    "aws:ec2/vpcEndpointService:*",
    "aws:ec2/vpcEndpointServiceAllowedPrinciple:*",
    "aws:ec2/carrierGateway:*",
    "aws:ec2/localGateway*",
    "aws:vpc/*Peering*",
    "aws:vpc/endpoint*",
    "aws:route53/zoneAssociation:*",
    "aws:route53/resolver*",
)
"""What joins a network to another, or widens it."""
DEFAULT_ROUTES: Final = ("0.0.0.0/0", "::/0")
OTHER_TARGETS: Final = (
    "carrierGatewayId",
    "coreNetworkArn",
    "egressOnlyGatewayId",
    "instanceId",
    "localGatewayId",
    "natGatewayId",
    "networkInterfaceId",
    "odbNetworkArn",
    "transitGatewayId",
    "vpcEndpointId",
    "vpcPeeringConnectionId",
)


def one_vpc(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    found = stack.of(kinds.VPC, "aws:ec2/defaultVpc:DefaultVpc")
    for extra in found[1:]:
        yield Finding(on=extra, wrong=f"is VPC number {found.index(extra) + 1} of the stack")


def vpc_cidr(vpc: Resource, parameters: Parameters) -> Iterator[Finding]:
    cidr = text(vpc.props, "cidrBlock")
    if not cidr:
        yield Finding(at="cidrBlock", value="not set", wrong="AWS's address manager would choose")
        return
    network = as_network(cidr)
    if network != parameters.vpc_cidr:
        wrong = f"is not sandbox:vpc_cidr, which is {parameters.vpc_cidr}"
        yield Finding(at="cidrBlock", value=show(cidr), wrong=wrong)
    if network.overlaps(parameters.main_vpc_cidr):
        wrong = f"overlaps the main network {parameters.main_vpc_cidr}"
        yield Finding(at="cidrBlock", value=show(cidr), wrong=wrong)
    for key in ("ipv6CidrBlock", "ipv6IpamPoolId", "ipv4IpamPoolId"):
        if given(vpc.props, key):
            yield Finding(at=key, value=show(given(vpc.props, key)), wrong="is a second range")
    if given(vpc.props, "assignGeneratedIpv6CidrBlock"):
        yield Finding(at="assignGeneratedIpv6CidrBlock", value="true", wrong="is a second range")


def subnet_in_vpc(subnet: Resource, parameters: Parameters) -> Iterator[Finding]:
    cidr = text(subnet.props, "cidrBlock")
    if not cidr:
        yield Finding(at="cidrBlock", value="not set", wrong="has no IPv4 range of the sandbox")
        return
    network = as_network(cidr)
    inside = network.version == parameters.vpc_cidr.version and network.subnet_of(
        parameters.vpc_cidr  # type: ignore[arg-type]  # the versions are equal
    )
    if not inside:
        wrong = f"is not inside sandbox:vpc_cidr {parameters.vpc_cidr}"
        yield Finding(at="cidrBlock", value=show(cidr), wrong=wrong)


def no_other_network(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    if any(fnmatchcase(resource.resource_type, one) for one in FOREIGN_NETWORK):
        yield Finding(wrong=f"{resource.resource_type} leads to another network")


def gateway_endpoints_only(endpoint: Resource, parameters: Parameters) -> Iterator[Finding]:
    kind = text(endpoint.props, "vpcEndpointType") or "Gateway"  # AWS's default
    if kind != "Gateway":
        yield Finding(
            at="vpcEndpointType", value=show(kind), wrong="puts an interface into the VPC"
        )
    services = [f"com.amazonaws.{parameters.region}.{name}" for name in ("s3", "dynamodb")]
    service = text(endpoint.props, "serviceName")
    if service not in services:
        wrong = "is no AWS service of the sandbox's region that has a gateway endpoint"
        yield Finding(at="serviceName", value=show(service), wrong=wrong)


def routes_to_internet_only(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    if resource.resource_type == kinds.ROUTE:
        destination = ("destinationCidrBlock", "destinationIpv6CidrBlock")
        yield from _route(resource.props, *destination, "destinationPrefixListId")
    else:
        for route in elements(resource.props, "routes"):
            yield from _route(route(), "cidrBlock", "ipv6CidrBlock", "destinationPrefixListId")


def _route(route: Props, ipv4: str, ipv6: str, prefix_list: str) -> Iterator[Finding]:
    for key in OTHER_TARGETS:
        if is_unknown(route, key) or given(route, key):  # a target of some kind, whichever it is
            yield Finding(at=key, value="set", wrong="is not the internet gateway")
    if text(route, prefix_list):
        yield Finding(at=prefix_list, value="set", wrong="is not the default route")
    for key in (ipv4, ipv6):
        cidr = text(route, key)
        if cidr and cidr not in DEFAULT_ROUTES:
            yield Finding(at=key, value=show(cidr), wrong="is not the default route")
    gateway = text(route, "gatewayId")
    if gateway and not gateway.startswith("igw-"):
        yield Finding(at="gatewayId", value=show(gateway), wrong="is no internet gateway")


def subnets_use_the_public_table(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    del parameters

    def check(subnet: StackResource) -> Iterator[Finding]:
        tables = [
            table
            for association in stack.pointing_to(subnet, "subnetId", kinds.ROUTE_TABLE_ASSOCIATION)
            for table in stack.of(kinds.ROUTE_TABLE, kinds.DEFAULT_ROUTE_TABLE)
            if points_to(association, "routeTableId", table)
        ]
        if not tables:
            yield Finding(on=subnet, wrong="is associated with no route table of the stack")
        elif not any(_leads_to_the_internet(table, stack) for table in tables):
            yield Finding(on=subnet, wrong="its route table has no route to the internet gateway")

    yield from decide_each(stack.of(kinds.SUBNET), check)


def _leads_to_the_internet(table: StackResource, stack: Stack) -> bool:
    """By a route of its own, which a first preview knows too, or by one inside the table."""
    gateways = stack.of(kinds.GATEWAY)
    return any(
        points_to(route, "gatewayId", gateway)
        for route in stack.pointing_to(table, "routeTableId", kinds.ROUTE)
        for gateway in gateways
    ) or any(
        text(route(), "cidrBlock") == DEFAULT_ROUTES[0] for route in elements(table.props, "routes")
    )


def default_group_closed(group: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    for key in ("ingress", "egress"):
        for rule in elements(group.props, key):
            yield Finding(
                at=key, value=_rule_text(rule()), wrong="the default group lets this through"
            )


def _rule_text(rule: Props) -> str:
    cidrs = [show(one()) for key in ("cidrBlocks", "ipv6CidrBlocks") for one in elements(rule, key)]
    return " ".join([show(text(rule, "protocol")), *cidrs])


def each_vpc_has(kind: str, *, else_wrong: str) -> StackCheck:
    """A rule that asks for a resource of *kind* for each VPC."""

    def check_stack(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
        del parameters

        def check(vpc: StackResource) -> Iterator[Finding]:
            if not stack.pointing_to(vpc, "vpcId", kind):
                yield Finding(on=vpc, wrong=else_wrong)

        yield from decide_each(stack.of(kinds.VPC), check)

    return check_stack


def flow_logs_complete(log: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    traffic = text(log.props, "trafficType")
    if traffic != "ALL":
        yield Finding(at="trafficType", value=show(traffic), wrong="leaves out part of the traffic")


RULES: Final[tuple[Rule, ...]] = (
    StackRule(
        id="one-vpc",
        why="The sandbox is one network; a second one is outside every other rule.",
        fix="Remove the other VPC, or run it in a stack of its own.",
        references=("FSBP EC2.2", "CKV_AWS_148"),
        check=one_vpc,
    ),
    ResourceRule(
        id="vpc-cidr-as-configured",
        why="A range that overlaps the main network can be routed to it by mistake.",
        fix="Set sandbox:vpc_cidr to a range outside sandbox:main_vpc_cidr, and use only that.",
        takes=("vpc_cidr", "main_vpc_cidr"),
        on=frozenset({kinds.VPC}),
        check=vpc_cidr,
    ),
    ResourceRule(
        id="subnet-inside-vpc",
        why="Addresses outside the configured range are known to nobody else's rules.",
        fix="Give the subnet a block of sandbox:vpc_cidr.",
        takes=("vpc_cidr",),
        on=frozenset({kinds.SUBNET}),
        check=subnet_in_vpc,
    ),
    ResourceRule(
        id="no-other-network",
        why="A sandbox runs strangers' code: nothing may lead from it into another network.",
        fix="Remove the peering, transit gateway, VPN, NAT or endpoint service.",
        references=("CIS 5.6", "CKV2_AWS_44"),
        on=EVERY,
        check=no_other_network,
    ),
    ResourceRule(
        id="gateway-endpoints-only",
        why="An interface endpoint can lead to another account's service.",
        fix="Use a gateway endpoint for S3 or DynamoDB of the sandbox's region, or none.",
        takes=("region",),
        on=frozenset({kinds.ENDPOINT}),
        check=gateway_endpoints_only,
    ),
    ResourceRule(
        id="routes-to-internet-only",
        why="The only way out is the internet gateway; any other route leads to a network.",
        fix="Keep one default route to the internet gateway.",
        references=("CIS 5.6", "CKV2_AWS_44"),
        on=frozenset({kinds.ROUTE, kinds.ROUTE_TABLE, kinds.DEFAULT_ROUTE_TABLE}),
        check=routes_to_internet_only,
    ),
    StackRule(
        id="subnets-use-the-public-table",
        why="A subnet with another route table has other ways out, or none for SSH to come back.",
        fix="Associate the subnet with the route table that leads to the internet gateway.",
        check=subnets_use_the_public_table,
    ),
    ResourceRule(
        id="default-group-closed",
        why="Whatever is launched without a group gets the default one.",
        fix="Keep ingress and egress of the default security group empty.",
        references=("CIS 5.5", "FSBP EC2.2", "CKV2_AWS_12"),
        on=frozenset({kinds.DEFAULT_GROUP}),
        check=default_group_closed,
    ),
    StackRule(
        id="default-group-adopted",
        why="A default security group that nobody manages keeps the rules that AWS put in.",
        fix="Adopt it with aws.ec2.DefaultSecurityGroup, without rules.",
        references=("CIS 5.5", "FSBP EC2.2", "CKV2_AWS_12"),
        check=each_vpc_has(
            kinds.DEFAULT_GROUP,
            else_wrong="its default security group is not the stack's, so not closed",
        ),
    ),
    StackRule(
        id="flow-logs-present",
        why="Without a flow log nobody can say later whom a sandbox talked to.",
        fix="Set sandbox:flow_logs to true, or exempt the VPC with a reason.",
        references=("CIS 3.7", "FSBP EC2.6", "CKV2_AWS_11"),
        check=each_vpc_has(kinds.FLOW_LOG, else_wrong="has no flow log"),
    ),
    ResourceRule(
        id="flow-logs-complete",
        why="Rejected traffic shows an attack, accepted traffic shows that it worked.",
        fix="Set trafficType to ALL.",
        references=("CIS 3.7",),
        on=frozenset({kinds.FLOW_LOG}),
        check=flow_logs_complete,
    ),
)
