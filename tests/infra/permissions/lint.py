"""Finds a condition key or a resource that the action does not have, which linters miss.

AWS accepts such a statement without a warning. A positive condition on an unknown key never holds,
so an Allow allows nothing and a Deny denies nothing; a negated one always holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.iam.evaluator import Document, many
from local.iam.reference import Action, actions_like
from tests.infra.permissions.statement_reach import can_know, touched


def findings(document: Document) -> Iterator[str]:
    """One line for each action, key or resource in *document* that AWS ignores."""
    for statement in document["Statement"]:
        sid = statement.get("Sid", "?")
        for pattern in many(statement.get("Action") or statement.get("NotAction", ())):
            for finding in _action(statement, pattern):
                yield f"{sid}: {finding}"
        for finding in _resources(statement):
            yield f"{sid}: {finding}"


def _resources(statement: Mapping[str, Any]) -> Iterator[str]:
    """Actions without any of the resources, and resources without any of the actions."""
    patterns = [pattern for pattern in many(statement.get("Action", ())) if pattern != "*"]
    arns = many(statement.get("Resource", ()))
    known = {
        (pattern, arn)
        for pattern in patterns
        for arn in arns
        if any(_kinds(action, arn) for action in actions_like(pattern))
    }
    for pattern in patterns:
        if arns and any(actions_like(pattern)) and not any((pattern, arn) in known for arn in arns):
            yield f"{pattern}: has none of the resource types of {', '.join(arns)}"
    for arn in arns if len(patterns) > 1 and len(arns) > 1 else ():
        if not any((pattern, arn) in known for pattern in patterns):
            yield f"{arn}: is not a resource of {', '.join(patterns)}"


def _action(statement: Mapping[str, Any], pattern: str) -> Iterator[str]:
    if pattern == "*" or "NotAction" in statement:
        if pattern != "*" and not any(actions_like(pattern)):
            yield f"{pattern}: is not a valid action"
        return
    known = tuple(actions_like(pattern))
    if not known:
        yield f"{pattern}: is not a valid action"
        return
    for key in {key for tests in statement.get("Condition", {}).values() for key in tests}:
        yield from _key(statement, pattern, known, key)


def _key(
    statement: Mapping[str, Any], pattern: str, known: Sequence[Action], key: str
) -> Iterator[str]:
    if _is_of_an_issuer(statement, key):
        return
    if (
        len(known) > 1 or "Principal" in statement
    ):  # a pattern covers many actions: one of them may have the key
        if not any(can_know(action, kind, key) for action in known for kind in _all(action)):
            yield f"{pattern}: none of these actions has {key}"
        return
    for arn in many(statement.get("Resource", "*")):
        kinds = _kinds(known[0], arn)
        with_key = [kind for kind in kinds if can_know(known[0], kind, key)]
        if kinds and (not with_key if arn == "*" else len(with_key) < len(kinds)):
            yield f"{pattern} on {arn}: AWS does not set {key}"


def _kinds(action: Action, arn: str) -> list[Any]:
    return list(touched({"Resource": arn}, action))


def _all(action: Action) -> list[Any]:
    return list(touched({"Resource": "*"}, action))


def _is_of_an_issuer(statement: Mapping[str, Any], key: str) -> bool:
    """The keys of a cluster's token issuer are not in the reference."""
    provider = (statement.get("Principal") or {}).get("Federated", "")
    return bool(provider) and provider.endswith(f":oidc-provider/{key.rpartition(':')[0]}")
