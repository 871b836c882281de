"""The hard stop and the cost allocation tags, in the real engine."""

from typing import Any

import pytest

from sandbox.core.errors import ExitCode
from sandbox.core.stack import Stack
from sandbox.drift import comparison
from tests.docs import printed_commands
from tests.e2e.account import Client, everything, launch_tagged
from tests.e2e.engine_stack import EngineStack, Ran, at_a_terminal

ACCOUNT = "123456789012"
BUDGET = {"AccountId": ACCOUNT, "BudgetName": "sandbox-budget"}
STOP = f"arn:aws:iam::{ACCOUNT}:policy/sandbox-spending-stop"
SMALL = {"zones": {"us-east-1a": 0}, "flow_logs": False}
WITH_BUDGET = {**SMALL, "monthly_budget_usd": 5, "budget_email": "costs@example.org"}
"""An instance costs 10 US dollars in the emulated account."""


@pytest.fixture(scope="module")
def before(client: Client) -> dict[str, list[str]]:
    return everything(client)


@pytest.fixture(scope="module")
def standing(sandbox: EngineStack, before: dict[str, list[str]]) -> EngineStack:
    assert before["users"] == []
    sandbox.configure(**WITH_BUDGET, cost_allocation_tags="on")
    refused = sandbox.try_preview()
    assert refused.code != 0
    assert "sandbox:cost_allocation_tags to auto" in refused.output
    assert "counts nothing as long as" in refused.output
    sandbox.configure(**WITH_BUDGET)
    assert set(sandbox.up()) == {"create"}
    return sandbox


def action(client: Client) -> dict[str, Any]:
    (listed,) = client("budgets").describe_budget_actions_for_budget(**BUDGET)["Actions"]
    return listed


def is_attached(client: Client) -> bool:
    listed = client("iam").list_attached_user_policies(UserName="sandbox-manager")
    return STOP in [policy["PolicyArn"] for policy in listed["AttachedPolicies"]]


@pytest.mark.usefixtures("standing")
def test_a_spent_budget_attaches_the_stop_to_the_manager(client: Client) -> None:
    budget = client("budgets").describe_budget(**BUDGET)["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "5.0", "Unit": "USD"}
    assert budget["CostFilters"] == {"TagKeyValue": ["user:Project$alignment-league"]}
    stop_action = action(client)
    assert stop_action["Definition"] == {
        "IamActionDefinition": {"PolicyArn": STOP, "Users": ["sandbox-manager"]}
    }
    assert (stop_action["Status"], stop_action["ApprovalModel"]) == ("STANDBY", "AUTOMATIC")
    assert stop_action["Subscribers"] == [
        {"SubscriptionType": "EMAIL", "Address": "costs@example.org"}
    ]
    iam = client("iam")
    policy = iam.get_policy_version(PolicyArn=STOP, VersionId="v1")["PolicyVersion"]["Document"]
    (denied,) = policy["Statement"]
    assert denied["Effect"] == "Deny"
    assert set(denied["Action"]) == {"ec2:RunInstances", "ec2:StartInstances"}
    role = iam.get_role(RoleName=stop_action["ExecutionRoleArn"].rpartition("/")[2])["Role"]
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "budgets.amazonaws.com"}


def test_the_tags_become_active_after_the_first_launch_and_the_budget_counts(
    standing: EngineStack, client: Client
) -> None:
    launch_tagged(client)
    assert action(client)["Status"] == "STANDBY"  # the tag is not active yet
    standing.configure(**WITH_BUDGET, cost_allocation_tags="auto")
    assert standing.up()["create"] == len(("user_id", "Project"))
    tags = client("ce").list_cost_allocation_tags()["CostAllocationTags"]
    assert {tag["TagKey"]: tag["Status"] for tag in tags} == {
        "user_id": "Active",
        "Project": "Active",
    }
    statuses = [action(client)["Status"] for _ in range(2)]
    assert (statuses[-1], is_attached(client)) == ("EXECUTION_SUCCESS", True)


def run(standing: EngineStack, command: str) -> Ran:
    """Run *command* in the program's folder, and answer yes to its questions."""
    environment = {**standing.environment, "PULUMI_STACK": standing.name}
    return at_a_terminal(command, "y\n", environment, standing.folder)


@pytest.fixture
def stack(standing: EngineStack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack in the form that the commands use."""
    for name, value in standing.environment.items():
        monkeypatch.setenv(name, value)
    return Stack(standing.name, standing.folder)


def test_an_attached_stop_is_no_drift_and_keeps_the_stack(
    standing: EngineStack, client: Client, stack: Stack
) -> None:
    assert is_attached(client)
    assert list(comparison.lines(comparison.compare(stack))) == []
    ids = standing.urns()
    refused = standing.pulumi(
        "destroy", "--yes", "--skip-preview", "--run-program", fails=True
    ).output
    assert "sandbox budget lift" in refused
    assert standing.urns() == ids


def test_another_limit_and_another_address_replace_nothing_and_the_stop_is_lifted(
    standing: EngineStack, client: Client
) -> None:
    ids = standing.urns()
    (script,) = printed_commands.scripts("docs/service.md", "The budget")
    status, raise_limit, lift = script.splitlines()
    email = {"budget_email": "owner@example.org"}
    standing.configure(**{**WITH_BUDGET, **email}, cost_allocation_tags="auto")
    shown = run(standing, status)
    assert shown.code == ExitCode.ATTENTION, shown.output
    assert run(standing, raise_limit).code == ExitCode.DONE
    assert set(standing.up()) == {"same", "update"}
    assert standing.urns() == ids
    budget = client("budgets").describe_budget(**BUDGET)["Budget"]
    assert budget["BudgetLimit"]["Amount"] == "7000.0"
    assert action(client)["Subscribers"][0]["Address"] == "owner@example.org"
    lifted = run(standing, lift)
    assert lifted.code == ExitCode.DONE, lifted.output
    assert (action(client)["Status"], is_attached(client)) == ("STANDBY", False)


def test_destroy_leaves_nothing_but_the_accounts_tags(
    standing: EngineStack, client: Client, before: dict[str, list[str]]
) -> None:
    standing.destroy()
    assert everything(client) == before
    assert client("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"] == []
    assert {
        tag["Status"] for tag in client("ce").list_cost_allocation_tags()["CostAllocationTags"]
    } == {"Active"}
