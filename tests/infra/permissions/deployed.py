"""The contract against documents that an account really has, read back through IAM's API."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from infra import names
from infra.permissions.context import PolicyContext
from sandbox.permissions.table import Row, rows
from tests.infra.permissions.judging import Bench, Identity
from tests.infra.permissions.simulated import expected, judge
from tests.infra.permissions.worlds import world

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def wrong(iam: "IAMClient", scope: PolicyContext, given: Mapping[str, Any]) -> list[str]:
    """Every row that does not hold in the account of *iam*, for a stack with settings *given*.

    *scope* is the stack's own; both evaluators are asked.
    """
    return [
        f"{row}: {own} by our evaluator, {other} by iam-simulate"
        for row, own, other in judge(benches(iam, scope, given))
        if not own == other == expected(row)
    ]


def asked(iam: "IAMClient", scope: PolicyContext, given: Mapping[str, Any]) -> int:
    """How many rows are put to the account."""
    return sum(len(bench.rows) for bench in benches(iam, scope, given))


def benches(iam: "IAMClient", scope: PolicyContext, given: Mapping[str, Any]) -> Iterator[Bench]:
    for who, identity in identities(iam, given).items():
        own = [row for row in rows() if row.who == who and _holds_for(row, given)]
        if own:
            yield Bench(identity=identity, rows=own, world=world(scope))


def identities(iam: "IAMClient", given: Mapping[str, Any]) -> Mapping[str, Identity]:
    """Every principal of the table that a stack with settings *given* has."""
    instance, logs = role(iam, names.INSTANCE_ROLE), role(iam, names.FLOW_LOGS)
    kind = given.get("manager_identity", "user")
    manager = user(iam, names.MANAGER) if kind == "user" else role(iam, names.MANAGER)
    trusts = {
        "trust of the instance role": instance,
        "trust of the flow logs role": logs,
        "trust of the manager's role for a service account": manager if kind == "irsa" else None,
        "trust of the manager's role for pods": manager if kind == "pod-identity" else None,
    }
    return {
        "manager": Identity(policies=manager.policies, boundary=manager.boundary),
        "instance": Identity(policies=instance.policies, boundary=instance.boundary),
        "flow logs": Identity(policies=logs.policies, boundary=logs.boundary),
        **{name: Identity(trust=one.trust) for name, one in trusts.items() if one is not None},
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
    found = iam.get_role(RoleName=name)["Role"]
    boundary = found.get("PermissionsBoundary")
    return Identity(
        policies=_policies(iam, cast("list[Mapping[str, str]]", attached)),
        boundary=_document(iam, boundary["PermissionsBoundaryArn"]) if boundary else None,
        trust=_parsed(found["AssumeRolePolicyDocument"]),
    )


def _policies(iam: "IAMClient", attached: list[Mapping[str, str]]) -> Mapping[str, Any]:
    return {one["PolicyName"]: _document(iam, one["PolicyArn"]) for one in attached}


def _document(iam: "IAMClient", arn: str) -> Mapping[str, Any]:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    return _parsed(found["Document"])


def _parsed(document: Any) -> Mapping[str, Any]:
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _holds_for(row: Row, given: Mapping[str, Any]) -> bool:
    """Rows of the defaults hold for every stack, but for those about what *given* changes."""
    if not row.given:
        return given.keys() <= {"manager_identity"}
    return row.given.items() <= given.items()
