"""The documents that stacks of given settings have, made from the pure functions."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from infra import context, names
from infra.account import Identity as AccountIdentity
from infra.permissions import flow_logs, instance, manager, spending, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import document, documents
from infra.settings import Settings
from sandbox.permissions.table import Row, World
from tests.infra.permissions.judging import Bench, Identity
from tests.infra.permissions.worlds import ACCOUNT, SERVICE_ACCOUNT, VPC_ID, provider, world


def settings(given: Mapping[str, Any]) -> Settings:
    roles = {"oidc_provider_arn": provider("aws"), "service_account": SERVICE_ACCOUNT}
    return Settings.model_validate({**(roles if "manager_identity" in given else {}), **given})


def scope(given: Mapping[str, Any]) -> PolicyContext:
    account = AccountIdentity(partition="aws", account_id=ACCOUNT)
    return context.policy_context(settings(given), account, vpc_id=VPC_ID)


def identities(scope: PolicyContext) -> Mapping[str, Identity]:
    """Every principal of the table and its documents."""
    group = (
        f"arn:{scope.partition}:logs:{scope.region}:{scope.account_id}:log-group:/sandbox/flow-logs"
    )
    manager_arn = f"arn:{scope.partition}:iam::{scope.account_id}:user/service/sandbox-manager"
    stop_arn = f"arn:{scope.partition}:iam::{scope.account_id}:policy/{names.SPENDING_STOP}"
    return {
        "manager out of budget": Identity(
            policies={
                **_named("policy", documents(manager.policy(scope))),
                **_named("stop", documents(spending.stop())),
            },
            boundary=json.loads(document(manager.boundary(scope))),
        ),
        "budget": Identity(
            policies=_named("policy", documents(spending.policy(scope, manager_arn, stop_arn)))
        ),
        "trust of the budget's role": Identity(
            trust=json.loads(document(spending.taken_by_budgets(scope)))
        ),
        "manager": Identity(
            policies=_named("policy", documents(manager.policy(scope))),
            boundary=json.loads(document(manager.boundary(scope))),
        ),
        "instance": Identity(
            policies=_named("policy", documents(instance.policy(scope))),
            boundary=json.loads(document(instance.boundary(scope))),
        ),
        "flow logs": Identity(policies=_named("policy", documents(flow_logs.policy(scope, group)))),
        "trust of the instance role": Identity(trust=json.loads(document(trust.ec2()))),
        "trust of the flow logs role": Identity(trust=json.loads(document(trust.flow_logs(scope)))),
        "trust of the manager's role for a service account": Identity(
            trust=json.loads(document(trust.irsa(provider(scope.partition), SERVICE_ACCOUNT)))
        ),
        "trust of the manager's role for pods": Identity(
            trust=json.loads(document(trust.pod_identity(SERVICE_ACCOUNT)))
        ),
    }


def _named(name: str, texts: tuple[str, ...]) -> Mapping[str, Any]:
    return {f"{name} {number}": json.loads(text) for number, text in enumerate(texts, start=1)}


def benches(rows: tuple[Row, ...]) -> tuple[Bench, ...]:
    """The rows, put before the documents of stacks that have the settings they name."""
    return tuple(
        Bench(
            identity=_of(json.dumps(row_given))[who],
            rows=[row for row in rows if row.who == who and row.given == row_given],
            world=_world(json.dumps(row_given)),
        )
        for row_given in _distinct(rows)
        for who in dict.fromkeys(row.who for row in rows if row.given == row_given)
    )


def _distinct(rows: tuple[Row, ...]) -> list[Mapping[str, Any]]:
    return [json.loads(text) for text in dict.fromkeys(json.dumps(row.given) for row in rows)]


@cache
def _of(given: str) -> Mapping[str, Identity]:
    return identities(scope(json.loads(given)))


@cache
def _world(given: str) -> World:
    return world(scope(json.loads(given)))
