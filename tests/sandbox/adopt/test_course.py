"""The course of docs/adoption.md, in its order, each of its commands as it is printed.

The real engine and an emulated account. Terraform's own commands are stood in for (terraform.py):
those that read and forget a state are run, those that plan and apply are left to it.
"""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest
from town import ROOT, Town, build, outputs
from variants import make

from local import emulator, engine
from local import stack as local_stack

pytestmark = [pytest.mark.engine, pytest.mark.thorough]
DOCUMENT = (ROOT / "docs" / "migration.md").read_text()
WARNING = "still carry Terraform=true"


def sections(document: str) -> Mapping[str, list[str]]:
    """The shell blocks by the heading that they are under."""
    parts = re.split(r"^#{2,3} (.+)$", document, flags=re.MULTILINE)
    return {
        heading: re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


BLOCKS = sections(DOCUMENT)
EXECUTED: set[str] = set()


class Printed:
    """A shell in the program's folder, with Terraform's beside it, as the document assumes."""

    def __init__(self, folder: Path, aws: emulator.Emulator) -> None:
        bin_, module = folder / "bin", folder / "infra"
        bin_.mkdir()
        module.mkdir()
        stand_in = Path(__file__).with_name("terraform.py")
        (bin_ / "terraform").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
        (bin_ / "terraform").chmod(0o755)
        environment = local_stack.environment(engine.ensure(), aws, folder / "backend")
        own = {
            **environment,
            "PATH": f"{bin_}{os.pathsep}{environment['PATH']}",
            "PULUMI_SKIP_CONFIRMATIONS": "true",  # the user says yes
        }
        self.here: Town = build(folder, own, make("one zone"))
        self.terraform = module / "terraform.tfstate"
        self.terraform.write_bytes(self.here.state_file.read_bytes())

    def block(self, heading: str, number: int = 0) -> str:
        """Run a block of the document; what it said."""
        text = BLOCKS[heading][number]
        EXECUTED.add(text)
        return self.shell(text)

    def inline(self, command: str, *, ends: int = 0) -> str:
        """Run what the document says within a sentence."""
        assert f"`{command}`" in DOCUMENT
        return self.shell(command, ends=ends)

    def shell(self, text: str, *, ends: int = 0) -> str:
        ran = self.here.run(["bash", "-e", "-o", "pipefail", "-c", text])
        assert ran.returncode == ends, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture(scope="module")
def printed(aws: emulator.Emulator, tmp_path_factory: pytest.TempPathFactory) -> Printed:
    return Printed(tmp_path_factory.mktemp("course"), aws)


@pytest.fixture(scope="module")
def here(printed: Printed) -> Town:
    return printed.here


def test_another_accounts_state_is_refused(here: Town) -> None:
    own = here.state_file.read_text()
    here.state_file.write_text(own.replace("123456789012", "210987654321"))
    ran = here.migrate()
    here.state_file.write_text(own)
    assert ran.returncode == 1
    assert "is about account 210987654321, your credentials are of account" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_stack_that_does_not_exist_is_named_with_the_command_that_makes_it(here: Town) -> None:
    ran = here.migrate()
    assert ran.returncode == 1
    [command] = BLOCKS["Before you begin"]
    assert command.strip() in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_check_tells_everything_and_writes_nothing(printed: Printed, here: Town) -> None:
    printed.block("Before you begin")
    account, written = here.look(), here.written()
    said = printed.block("1. Look first")
    assert "0 to replace, 0 to delete" in said
    assert 'sandbox:zones = {"us-east-1a": 0}' in said
    assert said.splitlines()[-1] == "Checked; nothing was written."
    assert here.look() == account
    assert here.written() == written


def test_a_stack_that_a_killed_run_left_locked_is_freed_as_the_document_says(
    printed: Printed, here: Town
) -> None:
    account = here.look()
    locks = here.folder / "backend" / "backend" / ".pulumi" / "locks"
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--stack", "production"],
        cwd=here.project,
        env=here.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        while running.poll() is None and not list(locks.rglob("*.json")):
            pass
        os.killpg(running.pid, signal.SIGKILL)
    ran = here.migrate()
    assert ran.returncode == 1
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "pulumi cancel --stack production" in ran.stderr
    printed.inline("pulumi cancel --stack production")
    assert here.look() == account


def test_the_adoption_changes_nothing_in_the_account(printed: Printed, here: Town) -> None:
    account = here.look()
    said = printed.block("2. Adopt")
    assert "0 to replace, 0 to delete" in said
    assert "Adopted. Nothing in the account has changed." in said
    assert here.look() == account


def changes_nothing(here: Town) -> None:
    account, written = here.look(), here.written()
    again = here.migrate()
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == "Adopted before; nothing was written."
    assert here.look() == account
    assert here.written() == written


def test_a_second_run_before_the_update_changes_nothing(here: Town) -> None:
    changes_nothing(here)


def test_the_mark_cannot_go_before_the_update(here: Town) -> None:
    early = here.retired("--untag")
    assert early.returncode == 1
    assert "pulumi up --stack production" in early.stderr


def test_the_update_replaces_nothing_and_previews_warn(printed: Printed, here: Town) -> None:
    ids = here.ids()
    said = printed.block("3. Update")
    assert WARNING in said
    assert "to replace" not in said
    assert "to delete" not in said
    after = here.ids()
    assert {urn for urn, own in ids.items() if after[urn] != own} == set()


def test_a_second_run_after_the_update_changes_nothing(here: Town) -> None:
    changes_nothing(here)


def test_the_access_key_signs_in_as_before(here: Town) -> None:
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


def test_instances_read_outputs_where_they_did(printed: Printed, here: Town) -> None:
    printed.block("3. Update", 1)
    policy = next(
        own
        for urn, own in here.ids().items()
        if urn.endswith("aws:iam/policy:Policy::sandbox-instance-policy")
    )

    def reads() -> bool:
        iam = here.client("iam")
        version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]
        return any(
            "s3:GetObject" in one["Action"] and any("outputs" in at for at in one["Resource"])
            for one in found["Document"]["Statement"]
            if one["Effect"] == "Allow"
        )

    assert not reads()
    here.pulumi("up", "--yes", "--skip-preview")
    assert reads()


