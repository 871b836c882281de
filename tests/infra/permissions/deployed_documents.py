"""Checks the contract against the documents in an account, read through IAM's API."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from infra import names
from sandbox.permissions.table import Row, rows
from tests.infra.permissions.row_verdicts import Bench, Identity
from tests.infra.permissions.stacks import VPC_ID, Given, placeholders_of

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def benches(iam: "IAMClient", given: Given, vpc_id: str = VPC_ID) -> Iterator[Bench]:
    """The rows that apply to a stack with the settings *given*, with the account's documents."""
    for who, identity in identities(iam, given).items():
        own_rows = [row for row in rows() if row.who == who and _holds_for(row, given)]
        if own_rows:
            yield Bench(
                identity=identity, rows=own_rows, placeholders=placeholders_of(given, vpc_id)
            )


def identities(iam: "IAMClient", given: Given) -> Mapping[str, Identity]:
    """Each principal of the table that exists with the settings *given*."""
    instance, flow_logs = role(iam, names.INSTANCE_ROLE), role(iam, names.FLOW_LOGS)
    manager_identity = given.get("manager_identity", "user")
    manager = user(iam, names.MANAGER) if manager_identity == "user" else role(iam, names.MANAGER)
    manager_trust = Identity(trust=manager.trust)
    trusts = {
        "user": {},
        "irsa": {"trust of the manager's role for a service account": manager_trust},
        "pod-identity": {"trust of the manager's role for pods": manager_trust},
    }
    return {
        "manager": Identity(policies=manager.policies, boundary=manager.boundary),
        "instance": Identity(policies=instance.policies, boundary=instance.boundary),
        "flow logs": Identity(policies=flow_logs.policies, boundary=flow_logs.boundary),
        "trust of the instance role": Identity(trust=instance.trust),
        "trust of the flow logs role": Identity(trust=flow_logs.trust),
        **trusts[manager_identity],
    }


def user(iam: "IAMClient", name: str) -> Identity:
    attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    boundary = iam.get_user(UserName=name)["User"].get("PermissionsBoundary")
    return Identity(
        policies=_policies(iam, cast("list[Mapping[str, str]]", attached)),
        boundary=_document(iam, boundary["PermissionsBoundaryArn"]) if boundary else None,
    )


def role(iam: "IAMClient", name: str) -> Identity:
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    details = iam.get_role(RoleName=name)["Role"]
    boundary = details.get("PermissionsBoundary")
    return Identity(
        policies=_policies(iam, cast("list[Mapping[str, str]]", attached)),
        boundary=_document(iam, boundary["PermissionsBoundaryArn"]) if boundary else None,
        trust=_parsed(details["AssumeRolePolicyDocument"]),
    )


def _policies(iam: "IAMClient", attached: list[Mapping[str, str]]) -> Mapping[str, Any]:
    return {policy["PolicyName"]: _document(iam, policy["PolicyArn"]) for policy in attached}


def _document(iam: "IAMClient", arn: str) -> Mapping[str, Any]:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
    return _parsed(answer["PolicyVersion"]["Document"])


def _parsed(document: Any) -> Mapping[str, Any]:
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _holds_for(row: Row, given: Given) -> bool:
    """Rows of the defaults apply to every stack, except rows about a setting of *given*."""
    if not row.given:
        return given.keys() <= {"manager_identity"}
    return row.given.items() <= given.items()
