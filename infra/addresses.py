"""Address arithmetic, without AWS: the subnet of each slot, and ranges that cover each other."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from itertools import combinations
from typing import Final

IPNetwork = IPv4Network | IPv6Network

PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918, section 3."""
SMALLEST_SUBNET: Final = 28
"""The longest prefix of a subnet (VPC user guide, Subnet CIDR blocks)."""
SUBNET_BITS: Final = 8
"""A subnet is 1/256 of the VPC, like the replaced module's ``cidrsubnet(vpc, 8, slot)``."""

DEFAULT_ZONES: Final = 3
"""The number of zones of a stack that names none, as in the replaced module."""


def subnet_prefix(vpc: IPv4Network) -> int:
    """The prefix length of each subnet: eight bits more than the VPC's, at most /28."""
    return min(vpc.prefixlen + SUBNET_BITS, SMALLEST_SUBNET)


def slot_count(vpc: IPv4Network) -> int:
    """The number of subnets that *vpc* holds; slots are counted from 0."""
    return 2 ** (subnet_prefix(vpc) - vpc.prefixlen)


def block(vpc: IPv4Network, slot: int) -> IPv4Network:
    """The addresses of *slot*; they depend only on the VPC and on the slot's number.

    Raises:
        ValueError: the VPC has no such slot.
    """
    if not 0 <= slot < slot_count(vpc):
        raise ValueError(
            f"{vpc} holds slots 0 to {slot_count(vpc) - 1}; slot {slot} is outside of it"
        )
    prefix = subnet_prefix(vpc)
    start = int(vpc.network_address) + slot * 2 ** (vpc.max_prefixlen - prefix)
    return IPv4Network((start, prefix))


def plan(vpc: IPv4Network, zones: Mapping[str, int]) -> dict[str, IPv4Network]:
    """Each zone's block, in the order of the slots."""
    slots = sorted(zones.items(), key=lambda zone_and_slot: zone_and_slot[1])
    return {zone: block(vpc, slot) for zone, slot in slots}


def covering(ranges: Iterable[IPNetwork]) -> Iterator[tuple[IPNetwork, IPNetwork]]:
    """Pairs of different *ranges* where the first contains the second."""
    widest_first = sorted(set(ranges), key=lambda network: network.prefixlen)
    for wide, narrow in combinations(widest_first, 2):
        if isinstance(wide, IPv4Network):
            if isinstance(narrow, IPv4Network) and narrow.subnet_of(wide):
                yield wide, narrow
        elif isinstance(narrow, IPv6Network) and narrow.subnet_of(wide):
            yield wide, narrow
