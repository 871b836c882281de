"""Run the README's commands as printed, as a new user does, on a fresh copy of the project.

The real-account block runs too: its bucket and its KMS key are created in the emulated account, and
the engine keeps the state and encrypts the secrets there as it would in AWS.
"""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import boto3
import pytest

from local import clean_env, emulator, engine, stack
from sandbox.core.errors import ExitCode
from tests.docs import printed_commands
from tests.e2e import aws_cli
from tests.e2e.checkout import copy_to
from tests.e2e.engine_stack import ran

STATUS: Final = "sandbox status --stack production"
WITHOUT_IMAGE: Final = f"{STATUS} || [ $? -eq {ExitCode.ATTENTION} ]"
"""The command and its exit code before an image is built."""
TIMEOUT: Final = 300
"""Seconds that one block may take."""


def run(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    completed = ran(["bash", "-euo", "pipefail", "-c", script], environment, folder, TIMEOUT)
    assert completed.code == 0, f"{script}\n{completed.output}"
    assert "Traceback" not in completed.output
    return completed.output


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the project."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_to(folder)
    return folder


def test_the_local_commands(checkout: Path, installed: engine.Engine) -> None:
    del installed
    environment = clean_env.clean()
    first, after = printed_commands.scripts("README.md", "Try it on your machine")
    assert "created" in run(first, checkout, environment)
    secret = "pulumi config set --secret sandbox:key_name researchers"
    run(f'eval "$(make -s env)"\n{secret}', checkout, environment)
    os.kill(running_in(checkout).pid, signal.SIGKILL)
    assert "created" in run("make up", checkout, environment)  # the emulator lost its resources
    before_down, _ = after.split("make down")
    output = run(
        f"{before_down}\npulumi stack output vpc_id; leave_local; ! env | grep ^PULUMI_STACK",
        checkout,
        environment,
    )
    assert "[secret]" in output
    ec2 = boto3.client(
        "ec2",
        region_name=stack.REGION,
        endpoint_url=running_in(checkout).endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    vpc_id = output.split()[-1]
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["CidrBlock"] == "10.100.0.0/16"
    run("make down", checkout, environment)
    assert emulator.running(checkout / ".local") is None
    assert not (checkout / ".local").exists()


def running_in(checkout: Path) -> emulator.Emulator:
    running = emulator.running(checkout / ".local")
    assert running is not None
    return running


@pytest.fixture(scope="module")
def account(
    installed: engine.Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """A user's shell: `pulumi` and `aws` on PATH, an empty home, credentials of an account."""
    folder = tmp_path_factory.mktemp("account")
    running = emulator.start(folder)
    environment = stack.environment(installed, running, folder)
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        del environment[name]
    home = folder / "home" / ".pulumi"
    home.mkdir(parents=True)
    (home / "plugins").symlink_to(installed.home / "plugins")
    yield {
        **environment,
        "PATH": f"{environment['PATH']}{os.pathsep}{aws_cli.folder()}",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_CONFIRMATIONS": "true",  # no user answers at this terminal
    }
    emulator.stop(folder)


def test_the_commands_for_a_real_account(checkout: Path, account: Mapping[str, str]) -> None:
    bucket_and_key, create, update, operate, destroy = printed_commands.scripts(
        "README.md", "Deploy to a real account"
    )
    run(bucket_and_key, checkout, account)
    assert run(create, checkout, account).count("Policies:") >= 2
    with_venv = "source .venv/bin/activate"
    assert STATUS in operate
    run(f"{with_venv}\n{update}\n{operate.replace(STATUS, WITHOUT_IMAGE)}", checkout, account)
    refused = run(f"! {destroy.splitlines()[-1]}", checkout, account)
    assert "cannot be deleted because it is protected" in " ".join(refused.split())
    assert re.search(r"- \d+ deleted", run(destroy, checkout, account))
    s3 = boto3.Session("local", "local", region_name=stack.REGION).client(
        "s3", endpoint_url=account["AWS_ENDPOINT_URL"]
    )
    states = [entry["Key"] for entry in s3.list_objects_v2(Bucket="your-state-bucket")["Contents"]]
    assert ".pulumi/stacks/sandbox/production.json" in states
    checkpoints = [key for key in states if key.endswith(".checkpoint.json")]
    assert checkpoints
    for key in checkpoints:
        checkpoint = s3.get_object(Bucket="your-state-bucket", Key=key)["Body"].read()
        assert b"awskms://alias/your-key" in checkpoint
