"""Inputs of the network rules."""

from typing import Final

from infra import catalogue
from tests.policies import stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import FakeResource

SECOND: Final = FakeResource(
    type=catalogue.VPC.name, name="other", props={"id": "vpc-2", "cidrBlock": "10.1.0.0/16"}
)
ROUTE: Final = stack.ROUTE
INLINE: Final = {"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0123456789abcdef0"}
OTHER_TABLE: Final = FakeResource(
    type=catalogue.ROUTE_TABLE.name, name="other", props={"id": "rtb-2"}
)
BOTH: Final = (*stack.ALL, OTHER_TABLE)


def _to(**props: object) -> FakeResource:
    return ROUTE.having(gatewayId=None, **props)


CASES: Final[tuple[Case, ...]] = (
    good("one-vpc", "the program's", stack.ALL),
    bad("one-vpc", "a second VPC", (*stack.ALL, SECOND)),
    good("vpc-cidr-as-configured", "the configured range", stack.VPC),
    bad("vpc-cidr-as-configured", "another range", stack.VPC.having(cidrBlock="10.200.0.0/16")),
    bad("vpc-cidr-as-configured", "a wider range", stack.VPC.having(cidrBlock="10.96.0.0/11")),
    bad(
        "vpc-cidr-as-configured",
        "a range that overlaps the main network, too",
        stack.VPC.having(cidrBlock="10.0.128.0/17"),
        findings=2,
    ),
    bad("vpc-cidr-as-configured", "no range", stack.VPC.having(cidrBlock=None)),
    bad(
        "vpc-cidr-as-configured",
        "IPv6 beside it",
        stack.VPC.having(assignGeneratedIpv6CidrBlock=True),
    ),
    bad("vpc-cidr-as-configured", "a pool", stack.VPC.having(ipv4IpamPoolId="ipam-pool-1")),
    good("subnet-inside-vpc", "a block of the VPC", stack.SUBNET),
    bad("subnet-inside-vpc", "a block elsewhere", stack.SUBNET.having(cidrBlock="10.0.1.0/24")),
    bad("subnet-inside-vpc", "IPv6 only", stack.SUBNET.having(cidrBlock=None)),
    bad("subnet-inside-vpc", "an IPv6 block", stack.SUBNET.having(cidrBlock="2001:db8::/64")),
    good("gateway-endpoints-only", "S3", stack.ENDPOINT),
    good("gateway-endpoints-only", "S3, by default", stack.ENDPOINT.having(vpcEndpointType=None)),
    bad(
        "gateway-endpoints-only",
        "an interface of S3",
        stack.ENDPOINT.having(vpcEndpointType="Interface"),
    ),
    bad(
        "gateway-endpoints-only",
        "another account's service",
        stack.ENDPOINT.having(
            vpcEndpointType="Interface",
            serviceName="com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
        ),
        findings=2,
    ),
    good("routes-to-internet-only", "the default route", ROUTE),
    good("routes-to-internet-only", "a table without routes", stack.TABLE),
    good("routes-to-internet-only", "inline", stack.TABLE.having(routes=[INLINE])),
    good(
        "routes-to-internet-only",
        "the IPv6 default route",
        ROUTE.having(destinationCidrBlock=None, destinationIpv6CidrBlock="::/0"),
    ),
    bad("routes-to-internet-only", "into a NAT", _to(natGatewayId="nat-1")),
    bad("routes-to-internet-only", "into a peering", _to(vpcPeeringConnectionId="pcx-1")),
    bad("routes-to-internet-only", "into a transit gateway", _to(transitGatewayId="tgw-1")),
    bad("routes-to-internet-only", "into an interface", _to(networkInterfaceId="eni-1")),
    bad(
        "routes-to-internet-only", "a VPN gateway", ROUTE.having(gatewayId="vgw-0123456789abcdef0")
    ),
    bad(
        "routes-to-internet-only",
        "part of the world",
        ROUTE.having(destinationCidrBlock="10.0.0.0/16"),
    ),
    bad("routes-to-internet-only", "a prefix list", ROUTE.having(destinationPrefixListId="pl-1")),
    bad(
        "routes-to-internet-only",
        "the second inline route",
        stack.TABLE.having(
            routes=[INLINE, {"cidrBlock": "10.0.0.0/16", "vpcPeeringConnectionId": "pcx-1"}]
        ),
        findings=2,
    ),
    good("subnets-use-public-route-table", "the program's", stack.ALL),
    bad("subnets-use-public-route-table", "no association", stack.without(stack.ASSOCIATION)),
    bad("subnets-use-public-route-table", "no default route", stack.without(stack.ROUTE)),
    bad(
        "subnets-use-public-route-table",
        "another table",
        (
            *stack.without(stack.ASSOCIATION),
            OTHER_TABLE,
            FakeResource(
                type=catalogue.ROUTE_TABLE_ASSOCIATION.name,
                props={"subnetId": "subnet-0123456789abcdef0", "routeTableId": "rtb-2"},
            ),
        ),
    ),
    good("default-security-group-empty", "no rules", stack.DEFAULT_GROUP),
    bad(
        "default-security-group-empty",
        "everything in and out",
        stack.DEFAULT_GROUP.having(
            ingress=[{"protocol": "-1", "self": True, "fromPort": 0, "toPort": 0}],
            egress=[{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"], "fromPort": 0, "toPort": 0}],
        ),
        findings=2,
    ),
    good("default-security-group-managed", "the program's", stack.ALL),
    bad("default-security-group-managed", "unmanaged", stack.without(stack.DEFAULT_GROUP)),
    good("flow-logs-present", "the program's", stack.ALL),
    bad("flow-logs-present", "none", stack.without(stack.FLOW_LOG)),
    bad("flow-logs-present", "not for a second VPC", (*stack.ALL, SECOND)),
    bad(
        "flow-logs-present",
        "of a subnet only",
        stack.swapped(
            stack.FLOW_LOG,
            FakeResource(type=catalogue.FLOW_LOG.name, props={"subnetId": "subnet-1"}),
        ),
    ),
    good("flow-logs-all-traffic", "all", stack.FLOW_LOG),
    bad("flow-logs-all-traffic", "rejected only", stack.FLOW_LOG.having(trafficType="REJECT")),
    bad("flow-logs-all-traffic", "not set", stack.FLOW_LOG.having(trafficType=None)),
)
