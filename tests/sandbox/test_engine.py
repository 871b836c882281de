"""The hand-over of a deployed stack: the real engine and provider, and an emulated account."""

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from sandbox_client.client import Sandboxes
from sandbox_client.config import SandboxConfig
from tests.deadly import deadly
from tests.e2e.account import emulated
from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path_factory.mktemp("emulator")) as made:
        yield made


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


def handover(sandbox: Sandbox, *arguments: str, ends: int = 0, **environment: str) -> str:
    """Run the command in the stack's folder; what it said, on both channels."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments, "--stack", sandbox.name],
        cwd=sandbox.folder,
        env={**sandbox.environment, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
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


class Service:
    """What holds the key that it was given last, and goes on working with it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.iam = client(sandbox.environment, "iam")
        self.take()

    def take(self) -> None:
        self.client = service(self.sandbox)
        self.key = self.sandbox.outputs(secrets=True)["sandbox_manager_access_key_id"]

    def keys(self) -> dict[str, str]:
        """The status by id of the manager's keys: never more than IAM takes, this one at work."""
        found = self.iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
        keys = {one["AccessKeyId"]: one["Status"] for one in found}
        assert len(keys) <= 2
        assert keys[self.key] == "Active"
        assert self.client.list() == []
        return keys


def rotate(sandbox: Sandbox, *arguments: str, ends: int = 0, **environment: str) -> str:
    return handover(sandbox, "rotate", *arguments, "--grace-hours", "0", ends=ends, **environment)


def stages(sandbox: Sandbox) -> Any:
    """What the stack's file says of the key slots."""
    kept = yaml.safe_load((sandbox.folder / f"Pulumi.{sandbox.name}.yaml").read_text())
    return kept["config"].get("sandbox:manager_keys", {"a": "current"})


def killed(sandbox: Sandbox, folder: Path, words: str, nth: int = 1) -> None:
    """Run a rotation that is killed where it calls pulumi with *words* for the *nth* time."""
    path = deadly(folder, sandbox.environment["PATH"], words, nth=nth)
    rotate(sandbox, ends=-signal.SIGKILL, PATH=path)


def test_a_rotation_that_is_killed_in_each_step_ends_with_one_new_key_that_works(
    standing: Sandbox, tmp_path: Path
) -> None:
    own = Service(standing)
    [old] = own.keys()
    killed(standing, tmp_path / "before the second key", "up")
    assert stages(standing) == {"a": "current", "b": "next"}
    assert own.keys() == {old: "Active"}
    killed(standing, tmp_path / "before it is handed out", "up", nth=2)
    assert stages(standing) == {"a": "retiring", "b": "current"}
    assert len(own.keys()) == 2
    said = rotate(standing, ends=3)
    assert "has not used the key in slot b yet" in said
    assert set(own.keys().values()) == {"Active"}
    own.take()
    assert own.key != old
    assert set(own.keys().values()) == {"Active"}
    killed(standing, tmp_path / "before the old one is off", "up")
    assert stages(standing) == {"a": "inactive", "b": "current"}
    assert own.keys()[old] == "Active"
    killed(standing, tmp_path / "before it is deleted", "up", nth=2)
    assert stages(standing) == {"b": "current"}
    assert own.keys()[old] == "Inactive"
    rotate(standing)
    assert own.keys() == {own.key: "Active"}
    assert set(standing.preview()) == {"same"}


@pytest.mark.thorough
def test_a_rotation_is_rolled_back_from_every_stage_before_the_deletion(
    standing: Sandbox, tmp_path: Path
) -> None:
    own = Service(standing)
    before = stages(standing)
    [(slot, _)] = before.items()
    spare = "b" if slot == "a" else "a"

    killed(standing, tmp_path / "next", "config set-all", nth=2)
    assert stages(standing) == {slot: "current", spare: "next"}
    assert len(own.keys()) == 2
    rotate(standing, "--rollback")
    assert own.keys() == {own.key: "Active"}
    assert stages(standing) == before

    rotate(standing, ends=3)
    assert stages(standing) == {slot: "retiring", spare: "current"}
    rotate(standing, "--rollback")
    assert stages(standing) == {slot: "current", spare: "retiring"}
    assert standing.outputs(secrets=True)["sandbox_manager_access_key_id"] == own.key
    assert set(own.keys().values()) == {"Active"}

    killed(standing, tmp_path / "inactive", "config rm")
    assert stages(standing) == {slot: "current", spare: "inactive"}
    assert set(own.keys().values()) == {"Active", "Inactive"}
    rotate(standing, "--rollback")
    assert stages(standing) == {slot: "retiring", spare: "current"}
    assert set(own.keys().values()) == {"Active"}

    own.take()
    own.keys()
    rotate(standing)
    assert own.keys() == {own.key: "Active"}
    said = rotate(standing, "--rollback", ends=1)
    assert "there is no rotation to roll back" in said
    assert set(standing.preview()) == {"same"}


@pytest.mark.thorough
def test_the_status_tells_of_drift_that_somebody_made_by_hand(standing: Sandbox) -> None:
    said = handover(standing, "status")
    assert "drift" in said
    assert "none" in said
    ec2 = client(standing.environment, "ec2")
    vpc = standing.outputs()["vpc_id"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Purpose", "Value": "by-hand"}])
    said = handover(standing, "status", ends=1)
    assert "update aws:ec2/vpc:Vpc sandbox-vpc" in said
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.100.200.0/24")
    assert f"{vpc}: subnet subnet-" in handover(standing, "status", ends=1)
