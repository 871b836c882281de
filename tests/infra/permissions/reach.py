"""What a statement can speak of at all, by the service authorization reference."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from local.iam.evaluator import Document, many
from local.iam.reference import (
    EVERY_CALL,
    Action,
    Resource,
    actions_like,
    every_action,
    is_global,
    knows,
)

WHATEVER: Final = Resource("*", "*", frozenset())
"""The resource of an action that has none."""
Reach = frozenset[tuple[str, str]]


def same_reach(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both speak of the same actions on the same types of resource."""
    return reach(one) == reach(other)


def reach(statement: Mapping[str, Any]) -> Reach:
    """The actions and resource types for which every condition of *statement* can hold.

    For NotAction it is what the statement leaves out.
    """
    return frozenset(
        (action.name, resource.name)
        for pattern in many(statement.get("Action") or statement["NotAction"])
        for action in _actions(pattern)
        for resource in touched(statement, action)
        if all(can_know(action, resource, key) for key in needed(statement))
    )


def is_shadowed(document: Document, number: int, changed: Mapping[str, Any]) -> bool:
    """Whether what *changed* adds to statement *number* is denied by another statement anyway.

    Only a denial of everything but a list, without a condition, is seen: the boundaries' one.
    """
    before, others = document["Statement"][number], list(document["Statement"])
    del others[number]
    more = names(many(changed.get("Action", ()))) - names(many(before.get("Action", ())))
    return any(
        one["Effect"] == "Deny"
        and one.get("Resource") in ("*", ["*"])
        and "Condition" not in one
        and more.isdisjoint(names(many(one["NotAction"])))
        for one in others
        if "NotAction" in one
    )


def names(patterns: Sequence[str]) -> frozenset[str]:
    """Every action that one of *patterns* stands for."""
    return frozenset[str]().union(*map(_names, patterns))


@cache
def _names(pattern: str) -> frozenset[str]:
    return frozenset(one.name for one in _actions(pattern))


def touched(statement: Mapping[str, Any], action: Action) -> Iterator[Resource]:
    """The resource types of *action* that an ARN of *statement* can be."""
    patterns = many(statement.get("Resource", "*"))
    for resource in action.resources or (WHATEVER,):
        if any(_overlap(pattern, resource.pattern) for pattern in patterns):
            yield resource
    if action.resources and not action.required and "*" in patterns:
        yield WHATEVER


def needed(statement: Mapping[str, Any]) -> Iterator[str]:
    """The keys without which *statement* never matches."""
    for operator, tests in statement.get("Condition", {}).items():
        plain = operator.rpartition(":")[2]
        if "Not" not in plain and not plain.endswith("IfExists") and plain != "Null":
            yield from tests


def can_know(action: Action, resource: Resource, key: str) -> bool:
    """Whether AWS fills in *key* when it asks for *action* on *resource*."""
    return (
        is_global(key) or key in EVERY_CALL or knows(action.keys, key) or knows(resource.keys, key)
    )


@cache
def _actions(pattern: str) -> tuple[Action, ...]:
    return tuple(every_action() if pattern == "*" else actions_like(pattern))


@cache
def _overlap(pattern: str, kind: str) -> bool:
    """Whether some ARN is both of *pattern* and of the type *kind* (`…:instance/${InstanceId}`)."""
    if pattern == "*" or kind == "*":
        return pattern == "*"
    mine, theirs = pattern.split(":", 5), re.sub(r"\$\{\w+\}", "*", kind).split(":", 5)
    return all(_meet(one, other) for one, other in zip(mine, theirs, strict=True))


def _meet(one: str, other: str) -> bool:
    """Whether some text matches both globs."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(other, one)
    return one[0] == other[0] and _meet(one[1:], other[1:])
