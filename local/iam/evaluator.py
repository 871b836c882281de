"""Decides a request as the documentation of IAM says: identity, boundary and resource policies.

The source is the IAM User Guide, Policy evaluation logic. The code shares nothing with other
implementations, because the tests compare it with one. It refuses elements that it does not know.
"""

import operator
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
VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")
ABSENT: Final = "\0"
"""Replaces a variable without a value: no request holds this character."""
ALWAYS_ALLOWED: Final = "sts:getcalleridentity"
"""Actions that no policy can deny (API reference of STS, GetCallerIdentity)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to IAM."""

    principal: str
    """An ARN, a service (`ec2.amazonaws.com`) or the ARN of an identity provider."""
    action: str
    resource: str
    context: Mapping[str, Values]
    foreign: bool = False
    """Whether the resource belongs to another account than the principal."""
    keys: Mapping[str, Sequence[str]] = field(init=False)
    """The context by lower-case key: IAM ignores the case of keys."""

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "keys", {key.lower(): many(value) for key, value in self.context.items()}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The policies that decide on a request."""

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
        account=account_effects(layers.resource, request) if layers.resource else [],
        named=is_named(layers.resource, request),
    )


def combine(  # noqa: PLR0913 - one argument for each source of effects
    request: Request,
    *,
    identity: Sequence[str],
    boundary: Sequence[str],
    resource: Sequence[str],
    account: Sequence[str] = (),
    named: bool,
) -> Decision:
    """Combine the effects of the matching statements, layer by layer, into one decision.

    *account* holds the effects of a resource policy's statements on the caller's whole account.
    """
    if request.action.lower() == ALWAYS_ALLOWED:
        return "allowed"
    if "Deny" in (*identity, *boundary, *resource, *account):
        return "forbidden"
    by_resource = "Allow" in resource
    if request.foreign:
        granted = "Allow" in identity and "Allow" in (*resource, *account)
    elif is_key(request):
        # The key's policy decides, unless it hands the decision to the account
        # (KMS developer guide, Key policies: default key policy).
        granted = by_resource or ("Allow" in identity and "Allow" in account)
    else:
        granted = "Allow" in identity or by_resource
    if "Allow" in boundary and granted:
        return "allowed"
    if named and not request.foreign:
        return "allowed"  # a boundary without a matching statement does not stop a resource policy
    return "denied"


def is_key(request: Request) -> bool:
    """Whether *request* is about a KMS key, whose policy must allow every use."""
    resource = request.resource.split(":", ARN_PARTS - 1)[-1]
    return request.action.lower().startswith("kms:") and resource.startswith("key/")


def effects(document: Document, request: Request) -> list[str]:
    """The effects of the statements of *document* that match *request*."""
    return [
        statement["Effect"] for statement in document["Statement"] if matches(statement, request)
    ]


def account_effects(document: Document, request: Request) -> list[str]:
    """The effects of the statements that name the caller's account as their principal."""
    account = request.principal.split(":")[4] if request.principal.startswith("arn:") else ""
    roots = {account, f"arn:aws:iam::{account}:root"}
    return [
        statement["Effect"]
        for statement in document["Statement"]
        if isinstance(statement["Principal"], Mapping)
        and roots & {name for names in statement["Principal"].values() for name in many(names)}
        and matches({**statement, "Principal": "*"}, request)
    ]


def matches(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether *statement* matches *request*."""
    if unknown := statement.keys() - ELEMENTS:
        raise NotImplementedError(f"{statement.get('Sid')}: element {sorted(unknown)}")
    return (
        _about_action(statement, request.action)
        and _about_resource(statement, request)
        and _about_principal(statement.get("Principal"), request.principal)
        and all(
            holds(name, key, filled_in(values, request.keys), request.keys)
            for name, tests in cast(
                "Mapping[str, Mapping[str, Values]]", statement.get("Condition", {})
            ).items()
            for key, values in tests.items()
        )
    )


def holds(test: str, key: str, wanted: Sequence[str], context: Mapping[str, Sequence[str]]) -> bool:
    """Whether one line of a Condition block holds in *context*, whose keys are in lower case."""
    quantifier, _, plain = test.rpartition(":")
    if_exists = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    given = context.get(key.lower())
    if if_exists and quantifier:
        raise NotImplementedError(f"{test} {key}: IfExists with a quantifier")
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
                raise NotImplementedError(f"{test} {key}: several values need a quantifier")
            return value_holds(given[0])


def filled_in(
    patterns: Values, context: Mapping[str, Sequence[str]], absent: str = ABSENT
) -> Sequence[str]:
    """*patterns* with policy variables (`${aws:userid}`) replaced by their values.

    A variable without a value matches nothing.
    """

    def value(variable: re.Match[str]) -> str:
        values = context.get(variable[1].lower(), [absent])
        if len(values) != 1 or set(values[0]) & set("*?"):
            raise NotImplementedError(f"{variable[0]}: {values}")
        return values[0]

    return [VARIABLE.sub(value, pattern) for pattern in many(patterns)]


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
    """Compare two ARNs part by part: a star matches no colon, except in the last part."""
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


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda given, limit: compare(float(given), float(limit))


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
    "NumericEquals": (_number(operator.eq), False),
    "NumericNotEquals": (_number(operator.eq), True),
    "NumericLessThan": (_number(operator.lt), False),
    "NumericLessThanEquals": (_number(operator.le), False),
    "NumericGreaterThan": (_number(operator.gt), False),
    "NumericGreaterThanEquals": (_number(operator.ge), False),
}


def _about_action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _any_action(statement["NotAction"], action)
    return _any_action(statement["Action"], action)


def _any_action(patterns: Values, action: str) -> bool:
    return any(_is_action(pattern, action) for pattern in many(patterns))


@cache
def _is_action(pattern: str, action: str) -> bool:
    return glob(pattern.lower())(action.lower()) is not None


def _about_resource(statement: Mapping[str, Any], request: Request) -> bool:
    for element in ("NotResource", "Resource"):
        if element in statement:
            arns = filled_in(statement[element], request.keys)
            is_listed = any(like_arn(request.resource, arn) for arn in arns)
            return is_listed == (element == "Resource")
    return "Principal" in statement  # a trust policy applies to its own role


def _about_principal(principal: str | Mapping[str, Values] | None, who: str) -> bool:
    if principal is None or principal == "*":
        return True
    if isinstance(principal, str):
        raise NotImplementedError(f"Principal {principal}")
    return any(who in many(names) or many(names) == ("*",) for names in principal.values())


def is_named(resource: Document | None, request: Request) -> bool:
    """Whether the resource policy allows this user or service by name, or everyone.

    A boundary applies although the role is named. It does not apply to a named session; a policy
    for everyone names the session too.
    """
    statements: Iterable[Mapping[str, Any]] = resource["Statement"] if resource else ()
    return any(
        statement["Effect"] == "Allow"
        and matches(statement, request)
        and ("*" in named(statement["Principal"]) or ":role/" not in request.principal)
        for statement in statements
    )


def named(principal: str | Mapping[str, Values]) -> Sequence[str]:
    """The values of the element Principal."""
    if isinstance(principal, str):
        return (principal,)
    return [name for names in principal.values() for name in many(names)]
