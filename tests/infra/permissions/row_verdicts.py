"""Evaluates the contract's rows before documents, unchanged or with one statement replaced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from local.iam.evaluator import (
    Document,
    Request,
    account_effects,
    combine,
    is_named,
    matches,
)
from local.iam.evaluator import effects as evaluate
from local.iam.reference import any_resource
from sandbox.permissions.table import ANY_RESOURCE, Check, Decision, Placeholders, Row

BOUNDARY: Final = "boundary"
TRUST: Final = "trust"
ADMINISTRATOR: Final[Document] = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""AWS's managed policy AdministratorAccess."""
By = Literal["whole", "policy alone", "as administrator"]
"""The documents that decide; see `RowVerdict`."""
StatementId = tuple[str, int]
"""The name of a document, and the number of a statement in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The documents of one principal of the table, by their names."""

    policies: Mapping[str, Document] = field(default_factory=dict[str, Document])
    boundary: Document | None = None
    trust: Document | None = None

    @property
    def documents(self) -> Mapping[str, Document]:
        others = {BOUNDARY: self.boundary, TRUST: self.trust}
        present = {name: document for name, document in others.items() if document is not None}
        return {**self.policies, **present}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowVerdict:
    """The decisions on a row, by different documents."""

    whole: Decision
    """The decision of the policy and its boundary."""
    policy_alone: bool
    """Whether the policy without its boundary allows it."""
    as_administrator: bool
    """Whether it is allowed if AWS's policy AdministratorAccess is also attached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuestion:
    """A request, and the documents that decide on it."""

    request: Request
    owner: str
    identity: Sequence[Document] = ()
    boundary: Document | None = None
    resource: Document | None = None


def request(check: Check, placeholders: Placeholders) -> Request:
    resource = check.resource
    if resource == ANY_RESOURCE:
        resource = any_resource(
            check.action, region=placeholders["region"], account=placeholders["account"]
        )
    return Request(
        principal=check.principal,
        action=check.action,
        resource=resource,
        context=check.context,
        foreign=check.owner != placeholders["account"],
    )


def together(decisions: Sequence[str]) -> Decision:
    """A launch is allowed if every part is allowed, and forbidden if any part is forbidden."""
    order: tuple[Decision, ...] = ("forbidden", "denied", "allowed")
    return next(decision for decision in order if decision in decisions)


@dataclass(frozen=True)
class Bench:
    """The rows of one principal, with its documents."""

    identity: Identity
    rows: Sequence[Row]
    placeholders: Placeholders

    @cached_property
    def _asked(self) -> Sequence[Sequence[tuple[Request, Document | None]]]:
        return [
            [
                (request(check, self.placeholders), check.resource_policy)
                for check in row.checks(self.placeholders)
            ]
            for row in self.rows
        ]

    @cached_property
    def _hits(self) -> Mapping[StatementId, Sequence[Sequence[bool]]]:
        """The questions that each statement matches, by row."""
        return {
            (name, number): self._matches(statement)
            for name, document in self.identity.documents.items()
            for number, statement in enumerate(document["Statement"])
        }

    def questions(self, row: int, by: By) -> Sequence[RowQuestion]:
        """The questions to a simulator about a row."""
        attached = [ADMINISTRATOR] if self._is_attached(by) else []
        return [
            RowQuestion(
                request=asked,
                owner=check.owner,
                identity=(*self.identity.policies.values(), *attached),
                boundary=None if by == "policy alone" else self.identity.boundary,
                resource=self.identity.trust or policy,
            )
            for check, (asked, policy) in zip(
                self.rows[row].checks(self.placeholders), self._asked[row], strict=True
            )
        ]

    def verdicts(self) -> Sequence[RowVerdict]:
        return [self._verdict(number, {}) for number in range(len(self.rows))]

    def caught_by(
        self, statement_id: StatementId, statement: Mapping[str, Any] | None
    ) -> Row | None:
        """The first row whose verdict changes if *statement*, or none, replaces *statement_id*."""
        return next((row for row, _ in self.changed_by(statement_id, statement)), None)

    def changed_by(
        self, statement_id: StatementId, statement: Mapping[str, Any] | None
    ) -> Iterator[tuple[Row, RowVerdict]]:
        """The rows whose verdict changes by this replacement, and their new verdicts."""
        before = self._hits[statement_id]
        after = (
            self._matches(statement) if statement else [[False] * len(checks) for checks in before]
        )
        for number, row in enumerate(self.rows):
            if before[number] != after[number]:
                verdict = self._verdict(number, {statement_id: after[number]})
                if verdict != self._verdict(number, {}):
                    yield row, verdict

    @cached_property
    def _distinct(self) -> tuple[Sequence[Request], Sequence[Sequence[int]]]:
        """The distinct requests, and the number of each question's: launches share most parts."""
        requests: list[Request] = []
        numbers: dict[str, int] = {}
        for row in self._asked:
            for asked, _ in row:
                if numbers.setdefault(repr(asked), len(requests)) == len(requests):
                    requests.append(asked)
        return requests, [[numbers[repr(asked)] for asked, _ in row] for row in self._asked]

    def _matches(self, statement: Mapping[str, Any]) -> Sequence[Sequence[bool]]:
        requests, rows = self._distinct
        hits = [matches(statement, asked) for asked in requests]
        return [[hits[number] for number in row] for row in rows]

    def _verdict(self, row: int, replaced: Mapping[StatementId, Sequence[bool]]) -> RowVerdict:
        def decision(by: By) -> Decision:
            checks = range(len(self._asked[row]))
            return together([self._decide(row, check, replaced, by) for check in checks])

        return RowVerdict(
            whole=decision("whole"),
            policy_alone=decision("policy alone") == "allowed",
            as_administrator=decision("as administrator") == "allowed",
        )

    def _is_attached(self, by: By) -> bool:
        """Whether AdministratorAccess is attached; a trust policy decides without it."""
        return by == "as administrator" and not self.identity.trust

    def _decide(
        self, row: int, check: int, replaced: Mapping[StatementId, Sequence[bool]], by: By
    ) -> Decision:
        asked, policy = self._asked[row][check]

        def effects(name: str) -> Iterator[str]:
            for number, statement in enumerate(self.identity.documents[name]["Statement"]):
                key = name, number
                hit = replaced[key] if key in replaced else self._hits[key][row]
                if hit[check]:
                    yield statement["Effect"]

        trust = list(effects(TRUST)) if self.identity.trust else []
        resource_effects = evaluate(policy, asked) if policy else []
        account = account_effects(policy, asked) if policy else []
        bounded = self.identity.boundary is not None and by != "policy alone"
        boundary = list(effects(BOUNDARY)) if bounded else ["Allow"]
        if asked.action.startswith("kms:") and "Allow" not in resource_effects:
            # the policy of a key must allow every use (KMS guide, key policies)
            boundary = [effect for effect in boundary if effect != "Allow"]
        attached = ["Allow"] if self._is_attached(by) else []
        return combine(
            asked,
            identity=[
                *attached,
                *(effect for name in self.identity.policies for effect in effects(name)),
            ],
            boundary=boundary,
            resource=[*trust, *resource_effects],
            account=account,
            named="Allow" in trust or is_named(policy, asked),
        )
