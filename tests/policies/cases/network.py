"""Inputs of the network rules."""

from typing import Final

from policies import resource_types
from tests.policies import good_stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import FakeResource

SECOND: Final = FakeResource(
    type=resource_types.VPC, name="other", props={"id": "vpc-2", "cidrBlock": "10.1.0.0/16"}
)
ROUTE: Final = good_stack.ROUTE
INLINE: Final = {"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0123456789abcdef0"}
OTHER_TABLE: Final = FakeResource(
    type=resource_types.ROUTE_TABLE, name="other", props={"id": "rtb-2"}
)
BOTH: Final = (*good_stack.ALL, OTHER_TABLE)


def _to(**props: object) -> FakeResource:
    return ROUTE.with_props(gatewayId=None, **props)


CASES: Final[tuple[Case, ...]] = (
    good("one-vpc", "the program's", good_stack.ALL),
    bad("one-vpc", "a second VPC", (*good_stack.ALL, SECOND)),
    good("vpc-cidr-as-configured", "the configured range", good_stack.VPC),
    bad(
        "vpc-cidr-as-configured",
        "another range",
        good_stack.VPC.with_props(cidrBlock="10.200.0.0/16"),
    ),
    bad(
        "vpc-cidr-as-configured",
        "a wider range",
        good_stack.VPC.with_props(cidrBlock="10.96.0.0/11"),
    ),
    bad(
        "vpc-cidr-as-configured",
        "a range that overlaps the main network, too",
        good_stack.VPC.with_props(cidrBlock="10.0.128.0/17"),
        findings=2,
    ),
    bad("vpc-cidr-as-configured", "no range", good_stack.VPC.with_props(cidrBlock=None)),
    bad(
        "vpc-cidr-as-configured",
        "IPv6 beside it",
        good_stack.VPC.with_props(assignGeneratedIpv6CidrBlock=True),
    ),
    bad(
        "vpc-cidr-as-configured", "a pool", good_stack.VPC.with_props(ipv4IpamPoolId="ipam-pool-1")
    ),
    good("subnet-inside-vpc", "a block of the VPC", good_stack.SUBNET),
    bad(
        "subnet-inside-vpc",
        "a block elsewhere",
        good_stack.SUBNET.with_props(cidrBlock="10.0.1.0/24"),
    ),
    bad("subnet-inside-vpc", "IPv6 only", good_stack.SUBNET.with_props(cidrBlock=None)),
    bad(
        "subnet-inside-vpc",
        "an IPv6 block",
        good_stack.SUBNET.with_props(cidrBlock="2001:db8::/64"),
    ),
    good("gateway-endpoints-only", "S3", good_stack.ENDPOINT),
    good(
        "gateway-endpoints-only",
        "S3, by default",
        good_stack.ENDPOINT.with_props(vpcEndpointType=None),
    ),
    bad(
        "gateway-endpoints-only",
        "an interface of S3",
        good_stack.ENDPOINT.with_props(vpcEndpointType="Interface"),
    ),
    bad(
        "gateway-endpoints-only",
        "another account's service",
        good_stack.ENDPOINT.with_props(
            vpcEndpointType="Interface",
            serviceName="com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
        ),
        findings=2,
    ),
    good("routes-to-internet-only", "the default route", ROUTE),
    good("routes-to-internet-only", "a table without routes", good_stack.TABLE),
    good("routes-to-internet-only", "inline", good_stack.TABLE.with_props(routes=[INLINE])),
    good(
        "routes-to-internet-only",
        "the IPv6 default route",
        ROUTE.with_props(destinationCidrBlock=None, destinationIpv6CidrBlock="::/0"),
    ),
    bad("routes-to-internet-only", "into a NAT", _to(natGatewayId="nat-1")),
    bad("routes-to-internet-only", "into a peering", _to(vpcPeeringConnectionId="pcx-1")),
    bad("routes-to-internet-only", "into a transit gateway", _to(transitGatewayId="tgw-1")),
    bad("routes-to-internet-only", "into an interface", _to(networkInterfaceId="eni-1")),
    bad(
        "routes-to-internet-only",
        "a VPN gateway",
        ROUTE.with_props(gatewayId="vgw-0123456789abcdef0"),
    ),
    bad(
        "routes-to-internet-only",
        "part of the world",
        ROUTE.with_props(destinationCidrBlock="10.0.0.0/16"),
    ),
    bad(
        "routes-to-internet-only", "a prefix list", ROUTE.with_props(destinationPrefixListId="pl-1")
    ),
    bad(
        "routes-to-internet-only",
        "the second inline route",
        good_stack.TABLE.with_props(
            routes=[INLINE, {"cidrBlock": "10.0.0.0/16", "vpcPeeringConnectionId": "pcx-1"}]
        ),
        findings=2,
    ),
    good("subnets-use-public-route-table", "the program's", good_stack.ALL),
    bad(
        "subnets-use-public-route-table",
        "no association",
        good_stack.without(good_stack.ASSOCIATION),
    ),
    bad("subnets-use-public-route-table", "no default route", good_stack.without(good_stack.ROUTE)),
    bad(
        "subnets-use-public-route-table",
        "another table",
        (
            *good_stack.without(good_stack.ASSOCIATION),
            OTHER_TABLE,
            FakeResource(
                type=resource_types.ROUTE_TABLE_ASSOCIATION,
                props={"subnetId": "subnet-0123456789abcdef0", "routeTableId": "rtb-2"},
            ),
        ),
    ),
    good("default-security-group-empty", "no rules", good_stack.DEFAULT_GROUP),
    bad(
        "default-security-group-empty",
        "everything in and out",
        good_stack.DEFAULT_GROUP.with_props(
            ingress=[{"protocol": "-1", "self": True, "fromPort": 0, "toPort": 0}],
            egress=[{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"], "fromPort": 0, "toPort": 0}],
        ),
        findings=2,
    ),
    good("default-security-group-managed", "the program's", good_stack.ALL),
    bad(
        "default-security-group-managed", "unmanaged", good_stack.without(good_stack.DEFAULT_GROUP)
    ),
    good("flow-logs-present", "the program's", good_stack.ALL),
    bad("flow-logs-present", "none", good_stack.without(good_stack.FLOW_LOG)),
    bad("flow-logs-present", "not for a second VPC", (*good_stack.ALL, SECOND)),
    bad(
        "flow-logs-present",
        "of a subnet only",
        good_stack.swapped(
            good_stack.FLOW_LOG,
            FakeResource(type=resource_types.FLOW_LOG, props={"subnetId": "subnet-1"}),
        ),
    ),
    good("flow-logs-all-traffic", "all", good_stack.FLOW_LOG),
    bad(
        "flow-logs-all-traffic",
        "rejected only",
        good_stack.FLOW_LOG.with_props(trafficType="REJECT"),
    ),
    bad("flow-logs-all-traffic", "not set", good_stack.FLOW_LOG.with_props(trafficType=None)),
)
