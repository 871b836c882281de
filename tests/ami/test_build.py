"""The whole build against the emulator and a real OpenSSH server."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from botocore.exceptions import ClientError

from ami import images
from ami.aws_calls import tags_of
from ami.errors import LaunchError, NotConfiguredError, SetupError, VerificationError
from ami.steps import PendingError
from infra import names
from sandbox.core.errors import Interrupted
from tests.ami import fake_account, fake_machines
from tests.ami.fault_injector import FaultInjector, error_response

if TYPE_CHECKING:
    from pathlib import Path

    from infra.aws_clients import AwsClients
    from tests.ami.conftest import EmulatedAccount, FinishedBuild

pytestmark = [
    pytest.mark.builds,
    pytest.mark.proof,
    pytest.mark.usefixtures("machines_possible"),
    pytest.mark.xdist_group("image builds"),  # one worker makes the finished build and the tally
]


def fail(
    clients: AwsClients, operation: str, code: str, *, times: int = 1, when: Any = lambda _: True
) -> None:
    """Answer calls of *operation* with an error, *times* times, if *when* accepts the request."""
    left = [times]

    def answer(model: Any, params: Any, **_: object) -> None:
        if left[0] and when(str(params.get("body"))):
            left[0] -= 1
            raise ClientError({"Error": {"Code": code, "Message": "says AWS"}}, model.name)

    clients.ec2.meta.events.register(f"before-call.ec2.{operation}", answer)


def is_launch(body: str) -> bool:
    return "DryRun" not in body


def test_a_build_leaves_only_the_image_and_its_snapshot_and_configures_the_stack(
    finished_build: FinishedBuild,
) -> None:
    image = finished_build.image
    disk = image["BlockDeviceMappings"][0]["Ebs"]
    assert finished_build.created == {image["ImageId"], disk["SnapshotId"]}
    assert finished_build.configured == [image["ImageId"]]
    assert disk["Encrypted"]
    assert disk["VolumeSize"] == 150
    tags = tags_of(image["Tags"])
    assert tags["Project"] == names.PROJECT
    assert tags["Purpose"] == names.IMAGE_PURPOSE
    assert tags["version/metta"] == fake_machines.versions()["METTA_COMMIT"]
    assert tags["version/driver"].startswith("580.")
    assert "driver 580." in image["Description"]
    assert tags_of(finished_build.snapshot["Tags"])["Purpose"] == names.IMAGE_PURPOSE
    assert finished_build.ports == {22}


def test_the_machine_is_launched_locked_down_and_terminates_at_shutdown(
    finished_build: FinishedBuild,
) -> None:
    (rule,) = finished_build.requests["AuthorizeSecurityGroupIngress"]
    launch = finished_build.requests["RunInstances"][-1]
    assert rule["IpPermissions"][0]["IpRanges"][0]["CidrIp"] == "203.0.113.7/32"
    assert launch["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert launch["MetadataOptions"]["HttpTokens"] == "required"
    assert launch["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "IamInstanceProfile" not in launch
    tagged = {specification["ResourceType"] for specification in launch["TagSpecifications"]}
    assert tagged == {"instance", "volume", "network-interface"}
    assert launch["ClientToken"]


def test_the_user_data_has_the_host_key_and_arms_the_dead_mans_switch(
    finished_build: FinishedBuild,
) -> None:
    user_data = finished_build.requests["RunInstances"][-1]["UserData"]
    config = json.loads(user_data.removeprefix("#cloud-config\n"))
    assert config["ssh_keys"]["ed25519_public"].startswith("ssh-ed25519 ")
    assert "ami-build-deadline.timer" in config["bootcmd"][0][2]
    assert len(user_data) < 16_000, "EC2's limit"


def test_the_machine_rebooted_twice_and_has_no_trace_of_the_build(
    finished_build: FinishedBuild,
) -> None:
    machine = finished_build.machine
    assert machine.boots == 3
    manifest = json.loads((machine.root / "etc/sandbox-image.json").read_text())
    assert manifest["versions"]["gpus"] == "4"


def test_no_private_key_is_in_a_file_or_in_an_argument(finished_build: FinishedBuild) -> None:
    assert finished_build.arguments
    assert not [text for text in finished_build.arguments if "OPENSSH PRIVATE" in text]
    files = [path.read_text() for path in finished_build.logs.iterdir()]
    assert files
    assert not [text for text in files if "PRIVATE" in text]


def launched_subnets(clients: AwsClients) -> list[str]:
    """The subnet of each launch from now on."""
    launches: list[str] = []

    def note(params: dict[str, Any], **_: object) -> None:
        if "DryRun" not in params:
            launches.extend(interface["SubnetId"] for interface in params["NetworkInterfaces"])

    clients.ec2.meta.events.register("provide-client-params.ec2.RunInstances", note)
    return launches


@pytest.mark.parametrize(
    ("code", "status"),
    [("InsufficientInstanceCapacity", 500), ("InsufficientFreeAddressesInSubnet", 400)],
)
def test_a_zone_without_capacity_is_passed_over_after_one_try(
    account: EmulatedAccount,
    clients: AwsClients,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
) -> None:
    first, second, _ = account.target.subnet_ids
    launches = launched_subnets(clients)
    tries: list[str] = []

    def answer(request: Any, **_: object) -> Any:
        body = str(request.body)
        if first not in body or "DryRun" in body:
            return None
        tries.append(body)
        return error_response(request.url, status, code, "ec2")

    clients.ec2.meta.events.register("before-send.ec2.RunInstances", answer)
    end_at_login(account, clients, monkeypatch)
    assert launches == [first, second]
    assert len(tries) == 1
    assert any("us-east-1a" in line and code in line for line in account.lines)


def test_a_launch_that_ends_for_lack_of_capacity_goes_on_to_the_next_zone(
    account: EmulatedAccount, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = account.target.subnet_ids
    launches = launched_subnets(clients)

    def end(parsed: dict[str, Any], **_: object) -> None:
        for reservation in parsed.get("Reservations", []):
            for machine in reservation["Instances"]:
                if machine.get("SubnetId") == first and machine["State"]["Name"] != "terminated":
                    machine["State"] = {"Name": "terminated", "Code": 48}
                    machine["StateReason"] = {"Code": "Server.InsufficientInstanceCapacity"}

    clients.ec2.meta.events.register("after-call.ec2.DescribeInstances", end)
    end_at_login(account, clients, monkeypatch)
    assert launches == [first, second]
    assert any("us-east-1a" in line and "Capacity" in line for line in account.lines)


def test_the_image_does_not_keep_the_speed_of_the_build_disk(finished_build: FinishedBuild) -> None:
    disk = finished_build.requests["RunInstances"][-1]["BlockDeviceMappings"][0]["Ebs"]
    assert (disk["Iops"], disk["Throughput"]) == (6000, 1000)
    (change,) = finished_build.requests["ModifyVolume"]
    assert (change["Iops"], change["Throughput"]) == (3000, 125)
    calls = list(finished_build.calls)
    assert calls.index("ModifyVolume") < calls.index("CreateImage")


def test_the_manifest_has_the_seconds_of_every_step(finished_build: FinishedBuild) -> None:
    (path,) = finished_build.logs.glob("*.json")
    seconds = json.loads(path.read_text())["seconds"]
    assert {
        "launch g5.12xlarge",
        "setup.sh software: driver",
        "setup.sh software: metta",
        "take the image",
    } <= seconds.keys()
    assert all(value >= 0 for value in seconds.values())


def end_at_login(
    account: EmulatedAccount, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Build with a port that refuses, so that the build ends after the launch."""

    def refuse(_host: str, _port: int) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(account.machines, "dial", refuse)
    with pytest.raises(SetupError, match="no login within"):
        account.build(clients, limits=replace(fake_account.FAST, login=0.1))
    assert account.created() == set()


