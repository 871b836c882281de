"""AWS ignores no part of a document, by our own lint and by parliament."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from local.iam.evaluator import Document
from sandbox.permissions.table import rows
from tests.infra.permissions import parliament_linter
from tests.infra.permissions.lint import findings
from tests.infra.permissions.stacks import benches

pytestmark = pytest.mark.proof

RUN = "ec2:RunInstances"
EC2 = "arn:aws:ec2:us-east-1:123456789012:"


def statement(**parts: Any) -> Document:
    return {"Statement": [{"Sid": "Here", "Effect": "Allow", **parts}]}


@pytest.fixture(scope="module")
def documents() -> Mapping[str, Document]:
    """Every document of every stack of the table, by identity, name and settings."""
    return {
        f"{bench.rows[0].who}: {name}: {json.dumps(bench.rows[0].given)}": document
        for bench in benches(rows())
        for name, document in bench.identity.documents.items()
    }


def test_every_action_has_its_condition_keys_and_resources(
    documents: Mapping[str, Document],
) -> None:
    assert [
        f"{name}: {finding}"
        for name, document in documents.items()
        for finding in findings(document)
    ] == []


BROKEN: Mapping[str, tuple[Document, str]] = {
    "the VPC of an instance": (
        statement(
            Action=RUN, Resource=f"{EC2}instance/*", Condition={"ArnEquals": {"ec2:Vpc": "x"}}
        ),
        f"Here: {RUN} on {EC2}instance/*: AWS does not set ec2:Vpc",
    ),
    "the VPC of an instance, in a denial that would hit every launch": (
        statement(
            Effect="Deny",
            Action="ec2:TerminateInstances",
            Resource=f"{EC2}instance/*",
            Condition={"ArnNotEquals": {"ec2:Vpc": "x"}},
        ),
        f"Here: ec2:TerminateInstances on {EC2}instance/*: AWS does not set ec2:Vpc",
    ),
    "the tags asked for a subnet": (
        statement(
            Action=RUN,
            Resource=f"{EC2}subnet/*",
            Condition={"StringEquals": {"aws:RequestTag/user_id": "x"}},
        ),
        f"Here: {RUN} on {EC2}subnet/*: AWS does not set aws:RequestTag/user_id",
    ),
    "the tags of a volume that does not exist yet": (
        statement(
            Action=RUN,
            Resource=f"{EC2}volume/*",
            Condition={"StringEquals": {"aws:ResourceTag/user_id": "x"}},
        ),
        f"Here: {RUN} on {EC2}volume/*: AWS does not set aws:ResourceTag/user_id",
    ),
    "a misspelt key": (
        statement(
            Action=RUN,
            Resource=f"{EC2}instance/*",
            Condition={"StringEquals": {"ec2:InstanceTypes": "x"}},
        ),
        f"Here: {RUN} on {EC2}instance/*: AWS does not set ec2:InstanceTypes",
    ),
    "a misspelt action": (
        statement(Action="ec2:RunInstance", Resource="*"),
        "Here: ec2:RunInstance: is not a valid action",
    ),
    "an action of no service": (
        statement(Action="ec3:RunInstances", Resource="*"),
        "Here: ec3:RunInstances: is not a valid action",
    ),
    "an action to leave out that does not exist": (
        {"Statement": [{"Sid": "Here", "Effect": "Deny", "NotAction": "ec2:Run", "Resource": "*"}]},
        "Here: ec2:Run: is not a valid action",
    ),
    "a profile where its role is meant": (
        statement(Action="iam:PassRole", Resource="arn:aws:iam::1:instance-profile/x"),
        "Here: iam:PassRole: has none of the resource types of arn:aws:iam::1:instance-profile/x",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_lint_finds(name: str) -> None:
    document, finding = BROKEN[name]
    assert list(findings(document)) == [finding]


def test_parliament_finds_only_what_does_not_apply(documents: Mapping[str, Document]) -> None:
    issues = {
        issue
        for name, document in documents.items()
        if "trust" not in name  # parliament does not read trust policies
        for issue in parliament_linter.findings(document)
    }
    assert issues == parliament_linter.NOT_APPLICABLE.keys()
