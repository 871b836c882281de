"""Every variant of state and every interruption: the long part of `make prove-adopt`."""

import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.errors import ExitCode
from tests.killed_by_pulumi import path_that_kills
from tests.sandbox.adopt.adoption_env import STACK, error_line, secret_of
from tests.sandbox.adopt.conftest import TALLY, OpenEnv
from tests.sandbox.adopt.test_adoption import require_sound_update
from tests.sandbox.adopt.variants import VARIANTS

pytestmark = [pytest.mark.engine, pytest.mark.thorough]
COUNTED = ("updated", "replaced", "deleted", "changed ids")


def each(names: Iterable[str]) -> list[Any]:
    """*names* as parameters, in groups of their own, so that they can run in several workers."""
    return [
        pytest.param(name, marks=pytest.mark.xdist_group(f"adoption: {name}")) for name in names
    ]


@pytest.mark.parametrize("variant", each(VARIANTS))
def test_a_running_environment_is_adopted_and_nothing_in_it_is_replaced(
    variant: str, open_env: OpenEnv, tmp_path: Path, record_property: Any
) -> None:
    environment = open_env(variant, tmp_path)
    account = environment.account()
    completed = environment.apply()
    assert completed.returncode == ExitCode.DONE, completed.stdout + completed.stderr
    assert environment.account() == account
    secret = secret_of(environment.state)
    assert not secret or secret not in completed.stdout + completed.stderr
    did = require_sound_update(environment)
    record_property(TALLY, {"variants": 1} | {name: did.get(name, 0) for name in COUNTED})


@dataclass(frozen=True, slots=True)
class Interruption:
    """A run is killed instead of one of its pulumi commands."""

    command: str
    in_rehearsal: bool


INTERRUPTIONS = {
    "during the import": Interruption("import --file", in_rehearsal=True),
    "after the config was written": Interruption("stack import", in_rehearsal=False),
}


@pytest.mark.parametrize("point", each(INTERRUPTIONS))
def test_a_run_that_was_killed_is_continued_by_the_next(
    point: str, open_env: OpenEnv, tmp_path: Path
) -> None:
    environment = open_env("one zone", tmp_path)
    account = environment.account()
    interruption = INTERRUPTIONS[point]
    operator = "!=" if interruption.in_rehearsal else "="
    killed = environment.killed_apply(
        path_that_kills(
            environment.folder / "deadly",
            environment.variables["PATH"],
            interruption.command,
            only_if=f'[ "$PWD" {operator} "{environment.project}" ]',
        )
    )
    assert killed.returncode == -signal.SIGKILL
    assert environment.account() == account
    completed = environment.apply()
    assert completed.returncode == ExitCode.DONE, completed.stdout + completed.stderr
    assert "0 to replace, 0 to delete" in completed.stdout
    assert environment.account() == account


def test_resources_that_are_gone_are_named_and_nothing_is_written(
    open_env: OpenEnv, tmp_path: Path
) -> None:
    environment = open_env("one zone", tmp_path)
    ec2 = environment.client("ec2")
    ssh = next(
        rule
        for rule in ec2.describe_security_group_rules()["SecurityGroupRules"]
        if not rule["IsEgress"] and rule["FromPort"] == 22
    )
    identifier = ssh["SecurityGroupRuleId"]
    ec2.revoke_security_group_ingress(GroupId=ssh["GroupId"], SecurityGroupRuleIds=[identifier])
    files = environment.files_of_stack()
    completed = environment.apply("--quiet")
    assert completed.returncode == ExitCode.FAILED
    assert f"aws_vpc_security_group_ingress_rule.ssh ({identifier})" in error_line(completed)
    assert len(completed.stderr.splitlines()) == 1
    assert environment.files_of_stack() == files


def test_a_tag_of_somebody_else_goes_only_if_the_operator_says_so(
    open_env: OpenEnv, tmp_path: Path
) -> None:
    environment = open_env("one zone", tmp_path)
    ec2 = environment.client("ec2")
    [gateway] = [
        gateway["InternetGatewayId"]
        for gateway in ec2.describe_internet_gateways()["InternetGateways"]
        if gateway["InternetGatewayId"] in environment.state_file.read_text()
    ]
    ec2.create_tags(Resources=[gateway], Tags=[{"Key": "Owner", "Value": "x"}])
    files = environment.files_of_stack()
    refused = environment.apply("--quiet")
    assert refused.returncode == ExitCode.REFUSED
    assert error_line(refused).endswith("answer them as listed above: yes to all is --drop-tags")
    assert environment.files_of_stack() == files
    completed = environment.apply("--drop-tags")
    assert completed.returncode == ExitCode.DONE, completed.stdout + completed.stderr
    assert "yes, --drop-tags, as you answered" in completed.stdout
    environment.pulumi("up", "--yes", "--skip-preview")
    [listed] = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert "Owner" not in {tag["Key"] for tag in listed["Tags"]}


def test_the_log_group_that_instances_created_is_adopted_with_its_events(
    open_env: OpenEnv, tmp_path: Path
) -> None:
    environment = open_env("one zone", tmp_path)
    logs = environment.client("logs")
    stream = {"logGroupName": "/aws/ec2/sandbox/instances", "logStreamName": "i-0aaaaaaaaaaaaaaaa"}
    logs.create_log_group(logGroupName=stream["logGroupName"])
    logs.create_log_stream(**stream)
    event = {"timestamp": int(time.time() * 1000), "message": "epoch 3"}
    logs.put_log_events(**stream, logEvents=[event])
    completed = environment.apply()
    assert completed.returncode == ExitCode.DONE, completed.stdout + completed.stderr
    assert "sandbox:instance_log_retention_days = 3653" in completed.stdout
    environment.pulumi("up", "--yes", "--skip-preview")
    [group] = logs.describe_log_groups(logGroupNamePrefix=stream["logGroupName"])["logGroups"]
    assert group["retentionInDays"] == 3653
    [kept] = logs.get_log_events(**stream)["events"]
    assert kept["message"] == event["message"]
    environment.pulumi("preview", "--expect-no-changes")


def test_a_log_group_that_an_instance_creates_after_the_adoption_is_adopted_by_a_second_run(
    open_env: OpenEnv, tmp_path: Path
) -> None:
    environment = open_env("one zone", tmp_path)
    assert environment.apply().returncode == ExitCode.DONE
    environment.client("logs").create_log_group(logGroupName="/aws/ec2/sandbox/instances")
    update = ["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, "--non-interactive"]
    failed = environment.run(update)
    assert failed.returncode != ExitCode.DONE
    assert "ResourceAlreadyExistsException" in failed.stdout + failed.stderr
    again = environment.apply()
    assert again.returncode == ExitCode.DONE, again.stdout + again.stderr
    environment.pulumi("up", "--yes", "--skip-preview")
    environment.pulumi("preview", "--expect-no-changes")
