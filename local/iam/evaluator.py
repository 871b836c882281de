"""Decides a request as IAM documents it: identity policies, a boundary and a resource policy.

The source is the IAM User Guide, Policy evaluation logic. It is independent of other
implementations, because the tests compare it with one. It refuses what the documents do not use.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, cast

Decision = Literal["allowed", "denied", "forbidden"]
"""Allowed; denied because nothing allows it; forbidden by an explicit deny."""
Document = Mapping[str, Any]
Values = str | Sequence[str]

ELEMENTS: Final = {
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
ARN_PARTS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to IAM."""

    principal: str
    """An ARN, a service (`ec2.amazonaws.com`) or the ARN of an identity provider."""
    action: str
    resource: str
    context: Mapping[str, Values]
    foreign: bool = False
    """The resource belongs to another account than the principal."""
    keys: Mapping[str, Sequence[str]] = field(init=False)
    """The context by lower-case key: IAM ignores the case of keys."""

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "keys", {key.lower(): many(value) for key, value in self.context.items()}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Every document that decides on a request."""

    identity: Sequence[Document] = ()
    boundary: Document | None = None
    resource: Document | None = None


def decide(layers: Layers, request: Request) -> Decision:
    """The decision on *request*."""
    return combine(
        request,
        identity=[effect for document in layers.identity for effect in effects(document, request)],
        boundary=effects(layers.boundary, request) if layers.boundary else ["Allow"],
        resource=effects(layers.resource, request) if layers.resource else [],
        named=is_named(layers.resource, request),
    )


def combine(
    request: Request,
    *,
    identity: Sequence[str],
    boundary: Sequence[str],
    resource: Sequence[str],
    named: bool,
) -> Decision:
    """One decision from the effects of the statements that match, layer by layer."""
    if "Deny" in (*identity, *boundary, *resource):
        return "forbidden"
    both = "Allow" in identity and "Allow" in resource
    either = "Allow" in identity or "Allow" in resource
    if "Allow" in boundary and (both if request.foreign else either):
        return "allowed"
    if named and not request.foreign:
        return "allowed"  # a boundary that is silent does not stop a resource policy
    return "denied"


def effects(document: Document, request: Request) -> list[str]:
    """The effects of the statements of *document* that match *request*."""
    return [
        statement["Effect"] for statement in document["Statement"] if matches(statement, request)
    ]


def matches(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether *statement* matches *request*."""
    if unknown := statement.keys() - ELEMENTS:
        raise NotImplementedError(f"{statement.get('Sid')}: element {sorted(unknown)}")
    return (
        _about_action(statement, request.action)
        and _about_resource(statement, request.resource)
        and _about_principal(statement.get("Principal"), request.principal)
        and all(
            holds(operator, key, many(values), request.keys)
            for operator, tests in cast(
                "Mapping[str, Mapping[str, Values]]", statement.get("Condition", {})
            ).items()
            for key, values in tests.items()
        )
    )


def holds(
    operator: str, key: str, wanted: Sequence[str], context: Mapping[str, Sequence[str]]
) -> bool:
    """Whether one line of a Condition block holds in *context*, whose keys are in lower case."""
    quantifier, _, plain = operator.rpartition(":")
    if_exists = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    given = context.get(key.lower())
    if plain == "Null":
        return (given is None) == (wanted[0] == "true")
    compare, negated = OPERATORS[plain]

    def value_holds(value: str) -> bool:
        equal = any(compare(value, pattern) for pattern in wanted)
        return not equal if negated else equal

    if given is None:
        return if_exists or quantifier == "ForAllValues" or (negated and not quantifier)
    match quantifier:
        case "ForAnyValue":
            return any(map(value_holds, given))
        case "ForAllValues":
            return all(map(value_holds, given))
        case _:
            # AWS advises against a key with several values and no quantifier
            if len(given) != 1:
                raise NotImplementedError(f"{operator} {key}: several values need a quantifier")
            return value_holds(given[0])


def many(value: Values) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


@cache
def glob(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """IAM's wildcards: a star for any text, a question mark for one character."""
    parts = {"*": ".*", "?": "."}
    regex = "".join(parts.get(letter) or re.escape(letter) for letter in pattern)
    return re.compile(regex, re.DOTALL).fullmatch


@cache
def like_arn(given: str, pattern: str) -> bool:
    """Compare part by part: a star does not reach over a colon, except in the last part."""
    if pattern == "*":
        return True
    parts, globs = given.split(":", ARN_PARTS - 1), pattern.split(":", ARN_PARTS - 1)
    return len(parts) == len(globs) and all(
        glob(wanted)(part) for part, wanted in zip(parts, globs, strict=True)
    )


def _like(given: str, pattern: str) -> bool:
    return glob(pattern)(given) is not None


def _same(given: str, pattern: str) -> bool:
    return given == pattern


def _same_bool(given: str, pattern: str) -> bool:
    return given.lower() == pattern.lower()


def _below(given: str, limit: str) -> bool:
    return float(given) < float(limit)


OPERATORS: Final[Mapping[str, tuple[Callable[[str, str], bool], bool]]] = {
    "StringEquals": (_same, False),
    "StringNotEquals": (_same, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (like_arn, False),
    "ArnNotEquals": (like_arn, True),
    "ArnLike": (like_arn, False),
    "ArnNotLike": (like_arn, True),
    "Bool": (_same_bool, False),
    "NumericLessThan": (_below, False),
}


def _about_action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _any_action(statement["NotAction"], action)
    return _any_action(statement["Action"], action)


def _any_action(patterns: Values, action: str) -> bool:
    return any(glob(pattern.lower())(action.lower()) for pattern in many(patterns))


def _about_resource(statement: Mapping[str, Any], resource: str) -> bool:
    if "NotResource" in statement:
        return not any(like_arn(resource, arn) for arn in many(statement["NotResource"]))
    if "Resource" in statement:
        return any(like_arn(resource, arn) for arn in many(statement["Resource"]))
    return "Principal" in statement  # a trust policy is about its own role


def _about_principal(principal: str | Mapping[str, Values] | None, who: str) -> bool:
    if principal is None or principal == "*":
        return True
    if isinstance(principal, str):
        raise NotImplementedError(f"Principal {principal}")
    return any(who in many(names) or many(names) == ("*",) for names in principal.values())


def is_named(resource: Document | None, request: Request) -> bool:
    """Whether the resource policy allows this user or service by name.

    A boundary also applies to a role that is named; it does not apply to a named session.
    """
    statements: Iterable[Mapping[str, Any]] = resource["Statement"] if resource else ()
    return any(
        statement["Effect"] == "Allow"
        and isinstance(statement["Principal"], Mapping)
        and any(
            request.principal in many(names)
            for names in cast("Mapping[str, Values]", statement["Principal"]).values()
        )
        and ":role/" not in request.principal
        and matches(statement, request)
        for statement in statements
    )
