"""Inputs of the ingress rules."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from infra import catalogue
from policies.config import Parameters
from tests.policies import stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import FakeResource

SSH: Final = stack.INGRESS
NARROW: Final = Parameters(
    allowed_ssh_cidrs=(ip_network("203.0.113.0/24"), ip_network("2001:db8:1::/48"))
)
LISTED: Final = FakeResource(
    type=catalogue.INGRESS_RULE.name,
    name="listed",
    props={**SSH.having(cidrIpv4=None).props, "prefixListId": "pl-0123456789abcdef0"},
    dependencies={"prefixListId": [stack.PREFIX_LIST]},
)


def _narrow(case: Case) -> Case:
    return replace(case, parameters=NARROW)


CASES: Final[tuple[Case, ...]] = (
    good("ingress-only-ssh", "port 22", SSH),
    good("ingress-only-ssh", "port 22, protocol by number", SSH.having(ipProtocol="6")),
    bad("ingress-only-ssh", "port 80", SSH.having(fromPort=80, toPort=80)),
    bad(
        "ingress-only-ssh",
        "port 80 from the world",
        SSH.having(fromPort=80, toPort=80, cidrIpv4="0.0.0.0/0"),
    ),
    bad(
        "ingress-only-ssh",
        "RDP from the world",
        SSH.having(fromPort=3389, toPort=3389, cidrIpv4="0.0.0.0/0"),
    ),
    bad("ingress-only-ssh", "a range around 22", SSH.having(fromPort=0, toPort=65535)),
    bad("ingress-only-ssh", "22 to 23", SSH.having(toPort=23)),
    bad("ingress-only-ssh", "UDP 22", SSH.having(ipProtocol="udp")),
    bad(
        "ingress-only-ssh", "all protocols", SSH.having(ipProtocol="-1", fromPort=None, toPort=None)
    ),
    bad("ingress-only-ssh", "all protocols, with port 22", SSH.having(ipProtocol="-1")),
    bad("ingress-only-ssh", "no ports", SSH.having(fromPort=None, toPort=None)),
    bad("ingress-only-ssh", "ping", SSH.having(ipProtocol="icmp", fromPort=-1, toPort=-1)),
    good("ssh-from-configured-networks", "the world, which is the default", SSH),
    _narrow(good("ssh-from-configured-networks", "the network itself", SSH)),
    _narrow(
        good("ssh-from-configured-networks", "a part of it", SSH.having(cidrIpv4="203.0.113.7/32"))
    ),
    _narrow(
        good(
            "ssh-from-configured-networks",
            "IPv6",
            SSH.having(cidrIpv4=None, cidrIpv6="2001:db8:1:2::/64"),
        )
    ),
    _narrow(bad("ssh-from-configured-networks", "the world", SSH.having(cidrIpv4="0.0.0.0/0"))),
    _narrow(
        bad("ssh-from-configured-networks", "a wider one", SSH.having(cidrIpv4="203.0.112.0/23"))
    ),
    _narrow(
        bad(
            "ssh-from-configured-networks",
            "the IPv6 world",
            SSH.having(cidrIpv4=None, cidrIpv6="::/0"),
        )
    ),
    bad(
        "ssh-from-configured-networks",
        "the IPv6 world, with only IPv4 configured",
        SSH.having(cidrIpv4=None, cidrIpv6="::/0"),
    ),
    bad(
        "ssh-from-configured-networks",
        "a group",
        SSH.having(cidrIpv4=None, referencedSecurityGroupId="sg-1"),
    ),
    good("ssh-prefix-list-in-stack", "none", stack.ALL),
    good("ssh-prefix-list-in-stack", "the stack's", (*stack.ALL, stack.PREFIX_LIST, LISTED)),
    bad("ssh-prefix-list-in-stack", "somebody's", (*stack.ALL, LISTED)),
    _narrow(good("ssh-prefix-list-as-configured", "the configured network", stack.PREFIX_LIST)),
    _narrow(
        bad(
            "ssh-prefix-list-as-configured",
            "two others",
            stack.PREFIX_LIST.having(
                entries=[{"cidr": "203.0.113.0/24"}, {"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]
            ),
            findings=2,
        )
    ),
    good("ssh-not-world-open", "one network", SSH),
    bad("ssh-not-world-open", "the world", SSH.having(cidrIpv4="0.0.0.0/0")),
    bad("ssh-not-world-open", "half of the world", SSH.having(cidrIpv4="128.0.0.0/1")),
    bad("ssh-not-world-open", "the IPv6 world", SSH.having(cidrIpv4=None, cidrIpv6="::/0")),
    bad(
        "ssh-not-world-open",
        "in a prefix list",
        stack.PREFIX_LIST.having(entries=[{"cidr": "0.0.0.0/0"}]),
    ),
    good("no-inline-security-group-rules", "none", stack.GROUP),
    good(
        "no-inline-security-group-rules", "empty lists", stack.GROUP.having(ingress=[], egress=[])
    ),
    bad(
        "no-inline-security-group-rules",
        "one of each",
        stack.GROUP.having(
            ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "self": True}],
            egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0}],
        ),
        findings=2,
    ),
    good("security-group-rules-described", "the program's", SSH),
    bad("security-group-rules-described", "nothing", SSH.having(description=None)),
    bad("security-group-rules-described", "a blank", stack.EGRESS.having(description=" ")),
    bad(
        "security-group-rules-described",
        "the provider's default",
        stack.GROUP.having(description="Managed by Pulumi"),
    ),
)
