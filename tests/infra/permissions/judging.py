"""Put the contract's rows to documents, whole or with one statement exchanged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, cast

from sandbox.permissions.table import ANYTHING, Check, Decision, Row, World
from local.iam.evaluator import Document, Request, combine, is_named, matches
from local.iam.reference import any_resource

BOUNDARY: Final = "boundary"
TRUST: Final = "trust"
Place = tuple[str, int]
"""A document of an identity and the number of a statement in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The documents of one principal of the table, by name."""

    policies: Mapping[str, Document] = field(default_factory=dict[str, Document])
    boundary: Document | None = None
    trust: Document | None = None

    @property
    def documents(self) -> Mapping[str, Document]:
        more = {BOUNDARY: self.boundary, TRUST: self.trust}
        return {**self.policies, **{name: one for name, one in more.items() if one is not None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What comes of a row: with everything in force, and by the policy without its boundary."""

    whole: Decision
    policy_alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request, and every document that has a say in it."""

    request: Request
    owner: str
    identity: Sequence[Document] = ()
    boundary: Document | None = None
    resource: Document | None = None


def request(check: Check, world: World) -> Request:
    resource = check.resource
    if resource == ANYTHING:
        resource = any_resource(check.action, region=world["region"], account=world["account"])
    return Request(
        principal=check.principal,
        action=check.action,
        resource=resource,
        context=check.context,
        foreign=check.owner != world["account"],
    )


def together(decisions: Sequence[str]) -> Decision:
    """A launch is allowed if every part is, and forbidden as soon as one is."""
    order: tuple[Decision, ...] = ("forbidden", "denied", "allowed")
    return next(one for one in order if one in decisions)


@dataclass(frozen=True)
class Bench:
    """Rows of one principal, before the documents of that principal."""

    identity: Identity
    rows: Sequence[Row]
    world: World

    @cached_property
    def _asked(self) -> Sequence[Sequence[tuple[Request, Document | None]]]:
        return [
            [
                (request(check, self.world), check.resource_policy)
                for check in row.checks(self.world)
            ]
            for row in self.rows
        ]

    @cached_property
    def _hits(self) -> Mapping[Place, Sequence[Sequence[bool]]]:
        """For each statement, which questions of which rows it speaks of."""
        return {
            (name, number): self._speaks(statement)
            for name, document in self.identity.documents.items()
            for number, statement in enumerate(document["Statement"])
        }

    def questions(self, row: int, *, alone: bool) -> Sequence[Question]:
        """What a simulator is to be asked about a row, for `verdict`."""
        return [
            Question(
                request=asked,
                owner=check.owner,
                identity=tuple(self.identity.policies.values()),
                boundary=None if alone else self.identity.boundary,
                resource=self.identity.trust or policy,
            )
            for check, (asked, policy) in zip(
                self.rows[row].checks(self.world), self._asked[row], strict=True
            )
        ]

    def verdicts(self) -> Sequence[Verdict]:
        return [self._verdict(number, {}) for number in range(len(self.rows))]

    def caught_by(self, place: Place, statement: Mapping[str, Any] | None) -> Row | None:
        """The first row that notices that *statement* (or nothing) stands at *place*."""
        now = self._hits[place]
        then = self._speaks(statement) if statement else [[False] * len(one) for one in now]
        for number, row in enumerate(self.rows):
            if now[number] != then[number] and self._verdict(
                number, {place: then[number]}
            ) != self._verdict(number, {}):
                return row
        return None

    def _speaks(self, statement: Mapping[str, Any]) -> Sequence[Sequence[bool]]:
        return [[matches(statement, one) for one, _ in row] for row in self._asked]

    def _verdict(self, row: int, exchanged: Mapping[Place, Sequence[bool]]) -> Verdict:
        checks = range(len(self._asked[row]))
        whole = [self._decide(row, check, exchanged, alone=False) for check in checks]
        alone = [self._decide(row, check, exchanged, alone=True) for check in checks]
        return Verdict(whole=together(whole), policy_alone=together(alone) == "allowed")

    def _decide(
        self, row: int, check: int, exchanged: Mapping[Place, Sequence[bool]], *, alone: bool
    ) -> Decision:
        asked, policy = self._asked[row][check]

        def effects(name: str) -> Iterator[str]:
            for number, statement in enumerate(self.identity.documents[name]["Statement"]):
                place = name, number
                hit = exchanged[place] if place in exchanged else self._hits[place][row]
                if hit[check]:
                    yield statement["Effect"]

        trust = list(effects(TRUST)) if self.identity.trust else []
        own = (
            [one["Effect"] for one in policy["Statement"] if matches(one, asked)] if policy else []
        )
        return combine(
            asked,
            identity=[effect for name in self.identity.policies for effect in effects(name)],
            boundary=(
                ["Allow"] if alone or not self.identity.boundary else list(effects(BOUNDARY))
            ),
            resource=[*trust, *own],
            named="Allow" in trust or is_named(policy, asked),
        )


def without(identity: Identity, name: str, number: int, put: Document | None) -> Identity:
    """*identity* with one statement exchanged, or left out."""
    document = identity.documents[name]
    statements = cast("list[Document]", list(document["Statement"]))
    statements[number : number + 1] = [put] if put else []
    changed = {**document, "Statement": statements}
    if name == BOUNDARY:
        return replace(identity, boundary=changed)
    if name == TRUST:
        return replace(identity, trust=changed)
    return replace(identity, policies={**identity.policies, name: changed})
