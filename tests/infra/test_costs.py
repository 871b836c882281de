"""What keeps costs visible and bounded, as the program registers it."""

import json

import boto3
import pulumi
import pytest
from botocore.stub import Stubber

from infra.settings import SettingsError, parse
from tests.infra.conftest import ACCOUNT, Run


def test_by_default_nothing_of_the_accounts_billing_is_touched(record: Run) -> None:
    run = record()
    assert (
        run.inputs("CostAllocationTag") == run.inputs("Budget") == run.inputs("BudgetAction") == []
    )


def test_asked_for_both_tags_are_activated_without_a_question(record: Run) -> None:
    made = record(cost_allocation_tags="on").inputs("CostAllocationTag")
    assert {one["tagKey"]: one["status"] for one in made} == {
        "user_id": "Active",
        "Project": "Active",
    }


@pytest.fixture
def billing(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Cost Explorer, with answers of its own published shapes."""
    client = boto3.client(
        "ce", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stubber = Stubber(client)
    stubber.activate()
    monkeypatch.setattr("boto3.client", lambda *_, **__: client)
    return stubber


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", texts.append)
    return texts


def tag(key: str) -> dict[str, str]:
    return {"TagKey": key, "Type": "UserDefined", "Status": "Inactive"}


def test_a_payer_activates_what_aws_knows_and_is_told_of_the_rest(
    record: Run, billing: Stubber, told: list[str]
) -> None:
    billing.add_response("list_cost_allocation_tags", {"CostAllocationTags": [tag("Project")]})
    made = record(cost_allocation_tags="auto").inputs("CostAllocationTag")
    assert [one["tagKey"] for one in made] == ["Project"]
    (text,) = told
    assert "cost allocation tags user_id: AWS does not know them yet" in text


def test_a_linked_account_gets_a_note_and_no_failure(
    record: Run, billing: Stubber, told: list[str]
) -> None:
    billing.add_client_error("list_cost_allocation_tags", "AccessDeniedException", "linked")
    assert record(cost_allocation_tags="auto").inputs("CostAllocationTag") == []
    (text,) = told
    assert "not this account's to activate" in text
    assert "set sandbox:cost_allocation_tags to off" in text


def test_any_other_refusal_ends_the_update_before_anything_is_made(
    record: Run, billing: Stubber
) -> None:
    billing.add_client_error("list_cost_allocation_tags", "LimitExceededException", "too often")
    with pytest.raises(pulumi.RunError, match="cost_allocation_tags = auto: the tags could not"):
        record(cost_allocation_tags="auto")


def test_a_spent_budget_takes_launches_and_starts_from_the_manager(record: Run) -> None:
    run = record(monthly_budget_usd=5000, budget_email="costs@example.org")
    (budget,) = run.inputs("Budget")
    assert (budget["limitAmount"], budget["timeUnit"]) == ("5000", "MONTHLY")
    assert budget["costFilters"] == [
        {"name": "TagKeyValue", "values": ["user:Project$alignment-league"]}
    ]
    (action,) = run.inputs("BudgetAction")
    assert action["approvalModel"] == "AUTOMATIC"
    target = action["definition"]["iamActionDefinition"]
    assert target["users"] == ["sandbox-manager"]
    stop = json.loads(run.one("Policy", "sandbox-spending-stop").inputs["policy"])
    (statement,) = stop["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Action"] == ["ec2:RunInstances", "ec2:StartInstances"]


def test_the_budgets_role_can_attach_the_stop_to_the_manager_and_nothing_else(record: Run) -> None:
    run = record(monthly_budget_usd=5000, budget_email="costs@example.org")
    (statement,) = json.loads(run.one("RolePolicy").inputs["policy"])["Statement"]
    assert statement["Resource"] == ["arn:aws:mock:::sandbox-manager"]
    assert statement["Condition"] == {
        "ArnEquals": {"iam:PolicyARN": "arn:aws:mock:::sandbox-spending-stop"}
    }
    trust = json.loads(run.one("Role", "sandbox-budget").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"monthly_budget_usd": "-1", "budget_email": "a@b.org"}, "-1: is below 0"),
        ({"monthly_budget_usd": "100"}, "set both sandbox:monthly_budget_usd and"),
        ({"budget_email": "a@b.org"}, "set both sandbox:monthly_budget_usd and"),
        ({"budget_email": "nobody"}, "nobody: is no e-mail address"),
        ({"cost_allocation_tags": "yes"}, "is none of 'auto', 'on' or 'off'"),
    ],
)
def test_wrong_cost_settings_are_named(config: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse(config)
