"""Inputs of the network rules."""

from dataclasses import replace
from typing import Final

from infra import catalogue
from policies.config import Parameters
from tests.policies import passing_stack
from tests.policies.pack_server import FakeResource
from tests.policies.rule_case import Case, bad, good

SECOND: Final = FakeResource(
    type=catalogue.VPC.name, name="other", props={"id": "vpc-2", "cidrBlock": "10.1.0.0/16"}
)
OTHER_TABLE: Final = FakeResource(
    type=catalogue.ROUTE_TABLE.name, name="other", props={"id": "rtb-2"}
)
HTTPS: Final = passing_stack.EGRESS.having(ipProtocol="tcp", fromPort=443, toPort=443)
NO_FLOW_LOGS: Final = Parameters(flow_logs=False)


def _https(case: Case) -> Case:
    return replace(case, parameters=Parameters(allowed_egress=("tcp 443 0.0.0.0/0",)))


CASES: Final[tuple[Case, ...]] = (
    good("one-vpc", "the program's", passing_stack.ALL),
    bad("one-vpc", "a second VPC", (*passing_stack.ALL, SECOND)),
    good("vpc-cidr-as-configured", "the configured range", passing_stack.VPC),
    bad(
        "vpc-cidr-as-configured",
        "another range",
        passing_stack.VPC.having(cidrBlock="10.200.0.0/16"),
    ),
    bad(
        "vpc-cidr-as-configured",
        "a wider range",
        passing_stack.VPC.having(cidrBlock="10.96.0.0/11"),
    ),
    bad(
        "vpc-cidr-as-configured",
        "a range that overlaps the main network, too",
        passing_stack.VPC.having(cidrBlock="10.0.128.0/17"),
        findings=2,
    ),
    bad("vpc-cidr-as-configured", "no range", passing_stack.VPC.having(cidrBlock=None)),
    good("subnet-inside-vpc", "a block of the VPC", passing_stack.SUBNET),
    bad(
        "subnet-inside-vpc",
        "a block elsewhere",
        passing_stack.SUBNET.having(cidrBlock="10.0.1.0/24"),
    ),
    bad("subnet-inside-vpc", "IPv6 only", passing_stack.SUBNET.having(cidrBlock=None)),
    bad(
        "subnet-inside-vpc", "an IPv6 block", passing_stack.SUBNET.having(cidrBlock="2001:db8::/64")
    ),
    good("subnets-use-public-route-table", "the program's", passing_stack.ALL),
    bad(
        "subnets-use-public-route-table",
        "no association",
        passing_stack.without(passing_stack.ASSOCIATION),
    ),
    bad(
        "subnets-use-public-route-table",
        "no default route",
        passing_stack.without(passing_stack.ROUTE),
    ),
    bad(
        "subnets-use-public-route-table",
        "another table",
        (
            *passing_stack.without(passing_stack.ASSOCIATION),
            OTHER_TABLE,
            FakeResource(
                type=catalogue.ROUTE_TABLE_ASSOCIATION.name,
                props={"subnetId": "subnet-0123456789abcdef0", "routeTableId": "rtb-2"},
            ),
        ),
    ),
    good("default-security-group-managed", "the program's", passing_stack.ALL),
    bad(
        "default-security-group-managed",
        "unmanaged",
        passing_stack.without(passing_stack.DEFAULT_GROUP),
    ),
    good("egress-as-configured", "all traffic, which is the default", passing_stack.EGRESS),
    bad(
        "egress-as-configured", "IPv6", passing_stack.EGRESS.having(cidrIpv4=None, cidrIpv6="::/0")
    ),
    _https(good("egress-as-configured", "the configured port", HTTPS)),
    _https(
        good("egress-as-configured", "a part of the range", HTTPS.having(cidrIpv4="1.1.1.1/32"))
    ),
    _https(bad("egress-as-configured", "all traffic", passing_stack.EGRESS)),
    _https(bad("egress-as-configured", "more ports", HTTPS.having(toPort=444))),
    _https(bad("egress-as-configured", "another protocol", HTTPS.having(ipProtocol="udp"))),
    good("flow-logs-present", "the program's", passing_stack.ALL),
    bad("flow-logs-present", "none", passing_stack.without(passing_stack.FLOW_LOG)),
    bad("flow-logs-present", "not for a second VPC", (*passing_stack.ALL, SECOND)),
    bad(
        "flow-logs-present",
        "of a subnet only",
        passing_stack.swapped(
            passing_stack.FLOW_LOG,
            FakeResource(type=catalogue.FLOW_LOG.name, props={"subnetId": "subnet-1"}),
        ),
    ),
    replace(
        good(
            "flow-logs-present",
            "none, as configured",
            passing_stack.without(passing_stack.FLOW_LOG),
        ),
        parameters=NO_FLOW_LOGS,
    ),
    good("flow-logs-on", "the program's", passing_stack.ALL),
    replace(
        bad("flow-logs-on", "none", passing_stack.without(passing_stack.FLOW_LOG)),
        parameters=NO_FLOW_LOGS,
    ),
)
