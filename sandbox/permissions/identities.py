"""The policy documents of each identity, as they follow from a stack's settings."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra import context, names
from infra.account import AccountIdentity
from infra.aws_clients import AwsClients
from infra.permissions import flow_logs, instance, manager, spending, statements, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import TRUST_POLICY_LIMIT, Statement, document
from infra.settings import Settings
from sandbox.core import output
from sandbox.core.errors import UsageError
from sandbox.core.project import CHECKOUT
from sandbox.core.stack import Stack

Documents = Mapping[str, Any]
"""`{"policies": [document, …], "boundary": document or None, "trust": document or None}`."""
Build = Callable[[Settings, PolicyContext], Documents]
CI_ROLE: Final = CHECKOUT / "policies" / "ci-role.json"
CI_ROLE_IDENTITIES: Final = CHECKOUT / "policies" / "ci-role-identities.json"
CI_ROLE_BUDGET: Final = CHECKOUT / "policies" / "ci-role-budget.json"
CI_ROLE_SETUP: Final = CHECKOUT / "policies" / "ci-role-setup.json"
OWN_BOUNDARY: Final = re.compile(r'("iam:PermissionsBoundary":\s*)"[^"]+"')
CHANGE: Final = "Change"
"""The prefix of the Sids that only the deploying role has."""


def documents(stack: Stack, identity: str | None = None) -> Mapping[str, Documents]:
    """The documents of every identity with the stack's settings, or only those of *identity*.

    The account and the VPC are those of the stack's outputs. A stack without outputs takes the
    account of the credentials and a placeholder for the VPC's id.

    Raises:
        UsageError: there is no such identity.
    """
    if identity and identity not in BUILD:
        raise UsageError(f"--identity {identity}: is not a valid identity; use {', '.join(BUILD)}")
    settings, outputs = stack.settings(), stack.outputs()
    policy_context = context.policy_context(
        settings,
        AccountIdentity.of_arn(outputs.get("instance_role_arn") or _caller_arn(settings.region)),
        vpc_id=outputs.get("vpc_id", context.PLACEHOLDER_VPC_ID),
    )
    return {
        name: build(settings, policy_context)
        for name, build in BUILD.items()
        if identity in {None, name}
    }


def show(documents_by_identity: Mapping[str, Documents]) -> None:
    """Print each document below a line that names its identity and its kind."""
    for name, parts in documents_by_identity.items():
        policies = [
            (f"policy {number}", policy) for number, policy in enumerate(parts["policies"], 1)
        ]
        for kind, text in (*policies, ("boundary", parts["boundary"]), ("trust", parts["trust"])):
            if text:
                output.result(f"# {name}: {kind}")
                output.json_result(text)


def _caller_arn(region: str) -> str:
    return AwsClients(region).sts.get_caller_identity()["Arn"]


def _manager(settings: Settings, policy_context: PolicyContext) -> Documents:
    return _documents(
        statements.documents(manager.policy(policy_context)),
        boundary=_own_boundary(settings, manager.boundary(policy_context)),
        trust=context.manager_trust(settings),
    )


def _instance(settings: Settings, policy_context: PolicyContext) -> Documents:
    return _documents(
        statements.documents(instance.policy(policy_context)),
        boundary=_own_boundary(settings, instance.boundary(policy_context)),
        trust=trust.ec2(),
    )


def _flow_logs(settings: Settings, policy_context: PolicyContext) -> Documents:
    if not settings.flow_logs:
        return _documents()
    group = policy_context.log_group(names.FLOW_LOG_GROUP)
    return _documents(
        [document(flow_logs.policy(policy_context, group))],
        boundary=_own_boundary(settings, flow_logs.boundary(group)),
        trust=trust.flow_logs(policy_context),
    )


def _budget(settings: Settings, policy_context: PolicyContext) -> Documents:
    if not settings.monthly_budget_usd:
        return _documents()
    manager_type = "user" if settings.manager_identity == "user" else "role"
    manager_arn = policy_context.iam(f"{manager_type}{settings.manager_path}{names.MANAGER}")
    stop_arn = policy_context.iam(f"policy/{names.SPENDING_STOP}")
    return _documents(
        [document(spending.policy(policy_context, manager_arn, stop_arn))],
        boundary=_own_boundary(settings, spending.boundary(manager_arn, stop_arn)),
        trust=spending.trust(policy_context),
    )


def _own_boundary(
    settings: Settings, statements: Sequence[Statement]
) -> Sequence[Statement] | None:
    """*statements*, unless the organization's boundary takes their place."""
    return None if settings.permissions_boundary else statements


def _ci_deploy(settings: Settings, policy_context: PolicyContext) -> Documents:
    files = [
        CI_ROLE,
        CI_ROLE_IDENTITIES,
        *([CI_ROLE_BUDGET] if settings.monthly_budget_usd else []),
    ]
    return _documents([_filled(file, policy_context) for file in files])


def _ci_preview(settings: Settings, policy_context: PolicyContext) -> Documents:
    """The deploying role without the statements that change resources."""
    deploy = _ci_deploy(settings, policy_context)
    readable = [_without_changes(policy) for policy in deploy["policies"]]
    return {**deploy, "policies": [policy for policy in readable if policy["Statement"]]}


def _ci_setup(_: Settings, policy_context: PolicyContext) -> Documents:
    """The further permissions for the first update, and for changes of a boundary."""
    return _documents([_filled(CI_ROLE_SETUP, policy_context)])


def _without_changes(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = [item for item in policy["Statement"] if not item["Sid"].startswith(CHANGE)]
    return {**policy, "Statement": kept}


def _filled(file: Path, policy_context: PolicyContext) -> str:
    """The policy in *file* for this stack; STATE_BUCKET and STATE_KEY stay."""
    text = file.read_text(encoding="utf-8")
    if of_the_organization := policy_context.permissions_boundary:
        text = OWN_BOUNDARY.sub(rf'\1"{of_the_organization}"', text)
    for written, of_stack in (
        ("arn:aws:", f"arn:{policy_context.partition}:"),
        ("ACCOUNT", policy_context.account_id),
        ("REGION", policy_context.region),
        (Settings().log_prefix, policy_context.log_prefix),
    ):
        text = text.replace(written, of_stack)
    return text


def _documents(
    policies: Sequence[str] = (),
    *,
    boundary: Iterable[Statement] | None = None,
    trust: Iterable[Statement] | None = None,
) -> Documents:
    return {
        "policies": [json.loads(policy) for policy in policies],
        "boundary": json.loads(document(boundary)) if boundary else None,
        "trust": json.loads(document(trust, limit=TRUST_POLICY_LIMIT)) if trust else None,
    }


BUILD: Final[Mapping[str, Build]] = {
    "manager": _manager,
    "instance": _instance,
    "flow-logs": _flow_logs,
    "budget": _budget,
    "ci-deploy": _ci_deploy,
    "ci-preview": _ci_preview,
    "ci-setup": _ci_setup,
}
