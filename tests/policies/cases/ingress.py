"""Inputs of the ingress rules."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from policies import resource_types
from policies.config import Parameters
from tests.policies import good_stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import FakeResource

SSH: Final = good_stack.INGRESS
NARROW: Final = Parameters(
    allowed_ssh_cidrs=(ip_network("203.0.113.0/24"), ip_network("2001:db8:1::/48"))
)
LISTED: Final = FakeResource(
    type=resource_types.INGRESS_RULE,
    name="listed",
    props={**SSH.with_props(cidrIpv4=None).props, "prefixListId": "pl-0123456789abcdef0"},
    dependencies={"prefixListId": [good_stack.PREFIX_LIST]},
)


def _narrow(case: Case) -> Case:
    return replace(case, parameters=NARROW)


CASES: Final[tuple[Case, ...]] = (
    good("ingress-only-ssh", "port 22", SSH),
    good("ingress-only-ssh", "port 22, protocol by number", SSH.with_props(ipProtocol="6")),
    bad("ingress-only-ssh", "port 80", SSH.with_props(fromPort=80, toPort=80)),
    bad(
        "ingress-only-ssh",
        "port 80 from the world",
        SSH.with_props(fromPort=80, toPort=80, cidrIpv4="0.0.0.0/0"),
    ),
    bad(
        "ingress-only-ssh",
        "RDP from the world",
        SSH.with_props(fromPort=3389, toPort=3389, cidrIpv4="0.0.0.0/0"),
    ),
    bad("ingress-only-ssh", "a range around 22", SSH.with_props(fromPort=0, toPort=65535)),
    bad("ingress-only-ssh", "22 to 23", SSH.with_props(toPort=23)),
    bad("ingress-only-ssh", "UDP 22", SSH.with_props(ipProtocol="udp")),
    bad(
        "ingress-only-ssh",
        "all protocols",
        SSH.with_props(ipProtocol="-1", fromPort=None, toPort=None),
    ),
    bad("ingress-only-ssh", "all protocols, with port 22", SSH.with_props(ipProtocol="-1")),
    bad("ingress-only-ssh", "no ports", SSH.with_props(fromPort=None, toPort=None)),
    bad("ingress-only-ssh", "ping", SSH.with_props(ipProtocol="icmp", fromPort=-1, toPort=-1)),
    good("ssh-from-configured-networks", "the world, which is the default", SSH),
    _narrow(good("ssh-from-configured-networks", "the network itself", SSH)),
    _narrow(
        good(
            "ssh-from-configured-networks",
            "a part of it",
            SSH.with_props(cidrIpv4="203.0.113.7/32"),
        )
    ),
    _narrow(
        good(
            "ssh-from-configured-networks",
            "IPv6",
            SSH.with_props(cidrIpv4=None, cidrIpv6="2001:db8:1:2::/64"),
        )
    ),
    _narrow(bad("ssh-from-configured-networks", "the world", SSH.with_props(cidrIpv4="0.0.0.0/0"))),
    _narrow(
        bad(
            "ssh-from-configured-networks", "a wider one", SSH.with_props(cidrIpv4="203.0.112.0/23")
        )
    ),
    _narrow(
        bad(
            "ssh-from-configured-networks",
            "the IPv6 world",
            SSH.with_props(cidrIpv4=None, cidrIpv6="::/0"),
        )
    ),
    bad(
        "ssh-from-configured-networks",
        "the IPv6 world, with only IPv4 configured",
        SSH.with_props(cidrIpv4=None, cidrIpv6="::/0"),
    ),
    bad(
        "ssh-from-configured-networks",
        "a group",
        SSH.with_props(cidrIpv4=None, referencedSecurityGroupId="sg-1"),
    ),
    good("ssh-prefix-list-in-stack", "none", good_stack.ALL),
    good(
        "ssh-prefix-list-in-stack", "the stack's", (*good_stack.ALL, good_stack.PREFIX_LIST, LISTED)
    ),
    bad("ssh-prefix-list-in-stack", "somebody's", (*good_stack.ALL, LISTED)),
    _narrow(
        good("ssh-prefix-list-as-configured", "the configured network", good_stack.PREFIX_LIST)
    ),
    _narrow(
        bad(
            "ssh-prefix-list-as-configured",
            "two others",
            good_stack.PREFIX_LIST.with_props(
                entries=[{"cidr": "203.0.113.0/24"}, {"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]
            ),
            findings=2,
        )
    ),
    good("ssh-not-world-open", "one network", SSH),
    bad("ssh-not-world-open", "the world", SSH.with_props(cidrIpv4="0.0.0.0/0")),
    bad("ssh-not-world-open", "half of the world", SSH.with_props(cidrIpv4="128.0.0.0/1")),
    bad(
        "ssh-not-world-open",
        "the IPv6 world",
        SSH.with_props(cidrIpv4=None, cidrIpv6="::/0"),
    ),
    bad(
        "ssh-not-world-open",
        "in a prefix list",
        good_stack.PREFIX_LIST.with_props(entries=[{"cidr": "0.0.0.0/0"}]),
    ),
    good("no-inline-security-group-rules", "none", good_stack.GROUP),
    good(
        "no-inline-security-group-rules",
        "empty lists",
        good_stack.GROUP.with_props(ingress=[], egress=[]),
    ),
    bad(
        "no-inline-security-group-rules",
        "one of each",
        good_stack.GROUP.with_props(
            ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "self": True}],
            egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0}],
        ),
        findings=2,
    ),
    good("security-group-rules-described", "the program's", SSH),
    bad("security-group-rules-described", "nothing", SSH.with_props(description=None)),
    bad("security-group-rules-described", "a blank", good_stack.EGRESS.with_props(description=" ")),
    bad(
        "security-group-rules-described",
        "the provider's default",
        good_stack.GROUP.with_props(description="Managed by Pulumi"),
    ),
)
