"""Real engine, real provider, emulated account: what the old module made becomes a stack's.

Each variant of state is built with boto3, adopted, and updated. `make prove-adopt` runs all of
them; the ordinary test run takes those in ORDINARY.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import boto3
import pytest
from town import STACK, Town, build, counts, lines, outputs, secret_of, wanted_everywhere
from variants import VARIANTS, make
from world import changed

from local import emulator, engine
from local import stack as local_stack

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("adoption")]
ORDINARY = ("the original", "another region", "a gap between the subnets")
CHOSEN = tuple(VARIANTS) if wanted_everywhere() else ORDINARY
Open = Callable[[str], Town]
Test = TypeVar("Test", bound=Callable[..., None])


def thorough(test: Test) -> Test:
    """Only `make prove-adopt` runs it."""
    vars(test)["thorough"] = True
    return test


@dataclass(slots=True)
class Tally:
    """What all variants of a run came to."""

    variants: int = 0
    updated: int = 0
    replaced: int = 0
    deleted: int = 0
    changed_ids: int = 0


@pytest.fixture(scope="session")
def tally(closing_line: Callable[[str], None]) -> Iterator[Tally]:
    kept = Tally()
    yield kept
    closing_line(
        f"adoption: {kept.variants} variants of state, {kept.replaced} resources replaced, "
        f"{kept.deleted} deleted, {kept.changed_ids} changed ids, "
        f"{kept.updated} updated in place with a reason"
    )


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture
def town(aws: emulator.Emulator, tmp_path: Path) -> Open:
    """A town with what a variant of the state describes."""

    def make_it(name: str) -> Town:
        (tmp_path / "backend").mkdir()
        environment = local_stack.environment(engine.ensure(), aws, tmp_path / "backend")
        return build(tmp_path, environment, make(name))

    return make_it


@pytest.mark.parametrize("name", CHOSEN)
def test_a_running_environment_is_adopted_and_nothing_in_it_is_replaced(
    name: str, town: Open, tally: Tally
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
    assert did.get("updated", 0) == len(updates)
    assert did.get("created", 0) == len(lines(ran.stdout, "create"))
    after = here.look()
    ids = here.ids()
    moved = {urn for urn, identifier in adopted.items() if ids.get(urn) != identifier}
    assert moved == set()
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

    tally.variants += 1
    tally.updated += did.get("updated", 0)
    tally.replaced += did.get("replaced", 0)
    tally.deleted += did.get("deleted", 0)
    tally.changed_ids += len(moved)


def _named(urn: str, updates: list[str]) -> bool:
    kind, name = urn.split("::")[2].rpartition(":")[2], urn.split("::", 3)[3]
    return any(one.startswith(f"update {kind} {name} (") for one in updates)


@thorough
def test_the_access_key_signs_in_as_before(town: Open) -> None:
    here = town("one zone")
    assert here.migrate().returncode == 0
    here.pulumi("up", "--yes", "--skip-preview")
    assert "[secret]" in here.pulumi("stack", "output")
    read = outputs(here)
    manager = boto3.client(
        "sts",
        region_name=here.region,
        endpoint_url=here.environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=read["sandbox_manager_access_key_id"],
        aws_secret_access_key=read["sandbox_manager_secret_access_key"],
    )
    assert manager.get_caller_identity()["Arn"].endswith("user/service/sandbox-manager")


@thorough
def test_a_check_tells_everything_and_writes_nothing(town: Open) -> None:
    here = town("one zone")
    account, written = here.look(), here.written()
    ran = here.migrate("--check")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 to replace, 0 to delete" in ran.stdout
    assert 'sandbox:zones = {"us-east-1a": 0}' in ran.stdout
    assert ran.stdout.splitlines()[-1] == "Checked; nothing was written."
    assert here.look() == account
    assert here.written() == written


@thorough
def test_a_second_run_changes_nothing_before_and_after_the_update(town: Open) -> None:
    here = town("one zone")
    assert here.migrate().returncode == 0
    for _ in range(2):
        account, written = here.look(), here.written()
        again = here.migrate()
        assert again.returncode == 0, again.stderr
        assert again.stdout.splitlines()[-1] == "Adopted before; nothing was written."
        assert here.look() == account
        assert here.written() == written
        here.pulumi("up", "--yes", "--skip-preview")


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Where a run is killed: at which command of pulumi, in which folder, before or after it."""

    words: str
    rehearsed: bool
    done: bool
    arguments: list[str] = field(default_factory=list[str])


