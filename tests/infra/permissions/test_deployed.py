"""Documents survive the way into IAM and back, and the contract holds for what comes back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from infra import names
from infra.permissions import flow_logs, instance, manager, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, document, documents
from tests.infra.permissions import deployed
from tests.infra.permissions.stacks import identities, scope
from tests.infra.permissions.worlds import SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_iam import IAMClient

GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/sandbox/flow-logs"


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch) -> "Iterator[IAMClient]":
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("iam", region_name="us-east-1")


def make_role(  # noqa: PLR0913 - what a role has
    iam: "IAMClient",
    name: str,
    *,
    trusted: "Sequence[Statement]",
    policy: "Sequence[Statement]",
    boundary: "Sequence[Statement]" = (),
    path: str = "/",
) -> None:
    more: Any = {}
    if boundary:
        own = iam.create_policy(PolicyName=f"{name}-cap", PolicyDocument=document(boundary))
        more["PermissionsBoundary"] = own["Policy"]["Arn"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trusted), Path=path, **more)
    for number, text in enumerate(documents(policy)):
        made = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)
        iam.attach_role_policy(RoleName=name, PolicyArn=made["Policy"]["Arn"])


pytestmark = pytest.mark.proof


def deploy(iam: "IAMClient", scope: PolicyContext) -> None:
    """A stack whose manager is a role; the emulator keeps no boundary of a user."""
    make_role(
        iam,
        names.MANAGER,
        path=names.MANAGER_PATH,
        trusted=trust.pod_identity(SERVICE_ACCOUNT),
        policy=manager.policy(scope),
        boundary=manager.boundary(scope),
    )
    make_role(
        iam,
        names.INSTANCE_ROLE,
        trusted=trust.ec2(),
        policy=instance.policy(scope),
        boundary=instance.boundary(scope),
    )
    make_role(
        iam,
        names.FLOW_LOGS,
        trusted=trust.flow_logs(scope),
        policy=flow_logs.policy(scope, GROUP),
    )


GIVEN: Mapping[str, Any] = {"manager_identity": "pod-identity"}


def test_what_is_read_back_is_what_was_written(iam: "IAMClient") -> None:
    deploy(iam, scope(GIVEN))
    found, wanted = deployed.identities(iam, GIVEN), identities(scope(GIVEN))
    assert found.keys() < wanted.keys()
    for who, identity in found.items():
        assert list(identity.policies.values()) == list(wanted[who].policies.values())
        assert (identity.boundary, identity.trust) == (wanted[who].boundary, wanted[who].trust)


def test_a_policy_widened_in_the_account_is_found_out(iam: "IAMClient") -> None:
    deploy(iam, scope(GIVEN))
    assert deployed.wrong(iam, scope(GIVEN), GIVEN) == []
    text = document(trust.pod_identity("research/sandbox-manager"))
    iam.update_assume_role_policy(RoleName=names.MANAGER, PolicyDocument=text)
    wrong = deployed.wrong(iam, scope(GIVEN), GIVEN)
    assert any("its own pods" in one for one in wrong)
