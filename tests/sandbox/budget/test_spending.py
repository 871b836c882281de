"""A budget's life in the emulated account: armed, spent, lifted, armed again."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from infra import catalogue, cost_allocation, names
from infra.aws_clients import AwsClients
from infra.permissions import spending as permissions
from infra.permissions import trust
from infra.permissions.statements import document
from local import serve
from local.emulated_account import COST_OF_AN_INSTANCE
from sandbox import cli
from sandbox.budget import spending
from sandbox.core import budget as core
from sandbox.core.errors import ExitCode, RefusedError, SandboxError
from sandbox.core.stack import Resource, Stack
from sandbox.status import report
from tests.cost_explorer_errors import NOT_ENABLED
from tests.sandbox import json_forms

ACCOUNT: Final = "123456789012"
STOP: Final = f"arn:aws:iam::{ACCOUNT}:policy/{names.SPENDING_STOP}"
BUDGET: Final = {"AccountId": ACCOUNT, "BudgetName": names.BUDGET}
LIMIT: Final = 5
"""Less than one instance costs here."""


class StackWithBudget(Stack):
    """A stack without an engine that has only its budget's action."""

    def __init__(self, action_id: str, endpoint_of: AwsClients) -> None:
        self.name = "test"
        self._aws = endpoint_of
        self._action_id = action_id

    def aws(self) -> AwsClients:
        return self._aws

    def resources(self) -> Sequence[Resource]:
        definition = {"iamActionDefinition": {"policyArn": STOP, "users": [names.MANAGER]}}
        action = Resource(
            urn=f"urn::{names.SPENDING_STOP}",
            type=catalogue.BUDGET_ACTION.name,
            id=f"{ACCOUNT}:{self._action_id}:{names.BUDGET}",
            parent="",
            inputs={},
            outputs={"definition": definition},
            modified="",
        )
        return [action] if self._action_id else []


class BudgetedAccount:
    """The resources of a stack with a budget, and the events that change them."""

    def __init__(self, aws: AwsClients) -> None:
        self.iam: Any = aws.iam
        self.ec2: Any = aws.ec2
        self.budgets: Any = aws.budgets
        self.tags: Any = aws.cost_explorer
        self.iam.create_user(UserName=names.MANAGER)
        stop = document(permissions.stop())
        self.iam.create_policy(PolicyName=names.SPENDING_STOP, PolicyDocument=stop)
        role = self.iam.create_role(
            RoleName=names.BUDGET, AssumeRolePolicyDocument=document(trust.ec2())
        )
        self.budgets.create_budget(
            AccountId=ACCOUNT,
            Budget={
                "BudgetName": names.BUDGET,
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": str(LIMIT), "Unit": "USD"},
                "CostFilters": {"TagKeyValue": [f"user:Project${names.PROJECT}"]},
            },
        )
        self.action_id = self.budgets.create_budget_action(
            **BUDGET,
            NotificationType="ACTUAL",
            ActionType="APPLY_IAM_POLICY",
            ActionThreshold={
                "ActionThresholdValue": 100.0,
                "ActionThresholdType": "PERCENTAGE",
            },
            Definition={"IamActionDefinition": {"PolicyArn": STOP, "Users": [names.MANAGER]}},
            ExecutionRoleArn=role["Role"]["Arn"],
            ApprovalModel="AUTOMATIC",
            Subscribers=[{"SubscriptionType": "EMAIL", "Address": "costs@example.org"}],
        )["ActionId"]
        self.aws = aws
        self.stack = StackWithBudget(self.action_id, self.aws)
        self.stop = spending.Stop.of(self.stack)

    def launch(self, project: str = names.PROJECT) -> None:
        image = self.ec2.register_image(Name=str(uuid4()), RootDeviceName="/dev/sda1")["ImageId"]
        tags = [{"Key": "Project", "Value": project}, {"Key": "user_id", "Value": "ann"}]
        self.ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )

    def activate_tag(self) -> None:
        status = [{"TagKey": "Project", "Status": "Active"}]
        self.tags.update_cost_allocation_tags_status(CostAllocationTagsStatus=status)

    def spend(self) -> None:
        """Spend more than the limit, and wait until AWS has attached the stop."""
        self.launch()
        self.activate_tag()
        assert [self.stop.read().status for _ in range(2)] == [
            "EXECUTION_IN_PROGRESS",
            "EXECUTION_SUCCESS",
        ]

    def set_limit(self, dollars: int) -> None:
        budget = self.budgets.describe_budget(**BUDGET)["Budget"]
        limit = {"BudgetLimit": {"Amount": str(dollars), "Unit": "USD"}}
        self.budgets.update_budget(AccountId=ACCOUNT, NewBudget={**budget, **limit})

    def status(self) -> Sequence[report.Line]:
        """The rows of `sandbox status` about the budget."""
        return list(report.budget(self.aws, self.stack.resources(), stack="test"))

    def execute(self, execution: str) -> None:
        self.budgets.execute_budget_action(
            **BUDGET, ActionId=self.action_id, ExecutionType=execution
        )

    @property
    def attached(self) -> Sequence[str]:
        listed = self.iam.list_attached_user_policies(UserName=names.MANAGER)
        return [policy["PolicyArn"] for policy in listed["AttachedPolicies"]]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve.answering() as running:
        yield running.endpoint


