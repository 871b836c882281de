"""Inputs of the ingress rules."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from policies.config import Parameters
from tests.policies import passing_stack
from tests.policies.rule_case import Case, bad, good

SSH: Final = passing_stack.INGRESS
NARROW: Final = Parameters(
    allowed_ssh_cidrs=(ip_network("203.0.113.0/24"), ip_network("2001:db8:1::/48"))
)


def _narrow(case: Case) -> Case:
    return replace(case, parameters=NARROW)


CASES: Final[tuple[Case, ...]] = (
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
    _narrow(good("ssh-from-configured-networks", "in a prefix list", passing_stack.PREFIX_LIST)),
    _narrow(
        bad(
            "ssh-from-configured-networks",
            "two others in a prefix list",
            passing_stack.PREFIX_LIST.having(
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
        passing_stack.PREFIX_LIST.having(entries=[{"cidr": "0.0.0.0/0"}]),
    ),
    good("security-group-rules-described", "the program's", SSH),
    bad("security-group-rules-described", "nothing", SSH.having(description=None)),
    bad("security-group-rules-described", "a blank", passing_stack.EGRESS.having(description=" ")),
    bad(
        "security-group-rules-described",
        "the provider's default",
        passing_stack.GROUP.having(description="Managed by Pulumi"),
    ),
)
