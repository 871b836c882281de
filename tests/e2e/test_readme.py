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
from tests.e2e import aws_cli
from tests.e2e.checkout import copy_to
from tests.e2e.sandbox import ROOT, ran

INDENTED_BLOCK: Final = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
TESTED_ELSEWHERE: Final = {
    "make test": "runs this test",
    "sandbox image build --stack production": "needs a machine to log in to: tests/ami has one",
}
EXIT_CODES: Final = {
    "sandbox status --stack production": ExitCode.ATTENTION,  # there is no image yet
}
TIMEOUT: Final = 300
"""Seconds that one block may take."""


def blocks(section: str) -> list[str]:
    """The commands of each indented block below *section*, without those tested elsewhere."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    body = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [commands(block) for block in INDENTED_BLOCK.findall(body)]


def commands(block: str) -> str:
    lines = [line.strip() for line in block.splitlines()]
    kept = [line for line in lines if line.split("#", 1)[0].strip() not in TESTED_ELSEWHERE]
    return "\n".join(
        f"{line} || [ $? -eq {EXIT_CODES[line]} ]" if line in EXIT_CODES else line for line in kept
    )


def run(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    completed = ran(["bash", "-euo", "pipefail", "-c", script], environment, folder, TIMEOUT)
    assert completed.code == 0, f"{script}\n{completed.output}"
    assert "Traceback" not in completed.output
    return completed.output


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy: every file that git knows of, or would."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_to(folder)
    return folder


def test_what_is_tested_elsewhere_is_still_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = {line.split("#", 1)[0].strip() for line in text.splitlines()}
    assert printed >= TESTED_ELSEWHERE.keys() | EXIT_CODES.keys()


def test_the_local_commands(checkout: Path, installed: engine.Engine) -> None:
    del installed
    environment = clean_env.clean()
    first, after = blocks("Try it on your machine")
    assert "created" in run(first, checkout, environment)
    secret = "pulumi config set --secret sandbox:key_name researchers"
    run(f'eval "$(make -s env)"\n{secret}', checkout, environment)
    os.kill(running_in(checkout).pid, signal.SIGKILL)
    assert "created" in run("make up", checkout, environment)  # the emulator forgot everything
    before_down, _ = after.split("make down")
    printed = run(
        f"{before_down}\npulumi stack output vpc_id; leave_local; ! env | grep ^PULUMI_STACK",
        checkout,
        environment,
    )
    assert "[secret]" in printed
    ec2 = boto3.client(
        "ec2",
        region_name=stack.REGION,
        endpoint_url=running_in(checkout).endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    vpc_id = printed.split()[-1]
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
    """A user's shell: `pulumi` and `aws` on PATH, a home of its own, credentials of an account."""
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
        "PULUMI_SKIP_CONFIRMATIONS": "true",  # nobody sits at this terminal
    }
    emulator.stop(folder)


def test_the_commands_for_a_real_account(checkout: Path, account: Mapping[str, str]) -> None:
    bucket_and_key, create, build_image, operate, destroy = blocks("Deploy to a real account")
    run(bucket_and_key, checkout, account)
    assert run(create, checkout, account).count("Policies:") >= 2
    with_venv = "source .venv/bin/activate"
    run(f"{with_venv}\n{build_image}\n{operate}", checkout, account)
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