@pytest.fixture(scope="module")
def clients(endpoint: str) -> AwsClients:
    """Clients that all tests share, since creating one is slow."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        aws = AwsClients("us-east-1")
        assert all((aws.iam, aws.ec2, aws.budgets, aws.cost_explorer))  # made on first use
    return aws


@pytest.fixture
def account(endpoint: str, clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> BudgetedAccount:
    """An account with only a stack's budget."""
    monkeypatch.setattr(spending, "POLL_SECONDS", 0)
    reset = HTTPConnection(urlsplit(endpoint).netloc)
    reset.request("POST", "/moto-api/reset")
    assert reset.getresponse().status == HTTPStatus.OK
    return BudgetedAccount(clients)


def test_it_arms_fires_lifts_and_arms_again(account: BudgetedAccount) -> None:
    before = account.stop.read()
    assert (before.armed, before.spent) == (True, Decimal(0))
    account.spend()
    spent = account.stop.read()
    assert (spent.armed, spent.spent) == (False, Decimal(COST_OF_AN_INSTANCE))
    assert account.attached == [STOP]
    account.set_limit(3 * COST_OF_AN_INSTANCE)
    account.stop.lift()
    assert account.attached == []
    assert account.stop.read().armed
    account.launch("another project")
    assert account.stop.read().armed
    account.launch()
    account.launch()
    assert not account.stop.read().armed
    account.stop.read()
    assert account.attached == [STOP]


def test_a_stop_that_was_only_undone_is_not_armed(account: BudgetedAccount) -> None:
    account.spend()
    account.execute("REVERSE_BUDGET_ACTION")
    read = [account.stop.read() for _ in range(3)][-1]
    assert (read.status, read.attached, read.armed) == ("REVERSE_SUCCESS", False, False)
    assert "sandbox budget lift --stack test" in read.state("test")
    account.set_limit(100)
    account.stop.lift()
    assert account.stop.read().armed


