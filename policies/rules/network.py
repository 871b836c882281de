"""The network: one VPC in the configured range, and no way out but the internet gateway."""

from collections.abc import Iterator
from typing import Final

from infra import catalogue
from policies.config import Parameters
from policies.rule import (
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
    refers_to,
    text,
)
from policies.show import show

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
"""Every target that a route can have, except a gateway."""


def one_vpc(stack: Stack, _: Parameters) -> Iterator[Finding]:
    for number, vpc in enumerate(stack.of_type(catalogue.VPC.name), start=1):
        if number > 1:
            yield Finding(resource=vpc, problem=f"is VPC number {number} of the stack")


def vpc_cidr(vpc: Resource, parameters: Parameters) -> Iterator[Finding]:
    cidr = text(vpc.props, "cidrBlock")
    if not cidr:
        problem = "is required; without it AWS IPAM chooses the range"
        yield Finding(property="cidrBlock", value="not set", problem=problem)
        return
    network = as_network(cidr)
    if network != parameters.vpc_cidr:
        problem = f"is not sandbox:vpc_cidr, which is {parameters.vpc_cidr}"
        yield Finding(property="cidrBlock", value=show(cidr), problem=problem)
    if network.overlaps(parameters.main_vpc_cidr):
        problem = f"overlaps the main network {parameters.main_vpc_cidr}"
        yield Finding(property="cidrBlock", value=show(cidr), problem=problem)
    for key in ("ipv6CidrBlock", "ipv6IpamPoolId", "ipv4IpamPoolId"):
        if value := given(vpc.props, key):
            yield Finding(property=key, value=show(value), problem="adds a second range")
    if given(vpc.props, "assignGeneratedIpv6CidrBlock"):
        key = "assignGeneratedIpv6CidrBlock"
        yield Finding(property=key, value="true", problem="adds a second range")


def subnet_in_vpc(subnet: Resource, parameters: Parameters) -> Iterator[Finding]:
    cidr = text(subnet.props, "cidrBlock")
    if not cidr:
        problem = "is required; the subnet has no IPv4 range"
        yield Finding(property="cidrBlock", value="not set", problem=problem)
        return
    network = as_network(cidr)
    inside = network.version == parameters.vpc_cidr.version and network.subnet_of(
        parameters.vpc_cidr  # type: ignore[arg-type]  # the versions are equal
    )
    if not inside:
        problem = f"is not inside sandbox:vpc_cidr {parameters.vpc_cidr}"
        yield Finding(property="cidrBlock", value=show(cidr), problem=problem)


def gateway_endpoints_only(endpoint: Resource, parameters: Parameters) -> Iterator[Finding]:
    endpoint_type = text(endpoint.props, "vpcEndpointType") or "Gateway"  # the default of AWS
    if endpoint_type != "Gateway":
        problem = "adds a network interface to the VPC"
        yield Finding(property="vpcEndpointType", value=show(endpoint_type), problem=problem)
    services = [f"com.amazonaws.{parameters.region}.{name}" for name in ("s3", "dynamodb")]
    service = text(endpoint.props, "serviceName")
    if service not in services:
        problem = f"is not {' or '.join(services)}"
        yield Finding(property="serviceName", value=show(service), problem=problem)


def routes_to_internet_only(resource: Resource, _: Parameters) -> Iterator[Finding]:
    if resource.resource_type == catalogue.ROUTE.name:
        destinations = ("destinationCidrBlock", "destinationIpv6CidrBlock")
        yield from _route(resource.props, *destinations, "destinationPrefixListId")
    else:
        for route in elements(resource.props, "routes"):
            yield from _route(route(), "cidrBlock", "ipv6CidrBlock", "destinationPrefixListId")


def _route(route: Props, ipv4: str, ipv6: str, prefix_list: str) -> Iterator[Finding]:
    for key in OTHER_TARGETS:
        if is_unknown(route, key) or given(route, key):
            yield Finding(property=key, value="set", problem="is not the internet gateway")
    if text(route, prefix_list):
        yield Finding(property=prefix_list, value="set", problem="is not the default route")
    for key in (ipv4, ipv6):
        cidr = text(route, key)
        if cidr and cidr not in DEFAULT_ROUTES:
            yield Finding(property=key, value=show(cidr), problem="is not the default route")
    gateway = text(route, "gatewayId")
    if gateway and not gateway.startswith("igw-"):
        problem = "is not an internet gateway"
        yield Finding(property="gatewayId", value=show(gateway), problem=problem)


def subnets_use_public_route_table(stack: Stack, _: Parameters) -> Iterator[Finding]:
    def check(subnet: StackResource) -> Iterator[Finding]:
        associations = stack.referring_to(
            subnet, "subnetId", catalogue.ROUTE_TABLE_ASSOCIATION.name
        )
        tables = [
            table
            for association in associations
            for table in stack.of_type(catalogue.ROUTE_TABLE.name)
            if refers_to(association, "routeTableId", table)
        ]
        if not tables:
            problem = "is not associated with a route table of the stack"
            yield Finding(resource=subnet, problem=problem)
        elif not any(_leads_to_the_internet(table, stack) for table in tables):
            problem = "is associated with a route table that does not lead to the internet gateway"
            yield Finding(resource=subnet, problem=problem)

    yield from decide_each(stack.of_type(catalogue.SUBNET.name), check)


