"""Cost allocation tags and the budget that the program registers."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pulumi
import pytest
from botocore.stub import Stubber

from infra.aws_clients import AwsClients
from tests.infra.conftest import ACCOUNT, Run

BUDGET = {"monthly_budget_usd": 5000, "budget_email": "costs@example.org"}


def test_by_default_the_accounts_billing_stays_untouched(record: Run) -> None:
    run = record()
    for class_name in ("CostAllocationTag", "Budget", "BudgetAction"):
        assert run.inputs(class_name) == []


def test_on_activates_both_tags_without_a_lookup(record: Run) -> None:
    tags = record(cost_allocation_tags="on").inputs("CostAllocationTag")
    assert {tag["tagKey"]: tag["status"] for tag in tags} == {
        "user_id": "Active",
        "Project": "Active",
    }


@pytest.fixture
def cost_explorer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Cost Explorer, with answers in its own published shapes."""
    client = boto3.client(
        "ce", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    monkeypatch.setattr(AwsClients, "cost_explorer", client)
    with Stubber(client) as stubber:
        yield stubber


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program logs as information."""
    texts: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", texts.append)
    return texts


def test_a_payer_activates_the_tags_that_aws_knows_and_reads_which_are_missing(
    record: Run, cost_explorer: Stubber, notes: list[str]
) -> None:
    known = {"TagKey": "Project", "Type": "UserDefined", "Status": "Inactive"}
    cost_explorer.add_response("list_cost_allocation_tags", {"CostAllocationTags": [known]})
    tags = record(cost_allocation_tags="auto").inputs("CostAllocationTag")
    assert [tag["tagKey"] for tag in tags] == ["Project"]
    [note] = notes
    assert "user_id" in note
    assert "Project" not in note


def test_a_linked_account_gets_a_note_and_no_failure(
    record: Run, cost_explorer: Stubber, notes: list[str]
) -> None:
    cost_explorer.add_client_error("list_cost_allocation_tags", "AccessDeniedException", "linked")
    assert record(cost_allocation_tags="auto").inputs("CostAllocationTag") == []
    [note] = notes
    assert "set sandbox:cost_allocation_tags to off" in note


def test_any_other_error_ends_the_update_before_any_resource(
    record: Run, cost_explorer: Stubber
) -> None:
    cost_explorer.add_client_error("list_cost_allocation_tags", "LimitExceededException", "slow")
    with pytest.raises(pulumi.RunError, match=r"sandbox:cost_allocation_tags = auto: .*slow"):
        record(cost_allocation_tags="auto")


def test_a_spent_budget_denies_launches_and_starts_to_the_manager(record: Run) -> None:
    run = record(**BUDGET)
    budget = run.only("Budget").inputs
    assert (budget["limitAmount"], budget["timeUnit"]) == ("5000", "MONTHLY")
    assert budget["costFilters"] == [
        {"name": "TagKeyValue", "values": ["user:Project$alignment-league"]}
    ]
    action = run.only("BudgetAction").inputs
    assert action["approvalModel"] == "AUTOMATIC"
    target: Any = action["definition"]["iamActionDefinition"]
    assert target["users"] == ["sandbox-manager"]
    stop = json.loads(run.only("Policy", "sandbox-spending-stop").inputs["policy"])
    [statement] = stop["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Action"] == ["ec2:RunInstances", "ec2:StartInstances"]


def test_the_budgets_role_can_attach_the_stop_to_the_manager_only(record: Run) -> None:
    run = record(**BUDGET)
    [statement] = json.loads(run.only("RolePolicy").inputs["policy"])["Statement"]
    assert statement["Resource"] == [f"arn:aws:iam::{ACCOUNT}:user/service/sandbox-manager"]
    assert statement["Condition"] == {
        "ArnEquals": {"iam:PolicyARN": "arn:aws:mock:::sandbox-spending-stop"}
    }
    trust = json.loads(run.only("Role", "sandbox-budget").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
