"""Cost allocation tags and the budget that the program registers."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pulumi
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra import catalogue, cost_allocation, names, standing
from infra.aws_clients import AwsClients
from infra.components.cost_tags import require_known
from infra.preflight import attached_stop
from infra.preflight.uncounted_budget import warn_on_uncounted_budget
from infra.settings import Settings
from local.moto_patches import cost_tags
from tests.cost_explorer_errors import LINKED_ACCOUNT, NOT_ENABLED
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
    """A Cost Explorer client with canned answers in its published shapes."""
    client = boto3.client(
        "ce", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    monkeypatch.setattr(AwsClients, "cost_explorer", client)
    with Stubber(client) as stubber:
        yield stubber


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The program's log messages, information and warnings."""
    texts: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", texts.append)
    monkeypatch.setattr(pulumi.log, "warn", texts.append)
    return texts


def tag(key: str, status: str = "Inactive") -> dict[str, str]:
    return {"TagKey": key, "Type": "UserDefined", "Status": status}


def answer(cost_explorer: Stubber, *tags: dict[str, str]) -> None:
    cost_explorer.add_response("list_cost_allocation_tags", {"CostAllocationTags": list(tags)})


def test_a_payer_activates_the_tags_that_aws_knows_and_reads_which_are_missing(
    record: Run, cost_explorer: Stubber, notes: list[str]
) -> None:
    answer(cost_explorer, tag("Project"))
    tags = record(cost_allocation_tags="auto").inputs("CostAllocationTag")
    assert [tag["tagKey"] for tag in tags] == ["Project"]
    [note] = notes
    assert "user_id" in note
    assert "Project" not in note


REASONS = {
    "linked": ("AccessDeniedException", LINKED_ACCOUNT, cost_allocation.LINKED),
    "not enabled": ("AccessDeniedException", NOT_ENABLED, cost_allocation.NOT_ENABLED),
    "no right": ("AccessDeniedException", "not authorized to perform", cost_allocation.NO_RIGHT),
    "no data": ("DataUnavailableException", "Data is not available", cost_allocation.NO_DATA),
}
"""AWS's error codes and messages, and their meanings."""


@pytest.mark.parametrize("case", REASONS)
def test_the_reasons_of_a_refusal_are_told_apart(
    record: Run, cost_explorer: Stubber, notes: list[str], case: str
) -> None:
    code, message, meaning = REASONS[case]
    cost_explorer.add_client_error("list_cost_allocation_tags", code, message)
    assert record(cost_allocation_tags="auto").inputs("CostAllocationTag") == []
    [note] = notes
    assert str(meaning) in note


def test_the_emulated_account_has_each_of_these_words() -> None:
    assert set(cost_tags.REFUSALS.values()) == {LINKED_ACCOUNT, NOT_ENABLED}


STANDING_TAG = {
    "urn::sandbox-user_id": {
        "type": catalogue.COST_ALLOCATION_TAG.name,
        "outputs": {"tagKey": "user_id"},
    }
}


@pytest.mark.parametrize("code", ["AccessDeniedException", "LimitExceededException"])
def test_tags_that_cannot_be_read_stay_as_they_are(
    record: Run, cost_explorer: Stubber, notes: list[str], code: str
) -> None:
    cost_explorer.add_client_error("list_cost_allocation_tags", code, "slow")
    record.standing = STANDING_TAG
    [active] = record(cost_allocation_tags="auto").inputs("CostAllocationTag")
    assert active["tagKey"] == "user_id"
    assert notes


def test_a_tag_that_stands_stays_although_aws_no_longer_lists_it(
    record: Run, cost_explorer: Stubber, notes: list[str]
) -> None:
    answer(cost_explorer)
    record.standing = STANDING_TAG
    [active] = record(cost_allocation_tags="auto").inputs("CostAllocationTag")
    assert active["tagKey"] == "user_id"
    assert ["user_id" in note for note in notes] == [False]


def test_a_tag_that_aws_does_not_know_is_refused_before_the_update(cost_explorer: Stubber) -> None:
    answer(cost_explorer, tag("Project"))
    require_known("Project")
    answer(cost_explorer)
    with pytest.raises(pulumi.RunError, match=r"tag user_id: .*not know.*cost_allocation_tags to"):
        require_known("user_id")
    code, message, meaning = REASONS["linked"]
    cost_explorer.add_client_error("list_cost_allocation_tags", code, message)
    with pytest.raises(pulumi.RunError, match=meaning.cure):
        require_known("user_id")


