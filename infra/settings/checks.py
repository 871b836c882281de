"""Checks of single settings. Each returns the value, or raises ValueError with the cure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import AddressValueError, IPv4Network, ip_network
from typing import Any, Final

from infra.addresses import PRIVATE, IPNetwork, covering
from infra.egress import Egress

WIDEST_VPC: Final = 16
NARROWEST_VPC: Final = 24
MAX_SSH_RANGES: Final = 940
"""Rules that a security group can ever have (1000, Amazon VPC quotas), less the 60 single rules
that it can hold while an update replaces them by prefix lists."""
MAX_EGRESS_RULES: Final = 60
"""Outbound rules of a security group for each version of IP (Amazon VPC quotas)."""
RESERVED_TAGS: Final = frozenset(
    {"name", "project", "environment", "purpose", "type", "terraform", "user_id", "sandbox_ami_id"}
)
"""Keys of the program's own tags and of the replaced module's, in lower case: IAM ignores case."""
MAX_OWN_TAGS: Final = 40
"""A resource takes 50 tags (Tagging AWS resources), and the program sets up to six."""
RETENTIONS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Retention periods of CloudWatch Logs in days (CloudWatch Logs API, PutRetentionPolicy)."""
GPU_FAMILY: Final = re.compile(r"(g|gr|p)\d[a-z]*(-[a-z0-9]+)?")
NOT_NVIDIA_X86: Final = {
    "g4ad": "has AMD GPUs, but the image has the driver of NVIDIA",
    **dict.fromkeys(("g5g", "p6e-gb200"), "has ARM processors, but the image is for x86-64"),
}
SIZE: Final = re.compile(r"(\d{0,3}x?large|medium|metal(-\d+xl)?)")
MAX_VOLUME_GIB: Final = 16_384
"""GiB of the largest gp2 and gp3 volume (EC2 API, EbsBlockDevice)."""
WILDCARD: Final = "*"
REGIONS: Final = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2"),
    *("ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
    *("ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1"),
    *("eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1"),
    *("me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1"),
    *("us-gov-west-1", "us-west-1", "us-west-2"),
)
"""EC2's regions of the partitions aws and aws-us-gov (endpoints.json of botocore). A request to a
region that does not exist is repeated for ten minutes before it fails."""


def region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", text):
        raise ValueError("is not a valid AWS region; use one like us-east-1")
    if text.startswith("cn-"):
        raise ValueError(
            "is in China, where AWS has other endpoints and principals; this program cannot be "
            "used there"
        )
    if text not in REGIONS:
        nearest = ", ".join(get_close_matches(text, REGIONS, cutoff=0.0))
        raise ValueError(f"is not a region that this program knows; the nearest are {nearest}")
    return text


def account_id(text: str) -> str:
    if text and not re.fullmatch(r"\d{12}", text):
        raise ValueError(
            "is not a valid AWS account; use its 12 digits in quotes, or leave it empty"
        )
    return text


