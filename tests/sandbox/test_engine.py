"""The commands on a deployed stack: the real engine and provider, and an emulated account."""

import base64
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from sandbox.core.errors import ExitCode
from sandbox_client.client import Sandboxes
from sandbox_client.config import SandboxConfig
from tests.docs import printed_commands
from tests.e2e.account import emulated
from tests.e2e.engine_stack import EngineStack
from tests.killed_by_pulumi import path_that_kills
from tests.sandbox import in_process
from tests.sandbox.core import kubernetes_api

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]
ENDINGS = {
    "sandbox keys rotate --apply --restart deployment/sandbox-manager": ExitCode.REFUSED,
    "sandbox keys rollback --apply --restart deployment/sandbox-manager": ExitCode.REFUSED,
    "sandbox costs --month 2026-11": ExitCode.ATTENTION,
}
"""The commands of docs/service.md that do not end with 0.

Nobody can answer the rotation's question, so there is none to roll back; no cost tag is active.
"""


@dataclass(frozen=True)
class Printed:
    """What a command printed."""

    out: str
    err: str


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path_factory.mktemp("emulator")) as variables:
        yield variables


@pytest.fixture(scope="module")
def deployed(
    environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> EngineStack:
    """One stack for all tests; each test leaves it with one key and no sandbox."""
    stack = EngineStack(tmp_path_factory.mktemp("program"), environment)
    ec2 = client(environment, "ec2")
    image = ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
    stack.configure(sandbox_ami_id=image)
    stack.up()
    return stack


def client(environment: Mapping[str, str], service: str, **key: str) -> Any:
    """A client with *key*, or with the operator's own."""
    credentials = key or {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    session = boto3.Session(region_name=environment["AWS_REGION"], **credentials)  # pyrefly: ignore[bad-argument-type] - only keys
    return session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"])  # pyrefly: ignore[no-matching-overload] - by name


def shell(stack: EngineStack, **variables: str) -> dict[str, str]:
    """The variables of a shell in which the stack's commands run."""
    return {**stack.environment, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables}


def sandbox(
    stack: EngineStack,
    *arguments: str,
    code: int = ExitCode.DONE,
    name: str | None = None,
    **variables: str,
) -> Printed:
    """Run `sandbox` for *stack* in its folder; it ends with *code*."""
    return command(stack, [*arguments, "--stack", name or stack.name], code, variables)


def command(
    stack: EngineStack, arguments: Sequence[str], code: int, variables: Mapping[str, str]
) -> Printed:
    completed = in_process.run(arguments, stack.folder, shell(stack, **variables))
    assert completed.returncode == code, completed.stdout + completed.stderr
    return Printed(completed.stdout, completed.stderr)


class Service:
    """The reference client, configured only by what the commands print for a service."""

    def __init__(self, stack: EngineStack) -> None:
        self.stack = stack
        self.iam = client(stack.environment, "iam")
        self.config = SandboxConfig.from_json(sandbox(stack, "config", "show").out)
        self.read_key()

    def read_key(self) -> None:
        """Sign in with the key that the stack hands out now."""
        data = json.loads(sandbox(self.stack, "secret").out)["data"]
        key = {name.lower(): base64.b64decode(data[name]).decode() for name in data}
        self.key = key["aws_access_key_id"]
        self.sandboxes = Sandboxes(self.config, client(self.stack.environment, "ec2", **key))

    def key_statuses(self) -> dict[str, str]:
        """The status of the manager's keys, after the service has used its key."""
        assert self.sandboxes.list() == []
        keys = self.iam.list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
        statuses = {key["AccessKeyId"]: key["Status"] for key in keys}
        assert len(statuses) <= 2, "IAM allows two keys"
        assert statuses[self.key] == "Active", "the service cannot sign in"
        return statuses


def test_a_service_launches_and_terminates_with_what_the_commands_print(
    deployed: EngineStack,
) -> None:
    sandboxes = Service(deployed).sandboxes
    launched = sandboxes.launch("alice")
    assert [listed.instance_id for listed in sandboxes.list("alice")] == [launched.instance_id]
    sandboxes.stop(launched.instance_id)
    lines = json.loads(sandbox(deployed, "status", "--quick", "--json").out)
    details = {line["item"]: line["details"] for line in lines}
    assert details["sandboxes of alice"] == "1 stopped"
    assert all(line["ok"] for line in lines)
    sandboxes.terminate(launched.instance_id)
    assert sandboxes.list() == []


def test_the_picture_in_the_docs_is_that_of_a_deployed_stack(deployed: EngineStack) -> None:
    picture = sandbox(deployed, "diagram").out
    assert picture == (ROOT / "docs" / "architecture.mmd").read_text()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
def test_the_commands_of_the_docs_work_as_printed(deployed: EngineStack, tmp_path: Path) -> None:
    scripts = (
        *printed_commands.scripts("docs/service.md", "Configuration"),
        *printed_commands.scripts("docs/service.md", "The key in Kubernetes"),
        *printed_commands.scripts("docs/service.md", "Rotating the key"),
        *printed_commands.scripts("docs/service.md", "Costs"),
        *printed_commands.scripts("docs/service.md", "Status"),
    )
    with kubernetes_api.running(tmp_path) as (cluster, kubeconfig):
        variables = {
            "PULUMI_STACK": deployed.name,
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(tmp_path),
        }
        for line in "\n".join(scripts).splitlines():
            expected = ENDINGS.get(line, ExitCode.DONE)
            if re.fullmatch(r"sandbox [\w /=.-]+", line):
                command(deployed, shlex.split(line)[1:], expected, variables)
                continue
            completed = subprocess.run(
                ["bash", "-o", "pipefail", "-c", line],
                cwd=deployed.folder,
                env={**deployed.environment, **variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert completed.returncode == expected, completed.stdout + completed.stderr
    assert [patch.path.rsplit("/", 1)[1] for patch in cluster.patches] == [
        "sandbox-manager-aws",
        "sandbox-manager-aws",
        "sandbox-manager",
    ]


def test_a_wrong_passphrase_is_named_as_the_cause(deployed: EngineStack, tmp_path: Path) -> None:
    wrong = tmp_path / "passphrase"
    wrong.write_text("wrong")
    printed_commands = sandbox(
        deployed,
        "secret",
        "--quiet",
        code=ExitCode.FAILED,
        PULUMI_CONFIG_PASSPHRASE_FILE=str(wrong),
    )
    assert "passphrase" in printed_commands.err
    assert len(printed_commands.err.splitlines()) == 1


def test_a_stack_that_is_not_up_is_one_line(deployed: EngineStack) -> None:
    deployed.pulumi("stack", "init", "--no-select", "empty")
    for command in (["status"], ["keys", "rotate", "--yes"]):
        printed_commands = sandbox(
            deployed, *command, "--quiet", name="empty", code=ExitCode.FAILED
        )
        assert "pulumi up --stack empty" in printed_commands.err, command
        assert len(printed_commands.err.splitlines()) == 1, printed_commands.err


AT_ONCE = ("--yes", "--grace-hours", "0")


def rotate(stack: EngineStack, *arguments: str, code: int = ExitCode.DONE) -> Printed:
    return sandbox(stack, "keys", "rotate", *AT_ONCE, *arguments, code=code)


def roll_back(stack: EngineStack, code: int = ExitCode.DONE) -> Printed:
    return sandbox(stack, "keys", "rollback", "--yes", code=code)


def stages(stack: EngineStack) -> Any:
    """The stage of each key slot, by the stack's file."""
    content = yaml.safe_load((stack.folder / f"Pulumi.{stack.name}.yaml").read_text())
    return content["config"].get("sandbox:manager_keys", {"a": "current"})


def kill_rotation(stack: EngineStack, folder: Path, command: str, nth: int = 1) -> None:
    """Start a rotation; kill it at its *nth* call of `pulumi` with *command*."""
    path = path_that_kills(folder, stack.environment["PATH"], command, nth=nth)
    completed = subprocess.run(
        [sys.executable, "-m", "sandbox", "keys", "rotate", *AT_ONCE, "--stack", stack.name],
        cwd=stack.folder,
        env=shell(stack, PATH=path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == -signal.SIGKILL, completed.stdout + completed.stderr


def test_a_rotation_ends_with_one_new_key_that_works(deployed: EngineStack) -> None:
    service = Service(deployed)
    before = stages(deployed)
    (slot,) = before
    other = "b" if slot == "a" else "a"
    (old_key,) = service.key_statuses()
    unasked = sandbox(deployed, "keys", "rotate", code=ExitCode.REFUSED)
    assert old_key in unasked.err
    assert stages(deployed) == before

    waiting = rotate(deployed, "--namespace", "team", code=ExitCode.NOT_YET)
    assert f"sandbox secret --apply --stack {deployed.name} --namespace team" in waiting.err
    assert len(waiting.err.splitlines()) < 12, "the engine's own output is hidden"
    assert stages(deployed) == {slot: "retiring", other: "current"}
    assert set(service.key_statuses().values()) == {"Active"}
    service.read_key()
    assert service.key != old_key
    service.key_statuses()

    rotate(deployed)
    assert stages(deployed) == {other: "current"}
    assert service.key_statuses() == {service.key: "Active"}
    (listed,) = json.loads(sandbox(deployed, "keys", "list", "--json").out)
    assert (listed["slot"], listed["stage"], listed["key_id"]) == (other, "current", service.key)


@pytest.mark.thorough
def test_a_rotation_that_is_killed_in_each_step_ends_with_one_new_key(
    deployed: EngineStack, tmp_path: Path
) -> None:
    service = Service(deployed)
    (slot,) = stages(deployed)
    other = "b" if slot == "a" else "a"
    (old_key,) = service.key_statuses()
    kill_rotation(deployed, tmp_path / "before the second key", "up")
    assert stages(deployed) == {slot: "current", other: "next"}
    assert service.key_statuses() == {old_key: "Active"}
    kill_rotation(deployed, tmp_path / "before it is handed out", "up", nth=2)
    assert stages(deployed) == {slot: "retiring", other: "current"}
    assert len(service.key_statuses()) == 2
    rotate(deployed, code=ExitCode.NOT_YET)
    service.read_key()
    assert service.key != old_key
    assert set(service.key_statuses().values()) == {"Active"}
    kill_rotation(deployed, tmp_path / "before the old one is off", "up")
    assert stages(deployed) == {slot: "inactive", other: "current"}
    assert service.key_statuses()[old_key] == "Active"
    kill_rotation(deployed, tmp_path / "before it is deleted", "up", nth=2)
    assert service.key_statuses()[old_key] == "Inactive"
    rotate(deployed)
    assert service.key_statuses() == {service.key: "Active"}
    assert set(deployed.preview()) == {"same"}


@pytest.mark.thorough
def test_a_rotation_is_rolled_back_from_every_stage_before_the_deletion(
    deployed: EngineStack, tmp_path: Path
) -> None:
    service = Service(deployed)
    before = stages(deployed)
    (slot,) = before
    other = "b" if slot == "a" else "a"

    kill_rotation(deployed, tmp_path / "next", "config set-all", nth=2)
    assert stages(deployed) == {slot: "current", other: "next"}
    assert len(service.key_statuses()) == 2
    roll_back(deployed)
    assert service.key_statuses() == {service.key: "Active"}
    assert stages(deployed) == before

    rotate(deployed, code=ExitCode.NOT_YET)
    assert stages(deployed) == {slot: "retiring", other: "current"}
    roll_back(deployed)
    assert stages(deployed) == {slot: "current", other: "retiring"}
    assert deployed.outputs(secrets=True)["sandbox_manager_access_key_id"] == service.key
    assert set(service.key_statuses().values()) == {"Active"}

    kill_rotation(deployed, tmp_path / "inactive", "config rm")
    assert stages(deployed) == {slot: "current", other: "inactive"}
    assert set(service.key_statuses().values()) == {"Active", "Inactive"}
    roll_back(deployed)
    assert stages(deployed) == {slot: "retiring", other: "current"}
    assert set(service.key_statuses().values()) == {"Active"}

    service.read_key()
    service.key_statuses()
    rotate(deployed)
    assert service.key_statuses() == {service.key: "Active"}
    roll_back(deployed, code=ExitCode.REFUSED)
    assert set(deployed.preview()) == {"same"}


@pytest.mark.thorough
def test_the_status_shows_drift_that_somebody_made_by_hand(deployed: EngineStack) -> None:
    lines = json.loads(sandbox(deployed, "status", "--json").out)
    assert {line["item"]: line["details"] for line in lines}["drift"] == "none"
    ec2 = client(deployed.environment, "ec2")
    vpc = deployed.outputs()["vpc_id"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Purpose", "Value": "by-hand"}])
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.100.200.0/24")
    printed_commands = sandbox(deployed, "status", code=ExitCode.ATTENTION)
    assert "update aws:ec2/vpc:Vpc sandbox-vpc" in printed_commands.out
    assert f"{vpc}: subnet subnet-" in printed_commands.out
