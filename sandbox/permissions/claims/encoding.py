"""Policy documents as formulas over a request: one formula for all requests.

A request is an action, a resource (an ARN in six parts, or none), a caller and condition keys, each
of which is absent or has any value. The rules are those of the IAM User Guide, Policy evaluation
logic and IAM JSON policy elements. What the encoding does not know it refuses.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cvc5 import Kind, Term, TermManager

from sandbox.permissions.claims.pattern_formulas import (
    VARIABLE,
    Patterns,
    UnsupportedError,
    arn_parts,
)

Document = Mapping[str, Any]
Values = str | Sequence[str]

NUMBERS: Final = {
    "aws:multifactorauthage",
    "ec2:metadatahttpputresponsehoplimit",
    "ec2:roledelivery",
    "ec2:volumeiops",
    "ec2:volumesize",
    "ec2:volumethroughput",
}
"""Condition keys whose values are numbers, in lower case (Service Authorization Reference)."""
LISTS: Final = {"aws:tagkeys", "aws:calledvia", "ec2:attribute"}
"""Condition keys with several values, in lower case (Service Authorization Reference)."""
MEMBERS: Final = 4
"""How many values a key with several values has at most.

Each test of such a key needs at most one value of its own, so with more values than tests nothing
is lost; `check_list_tests` refuses documents with as many tests.
"""
ALWAYS_ALLOWED: Final = "sts:getcalleridentity"
"""AWS allows it even where a policy denies it (API reference of STS, GetCallerIdentity)."""
ADD: Final = "add it to sandbox/permissions/claims/encoding.py"
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
RESOURCE_PARTS: Final = ("partition", "service", "region", "account", "id")


@dataclass(frozen=True, slots=True)
class TextKey:
    """A condition key with one value."""

    present: Term
    value: Term


@dataclass(frozen=True, slots=True)
class ListKey:
    """A condition key with several values; one without a value counts as absent."""

    members: tuple[TextKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLayers:
    """Every document that decides on a request."""

    identity: Sequence[Document] = ()
    boundary: Document | None = None
    resource: Document | None = None
    """A resource policy or a trust policy."""


Compare = Callable[[Term, str], Term]
Side = Literal["direct", "account"]
"""Whether a resource policy names the caller itself or the account of the caller."""


class Encoding:
    """The variables of a request, and the formulas of documents over them."""

    def __init__(self) -> None:
        self.terms = TermManager()
        self.patterns = Patterns(self.terms)
        text = self.terms.getStringSort()
        boolean = self.terms.getBooleanSort()
        self.action = self.terms.mkConst(text, "action")
        """In lower case, since IAM ignores the case of actions."""
        self.principal = self.terms.mkConst(text, "principal")
        self.principal_account = self.terms.mkConst(text, "principal account")
        self.is_arn = self.terms.mkConst(boolean, "has a resource")
        """False for actions that have no resource: only a star matches those."""
        self.foreign = self.terms.mkConst(boolean, "resource of another account")
        self.resource = tuple(self.terms.mkConst(text, part) for part in RESOURCE_PARTS)
        self.keys: dict[str, TextKey | ListKey] = {}
        """The condition keys that the documents so far name, in lower case."""
        self.spelling: dict[str, str] = {}
        self._statements: dict[str, Term] = {}
        arn, numbers = self.patterns.arn, self._compared
        self._operators: Mapping[str, tuple[Compare, bool]] = {
            "StringEquals": (self._equal, False),
            "StringNotEquals": (self._equal, True),
            "StringLike": (self._like, False),
            "StringNotLike": (self._like, True),
            "ArnEquals": (arn, False),
            "ArnNotEquals": (arn, True),
            "ArnLike": (arn, False),
            "ArnNotLike": (arn, True),
            "Bool": (self.patterns.ignoring_case, False),
            "NumericEquals": (numbers(Kind.EQUAL), False),
            "NumericNotEquals": (numbers(Kind.EQUAL), True),
            "NumericLessThan": (numbers(Kind.LT), False),
            "NumericLessThanEquals": (numbers(Kind.LEQ), False),
            "NumericGreaterThan": (numbers(Kind.GT), False),
            "NumericGreaterThanEquals": (numbers(Kind.GEQ), False),
        }
        """How each operator compares, and whether it is negated."""

    # requests

    def well_formed(self) -> Term:
        """What every request has: no part of an ARN but the last holds a colon."""
        colon = self.patterns.text(":")
        return self.all_of(
            self.none_of([self.terms.mkTerm(Kind.STRING_CONTAINS, part, colon)])
            for part in self.resource[:-1]
        )

    def key(self, name: str) -> TextKey | ListKey:
        """The variables of the condition key *name*; IAM ignores the case of keys."""
        lower = name.lower()
        if lower not in self.keys:
            self.spelling[lower] = name
            sort = self.terms.getRealSort() if lower in NUMBERS else self.terms.getStringSort()
            variables = [
                TextKey(
                    self.terms.mkConst(self.terms.getBooleanSort(), f"has {name} {number}"),
                    self.terms.mkConst(sort, f"{name} {number}"),
                )
                for number in range(MEMBERS if lower in LISTS else 1)
            ]
            self.keys[lower] = ListKey(tuple(variables)) if lower in LISTS else variables[0]
        return self.keys[lower]

    # decisions

    def decision(self, layers: PolicyLayers) -> tuple[Term, Term]:
        """The formulas of "allowed" and "forbidden"; a request with neither is denied."""
        resource = [layers.resource] if layers.resource else []
        boundary = [layers.boundary] if layers.boundary else []
        forbidden = self.denies([*layers.identity, *boundary, *resource])
        identity = self.allows(layers.identity)
        by_resource = self.allows(resource)
        by_account = self.allows(resource, side="account")
        within = self.allows(boundary) if boundary else self.terms.mkTrue()
        named = self._allows_by_name(layers.resource)
        same_account = self.if_else(
            self._is_key(),
            # A key's policy decides alone, unless it hands the decision to the account.
            self.any_of([by_resource, self.all_of([identity, by_account])]),
            self.any_of([identity, by_resource]),
        )
        foreign = self.all_of([identity, self.any_of([by_resource, by_account])])
        granted = self.any_of(
            [
                self.all_of([within, self.if_else(self.foreign, foreign, same_account)]),
                # A boundary that is silent does not stop a resource policy that names the caller,
                # nor one for everyone.
                self.all_of([named, self.none_of([self.foreign])]),
            ]
        )
        always = self.patterns.equal(self.action, ALWAYS_ALLOWED)
        allowed = self.any_of([always, self.all_of([granted, self.none_of([forbidden])])])
        return allowed, self.all_of([forbidden, self.none_of([always])])

    def allows(self, documents: Iterable[Document], side: Side = "direct") -> Term:
        return self._effect(documents, "Allow", side)

    def denies(self, documents: Iterable[Document]) -> Term:
        documents = list(documents)
        return self.any_of(
            [self._effect(documents, "Deny", "direct"), self._effect(documents, "Deny", "account")]
        )

    def _effect(self, documents: Iterable[Document], effect: str, side: Side) -> Term:
        return self.any_of(
            self.matches(statement, side)
            for document in documents
            for statement in document["Statement"]
            if statement["Effect"] == effect and (side == "direct" or "Principal" in statement)
        )

    def _allows_by_name(self, document: Document | None) -> Term:
        """Whether a resource policy allows this very user or service, or everyone."""
        role = self.terms.mkTerm(Kind.STRING_CONTAINS, self.principal, self.patterns.text(":role/"))
        statements = document["Statement"] if document else ()
        return self.any_of(
            self.matches(statement)
            if "*" in named(statement["Principal"])
            else self.all_of([self.matches(statement), self.none_of([role])])
            for statement in statements
            if statement["Effect"] == "Allow"
        )

    def _is_key(self) -> Term:
        service = self.terms.mkTerm(Kind.STRING_PREFIX, self.patterns.text("kms:"), self.action)
        key = self.terms.mkTerm(Kind.STRING_PREFIX, self.patterns.text("key/"), self.resource[-1])
        return self.all_of([service, self.is_arn, key])

    # statements

    def matches(self, statement: Mapping[str, Any], side: Side = "direct") -> Term:
        """The requests that *statement* is about.

        Raises:
            UnsupportedError: it has an element or an operator that the encoding does not know.
        """
        cached = f"{side} {json.dumps(statement, sort_keys=True)}"
        if cached not in self._statements:
            if unknown := statement.keys() - ELEMENTS:
                named = ", ".join(sorted(unknown))
                raise UnsupportedError(
                    f"{statement.get('Sid')}: {named}: is not a known element; {ADD}"
                )
            self._statements[cached] = self.all_of(
                [
                    self._about_action(statement),
                    self._about_resource(statement),
                    self._about_principal(statement.get("Principal"), side),
                    self.condition(statement.get("Condition", {})),
                ]
            )
        return self._statements[cached]

    def condition(self, condition: Mapping[str, Mapping[str, Values]]) -> Term:
        """A Condition block: every line of it holds."""
        return self.all_of(
            self._line(operator, key, many(values))
            for operator, lines in condition.items()
            for key, values in lines.items()
        )

    def _about_action(self, statement: Mapping[str, Any]) -> Term:
        def any_action(patterns: Values) -> Term:
            return self.any_of(
                self.patterns.glob(self.action, pattern.lower()) for pattern in many(patterns)
            )

        # A statement has one of the two elements, a claim may have both.
        return self.all_of(
            [
                *([any_action(statement["Action"])] if "Action" in statement else []),
                *(
                    [self.none_of([any_action(statement["NotAction"])])]
                    if "NotAction" in statement
                    else []
                ),
            ]
        )

    def _about_resource(self, statement: Mapping[str, Any]) -> Term:
        parts: list[Term] = []
        if "Resource" in statement:
            parts.append(self.any_of(map(self._is_resource, many(statement["Resource"]))))
        if "NotResource" in statement:
            if VARIABLE.search(str(statement["NotResource"])):
                # AWS does not say what an absent key means here.
                raise UnsupportedError(
                    f"{statement.get('Sid')}: NotResource has a policy variable; use Resource"
                )
            excepted = map(self._is_resource, many(statement["NotResource"]))
            parts.append(self.none_of(excepted))
        if not parts:
            return self.terms.mkBoolean("Principal" in statement)  # a trust policy: its own role
        return self.all_of(parts)

    def _is_resource(self, pattern: str) -> Term:
        if pattern == "*":
            return self.terms.mkTrue()
        first, *parts = arn_parts(pattern)
        if first != "arn":
            raise UnsupportedError(
                f"{pattern}: is not an ARN; write it in full, as arn:aws:s3:::name/*"
            )
        return self.all_of(
            [
                self.is_arn,
                *(
                    self._like(given, part)
                    for given, part in zip(self.resource, parts, strict=True)
                ),
            ]
        )

    def _about_principal(self, principal: str | Mapping[str, Values] | None, side: Side) -> Term:
        if principal is None or principal == "*":
            return self.terms.mkBoolean(side == "direct")
        if isinstance(principal, str):
            raise UnsupportedError(f"Principal {principal}: is not a mapping; use AWS: {principal}")
        names = named(principal)
        if side == "account":
            accounts = [account for name in names if (account := account_of_root(name))]
            return self.any_of(
                self.patterns.equal(self.principal_account, account) for account in accounts
            )
        return self.any_of(
            self.terms.mkTrue() if name == "*" else self.patterns.equal(self.principal, name)
            for name in names
        )

    def _line(self, operator: str, name: str, wanted: Sequence[str]) -> Term:
        """One line of a Condition block."""
        quantifier, _, plain = operator.rpartition(":")
        if_exists = plain.endswith("IfExists")
        plain = plain.removesuffix("IfExists")
        key = self.key(name)
        present = self.present(key)
        if plain == "Null":
            return present if wanted[0].lower() == "false" else self.none_of([present])
        if plain not in self._operators:
            raise UnsupportedError(f"{operator} {name}: is not a known operator; {ADD}")
        compare, negated = self._operators[plain]
        if (name.lower() in NUMBERS) != plain.startswith("Numeric"):
            raise UnsupportedError(
                f"{operator} {name}: is not the key's type; see NUMBERS in encoding.py"
            )
        if isinstance(key, ListKey) != bool(quantifier):
            raise UnsupportedError(
                f"{operator} {name}: is not the key's type; see LISTS in encoding.py"
            )

        def holds(value: Term) -> Term:
            equal = self.any_of(compare(value, pattern) for pattern in wanted)
            return self.none_of([equal]) if negated else equal

        if isinstance(key, ListKey):
            if if_exists:  # AWS does not say what comes first where the key is absent
                raise UnsupportedError(f"{operator} {name}: has a quantifier and IfExists; use one")
            return self._quantified(quantifier, key, holds)
        if if_exists or negated:
            return self.any_of([self.none_of([present]), holds(key.value)])
        return self.all_of([present, holds(key.value)])

    def _quantified(self, quantifier: str, key: ListKey, holds: Callable[[Term], Term]) -> Term:
        """A test of some or of all values of *key*; ForAllValues holds where it is absent."""
        if quantifier == "ForAnyValue":
            return self.any_of(
                self.all_of([member.present, holds(member.value)]) for member in key.members
            )
        if quantifier == "ForAllValues":
            return self.all_of(
                self.any_of([self.none_of([member.present]), holds(member.value)])
                for member in key.members
            )
        raise UnsupportedError(f"{quantifier}: is not a known quantifier; {ADD}")

    def present(self, key: TextKey | ListKey) -> Term:
        if isinstance(key, TextKey):
            return key.present
        return self.any_of(member.present for member in key.members)

    def _like(self, given: Term, pattern: str) -> Term:
        """A glob, in which one policy variable may stand for a condition key."""
        variable = VARIABLE.search(pattern)
        if variable is None:
            return self.patterns.glob(given, pattern)
        key = self.key(variable[1])
        if not isinstance(key, TextKey):
            raise UnsupportedError(
                f"{pattern}: {variable[1]} has several values; use a key with one"
            )
        # Where the key is absent, the pattern matches nothing.
        matched = self.patterns.glob_with_variable(given, pattern, variable[1], key.value)
        return self.all_of([key.present, matched])

    def _equal(self, given: Term, value: str) -> Term:
        if VARIABLE.search(value):
            return self._like(given, value)
        return self.patterns.equal(given, value)

    def _compared(self, kind: Kind) -> Compare:
        return lambda given, limit: self.terms.mkTerm(kind, given, self.terms.mkReal(limit))

    # logic

    def all_of(self, parts: Iterable[Term]) -> Term:
        return self._join(Kind.AND, parts, empty=True)

    def any_of(self, parts: Iterable[Term]) -> Term:
        return self._join(Kind.OR, parts, empty=False)

    def none_of(self, parts: Iterable[Term]) -> Term:
        some = self.any_of(parts)
        if some.isBooleanValue():
            return self.terms.mkBoolean(not some.getBooleanValue())
        return self.terms.mkTerm(Kind.NOT, some)

    def differ(self, left: Term, right: Term) -> Term:
        return self.terms.mkTerm(Kind.XOR, left, right)

    def if_else(self, test: Term, yes: Term, no: Term) -> Term:
        return self.terms.mkTerm(Kind.ITE, test, yes, no)

    def _join(self, kind: Kind, parts: Iterable[Term], *, empty: bool) -> Term:
        """Join formulas, without the constants that do not change the result."""
        kept: list[Term] = []
        for part in parts:
            if part.isBooleanValue():
                if part.getBooleanValue() != empty:
                    return part
            else:
                kept.append(part)
        if len(kept) > 1:
            return self.terms.mkTerm(kind, *kept)
        return kept[0] if kept else self.terms.mkBoolean(empty)


def many(value: Values) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def check_list_tests(statements: Iterable[Mapping[str, Any]]) -> None:
    """Refuse *statements* that test a key with several values too often.

    Raises:
        UnsupportedError: there are as many different tests as `MEMBERS`.
    """
    tests = {
        (key.lower(), operator, many(values) if isinstance(values, str) else tuple(values))
        for statement in statements
        for operator, lines in statement.get("Condition", {}).items()
        for key, values in lines.items()
        if key.lower() in LISTS
    }
    for key in {key for key, *_ in tests}:
        if sum(key == tested for tested, *_ in tests) >= MEMBERS:
            raise UnsupportedError(f"{key}: too many tests; raise MEMBERS in encoding.py")


def account_of_root(principal: str) -> str:
    """The account that *principal* (`arn:aws:iam::ACCOUNT:root` or the number) means, or ""."""
    if principal.isdigit():
        return principal
    return principal.split(":")[4] if principal.endswith(":root") else ""


def named(principal: str | Mapping[str, Values]) -> Sequence[str]:
    """The values of the element Principal."""
    if isinstance(principal, str):
        return (principal,)
    return [name for names in principal.values() for name in many(names)]
