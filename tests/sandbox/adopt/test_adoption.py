"""Real engine, real provider, emulated account: what the old module made becomes a stack's.

Each variant of state is built with boto3, adopted, and updated. `make prove-adopt` runs all of
them; the ordinary test run takes what is not `thorough`.
"""

import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from town import Town, build, counts, lines, outputs, secret_of
from variants import VARIANTS, make
from world import changed

from local import emulator, engine
from local import stack as local_stack
from tests.deadly import deadly

pytestmark = pytest.mark.engine
Open = Callable[[str], Town]
Record = Callable[[str, object], None]
COUNTED = ("updated", "replaced", "deleted")


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture
def town(aws: emulator.Emulator, tmp_path: Path) -> Open:
    """A town with what a variant of the state describes, and an empty stack."""

    def make_it(name: str) -> Town:
        environment = local_stack.environment(engine.ensure(), aws, tmp_path / "backend")
        here = build(tmp_path, environment, make(name))
        here.pulumi("stack", "init")
        return here

    return make_it


def each(names: Iterable[str], ordinary: str) -> list[Any]:
    """*names* as parameters: each has an account of its own, so they may run side by side."""
    return [
        pytest.param(
            name,
            marks=[
                pytest.mark.xdist_group(f"adoption: {name}"),
                *([] if name == ordinary else [pytest.mark.thorough]),
            ],
        )
        for name in names
    ]


@pytest.mark.parametrize("name", each(VARIANTS, ordinary="the original"))
def test_a_running_environment_is_adopted_and_nothing_in_it_is_replaced(
    name: str, town: Open, record_property: Record
) -> None:
    here = town(name)
    before = here.look()
    secret = secret_of(here.old)

    ran = here.migrate()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert here.look() == before
    assert "0 to replace, 0 to delete" in ran.stdout
    updates = lines(ran.stdout, "update")
    assert [one for one in updates if "no reason known" in one] == []
    adopted = here.ids()

    up = here.pulumi("up", "--yes", "--skip-preview")
    did = counts(up)
    after = here.look()
    ids = here.ids()
    moved = {urn for urn, identifier in adopted.items() if ids.get(urn) != identifier}
    tally = {"variants": 1, "changed ids": len(moved)}
    record_property("adoption", tally | {one: did.get(one, 0) for one in COUNTED})
    assert moved == set()
    assert did.get("updated", 0) == len(updates)
    assert did.get("created", 0) == len(lines(ran.stdout, "create"))
    made = {identifier for urn, identifier in ids.items() if urn not in adopted}
    gone = {key for key in before if key not in after}
    assert [one for one in gone if before[one].get("GroupId") not in made] == []
    listed = made | {identifier for urn, identifier in adopted.items() if _named(urn, updates)}
    unlisted = {one for one in changed(before, after) - gone if one[1] not in listed}
    # a gateway endpoint writes its route into the table; a second policy is attached, not changed
    assert {kind for kind, _ in unlisted} <= {"RouteTables", "user's policies", "role's policies"}
    again = here.migrate()
    assert "0 to update in place, 0 to create" in again.stdout, again.stdout + again.stderr
    if secret:
        assert outputs(here)["sandbox_manager_secret_access_key"] == secret
        assert secret not in ran.stdout + ran.stderr + up + again.stdout
        assert here.files_with(secret) == []


def _named(urn: str, updates: list[str]) -> bool:
    kind, name = urn.split("::")[2].rpartition(":")[2], urn.split("::", 3)[3]
    return any(one.startswith(f"update {kind} {name} (") for one in updates)


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Where a run is killed: at which command of pulumi, in which folder, before or after it."""

    words: str
    rehearsed: bool
    done: bool


INTERRUPTS = {
    "in the import": Interrupt("import --file", rehearsed=True, done=False),
    "after the config was set": Interrupt("stack import", rehearsed=False, done=False),
    "after the state was written": Interrupt("stack import", rehearsed=False, done=True),
}


@pytest.mark.parametrize("point", each(INTERRUPTS, ordinary="after the state was written"))
def test_a_run_that_was_killed_is_continued_by_the_next(point: str, town: Open) -> None:
    here = town("one zone")
    account = here.look()
    at = INTERRUPTS[point]
    place = f'[ "$PWD" {"!=" if at.rehearsed else "="} "{here.project}" ]'
    path = here.environment["PATH"]
    killed = here.migrate(
        PATH=deadly(here.folder / "deadly", path, at.words, only_if=place, done=at.done)
    )
    assert killed.returncode == -signal.SIGKILL
    assert here.look() == account
    ran = here.migrate()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 to replace, 0 to delete" in ran.stdout
    assert here.look() == account


def test_an_adoption_that_would_replace_something_is_refused_with_nothing_written(
    town: Open,
) -> None:
    here = town("one zone")
    group = here.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["sandbox-instances"]}]
    )["SecurityGroups"][0]["GroupId"]
    text = json.dumps(here.old).replace(group, _other_group(here, group))
    (here.folder / "old.tfstate").write_text(text)
    written = here.written()
    ran = here.migrate()
    assert ran.returncode == 1
    assert "SecurityGroup sandbox-instances: would be replaced" in ran.stderr
    assert ran.stderr.strip().endswith("nothing was written")
    assert here.written() == written


def _other_group(here: Town, group: str) -> str:
    """A group like the sandbox's, but for its description, which AWS cannot change."""
    ec2 = here.client("ec2")
    old = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return ec2.create_security_group(
        GroupName="sandbox-instances-2", Description="Other", VpcId=old["VpcId"]
    )["GroupId"]


GONE = "aws_vpc_security_group_ingress_rule.ssh"


@pytest.mark.thorough
def test_resources_that_are_gone_are_named_and_nothing_is_written(town: Open) -> None:
    here = town("one zone")
    rule = here.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    inbound = next(one for one in rule if not one["IsEgress"] and one["FromPort"] == 22)
    here.client("ec2").revoke_security_group_ingress(
        GroupId=inbound["GroupId"], SecurityGroupRuleIds=[inbound["SecurityGroupRuleId"]]
    )
    written = here.written()
    ran = here.migrate()
    assert ran.returncode == 1
    assert f"no longer has {GONE} ({inbound['SecurityGroupRuleId']})" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert here.written() == written


@pytest.mark.thorough
def test_the_log_group_that_instances_made_is_adopted_with_what_it_holds(town: Open) -> None:
    here = town("one zone")
    logs = here.client("logs")
    place = {"logGroupName": "/aws/ec2/sandbox/instances", "logStreamName": "i-0aaaaaaaaaaaaaaaa"}
    logs.create_log_group(logGroupName=place["logGroupName"])
    logs.create_log_stream(**place)
    event = {"timestamp": int(time.time() * 1000), "message": "epoch 3"}
    logs.put_log_events(**place, logEvents=[event])
    ran = here.migrate()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "sandbox:instance_log_retention_days = 3653" in ran.stdout
    here.pulumi("up", "--yes", "--skip-preview")
    [group] = logs.describe_log_groups(logGroupNamePrefix=place["logGroupName"])["logGroups"]
    assert group["retentionInDays"] == 3653
    [kept] = logs.get_log_events(**place)["events"]
    assert kept["message"] == event["message"]
    here.pulumi("preview", "--expect-no-changes")