def test_a_used_up_quota_ends_the_build_and_is_named(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    fail(clients, "RunInstances", "VcpuLimitExceeded", when=is_launch)
    with pytest.raises(LaunchError, match=r"quota of us-east-1 .*VcpuLimitExceeded"):
        account.build(clients)
    assert account.created() == set()


@pytest.mark.usefixtures("short_set_up_of_machine")
def test_a_new_resource_that_is_not_visible_yet_is_waited_for(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    for operation, code in (
        ("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound"),
        ("RunInstances", "InvalidKeyPair.NotFound"),
        ("DescribeInstances", "InvalidInstanceID.NotFound"),
        ("DescribeImages", "InvalidAMIID.NotFound"),
    ):
        fail(
            clients,
            operation,
            code,
            times=3,
            when=lambda body: not any(word in body for word in ("DryRun", "Owner", "Filter")),
        )
    assert account.build(clients)


def test_the_deep_learning_base_keeps_its_driver(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    account.machines.prepare.append("dlami")
    image_id = account.build(clients, options=account.options(base="dlami"))
    image = fake_account.image(account.ec2, image_id)
    assert tags_of(image["Tags"])["version/driver"] == "595.58.03"
    assert image["Description"].startswith("sandbox on dlami: driver 595.58.03, ")
    manifest = json.loads((account.machines.last.root / "etc/sandbox-image.json").read_text())
    assert manifest["base_image"] == "ami-0dlami22040000001"
    installs = [call for call in account.machines.last.calls() if call.startswith("apt-get ")]
    assert installs
    assert not [call for call in installs if "linux-modules-nvidia" in call]


@pytest.mark.usefixtures("short_set_up_of_machine")
def test_a_key_pair_of_the_user_is_used_and_stays(
    account: EmulatedAccount, clients: AwsClients, tmp_path: Path
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    file = tmp_path / "user.key"
    file.touch(mode=0o600)
    file.write_bytes(key.export_private_key("openssh"))
    account.ec2.import_key_pair(KeyName="user", PublicKeyMaterial=key.export_public_key("openssh"))
    account.before |= account.created()
    options = account.options(ssh_key="user", ssh_key_file=file)
    injector = FaultInjector()
    injector.watch(clients)
    account.build(clients, options=options)
    assert fake_account.kinds(account.created()) == {"ami", "snap"}
    assert not {"ImportKeyPair", "CreateKeyPair", "DeleteKeyPair"} & set(injector.calls)


def test_a_machine_that_terminates_is_reported_with_the_reason(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    terminated: set[str] = set()

    def terminate(name: str, _number: int) -> None:
        off = {name for name, machine in account.machines.by_id.items() if machine.ended}
        if name == "DescribeInstances" and off - terminated:
            terminated.update(off)  # once, since the emulator terminates it again at each call
            account.ec2.terminate_instances(InstanceIds=list(off))

    account.machines.prepare.append("no-return")
    with pytest.raises(LaunchError, match=r"i-[0-9a-f]+ is terminated: "):
        account.build(FaultInjector(on_call=terminate).watch(clients))
    assert account.created() == set()


@pytest.mark.usefixtures("short_set_up_of_machine")
def test_an_image_that_is_pending_at_the_limit_stays_and_can_be_finished(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    limits = replace(fake_account.FAST, available=0.05)
    with pytest.raises(PendingError, match="sandbox image resume ami-") as ended:
        account.build(FaultInjector(pending=10**6).watch(clients), limits=limits)
    image_id = ended.value.image_id
    left = account.created()
    assert image_id in left
    assert fake_account.kinds(left) == {"ami", "snap"}
    account.before |= left
    images.resume(
        account.clients(),
        account.target,
        account.stack_image,
        image_id,
        limits=fake_account.FAST,
        say=account.lines.append,
    )
    assert account.stack_image.configured == [image_id]
    tags = tags_of(fake_account.image(account.ec2, image_id)["Tags"])
    assert tags["Purpose"] == names.IMAGE_PURPOSE


@pytest.mark.usefixtures("short_set_up_of_machine")
def test_a_stack_that_cannot_be_configured_keeps_the_finished_image(
    account: EmulatedAccount, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(image_id: str) -> None:
        raise NotConfiguredError(image_id)

    monkeypatch.setattr(account.stack_image, "configure", refuse)
    with pytest.raises(NotConfiguredError):
        account.build(clients)
    assert fake_account.kinds(account.created()) == {"ami", "snap"}


@pytest.mark.usefixtures("short_set_up_of_machine")
def test_a_second_ctrl_c_is_answered_and_does_not_stop_the_clean_up(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    def interrupt(name: str, _number: int) -> None:
        if name in {"StopInstances", "TerminateInstances", "DeleteKeyPair"}:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="SIGINT"):
        account.build(FaultInjector(on_call=interrupt).watch(clients))
    assert account.created() == set()
    assert len([line for line in account.lines if "SIGINT" in line]) == 1


@pytest.mark.usefixtures("short_set_up_of_machine")
def test_sigterm_ends_a_build_as_ctrl_c_does(account: EmulatedAccount, clients: AwsClients) -> None:
    def terminate(name: str, _number: int) -> None:
        if name == "CreateImage":
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as ended:
        account.build(FaultInjector(on_call=terminate).watch(clients))
    assert ended.value.exit_code == 143
    assert account.created() == set()


def test_keep_on_error_keeps_the_machine_and_says_how_to_log_in_and_to_clean(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    account.machines.prepare.append("no-gpu")
    with pytest.raises(VerificationError, match="nvidia-smi"):
        account.build(clients, options=account.options(keep_on_error=True))
    assert "i" in fake_account.kinds(account.created())
    (key,) = account.logs.glob("*.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert any(f"ssh -i {key}" in line for line in account.lines)
    assert any("sandbox image clean --build" in line for line in account.lines)
