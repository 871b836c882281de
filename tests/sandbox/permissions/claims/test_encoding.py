"""The encoding decides like both evaluators, on random requests."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from cvc5 import Term
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from local.iam import evaluator
from sandbox.permissions.claims import counterexample, stacks
from sandbox.permissions.claims.encoding import PolicyLayers
from sandbox.permissions.claims.pattern_formulas import UnsupportedError
from sandbox.permissions.claims.proof import Prover
from sandbox.permissions.table import Check, Decision
from tests.infra.permissions.iam_simulate import DECISIONS, ask
from tests.infra.permissions.row_verdicts import RowQuestion
from tests.sandbox.permissions.claims.random_requests import (
    OTHER_ACCOUNT,
    REQUESTS,
    own_questions,
    random_questions,
)
from tests.slices import EVERYTHING

pytestmark = pytest.mark.proof

WHOLE = 50_000
"""Requests of each kind in `make prove-permissions`; two kinds are 100,000."""
SLICE = 400
CHUNK = 10_000
"""Questions for one run of the simulator."""


def collected(strategy: SearchStrategy[list[RowQuestion]], each: int) -> Sequence[RowQuestion]:
    """Questions from *strategy*, *each* per example, for one call of the simulator."""
    questions: list[RowQuestion] = []
    count = WHOLE if EVERYTHING else SLICE

    @settings(
        max_examples=count // each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(strategy)
    def collect(asked: list[RowQuestion]) -> None:
        for question in asked:
            owner = OTHER_ACCOUNT if question.request.foreign else stacks.ACCOUNT.account_id
            questions.append(replace(question, owner=owner))

    collect()
    return questions


class Encoded:
    """The decisions of the encoding."""

    def __init__(self) -> None:
        self._prover = Prover()
        self._formulas: dict[str, tuple[Term, Term]] = {}

    def decide(self, question: RowQuestion) -> Decision:
        request = question.request
        layers = PolicyLayers(
            identity=question.identity, boundary=question.boundary, resource=question.resource
        )
        key = repr(layers)
        if key not in self._formulas:
            self._formulas[key] = self._prover.encoding.decision(layers)
        allowed, forbidden = self._formulas[key]
        check = Check(
            part="",
            principal=request.principal,
            action=request.action,
            resource=request.resource,
            owner=question.owner,
            context=request.context,
            resource_policy=None,
        )
        placeholders = {"account": stacks.ACCOUNT.account_id}
        values = counterexample.assignment(self._prover.encoding, check, placeholders)
        if counterexample.value_of(self._prover, allowed, values):
            return "allowed"
        return "forbidden" if counterexample.value_of(self._prover, forbidden, values) else "denied"


def evaluated(question: RowQuestion) -> Decision:
    """The decision of our own evaluator."""
    layers = evaluator.Layers(
        identity=question.identity, boundary=question.boundary, resource=question.resource
    )
    return evaluator.decide(layers, question.request)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("strategy", "each"),
    [(own_questions(), 1), (random_questions(), REQUESTS)],
    ids=["own documents", "random documents"],
)
def test_the_encoding_and_both_evaluators_decide_alike(
    strategy: SearchStrategy[list[RowQuestion]], each: int, closing_line: Callable[[str], None]
) -> None:
    questions, encoding = collected(strategy, each), Encoded()
    ours = [evaluated(question) for question in questions]
    by_encoding = [encoding.decide(question) for question in questions]
    simulated = [
        answer
        for start in range(0, len(questions), CHUNK)
        for answer in ask(questions[start : start + CHUNK])
    ]
    answered = [answer in DECISIONS.values() for answer in simulated]
    wrong = [
        (question, encoded, evaluated_as, theirs)
        for question, encoded, evaluated_as, theirs, known in zip(
            questions, by_encoding, ours, simulated, answered, strict=True
        )
        if encoded != evaluated_as or (known and encoded != theirs)
    ]
    closing_line(
        f"permissions: {len(questions)} random requests, {len(wrong)} disagreements of the encoding"
        f" with our evaluator, or with the simulator, which answered {sum(answered)}; decisions:"
        f" {dict(Counter(by_encoding))}"
    )
    assert not wrong, wrong[0]
    assert sum(answered) > len(questions) / 2
    assert len(Counter(by_encoding)) == len(DECISIONS)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ({"Action": "*", "Resource": "*", "Condition": {"DateEquals": {"a": "b"}}}, "DateEquals"),
        ({"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:TagKeys": "b"}}}, "LISTS"),
        ({"Action": "*", "Resource": "*", "Condition": {"NumericEquals": {"a": "1"}}}, "NUMBERS"),
        ({"Action": "*", "Resource": "arn:aws:s3"}, "six parts"),
        ({"Action": "*", "Resource": "arn:aws:s3:::${aws:userid}/*/x"}, "policy variable"),
        ({"Action": "*", "NotResource": "arn:aws:s3:::${aws:userid}"}, "NotResource"),
        ({"Action": "*", "Resource": "*", "NotPrincipal": "*"}, "NotPrincipal"),
    ],
)
def test_what_the_encoding_does_not_know_is_refused(statement: dict[str, str], named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        Prover().encoding.matches(statement)
