"""The commands of docs/adoption.md, in its order and as printed.

The real engine and an emulated account. Terraform itself makes the old environment and forgets it,
where the machine has it (real_terraform.py); else a stand-in does (terraform_stand_in.py).
"""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import boto3
import pytest

from local import emulator, engine
from local import stack as local_stack
from sandbox.core.errors import ExitCode
from tests.docs import printed_commands
from tests.sandbox.adopt import real_terraform
from tests.sandbox.adopt.adoption_env import (
    AdoptionEnv,
    around,
    build,
    error_line,
    moved_ids,
    reset,
)
from tests.sandbox.adopt.fake_account import original
from tests.sandbox.adopt.variants import (
    VARIANTS,
    Variant,
    both,
    in_two_states,
    with_other_resources,
    zones,
)

pytestmark = [pytest.mark.engine, pytest.mark.thorough]
DOCUMENT = "docs/adoption.md"
WARNING = "still carry Terraform=true"
EXECUTED: set[str] = set()


@cache
def blocks() -> Mapping[str, list[str]]:
    """The shell blocks by their heading."""
    parts = re.split(r"^#{2,3} (.+)$", printed_commands.text(DOCUMENT), flags=re.MULTILINE)
    return {
        heading: re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


class Course:
    """A shell in the program's folder, with the Terraform folder beside it."""

    def __init__(
        self, folder: Path, aws: emulator.Emulator, variant: Variant | None = None
    ) -> None:
        module = folder / "infra"
        self.terraform_state = module / "terraform.tfstate"
        variables = {
            **local_stack.environment(engine.ensure(), aws, folder / "backend"),
            "PULUMI_SKIP_CONFIRMATIONS": "true",  # answers yes
        }
        reset(variables)
        self.is_real = variant is None and real_terraform.apply(module, variables)
        if self.is_real:
            state = json.loads(self.terraform_state.read_text())
            self.environment = around(folder, variables, state)
            return
        programs = folder / "bin"
        programs.mkdir()
        module.mkdir()
        stand_in = Path(__file__).with_name("terraform_stand_in.py")
        terraform = programs / "terraform"
        terraform.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
        terraform.chmod(0o755)
        variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"
        change = variant or both(zones(0), with_other_resources)
        self.environment = build(folder, variables, change(original()))
        self.terraform_state.write_bytes(self.environment.state_file.read_bytes())

    @property
    def own(self) -> list[str]:
        """What the user added to the module."""
        if self.is_real:
            return ["aws_security_group.bastion"]
        return [
            "aws_s3_bucket.other",
            "random_pet.other",
            "aws_vpc_security_group_ingress_rule.other",
        ]

    def block(self, heading: str, number: int = 0) -> str:
        """Run a block of the document, and return its output."""
        text = blocks()[heading][number]
        EXECUTED.add(text)
        return self.shell(text)

    def inline(self, command: str, *, exit_code: int = 0) -> str:
        """Run a command that the document names in a sentence."""
        assert f"`{command}`" in printed_commands.text(DOCUMENT)
        return self.shell(command, exit_code=exit_code)

    def shell(self, text: str, *, exit_code: int = 0) -> str:
        completed = self.environment.run(["bash", "-e", "-o", "pipefail", "-c", text])
        assert completed.returncode == exit_code, completed.stdout + completed.stderr
        return completed.stdout + completed.stderr


@pytest.fixture(scope="module")
def course(aws: emulator.Emulator, tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course(tmp_path_factory.mktemp("course"), aws)


@pytest.fixture(scope="module")
def environment(course: Course) -> AdoptionEnv:
    return course.environment


def test_the_state_of_another_account_is_refused(environment: AdoptionEnv) -> None:
    state = environment.state_file.read_text()
    environment.state_file.write_text(state.replace("123456789012", "210987654321"))
    refused = environment.check("--quiet")
    environment.state_file.write_text(state)
    assert refused.returncode == ExitCode.REFUSED
    assert "210987654321" in error_line(refused)
    assert len(refused.stderr.splitlines()) == 1


def test_a_stack_that_does_not_exist_is_refused(environment: AdoptionEnv) -> None:
    refused = environment.check("--quiet")
    assert refused.returncode == ExitCode.USAGE
    assert "production" in error_line(refused)
    assert len(refused.stderr.splitlines()) == 1


def test_a_check_lists_the_settings_and_writes_nothing(
    course: Course, environment: AdoptionEnv
) -> None:
    course.block("Before you begin")
    account, files = environment.account(), environment.files_of_stack()
    printed_commands = course.block("1. Check")
    assert "0 to replace, 0 to delete" in printed_commands
    assert 'sandbox:zones = {"us-east-1a": 0}' in printed_commands
    assert environment.account() == account
    assert environment.files_of_stack() == files


def test_a_stack_that_a_killed_run_left_locked_is_unlocked_as_the_document_says(
    course: Course, environment: AdoptionEnv
) -> None:
    account = environment.account()
    locks = environment.folder / "backend" / "backend" / ".pulumi" / "locks"
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--stack", "production"],
        cwd=environment.project,
        env=environment.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        while running.poll() is None and not list(locks.rglob("*.json")):
            pass
        os.killpg(running.pid, signal.SIGKILL)
    refused = environment.apply("--quiet")
    assert refused.returncode == ExitCode.FAILED
    assert len(refused.stderr.splitlines()) == 1
    assert "sandbox recover --stack production" in error_line(refused)
    course.inline("pulumi cancel --stack production")
    assert environment.account() == account


def test_the_adoption_changes_nothing_in_the_account(
    course: Course, environment: AdoptionEnv
) -> None:
    account = environment.account()
    printed_commands = course.block("2. Apply")
    assert "0 to replace, 0 to delete" in printed_commands
    assert "pulumi up --stack production" in printed_commands
    assert environment.account() == account


def require_nothing_changes(environment: AdoptionEnv) -> None:
    account, files = environment.account(), environment.files_of_stack()
    again = environment.apply()
    assert again.returncode == ExitCode.DONE, again.stderr
    assert environment.account() == account
    assert environment.files_of_stack() == files


def test_a_second_run_before_the_update_changes_nothing(environment: AdoptionEnv) -> None:
    require_nothing_changes(environment)


def test_the_warning_cannot_end_before_the_update(environment: AdoptionEnv) -> None:
    refused = environment.adopt("finish", "--untag")
    assert refused.returncode == ExitCode.REFUSED
    assert "pulumi up --stack production" in error_line(refused)


def test_the_update_replaces_nothing_and_previews_warn(
    course: Course, environment: AdoptionEnv
) -> None:
    ids = environment.ids()
    course.block("3. Update", 1)
    remaining = {
        step["urn"].rpartition("::")[2]
        for step in json.loads(environment.pulumi("preview", "--json"))["steps"]
        if step["op"] != "same"
    }
    assert remaining == {
        *("sandbox-manager", "sandbox-manager-policy"),
        *("sandbox-instance-role", "sandbox-instance-policy"),
    }
    printed_commands = course.block("3. Update")
    assert WARNING in printed_commands
    assert "to replace" not in printed_commands
    assert "to delete" not in printed_commands
    assert moved_ids(ids, environment.ids()) == set()


def test_a_second_run_after_the_update_changes_nothing(environment: AdoptionEnv) -> None:
    require_nothing_changes(environment)


def test_the_access_key_signs_in_as_before(environment: AdoptionEnv) -> None:
    assert "[secret]" in environment.pulumi("stack", "output")
    outputs = environment.outputs()
    manager = boto3.client(
        "sts",
        region_name=environment.region,
        endpoint_url=environment.variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=outputs["sandbox_manager_access_key_id"],
        aws_secret_access_key=outputs["sandbox_manager_secret_access_key"],
    )
    assert manager.get_caller_identity()["Arn"].endswith("user/service/sandbox-manager")


def test_instances_read_the_output_bucket_again_as_the_document_says(
    course: Course, environment: AdoptionEnv
) -> None:
    course.block("3. Update", 2)
    policy = next(
        identifier
        for urn, identifier in environment.ids().items()
        if urn.endswith("aws:iam/policy:Policy::sandbox-instance-policy")
    )

    def reads() -> bool:
        iam = environment.client("iam")
        version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]
        return any(
            "s3:GetObject" in statement["Action"]
            and any("outputs" in resource for resource in statement["Resource"])
            for statement in document["Document"]["Statement"]
            if statement["Effect"] == "Allow"
        )

    assert not reads()
    environment.pulumi("up", "--yes", "--skip-preview")
    assert reads()


def test_terraform_forgets_its_state_and_the_warning_ends(
    course: Course, environment: AdoptionEnv
) -> None:
    account = environment.account()
    pulled = json.loads(course.terraform_state.read_text())
    listed = course.block("4. Retire Terraform's state")
    copy = environment.project / "old.tfstate"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert json.loads(copy.read_text()) == pulled
    kept = [line for line in listed.splitlines() if re.match(r"(aws|random)_\w+\.|module\.", line)]
    assert kept == course.own
    assert environment.account() == account
    assert WARNING in environment.pulumi("preview")  # the default route table and ACL keep the tag
    refused = environment.adopt("finish")
    assert refused.returncode == ExitCode.REFUSED
    assert "--untag" in error_line(refused)
    course.block("4. Retire Terraform's state", 1)
    assert WARNING not in environment.pulumi("preview", "--expect-no-changes")
    after = environment.account()
    assert account.keys() == after.keys()
    for key, resource in account.items():
        assert _without_terraform_tag(resource) == after[key]


def _without_terraform_tag(resource: object) -> object:
    if isinstance(resource, dict) and "Tags" in resource:
        return {**resource, "Tags": [tag for tag in resource["Tags"] if tag["Key"] != "Terraform"]}
    return resource


def test_a_stack_that_is_removed_leaves_the_account_alone(
    course: Course, environment: AdoptionEnv
) -> None:
    account = environment.account()
    course.inline("pulumi stack rm production --force --preserve-config")
    assert environment.account() == account


def test_on_request_the_next_update_creates_a_second_key(
    aws: emulator.Emulator, tmp_path: Path
) -> None:
    course = Course(tmp_path, aws)
    environment = course.environment
    iam = environment.client("iam")
    [old] = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    course.block("Before you begin")
    course.block("Replace the access key")
    environment.pulumi("up", "--yes", "--skip-preview")
    keys = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert {key["Status"] for key in keys} == {"Active"}
    assert len(keys) == 2
    assert old["AccessKeyId"] in environment.ids().values()
    assert environment.outputs()["sandbox_manager_access_key_id"] != old["AccessKeyId"]
    # the service has not used the new key, so the rotation waits
    course.inline("sandbox keys rotate", exit_code=ExitCode.NOT_YET)


def test_the_states_of_the_sandboxes_and_of_the_cluster_are_checked_together(
    aws: emulator.Emulator, tmp_path: Path
) -> None:
    course = Course(tmp_path, aws, VARIANTS["a manager by IRSA"])
    states = in_two_states(course.environment.state)
    for name, state in zip(("sandbox", "cluster"), states, strict=True):
        (course.environment.project / f"{name}.tfstate").write_text(json.dumps(state))
    course.block("Before you begin")
    assert "0 to replace, 0 to delete" in course.block("1. Check", 1)


def test_every_command_of_the_document_was_run() -> None:
    assert {text for texts in blocks().values() for text in texts} == EXECUTED
    assert len(EXECUTED) == len(printed_commands.scripts("docs/adoption.md"))
