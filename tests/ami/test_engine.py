"""`sandbox image` with the real engine: read a stack, build an image, configure the stack."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ami import images as images_module
from infra.catalogue import POLICY, USER
from sandbox.core.errors import ExitCode
from tests.ami import fake_machines
from tests.docs import printed_commands
from tests.e2e.account import client_of, emulated
from tests.e2e.engine_stack import ROOT, EngineStack, Ran, ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

TIMEOUT = 300
"""In seconds; a build with the limits of production takes half a minute."""
SECRET = "made-up-and-unused"


@dataclass
class StandingStack:
    """A stack that is up, and the folder of the fake machines."""

    sandbox: EngineStack
    machines: Path
    image_id: str = ""

    @property
    def config_file(self) -> Path:
        return self.sandbox.folder / f"Pulumi.{self.sandbox.name}.yaml"

    def image(self, *arguments: str, code: int = 0) -> Ran:
        """Run a command of `sandbox image`, as a user does in the program's folder."""
        program = [sys.executable, "-m", "tests.ami.run_with_fake_machines", str(self.machines)]
        done = ran(
            [*program, "image", *arguments],
            self.sandbox.environment | {"PYTHONPATH": str(ROOT)},
            self.sandbox.folder,
            TIMEOUT,
        )
        assert done.code == code, done.output
        return done

    def preview(self) -> dict[str, Any]:
        output = self.sandbox.pulumi("preview", "--json").output
        return json.loads(output[output.index("{") :])


@pytest.fixture(scope="module")
def standing(
    machine_problems: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandingStack]:
    if machine_problems:
        pytest.fail(machine_problems[0], pytrace=False)
    with emulated(tmp_path_factory.mktemp("emulator")) as environment:
        sandbox = EngineStack(tmp_path_factory.mktemp("program"), environment)
        shutil.copytree(
            ROOT / "ami", sandbox.folder / "ami", ignore=shutil.ignore_patterns("__pycache__")
        )
        sandbox.configure(environment="production")
        sandbox.pulumi("config", "set", "--secret", "pulumi:password", SECRET)
        sandbox.up()
        yield StandingStack(sandbox, tmp_path_factory.mktemp("machines"))


def build_arguments() -> list[str]:
    return [
        "build",
        "--stack=test",
        "--ssh-from=203.0.113.7",
        *(f"--set={name}={version}" for name, version in fake_machines.versions().items()),
    ]


def images(standing: StandingStack) -> list[str]:
    answer = client_of(standing.sandbox.environment)("ec2").describe_images(Owners=["self"])
    return [image["ImageId"] for image in answer["Images"]]


@pytest.fixture(scope="module")
def configured(standing: StandingStack) -> StandingStack:
    """The stack after a build for it."""
    output = standing.image(*build_arguments()).output
    (standing.image_id,) = images(standing)
    assert standing.image_id in output.splitlines()
    assert "next: pulumi up --stack test" in output
    logs = standing.sandbox.folder / ".sandbox/image"
    assert {path.suffix for path in logs.iterdir()} == {".log", ".json"}
    return standing


def test_a_dry_run_reads_the_stack_and_creates_nothing(standing: StandingStack) -> None:
    before = standing.config_file.read_bytes()
    output = standing.image(*build_arguments(), "--dry-run").output
    for subnet in standing.sandbox.outputs()["public_subnet_ids"]:
        assert subnet in output
    assert images(standing) == []
    assert standing.config_file.read_bytes() == before


def test_a_stack_that_does_not_exist_is_refused_with_those_that_do(
    standing: StandingStack,
) -> None:
    output = standing.image("build", "--stack=nobodys", code=ExitCode.USAGE).output
    assert "nobodys" in output
    assert "it has: test" in output
    assert "Traceback" not in output


def test_a_build_gives_the_stack_its_image_and_nothing_else(configured: StandingStack) -> None:
    config = yaml.safe_load(configured.config_file.read_text())["config"]
    assert config.pop("sandbox:sandbox_ami_id") == configured.image_id
    assert config.pop("sandbox:environment") == "production"
    assert list(config) == ["pulumi:password"]
    assert SECRET not in configured.config_file.read_text()
    assert configured.sandbox.pulumi("config", "get", "pulumi:password").output.strip() == SECRET


def test_a_new_image_changes_the_outputs_and_the_managers_permission_to_launch_it(
    configured: StandingStack,
) -> None:
    assert not configured.sandbox.outputs()["sandbox_config"]["ami_id"]
    changes = [step for step in configured.preview()["steps"] if step["op"] != "same"]
    assert [
        (change["op"], change["newState"]["type"], change["diffReasons"]) for change in changes
    ] == [
        ("update", POLICY.name, ["policy"]),
        ("update", USER.name, ["tags", "tagsAll"]),  # the boundary allows the image that it names
    ]
    before, after = (
        {
            json.dumps(statement, sort_keys=True)
            for statement in json.loads(changes[0][state]["inputs"]["policy"])["Statement"]
        }
        for state in ("oldState", "newState")
    )
    assert before <= after
    assert len(after - before) == 1
    (update,) = printed_commands.scripts("docs/image.md")
    environment = {**configured.sandbox.environment, "PULUMI_SKIP_CONFIRMATIONS": "true"}
    updated = ran(["bash", "-c", update], environment, configured.sandbox.folder, TIMEOUT)
    assert re.search(r"~ \d+ updated", updated.output), updated.output
    assert configured.sandbox.outputs()["sandbox_config"]["ami_id"] == configured.image_id


def test_the_configured_image_is_listed_and_never_pruned(configured: StandingStack) -> None:
    listed = json.loads(configured.image("list", "--stack=test", "--json", "--quiet").output)
    assert [(image["id"], image["in_use"]) for image in listed] == [
        (configured.image_id, [images_module.CONFIGURED])
    ]
    configured.image("prune", "--stack=test", "--keep=1", "--yes")
    assert images(configured) == [configured.image_id]
