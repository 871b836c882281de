"""Leaves out the statements that cannot match any request of a claim.

What remains decides the same, the solver has less to do, and a claim is proven once for all stacks
that differ elsewhere. Where the overlap of two patterns is unclear, the statement stays.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sandbox.permissions.claims.encoding import Document, PolicyLayers, many
from sandbox.permissions.claims.pattern_formulas import VARIABLE, arn_parts

Statement = Mapping[str, Any]


def sliced(layers: PolicyLayers, requests: Statement) -> PolicyLayers:
    """*layers* without the statements that match no request of *requests*."""

    def slice_of(document: Document) -> Document:
        kept = [item for item in document["Statement"] if may_match(item, requests)]
        return {**document, "Statement": kept}

    return PolicyLayers(
        identity=tuple(map(slice_of, layers.identity)),
        boundary=slice_of(layers.boundary) if layers.boundary else None,
        resource=slice_of(layers.resource) if layers.resource else None,
    )


def may_match(statement: Statement, requests: Statement) -> bool:
    """Whether *statement* may match a request of *requests*."""
    actions, resources = requests.get("Action", ["*"]), requests.get("Resource", ["*"])
    if "NotAction" in statement:
        excluded = {pattern.lower() for pattern in many(statement["NotAction"])}
        if all(action.lower() in excluded for action in actions):
            return False
    elif not any(
        _any_meet([action], actions, _meet_actions)
        and not _any_meet([action], requests.get("NotAction", []), _is_covered)
        for action in many(statement["Action"])
    ):
        return False
    return "Resource" not in statement or _any_meet(
        many(statement["Resource"]), resources, _meet_arns
    )


@cache
def _is_covered(action: str, excluded: str) -> bool:
    """Whether the pattern *excluded* matches every action that the pattern *action* matches."""
    head, star, tail = excluded.lower().partition("*")
    if star and not tail and "?" not in head:
        return action.lower().startswith(head)
    return action.lower() == excluded.lower()


def _any_meet(left: Sequence[str], right: Sequence[str], meet: Any) -> bool:  # noqa: ANN401
    return any(meet(first, second) for first in left for second in right)


@cache
def _meet_actions(left: str, right: str) -> bool:
    return overlap(left.lower(), right.lower())


@cache
def _meet_arns(left: str, right: str) -> bool:
    if "*" in {left, right}:
        return True
    parts = zip(arn_parts(left), arn_parts(right), strict=True)
    return all(overlap(_open(first), _open(second)) for first, second in parts)


def _open(pattern: str) -> str:
    """*pattern* with a star in the place of policy variables."""
    return VARIABLE.sub("*", pattern)


@cache
def overlap(left: str, right: str) -> bool:
    """Whether some text matches both globs."""
    if not re.search(r"[*?]", left + right):
        return left == right
    if not left or not right:
        return not (left + right).strip("*")
    if left[0] == "*":
        return overlap(left[1:], right) or overlap(left, right[1:])
    if right[0] == "*":
        return overlap(right, left)
    return (left[0] == right[0] or "?" in {left[0], right[0]}) and overlap(left[1:], right[1:])