def test_terraform_forgets_and_the_mark_goes(printed: Printed, here: Town) -> None:
    account = here.look()
    pulled = printed.terraform.read_bytes()
    printed.block("4. Retire Terraform's state")
    kept = here.project / "old.tfstate"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_bytes() == pulled
    known = json.loads(printed.terraform.read_text())["resources"]
    assert {one["mode"] for one in known if one["instances"]} == {"data"}
    assert here.look() == account
    assert WARNING in here.pulumi("preview")  # the default route table and ACL are left alone
    assert "add --untag" in here.retired().stderr
    printed.block("4. Retire Terraform's state", 1)
    assert WARNING not in here.pulumi("preview", "--expect-no-changes")
    after = here.look()
    assert account.keys() == after.keys()
    for one, was in account.items():
        assert _unmarked(was) == after[one]


def _unmarked(one: object) -> object:
    if isinstance(one, dict) and "Tags" in one:
        return {**one, "Tags": [tag for tag in one["Tags"] if tag["Key"] != "Terraform"]}
    return one


def test_a_stack_that_is_forgotten_leaves_the_account_alone(printed: Printed, here: Town) -> None:
    account = here.look()
    printed.inline("pulumi stack rm production --force --preserve-config")
    assert here.look() == account


def test_on_request_a_new_key_comes_beside_the_old_one(
    aws: emulator.Emulator, tmp_path: Path
) -> None:
    printed = Printed(tmp_path, aws)
    here = printed.here
    iam = here.client("iam")
    [old] = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    printed.block("Before you begin")
    printed.block("If the key is to change")
    here.pulumi("up", "--yes", "--skip-preview")
    keys = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert {one["Status"] for one in keys} == {"Active"}
    assert len(keys) == 2
    assert old["AccessKeyId"] in here.ids().values()
    assert outputs(here)["sandbox_manager_access_key_id"] != old["AccessKeyId"]
    said = printed.inline("sandbox keys rotate", ends=3)
    assert "the service has not used the key in slot b yet" in " ".join(said.split())


def test_no_command_of_the_document_was_left_out() -> None:
    assert {one for blocks in BLOCKS.values() for one in blocks} == EXECUTED
