"""SSH, from the configured networks, and nothing else."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from policies import resource_types as kinds
from policies.config import Parameters
from tests.policies import good_stack as stack
from tests.policies.case import Case, bad, good
from tests.policies.view import Made

SSH: Final = stack.INGRESS
OLD: Final = Made(
    type=kinds.OLD_GROUP_RULE,
    props={
        "type": "ingress",
        "protocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "cidrBlocks": ["203.0.113.0/24"],
    },
)
NARROW: Final = Parameters(
    allowed_ssh_cidrs=(ip_network("203.0.113.0/24"), ip_network("2001:db8:1::/48"))
)
LISTED: Final = Made(
    type=kinds.INGRESS,
    name="listed",
    props={**SSH.having(cidrIpv4=None).props, "prefixListId": "pl-0123456789abcdef0"},
    wires={"prefixListId": [stack.PREFIX_LIST]},
)


def _narrow(case: Case) -> Case:
    return replace(case, parameters=NARROW)


CASES: Final[tuple[Case, ...]] = (
    good("ingress-only-ssh", "port 22", SSH),
    good("ingress-only-ssh", "port 22, protocol by number", SSH.having(ipProtocol="6")),
    good("ingress-only-ssh", "the old kind of rule", OLD),
    good(
        "ingress-only-ssh", "an old rule for the way out", OLD.having(type="egress", protocol="-1")
    ),
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
    bad("ingress-only-ssh", "all protocols, though it says 22", SSH.having(ipProtocol="-1")),
    bad("ingress-only-ssh", "no ports", SSH.having(fromPort=None, toPort=None)),
    bad("ingress-only-ssh", "ping", SSH.having(ipProtocol="icmp", fromPort=-1, toPort=-1)),
    bad("ingress-only-ssh", "an old rule for RDP", OLD.having(fromPort=3389, toPort=3389)),
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
    _narrow(
        bad(
            "ssh-from-configured-networks",
            "self first, the world second",
            OLD.having(self=True, cidrBlocks=["0.0.0.0/0"]),
            findings=2,
        )
    ),
    bad(
        "ssh-from-configured-networks",
        "an old rule with a group and a prefix list",
        OLD.having(sourceSecurityGroupId="sg-1", prefixListIds=["pl-1"]),
        findings=2,
    ),
    _narrow(
        bad(
            "ssh-from-configured-networks",
            "the second of two",
            OLD.having(cidrBlocks=["203.0.113.0/24", "198.51.100.0/24"]),
        )
    ),
    good("ssh-prefix-list-is-own", "none", stack.ALL),
    good("ssh-prefix-list-is-own", "the stack's", (*stack.ALL, stack.PREFIX_LIST, LISTED)),
    bad("ssh-prefix-list-is-own", "somebody's", (*stack.ALL, LISTED)),
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
    good("ssh-not-world-open", "the world, but not inbound", stack.EGRESS),
    bad("ssh-not-world-open", "the world", SSH.having(cidrIpv4="0.0.0.0/0")),
    bad("ssh-not-world-open", "half of the world", SSH.having(cidrIpv4="128.0.0.0/1")),
    bad(
        "ssh-not-world-open",
        "the IPv6 world",
        SSH.having(cidrIpv4=None, cidrIpv6="::/0"),
    ),
    bad(
        "ssh-not-world-open",
        "both, in an old rule",
        OLD.having(cidrBlocks=["0.0.0.0/0"], ipv6CidrBlocks=["::/0"]),
        findings=2,
    ),
    bad(
        "ssh-not-world-open",
        "in a prefix list",
        stack.PREFIX_LIST.having(entries=[{"cidr": "0.0.0.0/0"}]),
    ),
    good("no-inline-group-rules", "none", stack.GROUP),
    good("no-inline-group-rules", "empty lists", stack.GROUP.having(ingress=[], egress=[])),
    bad(
        "no-inline-group-rules",
        "one of each",
        stack.GROUP.having(
            ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "self": True}],
            egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0}],
        ),
        findings=2,
    ),
    bad("no-inline-group-rules", "an old rule", OLD),
    good("group-rules-described", "the program's", SSH),
    bad("group-rules-described", "nothing", SSH.having(description=None)),
    bad("group-rules-described", "a blank", stack.EGRESS.having(description=" ")),
    bad(
        "group-rules-described",
        "the provider's stand-in",
        stack.GROUP.having(description="Managed by Pulumi"),
    ),
)
