"""Run acceptance tests of HashiCorp's provider against the emulated AWS."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import boto3

from local import clean_env
from local.emulator import Emulator

SECONDS: Final = 600
"""Longer waits are in vain: the test waits for something that the emulated AWS never does."""
BILLED: Final = ("Tag01", "Tag02")
"""The tags whose costs the tests allocate."""
AT_ONCE: Final = (os.cpu_count() or 1) + 1


class Outcome(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """A test's outcome, and what it printed."""

    test: str
    outcome: Outcome
    output: str


def run(program: Path, tests: Iterable[str], aws: Emulator, scratch: Path) -> list[Result]:
    """Run *tests* of *program*, each in a separate process, some in parallel."""
    prepare(aws)
    variables = _variables(aws, scratch)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda test: _run(program, test, variables), tests))


def prepare(aws: Emulator) -> None:
    """Launch a machine with the tags that the tests of costs expect in their account."""
    ec2 = boto3.client(
        "ec2",
        endpoint_url=aws.endpoint,
        region_name="us-west-2",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    image = ec2.register_image(Name="image", RootDeviceName="/dev/sda1")["ImageId"]
    tags = [{"Key": name, "Value": "test"} for name in BILLED]
    specification: Any = {"ResourceType": "instance", "Tags": tags}
    ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[specification],
    )


def _run(program: Path, test: str, variables: Mapping[str, str]) -> Result:
    process = subprocess.Popen(
        [program, f"-test.run=^{test}$", "-test.v"],
        cwd=program.parent,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # Terraform too, which it started
        output, _ = process.communicate()
        return Result(test, Outcome.FAILED, f"{output}\nended after {SECONDS} seconds")
    if process.returncode:
        return Result(test, Outcome.FAILED, output)
    passed = f"\n--- PASS: {test} " in output
    return Result(test, Outcome.PASSED if passed else Outcome.SKIPPED, output)


def _variables(aws: Emulator, scratch: Path) -> dict[str, str]:
    return {
        **clean_env.clean(),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_SECRET_ACCESS_KEY": "local",
        "CHECKPOINT_DISABLE": "1",
        "TF_ACC": "1",
        "TF_ACC_TEMP_DIR": str(scratch),
        "TF_ACC_TERRAFORM_PATH": shutil.which("terraform") or "",
    }
