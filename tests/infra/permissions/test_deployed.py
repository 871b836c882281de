"""Documents are unchanged after IAM has stored them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from infra import names
from infra.permissions import trust
from infra.permissions.statements import Statement, document, documents
from tests.infra.permissions import deployed_documents
from tests.infra.permissions.simulated_rows import expected
from tests.infra.permissions.stacks import (
    SERVICE_ACCOUNT,
    Given,
    all_statements,
    identities,
    policy_context,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

GIVEN: Given = {"manager_identity": "pod-identity"}
"""The manager is a role, because the emulator keeps no boundary of a user."""


@pytest.fixture
def iam(fake_credentials: None) -> "Iterator[IAMClient]":
    """An account that holds the identities of a stack."""
    del fake_credentials
    with mock_aws():
        client = boto3.client("iam", region_name="us-east-1")
        statements = all_statements(policy_context(GIVEN))
        for role_name, who, trust_name in (
            (names.MANAGER, "manager", "pod identity trust"),
            (names.INSTANCE_ROLE, "instance", "instance trust"),
            (names.FLOW_LOGS, "flow logs", "flow logs trust"),
        ):
            create_role(
                client,
                role_name,
                trust=statements[trust_name],
                policy=statements[f"{who} policy"],
                boundary=statements.get(f"{who} boundary", ()),
            )
        yield client


def create_role(
    iam: "IAMClient",
    name: str,
    *,
    trust: Sequence[Statement],
    policy: Sequence[Statement],
    boundary: Sequence[Statement],
) -> None:
    options: Any = {}
    if boundary:
        created = iam.create_policy(PolicyName=f"{name}-cap", PolicyDocument=document(boundary))
        options["PermissionsBoundary"] = created["Policy"]["Arn"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **options)
    for number, text in enumerate(documents(policy)):
        created = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)
        iam.attach_role_policy(RoleName=name, PolicyArn=created["Policy"]["Arn"])


def broken_rows(iam: "IAMClient") -> list[str]:
    return [
        str(row)
        for bench in deployed_documents.benches(iam, GIVEN)
        for row, verdict in zip(bench.rows, bench.verdicts(), strict=True)
        if verdict != expected(row)
    ]


def test_the_account_holds_the_documents_that_were_written(iam: "IAMClient") -> None:
    in_account, written = (
        deployed_documents.identities(iam, GIVEN),
        identities(policy_context(GIVEN)),
    )
    assert in_account.keys() < written.keys()
    for who, identity in in_account.items():
        assert list(identity.policies.values()) == list(written[who].policies.values())
        assert (identity.boundary, identity.trust) == (written[who].boundary, written[who].trust)


def test_a_trust_policy_that_was_changed_in_the_account_breaks_its_rows(iam: "IAMClient") -> None:
    assert broken_rows(iam) == []
    namespace, _, name = SERVICE_ACCOUNT.partition("/")
    text = document(trust.pod_identity(f"not-{namespace}/{name}"))
    iam.update_assume_role_policy(RoleName=names.MANAGER, PolicyDocument=text)
    broken = broken_rows(iam)
    assert broken
    assert all(row.startswith("trust of the manager's role for pods") for row in broken)
