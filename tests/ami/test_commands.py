"""`sandbox image` on images that the test creates; `pulumi` is faked, the account is emulated."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ami import images
from ami.errors import NotConfiguredError
from infra import names
from sandbox import cli
from sandbox.core import stack
from sandbox.core.errors import ExitCode, Interrupted
from sandbox.core.pulumi_cli import PulumiError
from sandbox.image import job, target
from tests.sandbox import json_forms

if TYPE_CHECKING:
    from tests.ami.conftest import EmulatedAccount

FROZEN = Path("tests/sandbox_client/frozen/sandbox_config.v1.json")


@dataclass
class FakeStacks:
    """Answers the `pulumi` commands of a project with the stacks `prod` and `dev`."""

    sandbox_config: dict[str, Any]
    configs: dict[str, dict[str, str]] = field(default_factory=lambda: {"prod": {}, "dev": {}})
    """The settings of each stack, by full key."""
    refuses_changes: bool = False

    def __call__(self, *arguments: str, stack: str = "", **_: object) -> str:
        match arguments:
            case ("stack", "output", *_):
                return json.dumps({"sandbox_config": self.sandbox_config})
            case ("stack", "ls", *_):
                return json.dumps([{"name": name} for name in self.configs])
            case ("config", "--json"):
                return json.dumps(
                    {key: {"value": value} for key, value in self.configs[stack].items()}
                )
            case ("config", "set-all", "--json", entries) if not self.refuses_changes:
                self.configs[stack] |= {
                    key: entry["value"] for key, entry in json.loads(entries).items()
                }
                return ""
            case _:
                raise PulumiError(f"pulumi {arguments[0]}: refused")


@pytest.fixture
def pulumi(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> FakeStacks:
    zones = ("us-east-1a", "us-east-1b", "us-east-1c")
    subnets = account.target.subnet_ids
    config = json.loads(FROZEN.read_text()) | {
        "vpc_id": account.target.vpc_id,
        "subnet_id": subnets[0],
        "subnet_ids": subnets,
        "subnets": [
            {"zone": zone, "subnet_id": subnet} for zone, subnet in zip(zones, subnets, strict=True)
        ],
    }
    fake = FakeStacks(config)
    monkeypatch.setattr(stack, "run_pulumi", fake)
    monkeypatch.setenv("PULUMI_STACK", "prod")
    return fake


@pytest.fixture
def three_images(account: EmulatedAccount) -> list[str]:
    """The ids of finished images, the oldest first."""
    machine = account.ec2.run_instances(
        ImageId="ami-0ubuntu22040000001",
        MinCount=1,
        MaxCount=1,
        SubnetId=account.target.subnet_ids[0],
    )["Instances"][0].get("InstanceId", "")
    tags: Any = [
        {"Key": "Project", "Value": names.PROJECT},
        {"Key": "Purpose", "Value": names.IMAGE_PURPOSE},
        {"Key": "Environment", "Value": "production"},
        {"Key": "version/driver", "Value": "535.274.02"},
    ]
    for number in range(3):
        account.ec2.create_image(
            InstanceId=machine,
            Name=f"sandbox-production-{number}",
            TagSpecifications=[
                {"ResourceType": "image", "Tags": tags},
                {"ResourceType": "snapshot", "Tags": tags},
            ],
        )
    account.ec2.terminate_instances(InstanceIds=[machine])
    newest_first = images.of_environment(account.clients(), "production", set())
    return [image.id for image in reversed(newest_first)]


def test_list_shows_one_line_for_each_image_and_which_is_in_use(
    pulumi: FakeStacks, three_images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.configs["prod"][stack.IMAGE_ID] = three_images[1]
    assert cli.run(["image", "list"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("image")
    assert [row.split()[0] for row in rows] == list(reversed(three_images))
    assert [images.CONFIGURED in row for row in rows] == [False, True, False]
    assert all("535.274.02" in row for row in rows)


def test_list_as_json_has_every_version(
    pulumi: FakeStacks, three_images: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.configs["prod"][stack.IMAGE_ID] = three_images[1]
    assert cli.run(["image", "list", "--json"]) == 0
    listed = {image["id"]: image for image in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(three_images)
    assert listed[three_images[1]]["in_use"] == [images.CONFIGURED]
    assert set(listed[three_images[0]]) == json_forms.fields("image", "list")
    assert listed[three_images[0]]["versions"] == {"driver": "535.274.02"}


def test_prune_keeps_the_newest_and_those_that_any_stack_names_or_that_run(
    account: EmulatedAccount,
    pulumi: FakeStacks,
    three_images: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    pulumi.configs["dev"][stack.IMAGE_ID] = three_images[0]
    account.ec2.run_instances(
        ImageId=three_images[1], MinCount=1, MaxCount=1, SubnetId=account.target.subnet_ids[0]
    )
    before = account.created()
    assert cli.run(["image", "prune", "--keep", "1", "--yes"]) == 0
    assert account.created() == before
    notes = capsys.readouterr().err
    assert f"{three_images[0]} stays: {images.CONFIGURED}" in notes
    assert f"{three_images[1]} stays: {images.RUNNING}" in notes


@pytest.mark.usefixtures("pulumi")
def test_prune_removes_nothing_without_a_yes_and_then_the_image_with_its_snapshot(
    account: EmulatedAccount, three_images: list[str]
) -> None:
    before = account.created()
    assert cli.run(["image", "prune", "--keep", "2"]) == ExitCode.REFUSED
    assert account.created() == before
    assert cli.run(["image", "prune", "--keep", "2", "--yes"]) == 0
    removed = before - account.created()
    assert three_images[0] in removed
    assert sorted(resource_id.split("-")[0] for resource_id in removed) == ["ami", "snap"]


@pytest.mark.usefixtures("pulumi", "three_images")
def test_clean_leaves_finished_images_and_other_peoples_resources_alone(
    account: EmulatedAccount,
) -> None:
    before = account.created()
    assert cli.run(["image", "clean", "--older-than", "0", "--yes"]) == 0
    assert account.created() == before


@pytest.mark.usefixtures("pulumi")
def test_a_dry_run_shows_plan_and_price_and_creates_nothing(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    before = account.created()
    assert cli.run(["image", "build", "--dry-run", "--ssh-from", "203.0.113.7"]) == 0
    plan = capsys.readouterr().out
    assert "g5.12xlarge, 48 vCPUs, 4 GPUs, 150 GiB gp3 (6000 IOPS, 1000 MiB/s), encrypted" in plan
    assert "price" in plan
    for subnet in account.target.subnet_ids:
        assert subnet in plan
    assert account.created() == before


@pytest.mark.parametrize(
    ("value", "message"),
    [("FOO=1", "METTA_COMMIT"), ("UV_VERSION=0.9.0", "UV_SHA256"), ("nonsense", "NAME=VERSION")],
)
def test_a_version_that_cannot_be_set_is_refused(
    value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["image", "build", "--dry-run", "--set", value]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("pulumi")
def test_resume_refuses_an_image_of_someone_else(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    (foreign,) = (
        image.get("ImageId", "")
        for image in account.ec2.describe_images(Owners=["self"])["Images"]
        if image.get("Name") == "sandbox-production-by-hand"
    )
    assert cli.run(["image", "resume", foreign]) == ExitCode.REFUSED
    assert foreign in capsys.readouterr().err


def test_the_target_is_what_the_stack_deployed(
    account: EmulatedAccount, pulumi: FakeStacks
) -> None:
    prod = stack.Stack.select()
    assert target.read(prod)[1].subnet_ids == account.target.subnet_ids
    assert target.read(prod)[1].environment == "production"
    pulumi.configs["prod"]["sandbox:environment"] = "staging"
    assert target.read(prod)[1].environment == "staging"


def test_a_stack_that_cannot_be_configured_names_the_command_that_does_it(
    pulumi: FakeStacks,
) -> None:
    configured_image = target.ConfiguredImage(stack.Stack.select())
    configured_image.configure("ami-1")
    assert pulumi.configs["prod"] == {stack.IMAGE_ID: "ami-1"}
    pulumi.refuses_changes = True
    with pytest.raises(
        NotConfiguredError, match=f"pulumi config set {stack.IMAGE_ID} ami-2 --stack prod"
    ):
        configured_image.configure("ami-2")


@pytest.mark.usefixtures("pulumi")
def test_a_build_that_a_signal_ended_ends_with_the_signals_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        error = Interrupted(signal.SIGTERM)
        error.add_note("left behind: i-1")
        raise error

    monkeypatch.setattr(job, "build", interrupt)
    assert cli.run(["image", "build"]) == 143
    assert capsys.readouterr().err.splitlines() == ["interrupted by SIGTERM", "left behind: i-1"]


@pytest.mark.usefixtures("account")
def test_without_pulumi_the_message_says_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in (["list"], ["build"], ["clean"], ["prune", "--keep=1"], ["resume", "ami-1"]):
        assert cli.run(["image", *command, "--stack", "acme/sandbox/prod"]) == ExitCode.FAILED
        assert "https://www.pulumi.com/docs/install/" in capsys.readouterr().err
