"""The whole command against the real engine: a stack is read, built for, and configured."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.ami.conftest import SETTINGS
from tests.e2e.account import client_of, emulated
from tests.e2e.sandbox import ROOT, Ran, Sandbox, ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

LONGEST = 300
"""Seconds of one command; a build with the waits of production takes half a minute."""
SECRET = "made-up-and-unused"


@dataclass
class Standing:
    """A stack that is up, and the image builder beside its program."""

    sandbox: Sandbox
    machines: Path
    built: str = ""

    @property
    def config_file(self) -> Path:
        return self.sandbox.folder / f"Pulumi.{self.sandbox.name}.yaml"

    def ami(self, *arguments: str, code: int = 0) -> Ran:
        """Run a command of the builder, as a user does in the program's folder."""
        done = ran(
            [sys.executable, "-m", "tests.ami.command", str(self.machines), *arguments],
            self.sandbox.environment | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            self.sandbox.folder,
            LONGEST,
        )
        assert done.code == code, done.said
        return done

    def preview(self) -> dict[str, Any]:
        said = self.sandbox.pulumi("preview", "--json").said
        return json.loads(said[said.index("{") :])


@pytest.fixture(scope="module")
def standing(problems: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    if problems:
        pytest.fail(problems[0], pytrace=False)
    with emulated(tmp_path_factory.mktemp("emulator")) as environment:
        sandbox = Sandbox(tmp_path_factory.mktemp("program"), environment)
        shutil.copytree(
            ROOT / "ami", sandbox.folder / "ami", ignore=shutil.ignore_patterns("__pycache__")
        )
        sandbox.configure(environment="production")
        sandbox.pulumi("config", "set", "--secret", "other:password", SECRET)
        sandbox.up()
        yield Standing(sandbox, tmp_path_factory.mktemp("machines"))


BUILD = (
    "build",
    "--stack=test",
    "--ssh-from=203.0.113.7",
    *(f"--set={name}={value}" for name, value in SETTINGS.items()),
)


def images(standing: Standing) -> list[str]:
    found = client_of(standing.sandbox.environment)("ec2").describe_images(Owners=["self"])
    return [one["ImageId"] for one in found["Images"]]


@pytest.fixture(scope="module")
def configured(standing: Standing) -> Standing:
    """The stack after a build for it."""
    said = standing.ami(*BUILD).said
    (standing.built,) = images(standing)
    assert f"{standing.built} is configured in stack test" in said
    assert "next: pulumi up --stack test" in said
    return standing


def test_a_dry_run_reads_the_stack_and_makes_nothing(standing: Standing) -> None:
    outputs = standing.sandbox.outputs()
    before = standing.config_file.read_bytes()
    said = standing.ami(*BUILD, "--dry-run").said
    for subnet in outputs["public_subnet_ids"]:
        assert subnet in said
    assert "test (production, us-east-1)" in said
    assert images(standing) == []
    assert standing.config_file.read_bytes() == before


def test_a_stack_that_is_not_there_is_one_line(standing: Standing) -> None:
    said = standing.ami("build", "--stack=nobodys", code=3).said
    assert "nothing was made, since:\n  stack nobodys cannot be read with pulumi: " in said
    assert "Traceback" not in said


def test_a_build_gives_the_stack_its_image_and_nothing_else(configured: Standing) -> None:
    config = yaml.safe_load(configured.config_file.read_text())["config"]
    assert config.pop("sandbox:sandbox_ami_id") == configured.built
    assert config.pop("sandbox:environment") == "production"
    assert list(config) == ["other:password"]
    assert SECRET not in configured.config_file.read_text()
    shown = configured.sandbox.pulumi("config", "get", "other:password").said
    assert shown.strip() == SECRET


def test_a_new_image_changes_outputs_and_the_managers_leave_to_launch_it(
    configured: Standing,
) -> None:
    assert not configured.sandbox.outputs()["sandbox_config"]["ami_id"]
    changes = [one for one in configured.preview()["steps"] if one["op"] != "same"]
    assert [(one["op"], one["newState"]["type"]) for one in changes] == [
        ("update", "aws:iam/policy:Policy")
    ]
    assert changes[0]["diffReasons"] == ["policy"]
    statements = [
        [tuple(sorted(json.dumps(part) for part in one.items())) for one in policy["Statement"]]
        for state in ("oldState", "newState")
        for policy in [json.loads(changes[0][state]["inputs"]["policy"])]
    ]
    assert len(set(statements[1]) - set(statements[0])) == 1
    assert set(statements[0]) <= set(statements[1])
    assert set(configured.sandbox.up()) == {"same", "update"}
    assert set(configured.preview()["changeSummary"]) == {"same"}
    assert configured.sandbox.outputs()["sandbox_config"]["ami_id"] == configured.built


def test_the_configured_image_is_listed_and_never_pruned(configured: Standing) -> None:
    listed = configured.ami("list", "--stack=test").said
    line = next(one for one in listed.splitlines() if one.startswith(configured.built))
    assert "configured" in line
    assert "nothing to prune" in configured.ami("prune", "--stack=test", "--keep=1", "--yes").said
    assert "nothing to clean" in configured.ami("clean", "--stack=test", "--yes").said
    assert images(configured) == [configured.built]
