"""A recovery does exactly the steps that it shows, with the stack's own resources only."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from infra import tags
from infra.aws_clients import AwsClients
from local.moto_patches import budget_actions
from sandbox import cli
from sandbox.core.errors import ExitCode, RefusedError, SandboxError
from sandbox.core.stack import Stack
from sandbox.recover import recovery
from tests.sandbox import json_forms
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.lock_error import lock, lock_error

REGION = "us-east-1"
URN = "urn:pulumi:dev::sandbox::"
OWN_TAGS = tags.common("production")
OTHER_TAGS = tags.common("staging")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
CHANGING = ("cancel", "stack import", "refresh --yes")
"""The commands of `pulumi` with which a recovery changes something."""


def pending(resource_type: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    """A create that the killed update had begun."""
    return {
        "type": "creating",
        "resource": {
            "urn": f"{URN}{resource_type}::{name}",
            "type": resource_type,
            "inputs": inputs,
        },
    }


def exported(*operations: Mapping[str, Any], **ids: str) -> dict[str, Any]:
    """The output of `pulumi stack export`: a provider, *ids* by type, and pending operations."""
    provider = {"region": REGION, "defaultTags": json.dumps({"tags": OWN_TAGS})}
    resources: list[dict[str, Any]] = [
        {"urn": f"{URN}pulumi:pulumi:Stack::sandbox-dev", "type": "pulumi:pulumi:Stack"},
        {
            "urn": f"{URN}pulumi:providers:aws::aws",
            "type": "pulumi:providers:aws",
            "inputs": provider,
        },
        *(
            {"urn": f"{URN}{name}::{name}", "type": name, "id": identifier}
            for name, identifier in ids.items()
        ),
    ]
    deployment: dict[str, Any] = {
        "manifest": {"time": datetime.now(UTC).isoformat()},
        "resources": resources,
    }
    if operations:
        deployment["pending_operations"] = list(operations)
    return {"version": 3, "deployment": deployment}


@pytest.fixture
def aws(made_up_credentials: Mapping[str, str]) -> Iterator[AwsClients]:
    assert made_up_credentials
    budget_actions.install()
    with mock_aws():
        yield AwsClients(REGION)


@pytest.fixture
def stack(fake_pulumi: FakePulumi) -> Stack:
    """A healthy stack; a test gives it another state with `interrupt`."""
    fake_pulumi.answer("stack export", exported())
    fake_pulumi.answer("stack history", [{"endTime": an_hour_before(datetime.now(UTC))}])
    for words in ("stack rename", *CHANGING):
        fake_pulumi.answer(words)
    return Stack("dev")


def an_hour_before(moment: datetime) -> str:
    return (moment - timedelta(hours=1)).isoformat()


def lock_stack(fake_pulumi: FakePulumi, hostname: str, pid: int) -> None:
    """Make the backend say that the stack is locked."""
    since = (datetime.now(UTC) - timedelta(minutes=30)).isoformat(timespec="seconds")
    fake_pulumi.answer(
        "stack rename",
        stderr=lock_error(lock(owner=f"alice@{hostname}", pid=pid, since=since)),
        code=255,
    )


def changes(fake_pulumi: FakePulumi) -> list[str]:
    """The calls that change the stack; the check of its lock is not one."""
    return [call for call in fake_pulumi.calls if call.startswith(CHANGING)]


def as_list(own_tags: Mapping[str, str], **more: str) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in {**own_tags, **more}.items()]


def create_vpc(aws: AwsClients, own_tags: Mapping[str, str]) -> str:
    specification: Any = [{"ResourceType": "vpc", "Tags": as_list(own_tags, Name="sandbox-vpc")}]
    vpc = aws.ec2.create_vpc(CidrBlock="10.100.0.0/16", TagSpecifications=specification)
    return vpc["Vpc"]["VpcId"]


PENDING_VPC = pending(
    "aws:ec2/vpc:Vpc", "sandbox-vpc", cidrBlock="10.100.0.0/16", tags={"Name": "sandbox-vpc"}
)
PENDING_USER = pending("aws:iam/user:User", "sandbox-manager", name="sandbox-manager")
PENDING_KEY = pending("aws:iam/accessKey:AccessKey", "sandbox-manager-a", user="sandbox-manager")


def test_a_healthy_stack_has_nothing_to_repair_and_is_not_changed(
    stack: Stack, fake_pulumi: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not recovery.plan(stack)
    questions = [call.split(" --")[0] for call in fake_pulumi.calls]
    assert questions == ["stack rename dev", "stack export"]
    assert cli.run(["recover", "--stack", "dev", "--yes"]) == ExitCode.DONE
    assert "nothing to repair" in capsys.readouterr().out
    assert changes(fake_pulumi) == []


def test_a_dry_run_shows_every_step_and_changes_nothing(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stack
    vpc = create_vpc(aws, OWN_TAGS)
    fake_pulumi.answer("stack export", exported(PENDING_VPC, PENDING_USER))
    lock_stack(fake_pulumi, "elsewhere", 4711)
    assert cli.run(["recover", "--stack", "dev", "--dry-run", "--yes"]) == ExitCode.ATTENTION
    unlock, adopt, forget = capsys.readouterr().out.splitlines()
    assert "alice@elsewhere" in unlock
    assert "4711" in unlock
    assert re.search("3[0-4] minutes", unlock)  # this test may be slow
    assert vpc in adopt
    assert "sandbox-manager" in forget
    assert cli.run(["recover", "--stack", "dev", "--dry-run", "--json"]) == ExitCode.ATTENTION
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() == json_forms.fields("recover")
    assert printed["locked"]
    assert (printed["locks"][0]["username"], printed["locks"][0]["pid"]) == ("alice", 4711)
    assert printed["adopt"] == [{"type": "aws:ec2/vpc:Vpc", "name": "sandbox-vpc", "id": vpc}]
    assert printed["forget"] == [forget]
    assert changes(fake_pulumi) == []


def test_json_is_for_a_dry_run_only(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["recover", "--stack", stack.name, "--json"]) == ExitCode.USAGE
    assert "--dry-run" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_done_unasked(stack: Stack, fake_pulumi: FakePulumi) -> None:
    assert stack
    lock_stack(fake_pulumi, "elsewhere", 4711)
    assert cli.run(["recover", "--stack", "dev"]) == ExitCode.REFUSED
    assert changes(fake_pulumi) == []


def test_a_lock_alone_is_removed_and_the_state_stays(stack: Stack, fake_pulumi: FakePulumi) -> None:
    assert stack
    lock_stack(fake_pulumi, "elsewhere", 4711)
    assert cli.run(["recover", "--stack", "dev", "--yes"]) == ExitCode.DONE
    assert [call.split()[0] for call in changes(fake_pulumi)] == ["cancel"]


def test_the_lock_of_an_update_that_runs_on_this_machine_is_refused(
    stack: Stack, fake_pulumi: FakePulumi
) -> None:
    running = fake_pulumi.folder / "running"
    running.mkdir()
    (running / "pulumi").symlink_to("/bin/sleep")
    with subprocess.Popen([running / "pulumi", "60"]) as process:
        try:
            lock_stack(fake_pulumi, platform.node(), process.pid)
            with pytest.raises(RefusedError, match=str(process.pid)):
                recovery.plan(stack)
        finally:
            process.kill()
    assert recovery.plan(stack)  # it is dead now
    lock_stack(fake_pulumi, platform.node(), os.getpid())
    assert recovery.plan(stack)  # another process has this id now


def test_what_was_created_is_added_to_the_state_and_read(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients
) -> None:
    vpc = create_vpc(aws, OWN_TAGS)
    fake_pulumi.answer("stack export", exported(PENDING_VPC, PENDING_USER))
    recovery.apply(stack, recovery.plan(stack))
    assert [call.split()[0] for call in changes(fake_pulumi)] == ["stack", "refresh"]
    [imported] = fake_pulumi.inputs
    deployment = json.loads(imported)["deployment"]
    assert "pending_operations" not in deployment
    [adopted] = [entry for entry in deployment["resources"] if entry["type"] == "aws:ec2/vpc:Vpc"]
    assert adopted["id"] == vpc


def test_what_carries_another_stacks_tags_is_not_adopted(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients, capsys: pytest.CaptureFixture[str]
) -> None:
    vpc = create_vpc(aws, OTHER_TAGS)
    aws.iam.create_user(UserName="sandbox-manager", Tags=as_list(OTHER_TAGS))
    fake_pulumi.answer("stack export", exported(PENDING_VPC, PENDING_USER))
    plan = recovery.plan(stack)
    assert plan.adoptions == []
    assert len(plan.forgotten) == 2
    notes = capsys.readouterr().err
    assert vpc in notes
    assert "sandbox-manager" in notes


def test_what_the_state_already_holds_is_not_adopted_again(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients
) -> None:
    vpc = create_vpc(aws, OWN_TAGS)
    fake_pulumi.answer("stack export", exported(PENDING_VPC, **{"aws:ec2/vpc:Vpc": vpc}))
    assert recovery.plan(stack).adoptions == []


def test_several_candidates_are_named_and_none_is_taken(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients
) -> None:
    first, second = create_vpc(aws, OWN_TAGS), create_vpc(aws, OWN_TAGS)
    fake_pulumi.answer("stack export", exported(PENDING_VPC))
    with pytest.raises(SandboxError, match=f"{first}|{second}") as refused:
        recovery.plan(stack)
    assert first in str(refused.value)
    assert second in str(refused.value)


def test_a_state_that_changes_meanwhile_is_left_alone(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients
) -> None:
    assert aws
    state = fake_pulumi.answer("stack export", exported(PENDING_USER))
    lock_stack(fake_pulumi, "elsewhere", 4711)
    plan = recovery.plan(stack)
    later = fake_pulumi.answer("later", exported(PENDING_USER, PENDING_VPC))
    fake_pulumi.answer("cancel", then=f"cp {later} {state}")
    with pytest.raises(SandboxError, match="update is running"):
        recovery.apply(stack, plan)
    assert [call.split()[0] for call in changes(fake_pulumi)] == ["cancel"]


@pytest.mark.parametrize(
    ("age", "lost"),
    [(timedelta(0), True), (timedelta(hours=2), False), (-timedelta(hours=2), False)],
    ids=["by the killed update", "before it", "long after it"],
)
def test_only_a_key_that_the_killed_update_created_is_deleted(
    stack: Stack, fake_pulumi: FakePulumi, aws: AwsClients, age: timedelta, *, lost: bool
) -> None:
    aws.iam.create_user(UserName="sandbox-manager")
    known, unknown = (
        aws.iam.create_access_key(UserName="sandbox-manager")["AccessKey"]["AccessKeyId"]
        for _ in range(2)
    )
    state = exported(PENDING_KEY, **{"aws:iam/accessKey:AccessKey": known})
    saved = datetime.now(UTC) + age
    state["deployment"]["manifest"]["time"] = saved.isoformat()
    fake_pulumi.answer("stack history", [{"endTime": an_hour_before(saved)}])
    fake_pulumi.answer("stack export", state)
    plan = recovery.plan(stack)
    assert [key.key_id for key in plan.lost_keys] == ([unknown] if lost else [])
    recovery.apply(stack, plan)
    keys = aws.iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert {key.get("AccessKeyId") for key in keys} == ({known} if lost else {known, unknown})


def test_a_budget_and_its_action_are_found_again(aws: AwsClients) -> None:
    account_id = aws.identity["account_id"]
    role = aws.iam.create_role(RoleName="sandbox-budget", AssumeRolePolicyDocument=TRUST)
    budgets: Any = aws.budgets
    budgets.create_budget(
        AccountId=account_id,
        Budget={
            "BudgetName": "sandbox-budget",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "5", "Unit": "USD"},
        },
        ResourceTags=as_list(OWN_TAGS),
    )
    policies = ("arn:aws:iam::123456789012:policy/stop", "arn:aws:iam::123456789012:policy/other")
    stop, _ = (
        budgets.create_budget_action(
            AccountId=account_id,
            BudgetName="sandbox-budget",
            NotificationType="ACTUAL",
            ActionType="APPLY_IAM_POLICY",
            ActionThreshold={"ActionThresholdValue": 100, "ActionThresholdType": "PERCENTAGE"},
            Definition={"IamActionDefinition": {"PolicyArn": policy, "Users": ["manager"]}},
            ExecutionRoleArn=role["Role"]["Arn"],
            ApprovalModel="AUTOMATIC",
            Subscribers=[{"SubscriptionType": "EMAIL", "Address": "costs@example.org"}],
            ResourceTags=as_list(OWN_TAGS),
        )["ActionId"]
        for policy in policies
    )
    budget = pending("aws:budgets/budget:Budget", "b", name="sandbox-budget")
    action = pending(
        "aws:budgets/budgetAction:BudgetAction",
        "a",
        budgetName="sandbox-budget",
        definition={"iamActionDefinition": {"policyArn": policies[0]}},
    )
    own_search, other_search = (
        recovery.AccountSearch(aws, owner_tags={key: owner[key] for key in recovery.OWNER_TAGS})
        for owner in (OWN_TAGS, OTHER_TAGS)
    )
    assert own_search.identifier(budget["resource"]) == f"{account_id}:sandbox-budget"
    assert own_search.identifier(action["resource"]) == f"{account_id}:{stop}:sandbox-budget"
    assert other_search.identifier(budget["resource"]) is None
    assert other_search.identifier(action["resource"]) is None
