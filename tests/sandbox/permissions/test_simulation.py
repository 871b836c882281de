"""`sandbox permissions check` compares IAM's simulator with the contract."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sandbox.core.errors import SandboxError
from sandbox.permissions.simulation import RowAnswer, simulate
from sandbox.permissions.table import Row, rows
from tests.infra.permissions.row_verdicts import Identity
from tests.infra.permissions.stacks import (
    Given,
    identities,
    placeholders_of,
    policy_context,
    settings_of,
)
from tests.sandbox.permissions.fake_aws import simulator

pytestmark = pytest.mark.proof


def check(given: Given, iam: Any, asked: Sequence[Row] = rows()) -> Sequence[RowAnswer]:
    """The answers for a stack with the settings *given*."""
    return list(simulate(iam, asked, placeholders_of(given), settings_of(given)))


def few() -> Sequence[Row]:
    """Rows of each kind that the tests of errors need."""
    actions = ("ec2:DescribeInstances", "ec2:DescribeTags", "ec2:CreateTags", "launch")
    return [
        row
        for action in actions
        for row in [row for row in rows() if row.who == "manager" and row.action == action][:5]
    ]


def documents() -> dict[str, Identity]:
    return dict(identities(policy_context({})))


def with_verdict(answers: Sequence[RowAnswer], verdict: str) -> list[str]:
    return [f"{answer.row}: {answer.why}" for answer in answers if answer.verdict == verdict]


@pytest.fixture(scope="module")
def default_answers() -> Sequence[RowAnswer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        return check({}, simulator(documents()))


def test_every_row_that_can_be_asked_holds_in_the_account_of_a_stack(
    default_answers: Sequence[RowAnswer],
) -> None:
    verdicts = Counter(answer.verdict for answer in default_answers)
    assert verdicts.keys() == {"holds", "not asked"}
    assert verdicts["holds"] > 380


def test_a_row_that_is_not_asked_has_a_reason(default_answers: Sequence[RowAnswer]) -> None:
    reasons = {answer.why for answer in default_answers if answer.verdict == "not asked"}
    assert len(reasons) >= 7
    assert "" not in reasons


@pytest.mark.parametrize(
    ("given", "who", "asked"),
    [
        ({}, "flow logs", True),
        ({"flow_logs": False}, "flow logs", False),
        ({}, "budget", False),
        ({"monthly_budget_usd": 50, "budget_email": "a@b.org"}, "budget", True),
    ],
)
def test_only_the_identities_that_the_settings_create_are_asked(
    given: Given, who: str, *, asked: bool
) -> None:
    rows_of_identity = [row for row in rows() if row.who == who]
    answers = check(given, simulator(documents()), rows_of_identity)
    verdicts = {answer.verdict for answer in answers}
    assert verdicts <= {"holds", "not asked"}
    assert ("holds" in verdicts) == asked


def test_a_policy_that_was_widened_in_the_account_breaks_its_rows() -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    widened = {**documents(), "instance": Identity(policies={"policy": everything})}
    broken = [answer for answer in check({}, simulator(widened)) if answer.verdict == "broken"]
    assert {answer.row.who for answer in broken} == {"instance"}
    assert {answer.why for answer in broken} == {"allowed"}


def test_an_identity_that_is_missing_costs_only_its_own_rows() -> None:
    present = {who: identity for who, identity in documents().items() if who != "flow logs"}
    answers = check({}, simulator(present))
    unanswered = [answer for answer in answers if answer.verdict == "no answer"]
    assert {answer.row.who for answer in unanswered} == {"flow logs"}
    assert all("NoSuchEntity" in answer.why for answer in unanswered)
    assert len(with_verdict(answers, "holds")) > 350


def test_a_throttled_call_costs_only_its_own_row() -> None:
    def throttle(parameters: Mapping[str, Any]) -> str | None:
        return "Throttling" if parameters["ActionNames"] == ["ec2:DescribeTags"] else None

    answers = check({}, simulator(documents(), failing=throttle), few())
    [unanswered] = with_verdict(answers, "no answer")
    assert "ec2:DescribeTags" in unanswered
    assert with_verdict(answers, "broken") == []


def test_credentials_that_may_not_use_the_simulator_end_the_check() -> None:
    iam = simulator({}, failing=lambda _: "AccessDenied")
    with pytest.raises(SandboxError, match="iam:SimulatePrincipalPolicy: AccessDenied"):
        check({}, iam)


def test_one_call_that_is_refused_later_costs_only_its_own_row() -> None:
    def refuse(parameters: Mapping[str, Any]) -> str | None:
        return "AccessDenied" if parameters["ActionNames"] == ["ec2:DescribeTags"] else None

    answers = check({}, simulator(documents(), failing=refuse), few())
    assert len(with_verdict(answers, "no answer")) == 1
    assert with_verdict(answers, "broken") == []


def test_an_answer_without_a_decision_costs_only_its_own_row() -> None:
    def silent(parameters: Mapping[str, Any]) -> bool:
        return parameters["ActionNames"] == ["ec2:CreateTags"]

    answers = check({}, simulator(documents(), silent=silent), few())
    unanswered = [answer for answer in answers if answer.verdict == "no answer"]
    assert {answer.why for answer in unanswered} == {"IAM gave no decision"}
    assert {answer.row.action for answer in unanswered} == {"launch", "ec2:CreateTags"}
    assert with_verdict(answers, "broken") == []
