"""Address planning for many networks and slots."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import addresses

VPCS = st.builds(
    lambda prefix, bits: IPv4Network(((10 << 24) | (bits << (32 - prefix)) & 0xFFFFFF, prefix)),
    st.integers(16, 24),
    st.integers(0, 255),
)
ZONES = st.lists(st.integers(0, 15), min_size=1, max_size=8, unique=True).map(
    lambda slots: {f"us-east-1{chr(97 + index)}": slot for index, slot in enumerate(slots)}
)


@given(VPCS, ZONES)
def test_blocks_lie_in_the_vpc_and_never_overlap(vpc: IPv4Network, zones: dict[str, int]) -> None:
    blocks = list(addresses.plan(vpc, zones).values())
    assert all(block.subnet_of(vpc) for block in blocks)
    assert all(16 <= block.prefixlen <= 28 for block in blocks)  # the sizes that AWS allows
    assert not any(first.overlaps(second) for first, second in combinations(blocks, 2))


@given(VPCS, ZONES, st.data())
def test_removing_a_zone_moves_no_other_subnet(
    vpc: IPv4Network, zones: dict[str, int], data: st.DataObject
) -> None:
    removed = data.draw(st.sampled_from(sorted(zones)))
    before = addresses.plan(vpc, zones)
    after = addresses.plan(vpc, {zone: slot for zone, slot in zones.items() if zone != removed})
    assert after == {zone: block for zone, block in before.items() if zone != removed}


@given(VPCS)
def test_slots_fill_the_vpc_exactly(vpc: IPv4Network) -> None:
    last = addresses.slot_count(vpc) - 1
    assert addresses.block(vpc, 0).network_address == vpc.network_address
    assert addresses.block(vpc, last).broadcast_address == vpc.broadcast_address
    with pytest.raises(ValueError, match=f"slot {last + 1} "):
        addresses.block(vpc, last + 1)


@given(st.integers(0, 255))
def test_a_slot_is_the_same_block_as_in_the_replaced_module(slot: int) -> None:
    """The replaced module had `cidrsubnet("10.100.0.0/16", 8, slot)`."""
    block = addresses.block(IPv4Network("10.100.0.0/16"), slot)
    assert block == IPv4Network(f"10.100.{slot}.0/24")


def test_the_plan_is_ordered_by_slot() -> None:
    plan = addresses.plan(IPv4Network("10.100.0.0/16"), {"us-east-1d": 5, "us-east-1a": 2})
    assert list(plan) == ["us-east-1a", "us-east-1d"]


@given(st.lists(st.ip_addresses(network="0.0.0.0/0"), min_size=2, max_size=6, unique=True))
def test_single_addresses_never_cover_each_other(singles: list[object]) -> None:
    assert list(addresses.covering(ip_network(str(single)) for single in singles)) == []


@given(st.ip_addresses(network="2001:db8::/32"), st.integers(33, 128))
def test_a_wider_range_covers_a_narrower_one_in_either_order(address: object, prefix: int) -> None:
    narrow = ip_network(f"{address}/{prefix}", strict=False)
    wide = IPv6Network("2001:db8::/32")
    assert list(addresses.covering([narrow, wide])) == [(wide, narrow)]
    assert list(addresses.covering([wide, narrow])) == [(wide, narrow)]


def test_the_families_do_not_cover_each_other() -> None:
    everything = [IPv4Network("0.0.0.0/0"), IPv6Network("::/0")]
    assert list(addresses.covering(everything)) == []
