"""Run the README's commands as printed, as a new user does, on a fresh copy of the project.

The real-account block runs too: its bucket and its KMS key are created in the emulated account, and
the engine keeps the state and encrypts the secrets there as it would in AWS.
"""

import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import boto3
import pytest

from local import clean_env, emulator, engine, stack
from sandbox.core.errors import ExitCode
from tests.docs import printed_commands
from tests.e2e import aws_cli
from tests.e2e.checkout import copy_bytecode, copy_to
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
    """A fresh copy of the project, with its virtual environment."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_to(folder)
    run("make venv", folder, clean_env.clean())
    copy_bytecode(folder)
    return folder


@pytest.fixture
def users_own(tmp_path: Path) -> Sequence[Path]:
    """A user's files. They are empty pipes: a command that opens one for reading hangs."""
    home = tmp_path / "home"
    files = (
        home / ".aws" / "credentials",
        home / ".aws" / "config",
        home / ".pulumi" / "credentials.json",
        home / ".pulumi" / "config.json",
    )
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(file)
    return files


def users_shell(home: Path) -> dict[str, str]:
    """A shell that is set up for the user's own accounts."""
    unreachable = "http://127.0.0.1:9"  # no server listens there
    return {
        **{name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"},
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), unreachable),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(engine.cache().parent),
        "PULUMI_HOME": str(home / ".pulumi"),
        "PULUMI_ACCESS_TOKEN": "pul-of-the-user",
        "AWS_PROFILE": "of-the-user",
        "AWS_SESSION_TOKEN": "of-the-user",
    }


def test_the_local_commands_leave_the_users_own_files_alone(
    checkout: Path, installed: engine.Engine, users_own: Sequence[Path], tmp_path: Path
) -> None:
    del installed
    environment = users_shell(tmp_path / "home")
    first, after = printed_commands.scripts("README.md", "Try it on your machine")
    stack_before = (
        "pulumi stack init local && pulumi config set --secret sandbox:key_name researchers"
    )
    run(f'eval "$(make -s env)"\n{stack_before}', checkout, environment)
    os.kill(running_in(checkout).pid, signal.SIGKILL)
    created = run(first, checkout, environment)
    assert "the emulated AWS has ended" in created
    assert "created" in created
    before_down, _ = after.split("make down")
    output = run(
        f"{before_down}\nenv; pulumi stack output vpc_id; leave_local; ! env | grep ^PULUMI_STACK",
        checkout,
        environment,
    )
    assert "[secret]" in output
    assert "of-the-user" not in output
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
    left = {file for part in (".aws", ".pulumi") for file in (tmp_path / "home" / part).rglob("*")}
    assert left == set(users_own)


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
        "PULUMI_SKIP_CHECKPOINTS": "true",  # an update writes its state once, not for each resource
    }
    emulator.stop(folder)


def test_the_commands_for_a_real_account(checkout: Path, account: Mapping[str, str]) -> None:
    bucket_and_key, create, update, operate, destroy = printed_commands.scripts(
        "README.md", "Deploy to a real account"
    )
    # `pulumi preview` has its own line; without the option each update would preview again
    at_once = {**account, "PULUMI_OPTION_SKIP_PREVIEW": "true"}
    run(bucket_and_key, checkout, account)
    assert run(create, checkout, at_once).count("Policies:") >= 2
    with_venv = "source .venv/bin/activate"
    assert STATUS in operate
    run(f"{with_venv}\n{update}\n{operate.replace(STATUS, WITHOUT_IMAGE)}", checkout, at_once)
    refused = run(f"! {destroy.splitlines()[-1]}", checkout, account)
    assert "cannot be deleted because it is protected" in " ".join(refused.split())
    assert re.search(r"- \d+ deleted", run(destroy, checkout, at_once))
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
