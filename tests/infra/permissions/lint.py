"""What linters miss: a condition key, or a resource, that the action does not know.

AWS takes such a statement without a word. A positive condition on an unknown key never holds, so an
Allow allows nothing and a Deny denies nothing; a negated one always holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.iam.evaluator import Document, many
from tests.infra.permissions.reach import can_know, touched
from local.iam.reference import Action, actions_like


def findings(document: Document) -> Iterator[str]:
    """One line for everything in *document* that does not mean what it says."""
    for statement in document["Statement"]:
        sid = statement.get("Sid", "?")
        for pattern in many(statement.get("Action") or statement.get("NotAction", ())):
            for finding in _action(statement, pattern):
                yield f"{sid}: {finding}"
        for finding in _resources(statement):
            yield f"{sid}: {finding}"


def _resources(statement: Mapping[str, Any]) -> Iterator[str]:
    """Actions that know none of the resources, and resources that none of the actions knows."""
    patterns = [one for one in many(statement.get("Action", ())) if one != "*"]
    arns = many(statement.get("Resource", ()))
    known = {
        (pattern, arn)
        for pattern in patterns
        for arn in arns
        if any(_kinds(one, arn) for one in actions_like(pattern))
    }
    for pattern in patterns:
        if arns and any(actions_like(pattern)) and not any((pattern, arn) in known for arn in arns):
            yield f"{pattern}: knows none of {', '.join(arns)}"
    for arn in arns if len(patterns) > 1 and len(arns) > 1 else ():
        if not any((pattern, arn) in known for pattern in patterns):
            yield f"{arn}: is known to none of {', '.join(patterns)}"


def _action(statement: Mapping[str, Any], pattern: str) -> Iterator[str]:
    if pattern == "*" or "NotAction" in statement:
        if pattern != "*" and not any(actions_like(pattern)):
            yield f"{pattern}: is no action"
        return
    known = tuple(actions_like(pattern))
    if not known:
        yield f"{pattern}: is no action"
        return
    for key in {key for tests in statement.get("Condition", {}).values() for key in tests}:
        yield from _key(statement, pattern, known, key)


def _key(
    statement: Mapping[str, Any], pattern: str, known: Sequence[Action], key: str
) -> Iterator[str]:
    if _is_of_an_issuer(statement, key):
        return
    if len(known) > 1 or "Principal" in statement:  # a pattern stands for many: one may know it
        if not any(can_know(one, kind, key) for one in known for kind in _all(one)):
            yield f"{pattern}: no such action knows {key}"
        return
    for arn in many(statement.get("Resource", "*")):
        kinds = _kinds(known[0], arn)
        knowing = [kind for kind in kinds if can_know(known[0], kind, key)]
        if kinds and (not knowing if arn == "*" else len(knowing) < len(kinds)):
            yield f"{pattern} on {arn}: AWS fills in no {key} there"


def _kinds(action: Action, arn: str) -> list[Any]:
    return list(touched({"Resource": arn}, action))


def _all(action: Action) -> list[Any]:
    return list(touched({"Resource": "*"}, action))


def _is_of_an_issuer(statement: Mapping[str, Any], key: str) -> bool:
    """The keys of an EKS cluster's token issuer are the cluster's own."""
    provider = (statement.get("Principal") or {}).get("Federated", "")
    return bool(provider) and provider.endswith(f":oidc-provider/{key.rpartition(':')[0]}")
