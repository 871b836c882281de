"""The whole pack in the real engine, over the real program, against the emulated AWS."""

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policies.mutation.mutants import MUTANTS

local: Any = pytest.importorskip("local.stack", reason="the local engine is not part of this tree")

REPOSITORY = Path(__file__).parents[2]
FINDING = re.compile(r"\[(mandatory|advisory)\]\s+([a-z0-9-]+)\s+\((.+?): (.+)\)$", re.MULTILINE)
UNKNOWN_TYPE = re.compile(r"unrecognized resource type|unknown resource type|Unknown resource")
pytestmark = [pytest.mark.engine, pytest.mark.proof]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of the engine ended, and what the pack said in it."""

    code: int
    text: str

    def rules(self, level: str) -> set[str]:
        return {rule for found, rule, _, _ in FINDING.findall(self.text) if found == level}


class Deployed:
    """A stack of the program in a folder of its own, with the stand-in that takes mutants."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "REPOSITORY": str(REPOSITORY)}
        shutil.copy(Path(__file__).parent / "mutation" / "__main__.py", folder)
        project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["runtime"].setdefault("options", {})["virtualenv"] = str(REPOSITORY / ".venv")
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def make(self, stack: str) -> None:
        self.run("stack", "init", stack, check=True)
        self.run("config", "set", "sandbox:protect", "true", "--stack", stack, check=True)

    def run(self, *arguments: str, mutant: str = "", check: bool = False) -> Ran:
        ran = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env={**self.environment, "MUTANT": mutant},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert not check or ran.returncode == 0, ran.stdout
        return Ran(ran.returncode, ran.stdout)

    def preview(self, mutant: str = "", stack: str = "production") -> Ran:
        config = MUTANTS[mutant].config if mutant else {}
        settings = [f"--config=sandbox:{key}={str(one).lower()}" for key, one in config.items()]
        pack = ("--policy-pack", str(REPOSITORY / "policies"))
        return self.run("preview", *pack, "--stack", stack, *settings, mutant=mutant)

    def up(self, mutant: str = "", stack: str = "production") -> Ran:
        pack = ("--policy-pack", str(REPOSITORY / "policies"))
        return self.run("up", "--yes", "--skip-preview", *pack, "--stack", stack, mutant=mutant)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    emulator: Any = importlib.import_module("local.emulator")
    engine: Any = importlib.import_module("local.engine")

    folder = tmp_path_factory.mktemp("policies")
    emulated = emulator.start(folder / "emulator")
    try:
        found: Any = engine.ensure()
        made = Deployed(folder, local.environment(found, emulated, folder / "state"))
        made.environment.setdefault("PATH", os.environ["PATH"])
        made.make("production")
        done = made.up()
        assert done.code == 0, done.text
        yield made
    finally:
        emulator.stop(folder / "emulator")


def test_the_program_with_the_default_config_passes(deployed: Deployed) -> None:
    seen = deployed.preview()
    assert seen.code == 0, seen.text
    assert seen.rules("mandatory") == set()
    assert seen.rules("advisory") == {"ssh-not-world-open"}


def test_world_open_ssh_is_stopped_with_the_strict_config(deployed: Deployed) -> None:
    pack = ("--policy-pack", str(REPOSITORY / "policies"))
    strict = ("--policy-pack-config", str(REPOSITORY / "policies" / "strict.json"))
    seen = deployed.run("preview", *pack, *strict, "--stack", "production")
    assert seen.code != 0
    assert seen.rules("mandatory") == {"ssh-not-world-open"}


def test_each_change_of_the_running_program_is_stopped_in_its_preview(
    deployed: Deployed, closing_line: Callable[[str], None]
) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:  # a preview takes no lock
        seen = dict(zip(MUTANTS, pool.map(deployed.preview, MUTANTS), strict=True))
    shown = {name: one for name, one in seen.items() if not UNKNOWN_TYPE.search(one.text)}
    caught = [
        name
        for name, one in shown.items()
        if one.code != 0 and MUTANTS[name].rule in one.rules("mandatory")
    ]
    closing_line(f"policies in the engine: {len(caught)} of {len(shown)} mutants caught")
    assert sorted(set(shown) - set(caught)) == []
    assert len(shown) >= 40


def test_what_a_first_preview_cannot_decide_is_decided_before_the_resource_is_made(
    deployed: Deployed,
) -> None:
    deployed.make("first")
    mutant = "launch without user_id"
    seen = deployed.preview(mutant, "first")
    assert "launch-carries-user-id" in seen.rules("advisory")  # undecided: the VPC has no id yet
    done = deployed.up(mutant, "first")
    assert done.code != 0
    assert "launch-carries-user-id" in done.rules("mandatory")
    state = deployed.run("stack", "export", "--stack", "first", check=True)
    assert "::sandbox-manager-policy" not in state.text
