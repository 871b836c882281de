"""Fictitious stacks: their policy contexts, documents and placeholders, without an engine."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from infra import context, names
from infra.account import AccountIdentity
from infra.permissions import flow_logs, instance, manager, spending, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, document, documents
from infra.settings import Settings
from sandbox.permissions import placeholders
from sandbox.permissions.table import Placeholders, Row
from tests.infra.permissions.row_verdicts import Bench, Identity
from tests.infra.permissions.token_issuers import OIDC_ISSUER, OTHER_OIDC_ISSUER

ACCOUNT: Final = AccountIdentity(partition="aws", account_id="123456789012")
OTHER_ACCOUNT: Final = placeholders.OTHER_ACCOUNT
VPC_ID: Final = "vpc-0a1b2c3d4e5f60718"
SERVICE_ACCOUNT: Final = "default/sandbox-manager"
Given = Mapping[str, Any]
"""The settings of a stack other than the defaults."""


def oidc_provider(issuer: str = OIDC_ISSUER) -> str:
    return f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account_id}:oidc-provider/{issuer}"


def settings_of(given: Given) -> Settings:
    service_account = {
        "oidc_provider_arn": oidc_provider(),
        "service_account": SERVICE_ACCOUNT,
    }
    return Settings.model_validate(
        {**(service_account if "manager_identity" in given else {}), **given}
    )


def policy_context(given: Given, vpc_id: str = VPC_ID) -> PolicyContext:
    return context.policy_context(settings_of(given), ACCOUNT, vpc_id=vpc_id)


def placeholders_of(given: Given, vpc_id: str = VPC_ID) -> Placeholders:
    """The placeholders of a stack, and those of the fictitious cluster, which no command needs."""
    outputs = {"vpc_id": vpc_id, "public_subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa"]}
    return {
        **placeholders.of_stack(settings_of(given), outputs, ACCOUNT),
        "oidc_issuer": OIDC_ISSUER,
        "oidc_provider": oidc_provider(),
        "other_oidc_issuer": OTHER_OIDC_ISSUER,
        "other_oidc_provider": oidc_provider(OTHER_OIDC_ISSUER),
    }


def all_statements(stack: PolicyContext) -> Mapping[str, tuple[Statement, ...]]:
    """The statements of every document, by the document's name."""
    manager_arn = stack.iam(f"user{names.MANAGER_PATH}{names.MANAGER}")
    stop_arn = stack.iam(f"policy/{names.SPENDING_STOP}")
    flow_log_group = stack.log_group(names.FLOW_LOG_GROUP)
    return {
        "manager policy": manager.policy(stack),
        "manager boundary": manager.boundary(stack),
        "instance policy": instance.policy(stack),
        "instance boundary": instance.boundary(stack),
        "flow logs policy": flow_logs.policy(stack, flow_log_group),
        "flow logs boundary": flow_logs.boundary(flow_log_group),
        "spending stop": spending.stop(),
        "budget policy": spending.policy(stack, manager_arn, stop_arn),
        "budget boundary": spending.boundary(manager_arn, stop_arn),
        "budget trust": spending.trust(stack),
        "instance trust": trust.ec2(),
        "flow logs trust": trust.flow_logs(stack),
        "service account trust": trust.irsa(oidc_provider(), SERVICE_ACCOUNT),
        "pod identity trust": trust.pod_identity(SERVICE_ACCOUNT),
    }


def identities(stack: PolicyContext) -> Mapping[str, Identity]:
    """Every principal of the table, with its documents."""
    statements = all_statements(stack)

    def policies(name: str, prefix: str = "policy") -> Mapping[str, Any]:
        texts = documents(statements[name])
        return {f"{prefix} {number}": json.loads(text) for number, text in enumerate(texts, 1)}

    def single(name: str) -> Any:
        return json.loads(document(statements[name]))

    def boundary(who: str) -> Any:
        return None if stack.permissions_boundary else single(f"{who} boundary")

    return {
        "manager": Identity(policies=policies("manager policy"), boundary=boundary("manager")),
        "manager out of budget": Identity(
            policies={**policies("manager policy"), **policies("spending stop", "stop")},
            boundary=boundary("manager"),
        ),
        "instance": Identity(policies=policies("instance policy"), boundary=boundary("instance")),
        "flow logs": Identity(
            policies=policies("flow logs policy"), boundary=boundary("flow logs")
        ),
        "budget": Identity(policies=policies("budget policy"), boundary=boundary("budget")),
        "trust of the budget's role": Identity(trust=single("budget trust")),
        "trust of the instance role": Identity(trust=single("instance trust")),
        "trust of the flow logs role": Identity(trust=single("flow logs trust")),
        "trust of the manager's role for a service account": Identity(
            trust=single("service account trust")
        ),
        "trust of the manager's role for pods": Identity(trust=single("pod identity trust")),
    }


def benches(rows: tuple[Row, ...]) -> tuple[Bench, ...]:
    """The rows, each with the documents of a stack that has the settings of the row."""
    return tuple(
        Bench(
            identity=_identities(json.dumps(given))[who],
            rows=[row for row in rows if row.who == who and row.given == given],
            placeholders=placeholders_of(given),
        )
        for given in _distinct_settings(rows)
        for who in dict.fromkeys(row.who for row in rows if row.given == given)
    )


def _distinct_settings(rows: tuple[Row, ...]) -> list[Given]:
    return [json.loads(text) for text in dict.fromkeys(json.dumps(row.given) for row in rows)]


@cache
def _identities(given: str) -> Mapping[str, Identity]:
    return identities(policy_context(json.loads(given)))
