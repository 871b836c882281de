"""A shell with the manager's credentials for the local stack, for a developer of the service."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from local import clean_env
from sandbox.core.errors import ExitCode
from tests.docs import printed_commands
from tests.e2e import aws_cli
from tests.e2e.checkout import copy_to
from tests.e2e.engine_stack import Ran, ran

pytestmark = pytest.mark.engine

DENIED: Final = "aws ec2 delete-vpc --vpc-id vpc-1"
TIMEOUT: Final = 240
"""Seconds that one script may take."""
LIFE: Final = """
import boto3

from sandbox_client.client import Sandboxes
from sandbox_client.config import SandboxConfig

sandboxes = Sandboxes(SandboxConfig.from_environment())
print(boto3.client("sts").get_caller_identity()["Arn"])
(sandbox,) = sandboxes.list("alice")
sandboxes.stop(sandbox.instance_id)
sandboxes.start(sandbox.instance_id)
sandboxes.terminate(sandbox.instance_id)
assert sandboxes.list() == []
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
    """Scripts in a copy of the project."""

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
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    # characters with a meaning in a URL, a format or a glob
    folder = tmp_path_factory.mktemp("C# 50% of a?b")
    copy_to(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    for file in ("uv.lock", "pyproject.toml", "sandbox_client/pyproject.toml"):
        os.utime(folder / file, (0, 0))  # else `make` may install the copy into the shared .venv
    environment = clean_env.clean()
    path = f"{environment['PATH']}{os.pathsep}{aws_cli.folder()}"
    shell = Shell(folder, {**environment, "PATH": path})
    yield shell
    shell.run(f"{sys.executable} -m local reset")


@pytest.fixture(scope="module")
def day(checkout: Shell) -> str:
    """The output of the commands in the docs for a developer of the service."""
    (script,) = printed_commands.scripts("docs/local.md", "Develop the service on a laptop")
    before, after = script.split(DENIED)
    done = checkout.run(before, f"refused=$({DENIED} 2>&1) || echo $refused", after)
    assert done.code == 0, done.output
    return done.output


@pytest.fixture
def shell(checkout: Shell, day: str) -> Shell:
    """The copy with its local stack up, and a sandbox of alice that the manager launched."""
    assert day
    return checkout


def as_(identity: str) -> str:
    return f'eval "$({sys.executable} -m local env --as {identity})"'


def test_the_service_is_developed_on_a_laptop_as_the_docs_say(shell: Shell, day: str) -> None:
    assert re.search(r"instance_id='i-\w+', user_id='alice'", day), day
    assert "UnauthorizedOperation" in day
    (message,) = re.findall(r"Encoded authorization failure message: (\S+)", day)
    (decode,) = printed_commands.scripts("docs/local.md", "Permissions")
    decoded = shell.run(as_("operator"), decode.replace("MESSAGE", message))
    assert decoded.code == 0, decoded.output
    assert json.loads(decoded.output)["allowed"] is False


def test_the_reference_client_lives_with_the_managers_own_key(shell: Shell) -> None:
    life = shell.run(
        "export http_proxy=http://127.0.0.1:9; unset NO_PROXY no_proxy",  # no server listens there
        as_("manager"),
        shell.python("life.py", LIFE),
        "! env | grep ^PULUMI_",
        "echo $AWS_SECRET_ACCESS_KEY",
        "leave_local",
        "! env | grep -e ^AWS_ACCESS -e ^SANDBOX_CONFIG -e ^NO_PROXY",
    )
    assert life.code == 0, life.output
    arn, secret = life.output.split()
    assert arn == "arn:aws:iam::123456789012:user/service/sandbox-manager"
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
    changed = yaml.safe_load(before[1])
    changed["config"]["sandbox:max_volume_gib"] = 500
    settings.write_text(yaml.safe_dump(changed))
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
