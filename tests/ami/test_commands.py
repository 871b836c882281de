"""What the commands show and remove, on images made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from ami import images
from sandbox.image import commands as cli

if TYPE_CHECKING:
    from tests.ami.conftest import Account

RUN = CliRunner(env={"COLUMNS": "200"})


@pytest.fixture
def three(account: Account, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Finished images, oldest first, and the commands pointed at the account's stack."""
    machine = account.look.run_instances(
        ImageId="ami-0ubuntu22040000001",
        MinCount=1,
        MaxCount=1,
        SubnetId=account.facts.subnet_ids[0],
    )["Instances"][0].get("InstanceId", "")
    tags: Any = [
        {"Key": "Project", "Value": "alignment-league"},
        {"Key": "Purpose", "Value": "researcher-sandbox-ami"},
        {"Key": "Environment", "Value": "production"},
        {"Key": "version/driver", "Value": "535.274.02"},
    ]
    for number in range(3):
        account.look.create_image(
            InstanceId=machine,
            Name=f"sandbox-production-{number}",
            TagSpecifications=[
                {"ResourceType": "image", "Tags": tags},
                {"ResourceType": "snapshot", "Tags": tags},
            ],
        )
    account.look.terminate_instances(InstanceIds=[machine])
    monkeypatch.setattr(cli, "PulumiStack", lambda _name, _folder: account.stack)
    found = images.of_environment(account.clients(), "production", set())
    return [one.id for one in reversed(found)]


def test_list_shows_every_image_with_its_versions_and_which_is_configured(
    account: Account, three: list[str]
) -> None:
    account.stack.given = replace(account.facts, configured_image=three[1])
    shown = RUN.invoke(cli.app, ["list"])
    assert shown.exit_code == 0
    lines = {line.split()[0]: line for line in shown.stdout.splitlines() if "ami-" in line}
    assert set(lines) == set(three)
    assert "configured" in lines[three[1]]
    assert "driver 535.274.02" in lines[three[0]]


def test_prune_keeps_the_newest_and_whatever_is_configured_or_runs(
    account: Account, three: list[str]
) -> None:
    account.stack.configured.append(three[0])
    account.look.run_instances(
        ImageId=three[1], MinCount=1, MaxCount=1, SubnetId=account.facts.subnet_ids[0]
    )
    shown = RUN.invoke(cli.app, ["prune", "--keep", "1", "--yes"])
    assert "nothing to prune" in shown.stdout
    assert f"{three[0]} stays: configured" in shown.stdout
    assert f"{three[1]} stays: running" in shown.stdout


def test_prune_asks_and_then_removes_image_and_snapshot(account: Account, three: list[str]) -> None:
    before = account.new()
    assert RUN.invoke(cli.app, ["prune", "--keep", "2"], input="n\n").exit_code == 1
    assert account.new() == before
    assert RUN.invoke(cli.app, ["prune", "--keep", "2"], input="y\n").exit_code == 0
    gone = before - account.new()
    assert three[0] in gone
    assert {one.split("-")[0] for one in gone} == {"ami", "snap"}
    assert len(gone) == 2


@pytest.mark.usefixtures("three")
def test_clean_leaves_finished_images_and_other_peoples_things_alone(account: Account) -> None:
    before = account.new()
    shown = RUN.invoke(cli.app, ["clean", "--older-than", "0", "--yes"])
    assert "nothing to clean" in shown.stdout
    assert account.new() == before


@pytest.mark.usefixtures("three")
def test_a_dry_run_shows_plan_and_price_and_makes_nothing(account: Account) -> None:
    before = account.new()
    shown = RUN.invoke(cli.app, ["build", "--dry-run", "--ssh-from", "203.0.113.7"])
    assert shown.exit_code == 0, shown.output
    assert "g5.12xlarge, 48 vCPUs, 4 GPUs, 150 GiB gp3, encrypted" in shown.stdout
    assert "price        " in shown.stdout
    assert "nothing was made: this was a dry run" in shown.stdout
    assert account.new() == before


@pytest.mark.parametrize(
    ("value", "said"),
    [("FOO=1", "NAME one of"), ("UV_VERSION=0.9.0", "UV_SHA256"), ("nonsense", "NAME=VERSION")],
)
@pytest.mark.usefixtures("three")
def test_a_version_that_cannot_be_set_is_refused(value: str, said: str) -> None:
    shown = RUN.invoke(cli.app, ["build", "--dry-run", "--ssh-from", "1.2.3.4", "--set", value])
    assert shown.exit_code == 2
    assert said in shown.output


@pytest.mark.parametrize("command", ["build", "list", "clean", "prune", "resume"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    shown = RUN.invoke(cli.app, [command, "--help"])
    assert shown.exit_code == 0
    assert f"sandbox image {command}" in shown.stdout


def test_resume_refuses_an_image_of_someone_else(account: Account, three: list[str]) -> None:
    assert three
    foreign = next(
        one.get("ImageId", "")
        for one in account.look.describe_images(Owners=["self"])["Images"]
        if one.get("Name") == "sandbox-production-by-hand"
    )
    shown = RUN.invoke(cli.app, ["resume", foreign])
    assert "was not made by an image build" in str(shown.exception)