@pytest.mark.parametrize("steps", range(6))
def test_an_interrupted_lift_continues(
    account: BudgetedAccount, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    account.spend()
    account.set_limit(100)
    left = iter(range(steps))

    def sleep(_: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(spending, "time", SimpleNamespace(sleep=sleep))
    try:
        account.stop.lift()
    except KeyboardInterrupt:
        monkeypatch.setattr(spending, "time", SimpleNamespace(sleep=lambda _: None))
        account.stop.lift()
    assert account.stop.read().armed
    assert account.attached == []


def test_a_stop_that_a_reset_left_attached_is_detached(account: BudgetedAccount) -> None:
    account.iam.attach_user_policy(UserName=names.MANAGER, PolicyArn=STOP)
    read = account.stop.read()
    assert (read.status, read.armed) == (core.ARMED, False)
    assert core.STILL_ATTACHED in read.state("test")
    account.stop.lift()
    assert account.attached == []


def test_a_stop_that_aws_could_not_attach_is_named(account: BudgetedAccount) -> None:
    account.iam.delete_user(UserName=names.MANAGER)
    account.launch()
    account.activate_tag()
    account.stop.read()
    assert "launches go on" in account.stop.read().state("test")
    with pytest.raises(SandboxError, match=f"could not attach.*{names.BUDGET}"):
        account.stop.lift()


def test_a_stop_that_aws_cannot_lift_ends_the_command(account: BudgetedAccount) -> None:
    account.spend()
    account.iam.detach_user_policy(UserName=names.MANAGER, PolicyArn=STOP)
    with pytest.raises(SandboxError, match="could not lift"):
        account.stop.lift()


@pytest.mark.parametrize("execution", ["RESET_BUDGET_ACTION", "RETRY_BUDGET_ACTION"])
def test_the_emulated_account_refuses_a_step_out_of_order(
    account: BudgetedAccount, execution: str
) -> None:
    account.spend()
    with pytest.raises(ClientError, match="ResourceLockedException"):
        account.execute(execution)


def test_what_carries_an_inactive_tag_is_not_counted(account: BudgetedAccount) -> None:
    account.launch()
    unknown = spending.report(account.stack)
    assert (unknown.ok, unknown.budget.spent) == (False, Decimal(0))
    assert "Inactive: AWS counts nothing" in str(unknown.rows())
    account.set_limit(100)
    account.activate_tag()
    active = spending.report(account.stack)
    assert (active.ok, active.budget.spent) == (True, Decimal(COST_OF_AN_INSTANCE))


def test_a_report_says_why_aws_does_not_tell_the_tag(
    account: BudgetedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        message = NOT_ENABLED
        raise ClientError(
            {"Error": {"Code": "AccessDeniedException", "Message": message}},
            "ListCostAllocationTags",
        )

    monkeypatch.setattr(cost_allocation, "statuses", refuse)
    assert cost_allocation.NOT_ENABLED.problem in str(spending.report(account.stack).rows())


def test_status_shows_the_stop(account: BudgetedAccount) -> None:
    (armed,) = account.status()
    assert armed.ok
    account.spend()
    (spent,) = account.status()
    assert not spent.ok
    assert "10.00 of 5.00" in spent.details
    assert "sandbox budget lift --stack test" in spent.details
    assert list(report.budget(account.aws, [], stack="test")) == []


def test_a_budget_that_cannot_be_read_hides_no_other_line(account: BudgetedAccount) -> None:
    account.budgets.delete_budget(**BUDGET)
    (line,) = account.status()
    assert not line.ok


@pytest.fixture
def selected(account: BudgetedAccount, monkeypatch: pytest.MonkeyPatch) -> BudgetedAccount:
    """The account whose stack every command selects."""
    monkeypatch.setattr(Stack, "select", lambda _=None: account.stack)
    return account


def test_the_commands_show_lift_and_ask(
    selected: BudgetedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["budget", "lift"]) == ExitCode.DONE
    assert "nothing to lift" in capsys.readouterr().err
    selected.spend()
    assert cli.run(["budget", "status", "--json"]) == ExitCode.ATTENTION
    printed = json.loads(capsys.readouterr().out)
    assert printed["status"] == "EXECUTION_SUCCESS"
    assert printed.keys() == json_forms.fields("budget", "status")
    assert cli.run(["budget", "lift"]) == ExitCode.REFUSED
    assert "within hours; raise sandbox:monthly_budget_usd first" in capsys.readouterr().err
    assert selected.attached == [STOP]
    selected.set_limit(100)
    assert cli.run(["budget", "lift", "--yes"]) == ExitCode.DONE
    assert cli.run(["budget", "status"]) == ExitCode.DONE
    assert "armed" in capsys.readouterr().out


def test_a_stack_without_budget_is_refused(account: BudgetedAccount) -> None:
    with pytest.raises(RefusedError, match="has no budget"):
        spending.Stop.of(StackWithBudget("", account.aws))