INTERRUPTS = {
    "in the import": Interrupt("import --file", rehearsed=True, done=False),
    "after the config was set": Interrupt("stack import", rehearsed=False, done=False),
    "after the state was written": Interrupt("stack import", rehearsed=False, done=True),
}


@pytest.mark.parametrize("point", INTERRUPTS if wanted_everywhere() else list(INTERRUPTS)[1:2])
def test_a_run_that_was_killed_is_continued_by_the_next(point: str, town: Open) -> None:
    here = town("one zone")
    account = here.look()
    killed = here.migrate(PATH=_deadly(here, INTERRUPTS[point]))
    assert killed.returncode == -signal.SIGKILL
    assert here.look() == account
    ran = here.migrate()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 to replace, 0 to delete" in ran.stdout
    assert here.look() == account


def _deadly(here: Town, at: Interrupt) -> str:
    """A PATH whose pulumi kills who called it at one point, and is the real one otherwise."""
    folder = here.folder / "deadly"
    folder.mkdir()
    real = next(
        candidate
        for one in here.environment["PATH"].split(os.pathsep)
        if (candidate := Path(one, "pulumi")).is_file()
    )
    place = "!=" if at.rehearsed else "="
    first = f'"{real}" "$@"; ' if at.done else ""
    (folder / "pulumi").write_text(
        "#!/bin/sh\n"
        f'if [ "$PWD" {place} "{here.project}" ]; then case "$*" in "{at.words}"*) '
        f"{first}kill -9 $PPID; exit 1;; esac; fi\n"
        f'exec "{real}" "$@"\n'
    )
    (folder / "pulumi").chmod(0o755)
    return f"{folder}{os.pathsep}{here.environment['PATH']}"


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


@thorough
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
    assert inbound["SecurityGroupRuleId"] in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert here.written() == written


@thorough
def test_another_accounts_state_is_refused(town: Open) -> None:
    here = town("one zone")
    text = json.dumps(here.old).replace("123456789012", "210987654321")
    (here.folder / "old.tfstate").write_text(text)
    ran = here.migrate()
    assert ran.returncode == 1
    assert "is about account 210987654321, your credentials are of account" in ran.stderr


@thorough
def test_a_stack_that_does_not_exist_is_named_with_the_command_that_makes_it(town: Open) -> None:
    here = town("one zone")
    here.pulumi("stack", "rm", "--yes", "--remove-backups")
    ran = here.migrate()
    assert ran.returncode == 1
    assert f"pulumi stack init {STACK}" in ran.stderr


@thorough
def test_previews_warn_until_terraforms_mark_is_gone(town: Open) -> None:
    here = town("one zone")
    assert here.migrate().returncode == 0
    warning = "still carry Terraform=true"
    assert warning in here.pulumi("preview")
    early = here.retired("--untag")
    assert early.returncode == 1
    assert f"pulumi up --stack {STACK}" in early.stderr
    here.pulumi("up", "--yes", "--skip-preview")
    assert warning in here.pulumi("preview")  # the default route table and ACL are left alone
    assert "add --untag" in here.retired().stderr
    done = here.retired("--untag")
    assert done.returncode == 0, done.stderr
    assert warning not in here.pulumi("preview", "--expect-no-changes")


@thorough
def test_on_request_a_new_key_comes_beside_the_old_one(town: Open) -> None:
    here = town("one zone")
    iam = here.client("iam")
    [old] = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    ran = here.migrate("--rotate-key")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    here.pulumi("up", "--yes", "--skip-preview")
    keys = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert {one["Status"] for one in keys} == {"Active"}
    assert len(keys) == 2
    assert old["AccessKeyId"] in here.ids().values()
    assert outputs(here)["sandbox_manager_access_key_id"] != old["AccessKeyId"]


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
