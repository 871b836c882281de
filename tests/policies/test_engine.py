"""The whole pack in the real engine, over the real program, against the emulated AWS."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Final

import pytest
import yaml

from local import emulator, engine
from local import stack as local
from policies import resource_types as kinds
from policies.rules import RULES
from tests.conftest import Say
from tests.e2e import sandbox
from tests.policies.mutation.groups import groups
from tests.policies.mutation.mutants import MUTANTS

REPOSITORY: Final = Path(__file__).parents[2]
PACK: Final = ("--policy-pack", str(REPOSITORY / "policies"))
FINDING: Final = re.compile(
    r"\[(mandatory|advisory)\]\s+([a-z0-9-]+)\s+\((.+?): (.+)\)$", re.MULTILINE
)
ONE_BY_ONE: Final = os.environ.get("POLICY_MUTANTS") == "all"
"""A preview for each mutant, as `make prove-policies` has it; else those that agree share one."""
pytestmark = pytest.mark.engine


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of the engine ended, and what the pack said in it."""

    code: int
    text: str

    def rules(self, level: str) -> set[str]:
        return {rule for found, rule, _, _ in FINDING.findall(self.text) if found == level}


class Deployed:
    """A stack of the program in a folder of its own, with the stand-in that takes mutants."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "REPOSITORY": str(REPOSITORY)}
        shutil.copy(Path(__file__).parent / "mutation" / "__main__.py", folder)
        project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["runtime"].setdefault("options", {})["virtualenv"] = str(REPOSITORY / ".venv")
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def make(self, stack: str) -> None:
        self.run("stack", "init", stack, check=True)
        self.run("config", "set", "sandbox:protect", "true", "--stack", stack, check=True)

    def run(self, *arguments: str, mutants: Sequence[str] = (), check: bool = False) -> Ran:
        done = sandbox.ran(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            {**self.environment, "MUTANTS": "\n".join(mutants)},
            self.folder,
        )
        assert not check or done.code == 0, done.said
        return Ran(done.code, done.said)

    def preview(self, mutants: Sequence[str] = (), *more: str, stack: str = "production") -> Ran:
        config = {key: one for name in mutants for key, one in MUTANTS[name].config.items()}
        settings = [f"--config=sandbox:{key}={str(one).lower()}" for key, one in config.items()]
        if settings:  # the engine writes them into the stack's file, so they get one of their own
            own = self.folder / f"Pulumi.{stack}.yaml"
            settings += ["--config-file", str(shutil.copy(own, own.with_suffix(".changed.yaml")))]
        return self.run("preview", *PACK, "--stack", stack, *settings, *more, mutants=mutants)

    def up(self, mutants: Sequence[str] = (), stack: str = "production") -> Ran:
        return self.run("up", "--yes", "--skip-preview", *PACK, "--stack", stack, mutants=mutants)

    def _mutated(self, group: Sequence[str]) -> Ran:
        fresh = any(MUTANTS[name].fresh for name in group)
        return self.preview(group, stack="new" if fresh else "production")

    def previews(self, groups: Sequence[Sequence[str]]) -> Mapping[str, Ran]:
        """The preview in which each mutant is."""
        with ThreadPoolExecutor(max_workers=2) as pool:  # a preview takes no lock
            seen = [*pool.map(self._mutated, groups)]
        return {name: ran for group, ran in zip(groups, seen, strict=True) for name in group}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Two stacks that were never updated, in an account of their own."""
    folder = tmp_path_factory.mktemp("policies")
    emulated = emulator.start(folder / "emulator")
    try:
        made = Deployed(folder, local.environment(engine.ensure(), emulated, folder / "state"))
        made.make("new")
        made.make("production")
        yield made
    finally:
        emulator.stop(folder / "emulator")


@pytest.fixture(scope="module")
def deployed(empty: Deployed) -> Deployed:
    """The same, with the program as it is in "production"."""
    done = empty.up()
    assert done.code == 0, done.text
    return empty


def test_what_a_first_preview_cannot_decide_is_decided_before_the_resource_is_made(
    empty: Deployed,
) -> None:
    mutant = ["launch without user_id"]
    seen = empty.preview(mutant)
    assert "launch-carries-user-id" in seen.rules("advisory")  # undecided: no VPC, no id
    done = empty.up(mutant)
    assert done.code != 0
    assert "launch-carries-user-id" in done.rules("mandatory")
    state = empty.run("stack", "export", "--stack", "production", check=True)
    assert "::sandbox-manager-policy" not in state.text


def test_the_program_with_the_default_config_passes(deployed: Deployed) -> None:
    seen = deployed.preview()
    assert seen.code == 0, seen.text
    assert seen.rules("mandatory") == set()
    assert seen.rules("advisory") == {"ssh-not-world-open"}


def test_world_open_ssh_is_stopped_with_the_strict_config(deployed: Deployed) -> None:
    strict = ("--policy-pack-config", str(REPOSITORY / "policies" / "strict.json"))
    seen = deployed.preview((), *strict)
    assert seen.code != 0
    assert seen.rules("mandatory") == {"ssh-not-world-open"}


def test_each_change_of_the_running_program_is_stopped_in_its_preview(
    deployed: Deployed, closing_line: Say
) -> None:
    together = groups(MUTANTS)
    shown = [[name] for name in MUTANTS] if ONE_BY_ONE else together
    seen = deployed.previews(shown)
    stopping = {name: ran.rules("mandatory") if ran.code else set() for name, ran in seen.items()}
    missed = [name for name, rules in stopping.items() if MUTANTS[name].rule not in rules]
    closing_line(
        f"policies in the engine: {len(RULES)} rules, {len(MUTANTS)} mutants in {len(shown)}"
        f" previews, {len(MUTANTS) - len(missed)} caught"
    )
    assert missed == [], "\n".join(seen[name].text for name in missed[:2])
    if ONE_BY_ONE:  # in a group, a finding is then its own mutant's
        assert mistaken(together, stopping) == []


def mistaken(
    together: Sequence[Sequence[str]], stopping: Mapping[str, set[str]]
) -> list[tuple[str, str]]:
    """Pairs of a group of which the first alone breaks the rule that is to stop the second."""
    return [
        (one, other)
        for group in together
        for one, other in permutations(group, 2)
        if MUTANTS[other].rule in stopping[one]
    ]


def test_an_old_key_is_warned_of_and_stops_with_the_packs_config(
    deployed: Deployed, tmp_path: Path
) -> None:
    exported = deployed.run("stack", "export", "--stack", "production", check=True).text
    state = json.loads(exported.replace("urn:pulumi:production::", "urn:pulumi:aged::"))
    for one in state["deployment"]["resources"]:
        if one["type"] == kinds.ACCESS_KEY:
            one["outputs"]["createDate"] = "2020-02-29T08:00:00Z"
    aged, chosen = tmp_path / "state.json", tmp_path / "config.json"
    aged.write_text(json.dumps(state), encoding="utf-8")
    chosen.write_text('{"access-key-age": "mandatory"}', encoding="utf-8")
    deployed.make("aged")
    deployed.run("stack", "import", "--stack", "aged", "--file", str(aged), check=True)
    seen = deployed.preview(stack="aged")
    assert seen.code == 0, seen.text
    assert "access-key-age" in seen.rules("advisory")
    assert "is older than 90 days" in seen.text
    stopped = deployed.preview((), "--policy-pack-config", str(chosen), stack="aged")
    assert stopped.code != 0
    assert stopped.rules("mandatory") == {"access-key-age"}
