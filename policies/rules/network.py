"""The network: one VPC in the configured range, and no way out but the internet gateway."""

from collections.abc import Iterator
from typing import Final

from infra import catalogue
from infra.egress import WITH_PORTS, Egress, protocol_name
from policies.config import Parameters
from policies.rule import (
    CheckedResource,
    CheckedStack,
    Finding,
    Level,
    ResourceRule,
    Rule,
    StackCheck,
    StackResource,
    StackRule,
    as_network,
    decide_each,
    given,
    refers_to,
    text,
)
from policies.shown_values import show

WHY_FLOW_LOGS: Final = "Without a flow log nobody learns later which addresses a sandbox contacted."


def one_vpc(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    for number, vpc in enumerate(stack.of_type(catalogue.VPC.name), start=1):
        if number > 1:
            yield Finding(resource=vpc, problem=f"is VPC number {number} of the stack")


def vpc_cidr(vpc: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
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


def subnet_in_vpc(subnet: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    cidr = text(subnet.props, "cidrBlock")
    if not cidr:
        problem = "is required; the subnet has no IPv4 range"
        yield Finding(property="cidrBlock", value="not set", problem=problem)
        return
    network = as_network(cidr)
    inside = network.version == parameters.vpc_cidr.version and network.subnet_of(
        parameters.vpc_cidr  # pyrefly: ignore[bad-argument-type] - the versions are equal
    )
    if not inside:
        problem = f"is not inside sandbox:vpc_cidr {parameters.vpc_cidr}"
        yield Finding(property="cidrBlock", value=show(cidr), problem=problem)


def subnets_use_public_route_table(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
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


def _leads_to_the_internet(table: StackResource, stack: CheckedStack) -> bool:
    gateways = stack.of_type(catalogue.INTERNET_GATEWAY.name)
    return any(
        refers_to(route, "gatewayId", gateway)
        for route in stack.referring_to(table, "routeTableId", catalogue.ROUTE.name)
        for gateway in gateways
    )


def egress_as_configured(rule: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    name = protocol_name(text(rule.props, "ipProtocol"))
    ports = None
    if name in WITH_PORTS:
        ports = int(given(rule.props, "fromPort")), int(given(rule.props, "toPort"))
    for key in ("cidrIpv4", "cidrIpv6"):
        if cidr := text(rule.props, key):
            traffic = Egress(protocol=name, ports=ports, cidr=as_network(cidr))
            if not any(Egress.of(entry).covers(traffic) for entry in parameters.allowed_egress):
                problem = "is not covered by an entry of sandbox:allowed_egress"
                yield Finding(property=key, value=show(str(traffic)), problem=problem)


def flow_logs_present(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    if parameters.flow_logs:
        yield from HAS_FLOW_LOG(stack, parameters)


def flow_logs_on(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    if not parameters.flow_logs:
        yield from HAS_FLOW_LOG(stack, parameters)


def each_vpc_has(resource_type: str, *, problem: str) -> StackCheck:
    """A check that each VPC has a resource of the type; *problem* is its message."""

    def check_stack(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
        def check(vpc: StackResource) -> Iterator[Finding]:
            if not stack.referring_to(vpc, "vpcId", resource_type):
                yield Finding(resource=vpc, problem=problem)

        yield from decide_each(stack.of_type(catalogue.VPC.name), check)

    return check_stack


HAS_FLOW_LOG: Final = each_vpc_has(catalogue.FLOW_LOG.name, problem="has no flow log")
RULES: Final[tuple[Rule, ...]] = (
    StackRule(
        id="one-vpc",
        why="The other rules check one network; nothing would isolate a second VPC.",
        fix="Remove the other VPC, or put it into a stack of its own.",
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
    StackRule(
        id="subnets-use-public-route-table",
        why="With another route table a subnet has other ways out, or SSH gets no answer.",
        fix="Associate the subnet with the route table that leads to the internet gateway.",
        check=subnets_use_public_route_table,
    ),
    StackRule(
        id="default-security-group-managed",
        why="A default security group outside the stack keeps the open rules that AWS put in.",
        fix="Manage it with aws.ec2.DefaultSecurityGroup, without rules.",
        references=("CIS 6.5", "FSBP EC2.2"),
        check=each_vpc_has(
            catalogue.DEFAULT_SECURITY_GROUP.name,
            problem="has a default security group that the stack does not manage",
        ),
    ),
    ResourceRule(
        id="egress-as-configured",
        why="The stack's config decides what may leave a sandbox, because changes are reviewed.",
        fix="Add the traffic to sandbox:allowed_egress, or remove the rule.",
        parameters=("allowed_egress",),
        types=frozenset({catalogue.EGRESS_RULE.name}),
        check=egress_as_configured,
    ),
    StackRule(
        id="flow-logs-present",
        why=WHY_FLOW_LOGS,
        fix="Keep the flow log; to do without, set sandbox:flow_logs to false.",
        references=("CIS 4.7", "FSBP EC2.6"),
        check=flow_logs_present,
    ),
    StackRule(
        id="flow-logs-on",
        why=WHY_FLOW_LOGS,
        fix="Set sandbox:flow_logs to true.",
        level=Level.ADVISORY,  # the setting may turn them off; policies/strict.json refuses it
        references=("CIS 4.7", "FSBP EC2.6"),
        check=flow_logs_on,
    ),
)
