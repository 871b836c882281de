"""The policy documents that a stack's settings give, by identity."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra import context, names
from infra.account import Identity
from infra.aws_clients import AwsClients
from infra.permissions import flow_logs, instance, manager, spending, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, document
from infra.permissions.statements import documents as managed_policies
from infra.settings import Settings
from sandbox.core import output
from sandbox.core.errors import UsageError
from sandbox.core.project import CHECKOUT
from sandbox.core.stack import Stack

Documents = Mapping[str, Any]
"""`{"policies": [document, …], "boundary": document or None, "trust": document or None}`."""
Build = Callable[[Settings, PolicyContext], Documents]
CI_ROLE: Final = CHECKOUT / "policies" / "ci-role.json"
CI_ROLE_BUDGET: Final = CHECKOUT / "policies" / "ci-role-budget.json"
CHANGES: Final = "Change"
"""How the Sid of a statement begins that the preview's role does not have."""


def documents(stack: Stack, identity: str | None = None) -> Mapping[str, Documents]:
    """Every identity's documents under the stack's settings, or only those of *identity*.

    Where the stack is up, the account and the VPC are its own; otherwise the account is that of the
    credentials and the VPC's id is a placeholder.

    Raises:
        UsageError: there is no such identity.
    """
    if identity and identity not in BUILD:
        raise UsageError(f"--identity {identity} is not an identity; use {', '.join(BUILD)}")
    settings, outputs = stack.settings(), stack.outputs()
    role_arn = outputs.get("instance_role_arn")
    arn = role_arn or AwsClients(settings.region).sts.get_caller_identity()["Arn"]
    policy_context = context.policy_context(
        settings,
        Identity.of_arn(arn),
        vpc_id=outputs.get("vpc_id", context.PLACEHOLDER_VPC_ID),
    )
    return {
        name: build(settings, policy_context)
        for name, build in BUILD.items()
        if identity in {None, name}
    }


def show(documents_of: Mapping[str, Documents]) -> None:
    """Print each document below a line that says whose it is."""
    for name, parts in documents_of.items():
        listed = [
            (f"policy {number}", policy) for number, policy in enumerate(parts["policies"], 1)
        ]
        for part, text in (*listed, ("boundary", parts["boundary"]), ("trust", parts["trust"])):
            if text:
                output.result(f"# {name}: {part}")
                output.json_result(text)


def _manager(settings: Settings, policy_context: PolicyContext) -> Documents:
    return _documents(
        managed_policies(manager.policy(policy_context)),
        boundary=manager.boundary(policy_context),
        trust=context.manager_trust(settings),
    )


def _instance(_: Settings, policy_context: PolicyContext) -> Documents:
    return _documents(
        managed_policies(instance.policy(policy_context)),
        boundary=instance.boundary(policy_context),
        trust=trust.ec2(),
    )


def _flow_logs(settings: Settings, policy_context: PolicyContext) -> Documents:
    if not settings.flow_logs:
        return _documents()
    group = policy_context.log_group(names.FLOW_LOG_GROUP)
    return _documents(
        [document(flow_logs.policy(policy_context, group))], trust=trust.flow_logs(policy_context)
    )


def _budget(settings: Settings, policy_context: PolicyContext) -> Documents:
    if not settings.monthly_budget_usd:
        return _documents()
    kind = "user" if settings.manager_identity == "user" else "role"
    manager_arn = policy_context.iam(f"{kind}{names.MANAGER_PATH}{names.MANAGER}")
    stop_arn = policy_context.iam(f"policy/{names.SPENDING_STOP}")
    return _documents(
        [document(spending.policy(policy_context, manager_arn, stop_arn))],
        trust=spending.taken_by_budgets(policy_context),
    )


def _ci_deploy(settings: Settings, policy_context: PolicyContext) -> Documents:
    files = [CI_ROLE, *([CI_ROLE_BUDGET] if settings.monthly_budget_usd else [])]
    return _documents([_filled(file, policy_context) for file in files])


def _ci_preview(_: Settings, policy_context: PolicyContext) -> Documents:
    policy = json.loads(_filled(CI_ROLE, policy_context))
    policy["Statement"] = [
        statement for statement in policy["Statement"] if not statement["Sid"].startswith(CHANGES)
    ]
    return _documents([json.dumps(policy)])


def _filled(file: Path, policy_context: PolicyContext) -> str:
    """The role's policy with its placeholders for account and region filled in."""
    text = file.read_text(encoding="utf-8")
    return text.replace("ACCOUNT", policy_context.account_id).replace(
        "REGION", policy_context.region
    )


def _documents(
    policies: Sequence[str] = (),
    *,
    boundary: Iterable[Statement] | None = None,
    trust: Iterable[Statement] | None = None,
) -> Documents:
    return {
        "policies": [json.loads(policy) for policy in policies],
        "boundary": json.loads(document(boundary)) if boundary else None,
        "trust": json.loads(document(trust)) if trust else None,
    }


BUILD: Final[Mapping[str, Build]] = {
    "manager": _manager,
    "instance": _instance,
    "flow-logs": _flow_logs,
    "budget": _budget,
    "ci-deploy": _ci_deploy,
    "ci-preview": _ci_preview,
}