def environment(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", text):
        raise ValueError(
            "is not a valid environment; use 1 to 32 lowercase letters, digits and dashes, "
            "starting with a letter"
        )
    return text


def ipv4_network(text: str | IPv4Network) -> IPv4Network:
    network = _network(text)
    if not isinstance(network, IPv4Network):
        raise ValueError("is an IPv6 range; use an IPv4 range")  # noqa: TRY004 - pydantic collects it
    return network


def vpc_network(text: str | IPv4Network) -> IPv4Network:
    network = ipv4_network(text)
    if not any(network.subnet_of(private) for private in PRIVATE):
        raise ValueError(
            "is not private (RFC 1918); use a range within 10.0.0.0/8, 172.16.0.0/12 or "
            "192.168.0.0/16"
        )
    if not WIDEST_VPC <= network.prefixlen <= NARROWEST_VPC:
        raise ValueError(
            f"has prefix length /{network.prefixlen}; use /{WIDEST_VPC} (the widest that AWS "
            f"allows) to /{NARROWEST_VPC} (room for 16 zones)"
        )
    return network


def ssh_ranges(texts: Any) -> tuple[IPNetwork, ...]:  # noqa: ANN401 - checked here
    ranges = tuple(map(_network, not_empty(texts)))
    if repeated := _repeated(map(str, ranges)):
        raise ValueError(f"names {repeated} twice; remove one of them")
    for wide, narrow in covering(ranges):
        raise ValueError(f"{wide} includes {narrow}; remove one of the two")
    for version in (4, 6):
        if (count := sum(cidr.version == version for cidr in ranges)) > MAX_SSH_RANGES:
            raise ValueError(
                f"holds {count} IPv{version} ranges, but a security group can hold at most "
                f"{MAX_SSH_RANGES}; merge neighbouring ranges"
            )
    return ranges


def zones(slots: Mapping[str, int]) -> Mapping[str, int]:
    for zone, slot in slots.items():
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d(-[a-z]{3}-\d)?[a-z]", zone):
            raise ValueError(f"{zone} is not a valid availability zone; use one like us-east-1a")
        if slot < 0:
            raise ValueError(f"{zone}: slot {slot} is below 0; use 0 or more")
    counts = Counter(slots.values())
    for slot, count in counts.items():
        if count > 1:
            sharing = ", ".join(zone for zone in slots if slots[zone] == slot)
            raise ValueError(f"{sharing} share slot {slot}; give each zone its own slot")
    return slots


def instance_type(text: str) -> str:
    family, dot, size = text.partition(".")
    if not dot or not re.fullmatch(r"[a-z0-9-]+", family) or not SIZE.fullmatch(size):
        raise ValueError("is not a valid instance type; use one like g5.12xlarge")
    _gpu(family)
    return text


def instance_type_patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        family, dot, size = text.partition(".")
        if not dot or not re.fullmatch(r"[a-z0-9-]+", family):
            raise ValueError(
                f"{text} is not a valid instance type or family; use one like g5.12xlarge or g5.*"
            )
        if size != WILDCARD and not SIZE.fullmatch(size):
            raise ValueError(
                f"{text} is not a valid size; use one like {family}.12xlarge or {family}.*"
            )
        _gpu(family)
    if repeated := _repeated(texts):
        raise ValueError(f"names {repeated} twice; remove one of them")
    return texts


def volume_size(gib: int) -> int:
    if not 1 <= gib <= MAX_VOLUME_GIB:
        raise ValueError(f"is not a size of an EBS volume; use 1 to {MAX_VOLUME_GIB} GiB")
    return gib


def distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    if repeated := _repeated(texts):
        raise ValueError(f"names {repeated} twice; remove one of them")
    return texts


def capacity_reservations(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(r"cr-[0-9a-f]{17}", text):
            raise ValueError(
                f"{text or 'an empty text'} is not the id of a capacity reservation; use one like "
                "cr-0123456789abcdef0"
            )
    return distinct(texts)


def tag_keys(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(r"[A-Za-z0-9_.:/=+@-]{1,128}", text) or text.lower().startswith("aws:"):
            raise ValueError(
                f"{text or 'an empty text'} is not the key of a tag that this setting takes; use 1 "
                "to 128 letters, digits and _.:/=+@-, without a wildcard, not beginning with aws:"
            )
    return distinct(texts)


def own_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    for key, value in tags.items():
        if key.lower() in RESERVED_TAGS or key.lower().startswith("aws:"):
            raise ValueError(
                f"{key} is a key that this program or AWS sets; use another, and set the "
                "environment with sandbox:environment"
            )
        if not re.fullmatch(r"[\w .:/=+@-]{1,128}", key) or key != key.strip():
            raise ValueError(
                f"{key or 'an empty text'} is not the key of a tag; use 1 to 128 letters, digits, "
                "spaces and _.:/=+@-"
            )
        if not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            raise ValueError(
                f"{key}: its value is not one that all services take; use up to 256 letters, "
                "digits, spaces and _.:/=+@-"
            )
    if len(tags) > MAX_OWN_TAGS:
        raise ValueError(f"holds {len(tags)} tags; use at most {MAX_OWN_TAGS}")
    if repeated := _repeated(key.lower() for key in tags):
        raise ValueError(f"names {repeated} in two spellings; IAM takes one of them")
    return tags


def egress(texts: tuple[str, ...]) -> tuple[str, ...]:
    rules = [Egress.of(text) for text in texts]
    distinct(tuple(map(str, rules)))
    for version in (4, 6):
        if (count := sum(rule.cidr.version == version for rule in rules)) > MAX_EGRESS_RULES:
            raise ValueError(
                f"holds {count} IPv{version} rules, but a security group takes {MAX_EGRESS_RULES}; "
                "merge some"
            )
    return tuple(map(str, rules))


def ami_id(text: str) -> str:
    if not text or re.fullmatch(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", text):
        return text
    if other_region := re.search(r"[a-z]{2}(-[a-z]+)+-\d", text):
        raise ValueError(
            f"names region {other_region[0]}, but an image id is valid in one region only; use the "
            "id that the image has in the stack's region, like ami-0123456789abcdef0"
        )
    raise ValueError(
        "is not a valid image id; use one like ami-0123456789abcdef0, or leave it empty"
    )


def key_name(text: str) -> str:
    if len(text) > 255 or not text.isascii() or text != text.strip():  # noqa: PLR2004 - EC2's limit
        raise ValueError(
            "is not a valid key pair name; use up to 255 ASCII characters, without spaces at the "
            "start and end"
        )
    return text


def retention(days: int) -> int:
    if days not in RETENTIONS:
        nearest = min(RETENTIONS, key=lambda offered: abs(offered - days))
        raise ValueError(
            f"is not a retention period of CloudWatch Logs; use {nearest}, the nearest"
        )
    return days


def bucket(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text) or ".." in text:
        raise ValueError(
            "is not a valid bucket name; use 3 to 63 lowercase letters, digits, dots and dashes, "
            "without a wildcard"
        )
    return text


def bucket_patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{2,62}\*?", text):
            raise ValueError(
                f"{text or 'an empty name'} is not a valid bucket name; use a name, or at least "
                "three characters and a final * for all buckets of this account that begin so"
            )
    if repeated := _repeated(texts):
        raise ValueError(f"names {repeated} twice; remove one of them")
    return texts


def repository_patterns(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._/-]{1,255}\*?|\*", text):
            raise ValueError(
                f"{text or 'an empty name'} is not a valid repository; use a name, one that ends "
                "in * for all that begin so, or * for all repositories of this account"
            )
    return distinct(texts)


def log_prefix(text: str) -> str:
    # CloudWatch Logs also takes #, but the group's Name tag does not
    if not re.fullmatch(r"/[A-Za-z0-9_./-]{1,200}/", text) or "//" in text:
        raise ValueError(
            "is not a valid prefix of log groups; begin and end it with a slash, and use letters, "
            "digits, dots, dashes and underscores, as in /aws/ec2/sandbox/"
        )
    return text


def oidc_provider(text: str) -> str:
    if text and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[^*?\s]+", text):
        raise ValueError(
            "is not a valid ARN of an OIDC provider; use one like "
            "arn:aws:iam::<account>:oidc-provider/<issuer>"
        )
    return text


def permissions_boundary(text: str) -> str:
    arn = r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/([!-~]+/)?[\w+=,.@-]{1,128}"
    if text and not re.fullmatch(arn, text, re.ASCII):
        raise ValueError(
            "is not a valid ARN of a policy; use one like arn:aws:iam::<account>:policy/<name>, or "
            "leave it empty for the program's own boundaries"
        )
    return text


def service_account(text: str) -> str:
    name = r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"
    if text and not re.fullmatch(rf"{name}/{name}", text):
        raise ValueError("is not a valid service account; use namespace/name, without wildcards")
    return text


def manager_keys(stages: Mapping[str, str]) -> Mapping[str, str]:
    currents = [slot for slot, stage in stages.items() if stage == "current"]
    if len(currents) != 1:
        raise ValueError(
            f"has {len(currents)} current keys, but the service uses exactly one; set one slot "
            "to current, and leave all other changes to `sandbox keys rotate`"
        )
    return stages


def budget(dollars: int) -> int:
    if dollars < 0:
        raise ValueError("is below 0; use whole US dollars a month, or 0 for no budget")
    return dollars


def email(text: str) -> str:
    if text and not re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+", text):
        raise ValueError("is not a valid e-mail address; use one like costs@example.org")
    return text


def not_empty(values: Any) -> Any:  # noqa: ANN401 - pydantic checks the entries
    if not values:
        raise ValueError("is empty; name at least one, or remove the setting for its default")
    return values


def _network(text: Any) -> IPNetwork:  # noqa: ANN401 - checked here
    if isinstance(text, IPNetwork):
        return text
    if not isinstance(text, str):
        raise ValueError(f"{text} is not a text; use a range like 203.0.113.0/24 in quotes")  # noqa: TRY004
    if "/" not in text:
        try:
            single = ip_network(text)
        except ValueError:
            raise ValueError(_not_a_cidr(text)) from None
        raise ValueError(f"{text} has no prefix length; use {single} for this one address")
    try:
        return ip_network(text)
    except AddressValueError:
        raise ValueError(_not_a_cidr(text)) from None
    except ValueError:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(_not_a_cidr(text)) from None
        raise ValueError(f"{text} has host bits set; use {network}") from None


def _not_a_cidr(text: str) -> str:
    return (
        f"{text or 'an empty text'} is not a valid CIDR; use one like 203.0.113.0/24 or "
        "2001:db8::/32"
    )


def _gpu(family: str) -> None:
    if problem := NOT_NVIDIA_X86.get(family):
        raise ValueError(f"{family} {problem}; use a family like g5, g6 or p4d")
    if not GPU_FAMILY.fullmatch(family):
        raise ValueError(f"{family} has no NVIDIA GPU; use a family like g5, g6 or p4d")


def _repeated(texts: Iterable[str]) -> str:
    return next((text for text, count in Counter(texts).items() if count > 1), "")
