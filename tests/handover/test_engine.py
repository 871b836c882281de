"""The hand-over of a deployed stack: the real engine and provider, and an emulated account."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from examples.client import Sandboxes
from infra.outputs import SandboxConfig
from local import emulator, engine, stack
from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    folder = tmp_path_factory.mktemp("emulator")
    yield stack.environment(engine.ensure(), emulator.start(folder), folder / "state")
    emulator.stop(folder)


@pytest.fixture(scope="module")
def standing(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("program"), environment)
    # where the policies' own file looks for it
    (sandbox.folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    ec2 = client(environment, "ec2")
    image = ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
    sandbox.configure(sandbox_ami_id=image)
    sandbox.up()
    return sandbox


def client(environment: Mapping[str, str], service: str, **key: str) -> Any:
    own = key or {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    session = boto3.Session(region_name=environment["AWS_REGION"], **own)  # pyright: ignore[reportArgumentType] - only keys
    return session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"])  # pyright: ignore[reportCallIssue, reportArgumentType] - by name


def handover(sandbox: Sandbox, *arguments: str, ends: int = 0) -> str:
    """Run the command in the stack's folder; what it said, on both channels."""
    done = subprocess.run(
        [sys.executable, "-m", "handover", *arguments, "--stack", sandbox.name],
        cwd=sandbox.folder,
        env={**sandbox.environment, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends, done.stdout + done.stderr
    return done.stdout + done.stderr


def service(sandbox: Sandbox) -> Sandboxes:
    """The reference client, with what the commands hand to a service and nothing else."""
    config = SandboxConfig.from_json(handover(sandbox, "config"))
    data = json.loads(handover(sandbox, "secret"))["data"]
    key = {name.lower(): base64.b64decode(data[name]).decode() for name in data}
    return Sandboxes(config, client(sandbox.environment, "ec2", **key))


def test_a_service_launches_and_terminates_with_what_the_stack_hands_over(
    standing: Sandbox,
) -> None:
    sandboxes = service(standing)
    made = sandboxes.launch("alice")
    (found,) = sandboxes.list("alice")
    assert found.instance_id == made.instance_id
    sandboxes.stop(made.instance_id)
    assert "1 stopped" in handover(standing, "status", "--quick")
    sandboxes.terminate(made.instance_id)
    assert sandboxes.list() == []


def test_the_picture_is_that_of_the_deployed_stack(standing: Sandbox, tmp_path: Path) -> None:
    handover(standing, "diagram", "--to", str(tmp_path))
    for name in ("architecture.mmd", "architecture.svg"):
        assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text()


def test_a_rotation_leaves_one_new_key_that_works_and_nothing_to_update(
    standing: Sandbox,
) -> None:
    iam = client(standing.environment, "iam")
    (old,) = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    service(standing).list()
    said = handover(standing, "rotate", "--grace-hours", "0", ends=3)
    assert "has not used the key in slot b yet" in said
    both = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert {one["Status"] for one in both} == {"Active"}
    assert len(both) == 2
    service(standing).list()
    handover(standing, "rotate", "--grace-hours", "0")
    (new,) = iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert new["AccessKeyId"] != old["AccessKeyId"]
    assert service(standing).list() == []
    kept = yaml.safe_load((standing.folder / f"Pulumi.{standing.name}.yaml").read_text())
    assert kept["config"]["sandbox:manager_keys"] == {"b": "current"}
    assert set(standing.preview()) == {"same"}


def test_the_status_tells_of_drift_that_somebody_made_by_hand(standing: Sandbox) -> None:
    said = handover(standing, "status")
    assert "drift" in said
    assert "none" in said
    ec2 = client(standing.environment, "ec2")
    vpc = standing.outputs()["vpc_id"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Purpose", "Value": "by-hand"}])
    said = handover(standing, "status", ends=1)
    assert "update aws:ec2/vpc:Vpc sandbox-vpc" in said
