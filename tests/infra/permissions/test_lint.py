"""Every document says what AWS will understand, by our own lint and by parliament."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.permissions.table import rows
from tests.infra.permissions import field_linter
from local.iam.evaluator import Document
from tests.infra.permissions.lint import findings
from tests.infra.permissions.stacks import benches

pytestmark = pytest.mark.proof

DOCUMENTS: Mapping[str, Document] = {
    f"{bench.rows[0].who}: {name}: {json.dumps(bench.rows[0].given)}": document
    for bench in benches(rows())
    for name, document in bench.identity.documents.items()
}
RUN = "ec2:RunInstances"
EC2 = "arn:aws:ec2:us-east-1:123456789012:"


def statement(**parts: Any) -> Document:
    return {"Statement": [{"Sid": "Here", "Effect": "Allow", **parts}]}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_condition_key_and_resource_is_one_that_the_action_knows(name: str) -> None:
    assert list(findings(DOCUMENTS[name])) == []


BROKEN: Mapping[str, tuple[Document, str]] = {
    "the VPC of an instance": (
        statement(
            Action=RUN, Resource=f"{EC2}instance/*", Condition={"ArnEquals": {"ec2:Vpc": "x"}}
        ),
        f"Here: {RUN} on {EC2}instance/*: AWS fills in no ec2:Vpc there",
    ),
    "the VPC of an instance, in a denial that would hit every launch": (
        statement(
            Effect="Deny",
            Action="ec2:TerminateInstances",
            Resource=f"{EC2}instance/*",
            Condition={"ArnNotEquals": {"ec2:Vpc": "x"}},
        ),
        f"Here: ec2:TerminateInstances on {EC2}instance/*: AWS fills in no ec2:Vpc there",
    ),
    "the tags asked for a subnet": (
        statement(
            Action=RUN,
            Resource=f"{EC2}subnet/*",
            Condition={"StringEquals": {"aws:RequestTag/user_id": "x"}},
        ),
        f"Here: {RUN} on {EC2}subnet/*: AWS fills in no aws:RequestTag/user_id there",
    ),
    "the tags of a volume that is yet to be": (
        statement(
            Action=RUN,
            Resource=f"{EC2}volume/*",
            Condition={"StringEquals": {"aws:ResourceTag/user_id": "x"}},
        ),
        f"Here: {RUN} on {EC2}volume/*: AWS fills in no aws:ResourceTag/user_id there",
    ),
    "a key with a slip of the pen": (
        statement(
            Action=RUN,
            Resource=f"{EC2}instance/*",
            Condition={"StringEquals": {"ec2:InstanceTypes": "x"}},
        ),
        f"Here: {RUN} on {EC2}instance/*: AWS fills in no ec2:InstanceTypes there",
    ),
    "an action with a slip of the pen": (
        statement(Action="ec2:RunInstance", Resource="*"),
        "Here: ec2:RunInstance: is no action",
    ),
    "an action of no service": (
        statement(Action="ec3:RunInstances", Resource="*"),
        "Here: ec3:RunInstances: is no action",
    ),
    "an action to leave out that does not exist": (
        {"Statement": [{"Sid": "Here", "Effect": "Deny", "NotAction": "ec2:Run", "Resource": "*"}]},
        "Here: ec2:Run: is no action",
    ),
    "a profile where its role is meant": (
        statement(Action="iam:PassRole", Resource="arn:aws:iam::1:instance-profile/x"),
        "Here: iam:PassRole: knows none of arn:aws:iam::1:instance-profile/x",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_lint_finds(name: str) -> None:
    document, finding = BROKEN[name]
    assert list(findings(document)) == [finding]


def test_parliament_finds_nothing_but_known_noise() -> None:
    found = {
        (issue, name)
        for name, document in DOCUMENTS.items()
        if "trust" not in name  # it knows no trust policies
        for issue in field_linter.findings(document)
    }
    assert {(issue, name) for issue, name in found if issue not in field_linter.NOISE} == set()
    assert {issue for issue, _ in found} == field_linter.NOISE.keys()
