"""Repair an update that was killed at several points: nothing is created twice or lost."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from infra.catalogue import CATALOGUE
from sandbox.core.errors import ExitCode
from sandbox.recover.recovery import OWNER_TAGS, AccountSearch
from tests.e2e.account import Client, client_of, emulated, everything, launch_tagged
from tests.e2e.engine_stack import EngineStack
from tests.sandbox import in_process

ONCE = {"users": 1, "roles": 3, "profiles": 1, "log groups": 2, "flow logs": 1, "endpoints": 1}
CONFIG: Mapping[str, object] = {
    "monthly_budget_usd": 5,
    "budget_email": "costs@example.org",
    "cost_allocation_tags": "on",
    "allowed_ssh_cidrs": [f"10.0.{number}.0/24" for number in range(70)],
}
"""With these a stack has a resource of every type."""
ACCOUNT_ID = "123456789012"


def vpc_exists(client: Client) -> bool:
    return bool(vpcs(client))


def user_exists(client: Client) -> bool:
    return bool(client("iam").list_users()["Users"])


def key_exists(client: Client) -> bool:
    return user_exists(client) and bool(key_ids(client))


def flow_log_exists(client: Client) -> bool:
    return bool(client("ec2").describe_flow_logs()["FlowLogs"])


def budget_action_exists(client: Client) -> bool:
    return bool(budget_actions(client))


def vpcs(client: Client) -> Sequence[Any]:
    filters = [{"Name": "tag:Name", "Values": ["sandbox-vpc"]}]
    return client("ec2").describe_vpcs(Filters=filters)["Vpcs"]


def key_ids(client: Client) -> Sequence[str]:
    keys = client("iam").list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in keys]


def budget_actions(client: Client) -> Sequence[Any]:
    return client("budgets").describe_budget_actions_for_budget(
        AccountId=ACCOUNT_ID, BudgetName="sandbox-budget"
    )["Actions"]


def recover(sandbox: EngineStack, *options: str) -> CompletedProcess[str]:
    command = ("recover", "--stack", sandbox.name, *options)
    return in_process.run(command, sandbox.folder, sandbox.environment)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path / "emulator") as environment:
        yield environment


def in_prove(created: Callable[[Client], bool]) -> Any:
    return pytest.param(created, marks=pytest.mark.thorough)


@pytest.mark.parametrize(
    "created",
    [
        in_prove(vpc_exists),
        in_prove(user_exists),
        key_exists,
        in_prove(flow_log_exists),
        in_prove(budget_action_exists),
    ],
)
def test_a_killed_update_is_repaired_and_the_next_one_completes_it(
    fresh: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    created: Callable[[Client], bool],
) -> None:
    client = client_of(fresh)
    launch_tagged(client)
    folder = tmp_path / "program"
    folder.mkdir()
    sandbox = EngineStack(folder, fresh)
    sandbox.configure(**CONFIG)
    sandbox.killed_up(lambda: created(client))
    planned = recover(sandbox, "--dry-run")
    assert planned.returncode == ExitCode.ATTENTION, planned.stderr
    assert "lock" in planned.stdout
    repaired = recover(sandbox, "--yes")
    assert repaired.returncode == ExitCode.DONE, repaired.stderr
    assert (
        repaired.stdout.splitlines()[1:] == planned.stdout.splitlines()[1:]
    )  # less the lock's age
    sandbox.up()
    resources = everything(client)
    assert {kind: len(resources[kind]) for kind in ONCE} == ONCE
    assert key_ids(client) == [sandbox.outputs(secrets=True)["sandbox_manager_access_key_id"]]
    assert len(vpcs(client)) == len(budget_actions(client)) == 1
    deployment = json.loads(sandbox.pulumi("stack", "export").output)
    require_that_every_type_is_found_again(deployment, fresh, monkeypatch)
    healthy = recover(sandbox, "--yes")
    assert healthy.returncode == ExitCode.DONE
    assert "nothing to repair" in healthy.stdout


def require_that_every_type_is_found_again(
    deployment: Mapping[str, Any],
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By its inputs, and under its own tags only."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, environment[name])
    aws = AccountSearch.of_exported(deployment).aws
    tags = {"Project": "alignment-league", "Environment": "production"}
    own_search = AccountSearch(aws, owner_tags=tags)
    other_search = AccountSearch(aws, owner_tags={**tags, "Environment": "staging"})
    assert tags.keys() == set(OWNER_TAGS)
    searched: set[str] = set()
    for resource in deployment["deployment"]["resources"]:
        resource_type = CATALOGUE.get(resource["type"])
        if resource_type and resource_type.finder:
            searched.add(resource_type.name)
            assert own_search.identifier(resource) == import_id(resource)
            assert (other_search.identifier(resource) is None) is resource_type.taggable
    assert searched == {name for name, listed in CATALOGUE.items() if listed.finder}


def import_id(resource: Mapping[str, Any]) -> str:
    """The id that the provider imports, as pulumi-aws's pages give it."""
    match resource["type"], resource["inputs"]:
        case "aws:ec2/route:Route", {"routeTableId": table, "destinationCidrBlock": destination}:
            return f"{table}_{destination}"
        case _, {"routeTableId": table, "subnetId": subnet}:
            return f"{subnet}/{table}"
        case _:
            return resource["id"]
