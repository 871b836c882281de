"""The actions and resource types that a statement can match, by AWS's reference."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from local.iam.evaluator import Document, many
from local.iam.reference import (
    EVERY_CALL,
    Action,
    ResourceKind,
    actions_like,
    every_action,
    is_global,
    knows,
)

ANY_RESOURCE: Final = ResourceKind("*", "*", frozenset())
"""Stands for the resource of an action without resource types."""
Reach = frozenset[tuple[str, str]]


def same_reach(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether both match the same actions on the same resource types."""
    return reach(first) == reach(second)


def reach(statement: Mapping[str, Any]) -> Reach:
    """The actions and resource types for which every condition of *statement* can hold.

    With NotAction these are the actions that the statement excludes.
    """
    resources, keys = tuple(many(statement.get("Resource", "*"))), frozenset(needed(statement))
    patterns = many(statement.get("Action") or statement["NotAction"])
    return Reach().union(*(_reach(pattern, resources, keys) for pattern in patterns))


@cache
def _reach(pattern: str, resources: tuple[str, ...], keys: frozenset[str]) -> Reach:
    return frozenset(
        (action.name, resource.name)
        for action in _actions(pattern)
        for resource in _touched(resources, action)
        if all(can_know(action, resource, key) for key in keys)
    )


def is_shadowed(document: Document, number: int, changed: Mapping[str, Any]) -> bool:
    """Whether another statement denies the actions that *changed* adds to statement *number*.

    Only a denial with NotAction and without a condition counts, as in the boundaries.
    """
    before, others = document["Statement"][number], list(document["Statement"])
    del others[number]
    added = names(many(changed.get("Action", ()))) - names(many(before.get("Action", ())))
    return any(
        other["Effect"] == "Deny"
        and other.get("Resource") in ("*", ["*"])
        and "Condition" not in other
        and added.isdisjoint(names(many(other["NotAction"])))
        for other in others
        if "NotAction" in other
    )


def names(patterns: Sequence[str]) -> frozenset[str]:
    """Every action that matches one of *patterns*."""
    return frozenset[str]().union(*map(_names, patterns))


@cache
def _names(pattern: str) -> frozenset[str]:
    return frozenset(action.name for action in _actions(pattern))


def touched(statement: Mapping[str, Any], action: Action) -> Iterator[ResourceKind]:
    """The resource types of *action* that an ARN of *statement* can match."""
    yield from _touched(many(statement.get("Resource", "*")), action)


def _touched(patterns: Sequence[str], action: Action) -> Iterator[ResourceKind]:
    for resource in action.resources or (ANY_RESOURCE,):
        if any(_overlap(pattern, resource.pattern) for pattern in patterns):
            yield resource
    if action.resources and not action.required and "*" in patterns:
        yield ANY_RESOURCE


def needed(statement: Mapping[str, Any]) -> Iterator[str]:
    """The condition keys that a request must have for *statement* to match."""
    for operator, tests in statement.get("Condition", {}).items():
        plain = operator.rpartition(":")[2]
        if "Not" not in plain and not plain.endswith("IfExists") and plain != "Null":
            yield from tests


def can_know(action: Action, resource: ResourceKind, key: str) -> bool:
    """Whether AWS sets *key* in a request for *action* on *resource*."""
    return (
        is_global(key) or key in EVERY_CALL or knows(action.keys, key) or knows(resource.keys, key)
    )


@cache
def _actions(pattern: str) -> tuple[Action, ...]:
    return tuple(every_action() if pattern == "*" else actions_like(pattern))


@cache
def _overlap(pattern: str, arn_format: str) -> bool:
    """Whether some ARN matches *pattern* and *arn_format* (`…:instance/${InstanceId}`)."""
    if pattern == "*" or arn_format == "*":
        return pattern == "*"
    glob = re.sub(r"\$\{\w+\}", "*", arn_format)
    parts = zip(pattern.split(":", 5), glob.split(":", 5), strict=True)
    return all(_meet(first, second) for first, second in parts)


def _meet(first: str, second: str) -> bool:
    """Whether some text matches both globs."""
    if not first or not second:
        return not (first + second).strip("*")
    if first[0] == "*":
        return _meet(first[1:], second) or _meet(first, second[1:])
    if second[0] == "*":
        return _meet(second, first)
    return first[0] == second[0] and _meet(first[1:], second[1:])
