"""The README's commands, run as printed, by a new user on a fresh copy of the project.

"On a real account" too: its bucket and its KMS key stand in the emulated account, where the engine
keeps the state and encrypts the secrets as it would in AWS.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import boto3
import pytest

from local import clean_env
from local import emulator, engine, stack
from tests.e2e.sandbox import ROOT, ran

FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
README: Final = FENCED.sub("", (ROOT / "README.md").read_text())
BLOCK: Final = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
ELSEWHERE: Final = {
    "make test": "runs this test",
    "sandbox image build --stack production": "needs an instance to sign in to: tests/ami has one",
}
LONGEST: Final = 300
"""Seconds that one block may take."""


def blocks(section: str) -> list[str]:
    """The indented blocks of a section, without the commands that are run elsewhere."""
    text = f"\n{README}".split(f"\n{section}\n")[1].split("\n## ")[0]
    found = BLOCK.findall(text)
    assert found, section
    return [
        "\n".join(line for line in map(str.strip, one.splitlines()) if kept(line)) for one in found
    ]


def kept(line: str) -> bool:
    return line.split("#", maxsplit=1)[0].strip() not in ELSEWHERE


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy: what git knows of, or would."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    subprocess.run(
        ["tar", "--null", "-cf", folder / ".tar", "-T", "-"], cwd=ROOT, input=listed, check=True
    )
    subprocess.run(["tar", "-xf", ".tar"], cwd=folder, check=True)
    (folder / ".tar").unlink()
    return folder


def run(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    done = ran(["bash", "-euo", "pipefail", "-c", script], environment, folder, LONGEST)
    assert done.code == 0, f"{script}\n{done.said}"
    assert "Traceback" not in done.said
    return done.said


def test_every_command_elsewhere_is_one_of_the_readme() -> None:
    lines = {
        line.split("#")[0].strip() for block in BLOCK.findall(README) for line in block.splitlines()
    }
    assert lines >= ELSEWHERE.keys()


def test_the_local_commands(checkout: Path, installed: engine.Engine) -> None:
    del installed
    environment = clean_env.clean()
    first, after = blocks("# Researcher sandboxes on AWS")
    assert "created" in run(first, checkout, environment)
    os.kill(running_in(checkout).pid, signal.SIGKILL)
    said = run("make up", checkout, environment)
    assert "the emulated AWS has gone" in said
    assert "created" in said
    assert 'eval "$(make -s env)"' in after
    before_down, _ = after.split("make down")
    said = run(f"{before_down}\npulumi stack output vpc_id --stack local", checkout, environment)
    assert "[secret]" in said
    here = boto3.client(
        "ec2",
        region_name=stack.REGION,
        endpoint_url=running_in(checkout).endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    vpc = said.split()[-1]
    assert here.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.100.0.0/16"
    run("make down", checkout, environment)
    assert emulator.running(checkout / ".local") is None
    assert not (checkout / ".local").exists()


def running_in(checkout: Path) -> emulator.Emulator:
    found = emulator.running(checkout / ".local")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def account(
    installed: engine.Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """A user's shell: `pulumi` on PATH, a home of its own, credentials of an account."""
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
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_CONFIRMATIONS": "true",  # nobody sits at this terminal
    }
    emulator.stop(folder)


def test_the_commands_for_a_real_account(checkout: Path, account: Mapping[str, str]) -> None:
    here = boto3.Session("local", "local", region_name=stack.REGION)
    s3 = here.client("s3", endpoint_url=account["AWS_ENDPOINT_URL"])
    kms = here.client("kms", endpoint_url=account["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket="your-state-bucket")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/your-key", TargetKeyId=key)
    *build_up, tear_down = blocks("## On a real account")
    said = run("\n".join(build_up), checkout, account)
    assert said.count("Policies:") >= 3
    refused = run(f"! {tear_down.splitlines()[-1]}", checkout, account)
    assert "cannot be deleted because it is protected" in " ".join(refused.split())
    said = run(tear_down, checkout, account)
    assert re.search(r"- \d+ deleted", said)
    kept_states = [one["Key"] for one in s3.list_objects_v2(Bucket="your-state-bucket")["Contents"]]
    assert ".pulumi/stacks/sandbox/production.json" in kept_states
    history = [one for one in kept_states if one.endswith(".checkpoint.json")]
    assert history
    for one in history:
        state = s3.get_object(Bucket="your-state-bucket", Key=one)["Body"].read()
        assert b"awskms://alias/your-key" in state
