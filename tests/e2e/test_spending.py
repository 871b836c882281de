"""The hard stop and the cost allocation tags, in the real engine."""

from typing import Any

import pytest

from tests.e2e.account import Client, everything
from tests.e2e.sandbox import Sandbox

ACCOUNT = "123456789012"
BUDGET = {"AccountId": ACCOUNT, "BudgetName": "sandbox-budget"}
TYPE = "aws:budgets/budgetAction:BudgetAction"
SMALL = {"zones": {"us-east-1a": 0}, "flow_logs": False, "cost_allocation_tags": "on"}


@pytest.fixture(scope="module")
def before(client: Client) -> dict[str, list[str]]:
    return everything(client)


@pytest.fixture(scope="module")
def standing(sandbox: Sandbox, before: dict[str, list[str]]) -> Sandbox:
    assert before["users"] == []
    sandbox.configure(**SMALL, monthly_budget_usd=5000, budget_email="costs@example.org")
    assert set(sandbox.up()) == {"create"}
    return sandbox


def action(standing: Sandbox, client: Client) -> dict[str, Any]:
    (action_id,) = [
        resource_id for urn, resource_id in standing.urns().items() if f"${TYPE}::" in urn
    ]
    _, identifier, _ = action_id.split(":")
    return client("budgets").describe_budget_action(**BUDGET, ActionId=identifier)["Action"]


def test_a_spent_budget_attaches_the_stop_to_the_manager(standing: Sandbox, client: Client) -> None:
    budget = client("budgets").describe_budget(**BUDGET)["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "5000.0", "Unit": "USD"}
    assert budget["CostFilters"] == {"TagKeyValue": ["user:Project$alignment-league"]}
    stop_action = action(standing, client)
    stop = f"arn:aws:iam::{ACCOUNT}:policy/sandbox-spending-stop"
    assert stop_action["Definition"] == {
        "IamActionDefinition": {"PolicyArn": stop, "Users": ["sandbox-manager"]}
    }
    assert (stop_action["Status"], stop_action["ApprovalModel"]) == ("STANDBY", "AUTOMATIC")
    assert stop_action["Subscribers"] == [
        {"SubscriptionType": "EMAIL", "Address": "costs@example.org"}
    ]
    iam = client("iam")
    policy = iam.get_policy_version(PolicyArn=stop, VersionId="v1")["PolicyVersion"]["Document"]
    (denied,) = policy["Statement"]
    assert denied["Effect"] == "Deny"
    assert set(denied["Action"]) == {"ec2:RunInstances", "ec2:StartInstances"}
    role = iam.get_role(RoleName=stop_action["ExecutionRoleArn"].rpartition("/")[2])["Role"]
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "budgets.amazonaws.com"}


def test_the_tags_that_reports_group_by_are_active(standing: Sandbox, client: Client) -> None:
    assert standing.urns()
    tags = client("ce").list_cost_allocation_tags()["CostAllocationTags"]
    assert {tag["TagKey"]: tag["Status"] for tag in tags} == {
        "user_id": "Active",
        "Project": "Active",
    }


def test_an_attached_stop_is_no_drift_and_named_before_a_destroy(
    standing: Sandbox, client: Client
) -> None:
    iam = client("iam")
    stop = f"arn:aws:iam::{ACCOUNT}:policy/sandbox-spending-stop"
    iam.attach_user_policy(UserName="sandbox-manager", PolicyArn=stop)  # as AWS Budgets does
    standing.pulumi("preview", "--refresh", "--expect-no-changes")
    resources = standing.urns()
    refused = standing.pulumi("destroy", "--yes", "--skip-preview", "--run-program", fails=True)
    assert f"sandbox-manager: policy {stop}" in refused.output
    assert standing.urns() == resources
    iam.detach_user_policy(UserName="sandbox-manager", PolicyArn=stop)


def test_another_limit_and_another_address_replace_nothing(
    standing: Sandbox, client: Client
) -> None:
    ids = standing.urns()
    standing.configure(**SMALL, monthly_budget_usd=7000, budget_email="owner@example.org")
    assert set(standing.up()) == {"same", "update"}
    assert standing.urns() == ids
    budget = client("budgets").describe_budget(**BUDGET)["Budget"]
    assert budget["BudgetLimit"]["Amount"] == "7000.0"
    assert action(standing, client)["Subscribers"][0]["Address"] == "owner@example.org"
    standing.pulumi("preview", "--refresh", "--expect-no-changes")


def test_destroy_leaves_nothing_but_the_accounts_tags(
    standing: Sandbox, client: Client, before: dict[str, list[str]]
) -> None:
    standing.destroy()
    assert everything(client) == before
    assert client("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"] == []
    assert {
        tag["Status"] for tag in client("ce").list_cost_allocation_tags()["CostAllocationTags"]
    } == {"Active"}