@pytest.fixture
def in_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)


UNCOUNTED = "counts nothing as long as the cost allocation tag Project is not active"


@pytest.mark.parametrize(
    ("setting", "status", "warning"),
    [
        ("off", "", f"{UNCOUNTED}; set sandbox:cost_allocation_tags to auto"),
        ("off", "Inactive", f"{UNCOUNTED}; set sandbox:cost_allocation_tags to auto"),
        ("off", "Active", ""),
        ("on", "", f"{UNCOUNTED}; update the stack again a day after"),
        ("on", "Inactive", ""),
    ],
)
@pytest.mark.usefixtures("in_preview")
def test_a_preview_of_a_new_budget_says_that_it_counts_nothing(
    cost_explorer: Stubber,
    notes: list[str],
    setting: str,
    status: str,
    warning: str,
) -> None:
    settings = Settings.model_validate({**BUDGET, "cost_allocation_tags": setting})
    answer(cost_explorer, *([tag("Project", status)] if status else []))
    warn_on_uncounted_budget(settings, [])
    assert len(notes) == bool(warning)
    assert warning in "".join(notes)


def test_only_a_preview_of_a_new_budget_asks_aws(
    cost_explorer: Stubber, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.model_validate(BUDGET)
    warn_on_uncounted_budget(settings, [])  # an update
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    budget = {"type": catalogue.BUDGET.name, "outputs": {"limitAmount": "5000.0"}}
    warn_on_uncounted_budget(settings, standing.of_answer({"urn::budget": budget}))
    warn_on_uncounted_budget(Settings(), [])
    cost_explorer.add_client_error("list_cost_allocation_tags", "AccessDeniedException", "no")
    assert notes == []
    warn_on_uncounted_budget(settings, [])
    assert cost_allocation.NO_RIGHT.cure in notes[0]


STANDING_STOP = {
    "urn::stop": {
        "type": catalogue.POLICY.name,
        "outputs": {"id": f"arn:aws:iam::{ACCOUNT}:policy/{names.SPENDING_STOP}"},
    },
    "urn::action": {
        "type": catalogue.BUDGET_ACTION.name,
        "outputs": {"definition": {"iamActionDefinition": {"users": [names.MANAGER]}}},
    },
}
ROLE = {"manager_identity": "pod-identity", "service_account": "default/manager"}


@pytest.mark.parametrize(
    ("change", "setting"),
    [({}, "monthly_budget_usd = 0"), ({**BUDGET, **ROLE}, "manager_identity = pod-identity")],
)
def test_a_stop_that_is_attached_is_lifted_before_it_or_its_manager_is_deleted(
    record: Run, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], setting: str
) -> None:
    asked: list[str] = []
    attached = {"is": True}

    def is_attached(_: AwsClients, policy_arn: str) -> bool:
        asked.append(policy_arn)
        return attached["is"]

    monkeypatch.setattr(AwsClients, "is_attached", is_attached)
    record.standing = STANDING_STOP
    with pytest.raises(pulumi.RunError, match=f"{setting}: .*sandbox budget lift"):
        record(**change)
    attached["is"] = False
    record(**change)
    assert len(asked) == 2
    record(**BUDGET)
    assert len(asked) == 2, "nothing is deleted, so nobody is asked"


def test_a_destroy_names_the_command_that_lifts_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = standing.of_answer(STANDING_STOP)
    monkeypatch.setattr(AwsClients, "is_attached", lambda *_: True)
    with pytest.raises(pulumi.RunError, match="sandbox budget lift"):
        attached_stop.refuse_if_attached(AwsClients("us-east-1"), stack)


def test_a_stop_that_cannot_be_read_names_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "List")

    monkeypatch.setattr(AwsClients, "is_attached", refuse)
    with pytest.raises(pulumi.RunError, match="iam:ListEntitiesForPolicy"):
        attached_stop.require_lifted(Settings(), standing.of_answer(STANDING_STOP))


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
