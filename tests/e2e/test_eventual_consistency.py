"""A stack's life in an account that shows resources late and throttles calls, for many seeds."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import boto3
import pytest

from sandbox.core.errors import ExitCode
from tests.ami import fake_machines
from tests.e2e.account import client_of, emulated, everything
from tests.e2e.engine_stack import ROOT, EngineStack, ran

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(3600)]

SEEDS: Final = 50
VERSIONS: Final = [f"--set={name}={version}" for name, version in fake_machines.versions().items()]
BUILD: Final = ("build", "--stack=test", "--ssh-from=203.0.113.7", *VERSIONS)
ROTATE: Final = ("keys", "rotate", "--yes", "--grace-hours=0", "--stack=test")


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.xdist_group(f"{seed}")) for seed in range(SEEDS)]
)
def test_a_life_survives(seed: int, tmp_path: Path) -> None:
    fake_machines.require_possible()
    with emulated(tmp_path / "account", seed) as environment:
        client = client_of(environment)
        before = everything(client)
        folder = tmp_path / "program"
        shutil.copytree(ROOT / "ami", folder / "ami")
        stack = EngineStack(folder, environment)
        stack.configure(environment="production")
        stack.up()
        assert set(stack.preview()) == {"same"}
        machines = [sys.executable, "-m", "tests.ami.run_with_fake_machines", str(tmp_path / "m")]
        command(stack, [*machines, "image", *BUILD])
        stack.up()
        assert set(stack.preview("--refresh")) == {"same"}
        sandbox = [sys.executable, "-m", "sandbox", *ROTATE]
        command(stack, sandbox, ExitCode.NOT_YET)
        sign_in(stack)
        command(stack, sandbox)
        sign_in(stack)
        stack.destroy()
        assert everything(client) == before
        assert len(client("ec2").describe_images(Owners=["self"])["Images"]) == 1
        assert not [
            instance
            for page in client("ec2").get_paginator("describe_instances").paginate()
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] != "terminated"
        ]


def command(stack: EngineStack, words: Sequence[str], code: int = ExitCode.DONE) -> None:
    environment = stack.environment | {"PYTHONPATH": str(ROOT)}
    done = ran(words, environment, stack.folder)
    assert done.code == code, done.output


def sign_in(stack: EngineStack) -> None:
    """Call AWS like the service, with the key in the outputs of the stack."""
    outputs = stack.outputs(secrets=True)
    service = boto3.client(
        "sts",
        endpoint_url=stack.environment["AWS_ENDPOINT_URL"],
        region_name=stack.environment["AWS_REGION"],
        aws_access_key_id=outputs["sandbox_manager_access_key_id"],
        aws_secret_access_key=outputs["sandbox_manager_secret_access_key"],
    )
    assert service.get_caller_identity()["Arn"].endswith(":user/service/sandbox-manager")
