"""Proves claims: the solver searches for a request that breaks one, and finds none."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from cvc5 import Solver, Term

from sandbox.permissions import table
from sandbox.permissions.claims import counterexample
from sandbox.permissions.claims.encoding import (
    ALWAYS_ALLOWED,
    Encoding,
    PolicyLayers,
    check_list_tests,
)
from sandbox.permissions.claims.slicing import sliced
from sandbox.permissions.claims.stacks import ClaimedStack
from sandbox.permissions.claims.table import Claim, Holder, Statement, statement
from sandbox.permissions.table import Row

Answer = Literal["holds", "broken", "unknown"]
ADMINISTRATOR: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""AdministratorAccess, AWS's policy that allows everything."""
TIME_LIMIT: Final = 10_000
"""Milliseconds for one question to the solver, after which the answer is "unknown"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderResult:
    """What the solver says about a claim for one holder in one stack."""

    claim: Claim
    stack: str
    holder: Holder
    answer: Answer
    why: str = ""
    """The problem, if no request shows it."""
    row: Mapping[str, Any] | None = None
    """The request that breaks the claim, as a row of the contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A claim with the findings in every stack that it is made for."""

    claim: Claim
    held_by: tuple[Holder, ...]
    """What holds the claim in the first of these stacks."""
    stacks: int
    seconds: float
    findings: Sequence[HolderResult]
    """The results that do not hold, of the first stack with one."""

    @property
    def holds(self) -> bool:
        return not self.findings and self.stacks > 0


class Prover:
    """Proves claims; equal questions about equal documents are asked once."""

    def __init__(self) -> None:
        self.encoding = Encoding()
        self._simplifier = self.solver()
        self._answers: dict[str, tuple[Answer, str, Mapping[str, Any] | None]] = {}
        self._solved: dict[Term, tuple[Answer, str, Mapping[str, Any] | None]] = {}

    def prove(self, claim: Claim, stacks: Iterable[ClaimedStack]) -> Proof:
        """Whether *claim* holds in each of *stacks* that it is about."""
        start, count, broken = time.perf_counter(), 0, list[HolderResult]()
        proven_by: tuple[Holder, ...] = ()
        for stack in stacks:
            layers = stack.layers.get(claim.who)
            if layers is None or not claim.is_about(stack.given):
                continue
            count += 1
            holders = held_by(claim, layers)
            proven_by = proven_by or holders
            findings = [self.finding(claim, holder, layers, stack) for holder in holders]
            broken = [finding for finding in findings if finding.answer != "holds"]
            if broken:
                break
        seconds = time.perf_counter() - start
        return Proof(claim=claim, held_by=proven_by, stacks=count, seconds=seconds, findings=broken)

    def finding(
        self, claim: Claim, holder: Holder, layers: PolicyLayers, stack: ClaimedStack
    ) -> HolderResult:
        """The answer for one holder of the claim, which `table.Holder` lists."""
        question = _Question(claim, holder, layers, stack)
        if question.key not in self._answers:
            self._answers[question.key] = self._answer(question)
        answer, why, row = self._answers[question.key]
        return HolderResult(
            claim=claim, stack=stack.name, holder=holder, answer=answer, why=why, row=row
        )

    def _answer(self, question: "_Question") -> tuple[Answer, str, Mapping[str, Any] | None]:
        check_list_tests([*question.statements(), *question.requests])
        if question.claim.kind == "can":
            if not question.claim.row and not self._is_possible(question):
                return "broken", "no request is like this", None
            if why := self._row_is_not_one(question):
                return "broken", why, None
        broken = self.broken_by(question)
        if broken not in self._solved:
            self._solved[broken] = self._solve(question, broken)
        return self._solved[broken]

    def _solve(
        self, question: "_Question", broken: Term
    ) -> tuple[Answer, str, Mapping[str, Any] | None]:
        if broken.isBooleanValue() and not broken.getBooleanValue():
            return "holds", "", None
        solver = self.solver(broken)
        outcome = solver.checkSat()
        if outcome.isUnsat():
            return "holds", "", None
        if not outcome.isSat():
            return "unknown", f"the solver found no answer: {outcome.getUnknownExplanation()}", None
        row = counterexample.as_row(self, question.claim, broken, question.values)
        return "broken", "", row

    def broken_by(self, question: "_Question") -> Term:
        """The requests that break the claim."""
        encoding = self.encoding
        about, *exceptions = map(encoding.matches, question.requests)
        decided = self._decided(question)
        breaking = encoding.none_of([decided]) if question.claim.kind == "can" else decided
        return encoding.all_of(
            [self._assumed(question), about, encoding.none_of(exceptions), breaking]
        )

    def _decided(self, question: "_Question") -> Term:
        """The requests that are allowed, or that no denial of the boundary stops."""
        encoding, layers = self.encoding, question.layers
        match question.holder:
            case "boundary":
                attached = PolicyLayers(identity=[ADMINISTRATOR], boundary=layers.boundary)
                return encoding.decision(attached)[0]
            case "denial":
                return encoding.none_of([encoding.denies(_denying(layers))])
            case "policy":
                alone = PolicyLayers(identity=layers.identity, resource=layers.resource)
                return encoding.decision(alone)[0]
            case "together":
                return encoding.decision(layers)[0]

    def _assumed(self, question: "_Question") -> Term:
        """What holds for every request that a claim is about."""
        encoding = self.encoding
        always = encoding.patterns.equal(encoding.action, ALWAYS_ALLOWED)
        parts = [encoding.well_formed()]
        if question.claim.kind == "cannot":
            parts.append(encoding.none_of([always]))
        if principal := question.principal:
            parts.append(encoding.patterns.equal(encoding.principal, principal))
            account = str(question.values["account"])
            parts.append(encoding.patterns.equal(encoding.principal_account, account))
        if question.claim.kind == "can":
            parts += [encoding.none_of([encoding.foreign]), encoding.condition(question.context())]
        return encoding.all_of(parts)

    def _is_possible(self, question: "_Question") -> bool:
        about = self.encoding.matches(question.requests[0])
        possible = self.encoding.all_of([self._assumed(question), about])
        return self.solver(possible).checkSat().isSat()

    def _row_is_not_one(self, question: "_Question") -> str:
        """Why the row that the claim names is not such a request, or ""."""
        row = question.row
        if row is None:
            return ""
        values = question.placeholders
        checks = row.checks(values)
        about = self.encoding.matches(question.requests[0])
        allowed = self.encoding.decision(question.whole)[0]
        among = False
        for check in checks:
            assigned = counterexample.assignment(self.encoding, check, values)
            if not counterexample.value_of(self, allowed, assigned):
                return f"the row {row.what!r} is not allowed: {check.action} on {check.resource}"
            among = among or counterexample.value_of(self, about, assigned)
        return "" if among else f"the row {row.what!r} is not a request of this claim"

    def is_true(self, formula: Term) -> bool:
        """The value of *formula*, which has constants in the place of all variables."""
        return self._simplifier.simplify(formula).getBooleanValue()

    def solver(self, *assertions: Term) -> Solver:
        solver = Solver(self.encoding.terms)
        solver.setLogic("QF_SLIRA")
        solver.setOption("produce-models", "true")
        solver.setOption("strings-exp", "true")
        solver.setOption("tlimit-per", str(TIME_LIMIT))
        for assertion in assertions:
            solver.assertFormula(assertion)
        return solver


class _Question:
    """A claim about one holder with its placeholders filled in."""

    def __init__(
        self, claim: Claim, holder: Holder, layers: PolicyLayers, stack: ClaimedStack
    ) -> None:
        self.claim = claim
        self.holder: Holder = holder
        self.values = stack.values
        self.requests: list[Statement] = [
            statement(requests, stack.values) for requests in (claim.requests, *claim.unless)
        ]
        texts = {name: value for name, value in stack.values.items() if isinstance(value, str)}
        self.principal = texts.get(f"principal:{claim.who}", "")
        self.placeholders = {**texts, "owner": texts["account"], "principal": self.principal}
        self.whole = self._with_resource_policy(layers)
        """All documents; a row may ask about more than the claim."""
        self.layers = sliced(self.whole, self.requests[0])
        """What can match a request of the claim."""
        self.row: Row | None = _row(claim) if claim.row else None
        if self.row and self.row.given != stack.given_of_rows:
            self.row = None  # the row is about stacks with other settings
        self.key = repr(
            (claim.kind, holder, self.requests, self._documents(), self.principal, self.row)
        )

    def _documents(self) -> Sequence[Any]:
        layers = self.layers
        match self.holder:
            case "boundary":
                return [layers.boundary]
            case "denial":
                return _denying(layers)
            case "policy":
                return [layers.identity, layers.resource]
            case "together":
                return [layers.identity, layers.boundary, layers.resource, self.context()]

    def statements(self) -> Iterator[Statement]:
        for document in (*self.layers.identity, self.layers.boundary, self.layers.resource):
            yield from document["Statement"] if document else ()

    def _with_resource_policy(self, layers: PolicyLayers) -> PolicyLayers:
        if not self.claim.resource_policy:
            return layers
        policy = table.resource_policy(self.claim.resource_policy, self.placeholders)
        return PolicyLayers(identity=layers.identity, boundary=layers.boundary, resource=policy)

    def context(self) -> Mapping[str, Any]:
        """The condition keys that AWS sets, except those that the claim tests itself."""
        if self.claim.who.startswith("trust"):
            return {}
        actions = self.requests[0].get("Action", ["*"])
        keys = table.fill(table.assumed_context(actions[0], self.claim.who), self.placeholders)
        tested = {key.lower() for lines in self.requests[0]["Condition"].values() for key in lines}
        condition: dict[str, dict[str, str]] = {}
        if ":user/" in self.principal and "aws:tokenissuetime" not in tested:
            condition["Null"] = {"aws:TokenIssueTime": "true"}  # an access key has no such time
        for key, value in keys.items():
            if key.lower() not in tested:
                operator = "NumericEquals" if key == "ec2:RoleDelivery" else "StringEquals"
                condition.setdefault(operator, {})[key] = value
        return condition


def held_by(claim: Claim, layers: PolicyLayers) -> tuple[Holder, ...]:
    """What holds the claim; under the organization's boundary the policy, with the denials."""
    if layers.boundary:
        return claim.held_by
    return tuple(
        dict.fromkeys("policy" if holder == "boundary" else holder for holder in claim.held_by)
    )


def _denying(layers: PolicyLayers) -> Sequence[Any]:
    """The documents with the program's denials."""
    return [layers.boundary] if layers.boundary else layers.identity


def _row(claim: Claim) -> Row:
    """The row of the contract that *claim* names.

    Raises:
        TableError: there is no such row.
    """
    for row in _allowed_rows().get((claim.who, claim.row), ()):
        if row.given == claim.given:
            return row
    raise table.TableError(
        f"{claim.name}: the contract allows {claim.who} no row {claim.row!r}; name one that "
        "sandbox/permissions/contract allows"
    )


@cache
def _allowed_rows() -> Mapping[tuple[str, str], Sequence[Row]]:
    """The allowed rows of the contract by identity and description."""
    by_sentence: dict[tuple[str, str], list[Row]] = {}
    for row in table.rows():
        if row.decision == "allowed":
            by_sentence.setdefault((row.who, row.what), []).append(row)
    return by_sentence