def _leads_to_the_internet(table: StackResource, stack: Stack) -> bool:
    """Whether a Route, which a first preview knows too, or an inline route leads there."""
    gateways = stack.of_type(catalogue.INTERNET_GATEWAY.name)
    return any(
        refers_to(route, "gatewayId", gateway)
        for route in stack.referring_to(table, "routeTableId", catalogue.ROUTE.name)
        for gateway in gateways
    ) or any(
        text(route(), "cidrBlock") == DEFAULT_ROUTES[0] for route in elements(table.props, "routes")
    )


def default_security_group_empty(group: Resource, _: Parameters) -> Iterator[Finding]:
    for key in ("ingress", "egress"):
        for rule in elements(group.props, key):
            problem = "is a rule of the default security group, which must have none"
            yield Finding(property=key, value=_rule_text(rule()), problem=problem)


def _rule_text(rule: Props) -> str:
    cidrs = [
        show(cidr()) for key in ("cidrBlocks", "ipv6CidrBlocks") for cidr in elements(rule, key)
    ]
    return " ".join([show(text(rule, "protocol")), *cidrs])


def each_vpc_has(resource_type: str, *, problem: str) -> StackCheck:
    """A check that each VPC has a resource of a type; *problem* is the text if it has none."""

    def check_stack(stack: Stack, _: Parameters) -> Iterator[Finding]:
        def check(vpc: StackResource) -> Iterator[Finding]:
            if not stack.referring_to(vpc, "vpcId", resource_type):
                yield Finding(resource=vpc, problem=problem)

        yield from decide_each(stack.of_type(catalogue.VPC.name), check)

    return check_stack


def flow_logs_all_traffic(log: Resource, _: Parameters) -> Iterator[Finding]:
    traffic = text(log.props, "trafficType")
    if traffic != "ALL":
        problem = "leaves out a part of the traffic"
        yield Finding(property="trafficType", value=show(traffic), problem=problem)


RULES: Final[tuple[Rule, ...]] = (
    StackRule(
        id="one-vpc",
        why="The other rules check one network; nothing would isolate a second VPC.",
        fix="Remove the other VPC, or put it into a stack of its own.",
        references=("FSBP EC2.2",),
        check=one_vpc,
    ),
    ResourceRule(
        id="vpc-cidr-as-configured",
        why="A range that overlaps the main network could be routed there by mistake.",
        fix="Set sandbox:vpc_cidr to a range outside sandbox:main_vpc_cidr, and use only that.",
        parameters=("vpc_cidr", "main_vpc_cidr"),
        types=frozenset({catalogue.VPC.name}),
        check=vpc_cidr,
    ),
    ResourceRule(
        id="subnet-inside-vpc",
        why="Firewalls of other networks know only the configured range.",
        fix="Give the subnet a block of sandbox:vpc_cidr.",
        parameters=("vpc_cidr",),
        types=frozenset({catalogue.SUBNET.name}),
        check=subnet_in_vpc,
    ),
    ResourceRule(
        id="gateway-endpoints-only",
        why="An interface endpoint can lead to a service of another account.",
        fix="Use a gateway endpoint for S3 or DynamoDB in the sandbox's region, or none.",
        parameters=("region",),
        types=frozenset({catalogue.VPC_ENDPOINT.name}),
        check=gateway_endpoints_only,
    ),
    ResourceRule(
        id="routes-to-internet-only",
        why="The internet gateway is the only way out; any other route leads to a network.",
        fix="Keep only the default route to the internet gateway.",
        references=("CIS 5.6",),
        types=frozenset({catalogue.ROUTE.name, catalogue.ROUTE_TABLE.name}),
        check=routes_to_internet_only,
    ),
    StackRule(
        id="subnets-use-public-route-table",
        why="With another route table a subnet has other ways out, or SSH gets no answer.",
        fix="Associate the subnet with the route table that leads to the internet gateway.",
        check=subnets_use_public_route_table,
    ),
    ResourceRule(
        id="default-security-group-empty",
        why="An instance that is launched without a security group gets the default one.",
        fix="Keep ingress and egress of the default security group empty.",
        references=("CIS 5.5", "FSBP EC2.2"),
        types=frozenset({catalogue.DEFAULT_SECURITY_GROUP.name}),
        check=default_security_group_empty,
    ),
    StackRule(
        id="default-security-group-managed",
        why="A default security group outside the stack keeps the open rules that AWS put in.",
        fix="Manage it with aws.ec2.DefaultSecurityGroup, without rules.",
        references=("CIS 5.5", "FSBP EC2.2"),
        check=each_vpc_has(
            catalogue.DEFAULT_SECURITY_GROUP.name,
            problem="has a default security group that the stack does not manage",
        ),
    ),
    StackRule(
        id="flow-logs-present",
        why="Without a flow log nobody can find out later whom a sandbox talked to.",
        fix="Set sandbox:flow_logs to true, or exempt the VPC with a reason.",
        references=("CIS 3.7", "FSBP EC2.6"),
        check=each_vpc_has(catalogue.FLOW_LOG.name, problem="has no flow log"),
    ),
    ResourceRule(
        id="flow-logs-all-traffic",
        why="Rejected traffic shows an attack, and accepted traffic shows that it succeeded.",
        fix="Set trafficType to ALL.",
        references=("CIS 3.7",),
        types=frozenset({catalogue.FLOW_LOG.name}),
        check=flow_logs_all_traffic,
    ),
)
