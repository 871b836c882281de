"""Address arithmetic: which block of the VPC a slot is, and which ranges collide. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from itertools import combinations
from typing import Final

IPNetwork = IPv4Network | IPv6Network

PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918, section 3."""
SMALLEST_SUBNET: Final = 28
"""The longest prefix of a subnet (AWS: Subnet CIDR blocks, VPC user guide)."""
SUBNET_BITS: Final = 8
"""A subnet is 1/256 of the VPC, as the replaced module's ``cidrsubnet(vpc, 8, k)``."""

DEFAULT_ZONES: Final = 3
"""How many zones a stack takes that names none, as the replaced module did."""


def subnet_prefix(vpc: IPv4Network) -> int:
    """The prefix length of each subnet: eight bits more than the VPC's, at most /28."""
    return min(vpc.prefixlen + SUBNET_BITS, SMALLEST_SUBNET)


def slot_count(vpc: IPv4Network) -> int:
    """How many subnets *vpc* holds: slots are 0 to one less than this."""
    return 2 ** (subnet_prefix(vpc) - vpc.prefixlen)


def block(vpc: IPv4Network, slot: int) -> IPv4Network:
    """The addresses of *slot*: they depend on nothing but the VPC and the slot's number.

    Raises:
        ValueError: the VPC has no such slot.
    """
    if not 0 <= slot < slot_count(vpc):
        raise ValueError(f"{vpc} holds slots 0 to {slot_count(vpc) - 1}, there is no slot {slot}")
    prefix = subnet_prefix(vpc)
    start = int(vpc.network_address) + slot * 2 ** (vpc.max_prefixlen - prefix)
    return IPv4Network((start, prefix))


def plan(vpc: IPv4Network, zones: Mapping[str, int]) -> dict[str, IPv4Network]:
    """Each zone's block, in the order of the slots."""
    return {zone: block(vpc, slot) for zone, slot in sorted(zones.items(), key=lambda one: one[1])}


def covering(ranges: Iterable[IPNetwork]) -> Iterator[tuple[IPNetwork, IPNetwork]]:
    """Pairs of different *ranges* of which the first holds all of the second."""
    for one, other in combinations(sorted(set(ranges), key=lambda net: net.prefixlen), 2):
        if isinstance(one, IPv4Network):
            if isinstance(other, IPv4Network) and other.subnet_of(one):
                yield one, other
        elif isinstance(other, IPv6Network) and other.subnet_of(one):
            yield one, other
