"""The whole build against the emulator and a real OpenSSH server, through the real code."""

from __future__ import annotations

import base64
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from botocore.exceptions import ClientError

from ami import images
from ami.errors import (
    ConfigError,
    Interrupted,
    LaunchError,
    SetupError,
    VerificationError,
)
from ami.steps import PendingError
from tests.ami import world
from tests.ami.conftest import SETTINGS
from tests.ami.faults import Injector

if TYPE_CHECKING:
    from ami.aws import Aws
    from tests.ami.conftest import Account

pytestmark = pytest.mark.proof


def fails(code: str, *, operation: str, times: int = 1, when: Any = lambda _: True) -> Any:
    """A hook that answers *operation* with an error of AWS's."""
    left = [times]

    def hook(model: Any, params: Any, **_: object) -> None:
        if model.name == operation and left[0] and when(str(params.get("body"))):
            left[0] -= 1
            raise ClientError({"Error": {"Code": code, "Message": "says AWS"}}, operation)

    return hook


def tags_of(thing: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def test_a_build_leaves_the_image_its_snapshot_and_the_stack_configured(
    account: Account, clients: Aws
) -> None:
    image = account.build(clients)
    made = account.look.describe_images(ImageIds=[image])["Images"][0]
    disk = made["BlockDeviceMappings"][0]["Ebs"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    assert account.new() == {image, disk.get("SnapshotId")}
    assert account.stack.configured == [image]
    assert disk.get("Encrypted")
    assert disk.get("VolumeSize") == 150
    tags = tags_of(made)
    assert tags["Project"] == "alignment-league"
    assert tags["Purpose"] == "researcher-sandbox-ami"
    assert tags["version/metta"] == SETTINGS["METTA_COMMIT"]
    assert tags["version/driver"].startswith("580.")
    assert "driver 580." in made.get("Description", "")
    snapshot = account.look.describe_snapshots(SnapshotIds=[disk.get("SnapshotId", "")])
    assert tags_of(snapshot["Snapshots"][0])["Purpose"] == "researcher-sandbox-ami"
    assert {port for _, port in account.machines.dialled} == {22}


def test_the_machine_is_launched_locked_down_and_ends_itself(
    account: Account, clients: Aws
) -> None:
    seen: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        seen.append(params)

    clients.ec2.meta.events.register("provide-client-params.ec2.RunInstances", note)
    clients.ec2.meta.events.register(
        "provide-client-params.ec2.AuthorizeSecurityGroupIngress", note
    )
    account.build(clients)
    rule, launch = seen[1], seen[2]
    assert rule["IpPermissions"][0]["IpRanges"][0]["CidrIp"] == "203.0.113.7/32"
    assert launch["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert launch["MetadataOptions"]["HttpTokens"] == "required"
    assert launch["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "IamInstanceProfile" not in launch
    tagged = {one["ResourceType"] for one in launch["TagSpecifications"]}
    assert tagged == {"instance", "volume", "network-interface"}
    assert launch["ClientToken"]


def test_the_machine_rebooted_twice_and_no_log_holds_a_key(
    account: Account, clients: Aws, tmp_path: Path
) -> None:
    account.build(clients)
    machine = account.machines.last
    assert machine.boots == 3
    manifest = json.loads((machine.root / "etc/sandbox-image.json").read_text())
    assert manifest["versions"]["gpus"] == "4"
    logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert "PRIVATE" not in logs


def test_no_private_key_is_ever_on_disk_or_in_an_argument(
    account: Account, clients: Aws, tmp_path: Path
) -> None:
    arguments: set[str] = set()

    def look(_name: str, _number: int) -> None:
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                arguments.add(command.read_text(errors="replace"))

    account.build(Injector(also=look).watch(clients))
    assert arguments
    assert not [one for one in arguments if "OPENSSH PRIVATE" in one]
    assert not list((tmp_path / "logs").glob("*.key"))


def test_a_zone_without_room_is_passed_over(account: Account, clients: Aws) -> None:
    first = account.facts.subnet_ids[0]
    clients.ec2.meta.events.register(
        "before-call.ec2.RunInstances",
        fails(
            "InsufficientInstanceCapacity",
            operation="RunInstances",
            when=lambda body: first in body and "DryRun" not in body,
        ),
    )
    assert account.build(clients)
    assert "us-east-1a has no g5.12xlarge to give" in account.said


def test_a_quota_is_final_and_named(account: Account, clients: Aws) -> None:
    clients.ec2.meta.events.register(
        "before-call.ec2.RunInstances",
        fails(
            "VcpuLimitExceeded", operation="RunInstances", when=lambda body: "DryRun" not in body
        ),
    )
    with pytest.raises(LaunchError, match=r"quota of us-east-1 .*VcpuLimitExceeded"):
        account.build(clients)
    assert account.new() == set()


def test_a_thing_just_made_that_is_not_found_yet_is_waited_for(
    account: Account, clients: Aws
) -> None:
    for operation, code in (
        ("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound"),
        ("RunInstances", "InvalidKeyPair.NotFound"),
        ("DescribeInstances", "InvalidInstanceID.NotFound"),
        ("DescribeImages", "InvalidAMIID.NotFound"),
    ):
        clients.ec2.meta.events.register(
            f"before-call.ec2.{operation}",
            fails(
                code,
                operation=operation,
                times=3,
                when=lambda body: not any(one in body for one in ("DryRun", "Owner", "Filter")),
            ),
        )
    assert account.build(clients)


def test_the_deep_learning_base_keeps_the_driver_it_brings(account: Account, clients: Aws) -> None:
    account.machines.prepare.append("dlami")
    image = account.build(clients, request=account.request(base="dlami"))
    made = account.look.describe_images(ImageIds=[image])["Images"][0]
    assert tags_of(made)["version/driver"] == "595.58.03"
    assert made.get("Description", "").startswith("sandbox on dlami: driver 595.58.03, ")
    manifest = json.loads((account.machines.last.root / "etc/sandbox-image.json").read_text())
    assert manifest["base_image"] == "ami-0dlami22040000001"
    installed = [one for one in account.machines.last.calls() if one.startswith("apt-get ")]
    assert installed
    assert not [one for one in installed if "linux-modules-nvidia" in one]


@pytest.mark.parametrize("wrong", [False, True], ids=["key file", "wrong key file"])
def test_a_key_pair_of_the_users_own_is_used_and_stays(
    account: Account, clients: Aws, tmp_path: Path, *, wrong: bool
) -> None:
    own, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    file = tmp_path / "own.key"
    file.touch(mode=0o600)
    file.write_bytes((other if wrong else own).export_private_key("openssh"))
    account.look.import_key_pair(KeyName="own", PublicKeyMaterial=own.export_public_key("openssh"))
    account.before |= account.new()
    request = account.request(ssh_key="own", ssh_key_file=file)
    injector = Injector()
    injector.watch(clients)
    if wrong:
        with pytest.raises(SetupError, match=r"no login within .*ermission denied"):
            account.build(clients, request=request, limits=world.replace(world.FAST, login=10))
        assert account.new() == set()
    else:
        account.build(clients, request=request)
        assert {one.split("-")[0] for one in account.new()} == {"ami", "snap"}
    assert not {"ImportKeyPair", "CreateKeyPair", "DeleteKeyPair"} & set(injector.calls)


def test_a_machine_that_dies_is_told_with_its_reason(account: Account, clients: Aws) -> None:
    dead: set[str] = set()

    def die(name: str, _number: int) -> None:
        off = {name for name, machine in account.machines.by_id.items() if machine.ended}
        if name == "DescribeInstances" and off - dead:
            dead.update(off)  # once: the emulator ends an ended machine anew
            account.look.terminate_instances(InstanceIds=list(off))

    account.machines.prepare.append("no-return")
    with pytest.raises(LaunchError, match=r"i-[0-9a-f]+ is terminated: "):
        account.build(Injector(also=die).watch(clients))
    assert account.new() == set()


def test_the_end_of_the_wait_leaves_a_pending_image_to_resume(
    account: Account, clients: Aws
) -> None:
    limits = world.replace(world.FAST, available=0.05)
    with pytest.raises(PendingError, match="python -m ami resume ami-") as ended:
        account.build(Injector(pending=10**6).watch(clients), limits=limits)
    image = ended.value.identity
    left = account.new()
    assert image in left
    assert {one.split("-")[0] for one in left} == {"ami", "snap"}
    account.before |= left
    images.resume(
        account.clients(),
        account.stack,
        image,
        environment="production",
        limits=world.FAST,
        say=account.said.append,
    )
    assert account.stack.configured == [image]
    made = account.look.describe_images(ImageIds=[image])["Images"][0]
    assert tags_of(made)["Purpose"] == "researcher-sandbox-ami"


def test_a_stack_that_cannot_be_written_keeps_the_finished_image(
    account: Account, clients: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(image_id: str) -> None:
        raise ConfigError(f"run pulumi config set sandbox:sandbox_ami_id {image_id}")

    monkeypatch.setattr(account.stack, "configure", refuse)
    with pytest.raises(ConfigError, match="pulumi config set"):
        account.build(clients)
    assert {one.split("-")[0] for one in account.new()} == {"ami", "snap"}


def test_a_second_ctrl_c_is_answered_and_does_not_stop_the_clean_up(
    account: Account, clients: Aws
) -> None:
    def press(name: str, _number: int) -> None:
        if name in {"StopInstances", "TerminateInstances", "DeleteKeyPair"}:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="SIGINT"):
        account.build(Injector(also=press).watch(clients))
    assert account.new() == set()
    assert len([one for one in account.said if "not interrupted" in one]) == 1


def test_sigterm_ends_a_build_as_ctrl_c_does(account: Account, clients: Aws) -> None:
    def end(name: str, _number: int) -> None:
        if name == "CreateImage":
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as ended:
        account.build(Injector(also=end).watch(clients))
    assert ended.value.exit_code == 143
    assert account.new() == set()


def test_keep_on_error_leaves_the_machine_and_says_how_to_look_and_to_clean(
    account: Account, clients: Aws, tmp_path: Path
) -> None:
    account.machines.prepare.append("no-gpu")
    with pytest.raises(VerificationError, match="nvidia-smi"):
        account.build(clients, request=account.request(keep_on_error=True))
    assert any(one.startswith("i-") for one in account.new())
    key = next((tmp_path / "logs").glob("*.key"))
    assert key.stat().st_mode & 0o777 == 0o600
    assert any(one.startswith("kept: ssh -i ") for one in account.said)
    assert any("python -m ami clean --build" in one for one in account.said)


def test_user_data_says_the_host_key_and_arms_the_dead_mans_switch(
    account: Account, clients: Aws
) -> None:
    told: list[str] = []
    clients.ec2.meta.events.register(
        "provide-client-params.ec2.RunInstances",
        lambda params, **_: told.append(params.get("UserData", "")),  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType, reportUnknownArgumentType]
    )
    account.build(clients)
    data = next(one for one in told if one)
    if not data.startswith("#cloud-config"):
        data = base64.b64decode(data).decode()
    config = json.loads(data.removeprefix("#cloud-config\n"))
    assert config["ssh_keys"]["ed25519_public"].startswith("ssh-ed25519 ")
    assert "ami-build-deadline.timer" in config["bootcmd"][0][2]
    assert len(data) < 16_000, "EC2's limit"
