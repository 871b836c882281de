"""A shell with the manager's view of the local stack, as a developer of the service uses it."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from local import clean_env
from sandbox.core.errors import ExitCode
from tests.e2e.checkout import copy_to
from tests.e2e.sandbox import Ran, ran

pytestmark = pytest.mark.engine

TIMEOUT: Final = 240
"""Seconds that one script may take."""
IMAGE: Final = """
import boto3

ec2 = boto3.client("ec2")
image_id = ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
tags = {
    "Project": "alignment-league",
    "Environment": "production",
    "Purpose": "researcher-sandbox-ami",
}
pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
ec2.create_tags(Resources=[image_id], Tags=pairs)
print(image_id)
"""
LIFE: Final = """
import sys

import boto3
from botocore.exceptions import ClientError

from sandbox_client.client import Sandboxes
from sandbox_client.config import SandboxConfig

config = SandboxConfig.from_environment().model_copy(update={"ami_id": sys.argv[1]})
sandboxes = Sandboxes(config)
print(boto3.client("sts").get_caller_identity()["Arn"])
sandbox = sandboxes.launch("alice")
assert [found.instance_id for found in sandboxes.list("alice")] == [sandbox.instance_id]
sandboxes.stop(sandbox.instance_id)
sandboxes.start(sandbox.instance_id)
sandboxes.terminate(sandbox.instance_id)
assert sandboxes.list() == []
try:
    sandboxes.ec2.delete_vpc(VpcId=config.vpc_id)
except ClientError as error:
    print(error.response["Error"]["Code"])
"""
WIDEN: Final = """
import boto3

iam = boto3.client("iam")
statement = '{"Effect": "Allow", "Action": "*", "Resource": "*"}'
everything = '{"Version": "2012-10-17", "Statement": %s}' % statement
iam.delete_user_permissions_boundary(UserName="sandbox-manager")
iam.put_user_policy(UserName="sandbox-manager", PolicyName="all", PolicyDocument=everything)
"""


@dataclass(frozen=True)
class Shell:
    """Scripts in a copy of the project whose local stack is up."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *lines: str) -> Ran:
        script = "\n".join(lines)
        command = ["bash", "-euo", "pipefail", "-c", script]
        return ran(command, self.environment, self.folder, TIMEOUT)

    def python(self, name: str, script: str) -> str:
        """The command that runs the script."""
        (self.folder / name).write_text(script)
        return f"{sys.executable} {name}"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    # what means something in a URL, a format or a glob
    folder = tmp_path_factory.mktemp("C# 50% of a?b")
    copy_to(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    shell = Shell(folder, clean_env.clean())
    up = shell.run(f"{sys.executable} -m local up")
    assert up.code == 0, up.output
    yield shell
    shell.run(f"{sys.executable} -m local reset")


def as_(identity: str) -> str:
    return f'eval "$({sys.executable} -m local env --as {identity})"'


def test_the_reference_client_lives_with_the_managers_own_key(shell: Shell) -> None:
    life = shell.run(
        "export http_proxy=http://127.0.0.1:9; unset NO_PROXY no_proxy",  # nobody listens there
        as_("operator"),
        f"image=$({shell.python('image.py', IMAGE)})",
        "leave_local",
        as_("manager"),
        f'{shell.python("life.py", LIFE)} "$image"',
        "! env | grep ^PULUMI_",
        "echo $AWS_SECRET_ACCESS_KEY",
        "leave_local",
        "! env | grep -e ^AWS_ACCESS -e ^SANDBOX_CONFIG -e ^NO_PROXY",
    )
    assert life.code == 0, life.output
    arn, code, secret = life.output.split()
    assert arn == "arn:aws:iam::123456789012:user/service/sandbox-manager"
    assert code == "UnauthorizedOperation"
    written = [file for file in shell.folder.rglob("*") if file.is_file()]
    assert not [file for file in written if secret.encode() in file.read_bytes()]


def test_an_identity_that_the_stack_has_not_is_refused(shell: Shell) -> None:
    refused = shell.run(f"{sys.executable} -m local env --as alice")
    assert refused.code == 1
    assert "alice" in refused.output
    assert len(refused.output.splitlines()) == 1


def test_what_a_rule_of_the_whole_stack_forbids_is_not_applied(shell: Shell) -> None:
    state = shell.folder / ".local/backend/.pulumi/stacks/sandbox/local.json"
    exemptions = shell.folder / "policies/exemptions.json"
    settings = shell.folder / "Pulumi.local.yaml"
    applied, before = state.read_bytes(), (exemptions.read_text(), settings.read_text())
    expired = {
        "rule": "one-vpc",
        "resource": "stack",
        "reason": "It is long over.",
        "expires": "2020-01-01",
    }
    exemptions.write_text(json.dumps([expired]))
    settings.write_text(f"{before[1]}\nconfig:\n  sandbox:max_volume_gib: 500\n")
    refused = shell.run(f"{sys.executable} -m local up")
    exemptions.write_text(before[0])
    settings.write_text(before[1])
    assert refused.code != 0
    assert "exemptions-current" in refused.output, refused.output
    assert state.read_bytes() == applied


@pytest.mark.thorough
def test_the_permissions_hold_and_a_widened_policy_is_seen(shell: Shell) -> None:
    check = f"{sys.executable} -m sandbox permissions check --stack local"
    whole = shell.run(as_("operator"), check)
    assert whole.code == 0, whole.output
    assert "0 broken" in whole.output
    widened = shell.run(as_("operator"), shell.python("widen.py", WIDEN), check)
    assert widened.code == ExitCode.ATTENTION, widened.output
