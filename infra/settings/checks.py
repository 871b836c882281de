"""What one setting may be: each check returns the value, or says what is wrong and what to do."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import AddressValueError, IPv4Network, ip_network
from typing import Any, Final

from infra.addresses import PRIVATE, IPNetwork, covering

WIDEST_VPC: Final = 16
NARROWEST_VPC: Final = 24
MOST_PREFIX_LIST_ENTRIES: Final = 1000
"""Entries that a managed prefix list can hold (AWS: Amazon VPC quotas)."""
RETENTIONS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days that CloudWatch Logs offers (AWS: PutRetentionPolicy)."""
GPU_FAMILY: Final = re.compile(r"(g|gr|p)\d[a-z]*(-[a-z0-9]+)?")
NOT_NVIDIA_X86: Final = {
    "g4ad": "has AMD graphics, the image's driver is NVIDIA's",
    "g5g": "has ARM processors, the image is for x86-64",
    "p6e-gb200": "has ARM processors, the image is for x86-64",
}
SIZE: Final = re.compile(r"(\d{0,3}x?large|medium|metal(-\d+xl)?)")
S3_WILDCARD: Final = "*"


def region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", text):
        raise ValueError("is no AWS region; write one like us-east-1")
    return text


def environment(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", text):
        raise ValueError(
            "stands in tags and names; write 1 to 32 small letters, digits and dashes, "
            "a letter first"
        )
    return text


def ipv4_network(text: str | IPv4Network) -> IPv4Network:
    network = _network(text)
    if not isinstance(network, IPv4Network):
        raise ValueError("is IPv6; write an IPv4 range")  # noqa: TRY004 - pydantic collects it
    return network


def vpc_network(text: str | IPv4Network) -> IPv4Network:
    network = ipv4_network(text)
    if not any(network.subnet_of(private) for private in PRIVATE):
        raise ValueError(
            "is not private (RFC 1918); choose within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        )
    if not WIDEST_VPC <= network.prefixlen <= NARROWEST_VPC:
        raise ValueError(
            f"has prefix /{network.prefixlen}; choose /{WIDEST_VPC} (AWS's widest) "
            f"to /{NARROWEST_VPC} (room for 16 zones)"
        )
    return network


def ssh_ranges(texts: Any) -> tuple[IPNetwork, ...]:  # noqa: ANN401 - judged here
    ranges = tuple(map(_network, not_empty(texts)))
    if twice := _twice(map(str, ranges)):
        raise ValueError(f"names {twice} twice; remove one")
    for wide, narrow in covering(ranges):
        raise ValueError(f"{wide} covers {narrow}; remove one of the two")
    for version in (4, 6):
        if (count := sum(one.version == version for one in ranges)) > MOST_PREFIX_LIST_ENTRIES:
            raise ValueError(
                f"holds {count} IPv{version} ranges, a managed prefix list at most "
                f"{MOST_PREFIX_LIST_ENTRIES}; join neighbouring ranges"
            )
    return ranges


def zones(slots: Mapping[str, int]) -> Mapping[str, int]:
    for zone, slot in slots.items():
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d(-[a-z]{3}-\d)?[a-z]", zone):
            raise ValueError(f"{zone} is no availability zone; write one like us-east-1a")
        if slot < 0:
            raise ValueError(f"{zone}: slot {slot} is below 0; write 0 or more")
    counts = Counter(slots.values())
    for slot, count in counts.items():
        if count > 1:
            names = ", ".join(zone for zone, own in slots.items() if own == slot)
            raise ValueError(f"{names} share slot {slot}; give each zone a slot of its own")
    return slots


def instance_type(text: str) -> str:
    family, dot, size = text.partition(".")
    if not dot or not re.fullmatch(r"[a-z0-9-]+", family) or not SIZE.fullmatch(size):
        raise ValueError("is no instance type; write one like g5.12xlarge")
    _gpu(family)
    return text


def instance_type_patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        family, dot, size = text.partition(".")
        if not dot or not re.fullmatch(r"[a-z0-9-]+", family):
            raise ValueError(f"{text} is no instance type or family; write g5.* or g5.12xlarge")
        if size != S3_WILDCARD and not SIZE.fullmatch(size):
            raise ValueError(f"{text} has no such size; write {family}.* or {family}.12xlarge")
        _gpu(family)
    if twice := _twice(texts):
        raise ValueError(f"names {twice} twice; remove one")
    return texts


def ami_id(text: str) -> str:
    if not text or re.fullmatch(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", text):
        return text
    if found := re.search(r"[a-z]{2}(-[a-z]+)+-\d", text):
        raise ValueError(
            f"names region {found[0]}; images belong to one region: write the bare id that the "
            "image has in the stack's region, like ami-0123456789abcdef0"
        )
    raise ValueError("is no image id; write one like ami-0123456789abcdef0, or leave it empty")


def key_name(text: str) -> str:
    if len(text) > 255 or not text.isascii() or text != text.strip():  # noqa: PLR2004 - EC2's limit
        raise ValueError(
            "is no key pair name; write up to 255 ASCII characters without spaces around"
        )
    return text


def retention(days: int) -> int:
    if days not in RETENTIONS:
        near = min(RETENTIONS, key=lambda one: abs(one - days))
        raise ValueError(f"is no retention that CloudWatch Logs offers; the nearest is {near}")
    return days


def bucket(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text) or ".." in text:
        raise ValueError(
            "is no bucket name; write 3 to 63 small letters, digits, dots and dashes, no wildcard"
        )
    return text


def bucket_patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{2,62}\*?", text):
            raise ValueError(
                f"{text or 'an empty name'} is no bucket name; write a name, or at least three "
                "characters and a closing * for all buckets of this account that begin so"
            )
    if twice := _twice(texts):
        raise ValueError(f"names {twice} twice; remove one")
    return texts


def log_prefix(text: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9_./#-]{1,200}/", text) or "//" in text:
        raise ValueError(
            "is no prefix of log groups; begin and end it with a slash, as in /aws/ec2/sandbox/"
        )
    return text


def oidc_provider(text: str) -> str:
    if text and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[^*?\s]+", text):
        raise ValueError(
            "is no OIDC provider's ARN; write arn:aws:iam::<account>:oidc-provider/<issuer>"
        )
    return text


def service_account(text: str) -> str:
    name = r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"
    if text and not re.fullmatch(rf"{name}/{name}", text):
        raise ValueError("is no service account; write namespace/name, without wildcards")
    return text


def manager_keys(stages: Mapping[str, str]) -> Mapping[str, str]:
    currents = [slot for slot, stage in stages.items() if stage == "current"]
    if len(currents) != 1:
        found = " and ".join(f"{slot}: {stage}" for slot, stage in stages.items()) or "no slot"
        raise ValueError(
            f"{found} names {len(currents)} current keys; the service uses exactly one: write "
            "a: current (or b), and leave the rest to `sandbox keys rotate`"
        )
    return stages


def budget(dollars: int) -> int:
    if dollars < 0:
        raise ValueError("is below 0; write whole US dollars a month, or 0 for no budget")
    return dollars


def email(text: str) -> str:
    if text and not re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+", text):
        raise ValueError("is no e-mail address; write one like costs@example.org")
    return text


def not_empty(values: Any) -> Any:  # noqa: ANN401 - pydantic judges the entries
    if not values:
        raise ValueError("is empty; name at least one, or remove the key for the default")
    return values


def _network(text: Any) -> IPNetwork:  # noqa: ANN401 - judged here
    if isinstance(text, IPNetwork):
        return text
    if not isinstance(text, str):
        raise ValueError(f"{text} is no text; write a range like 203.0.113.0/24 in quotes")  # noqa: TRY004
    if "/" not in text:
        try:
            single = ip_network(text)
        except ValueError:
            raise ValueError(_no_cidr(text)) from None
        raise ValueError(f"{text} has no prefix length; write {single} for this one address")
    try:
        return ip_network(text)
    except AddressValueError:
        raise ValueError(_no_cidr(text)) from None
    except ValueError:
        try:
            whole = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(_no_cidr(text)) from None
        raise ValueError(f"{text} has host bits set; write {whole}") from None


def _no_cidr(text: str) -> str:
    return f"{text or 'an empty text'} is no CIDR; write one like 203.0.113.0/24 or 2001:db8::/32"


def _gpu(family: str) -> None:
    if why := NOT_NVIDIA_X86.get(family):
        raise ValueError(f"{family} {why}; choose a family such as g5, g6 or p4d")
    if not GPU_FAMILY.fullmatch(family):
        raise ValueError(f"{family} has no GPU; choose a family such as g5, g6 or p4d")


def _twice(texts: Iterable[str]) -> str:
    return next((text for text, count in Counter(texts).items() if count > 1), "")
