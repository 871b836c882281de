"""The whole pack in the real engine, over the real program, against the emulated AWS."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from typing import Final

import pytest

from policies import resource_types
from policies.rules import RULES
from tests.conftest import Say
from tests.policies.mutation.groups import groups
from tests.policies.mutation.mutants import MUTANTS
from tests.policies.standing_stack import PACK, STACK, Run, StandingStack

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("policies-engine")]

SLICE: Final = 2
"""How many previews `make test` runs: those with the most mutants. `make prove` runs all."""


def test_what_a_first_preview_cannot_decide_is_decided_before_the_resource_is_made(
    empty_stack: StandingStack,
) -> None:
    mutant = ["launch without user_id"]
    preview = empty_stack.preview(mutant)
    assert "launch-carries-user-id" in preview.rules("advisory")  # the VPC has no id yet
    update = empty_stack.pulumi(
        *("up", "--yes", "--skip-preview", *PACK, "--stack", STACK), mutants=mutant
    )
    assert update.code != 0
    assert "launch-carries-user-id" in update.rules("mandatory")
    state = empty_stack.pulumi("stack", "export", "--stack", STACK, check=True)
    assert "::sandbox-manager-policy" not in state.output


def test_world_open_ssh_is_stopped_with_the_strict_config(deployed_stack: StandingStack) -> None:
    strict = ("--policy-pack-config", str(Path(PACK[1]) / "strict.json"))
    preview = deployed_stack.preview((), *strict)
    assert preview.code != 0
    assert preview.rules("mandatory") == {"ssh-not-world-open"}
    assert f"sandbox@v{version('sandbox')}" in preview.output
    assert "@v0.0.1" not in preview.output


def test_changes_of_the_running_program_are_stopped_in_their_preview(
    deployed_stack: StandingStack, closing_line: Say
) -> None:
    together = [
        group for group in groups(MUTANTS) if not any(MUTANTS[name].fresh for name in group)
    ]
    largest = sorted(together, key=len, reverse=True)[:SLICE]
    runs = deployed_stack.previews(largest)
    closing_line(_summary(runs, previews=len(largest)))
    assert _missed(runs) == {}


@pytest.mark.thorough
def test_each_change_of_the_running_program_is_stopped_in_its_own_preview(
    deployed_stack: StandingStack, closing_line: Say
) -> None:
    deployed_stack.init("new")
    runs = deployed_stack.previews([[name] for name in MUTANTS])
    closing_line(_summary(runs, previews=len(MUTANTS)))
    assert _missed(runs) == {}
    # So in a preview of a whole group, each finding is from the mutant that it is meant for.
    assert _credited_by_mistake(groups(MUTANTS), runs) == []


def _stopping(run: Run) -> set[str]:
    return run.rules("mandatory") if run.code else set()


def _missed(runs: Mapping[str, Run]) -> dict[str, str]:
    return {
        name: run.output for name, run in runs.items() if MUTANTS[name].rule not in _stopping(run)
    }


def _summary(runs: Mapping[str, Run], *, previews: int) -> str:
    return (
        f"policies in the engine: {len(RULES)} rules, {len(runs)} of {len(MUTANTS)} mutants in"
        f" {previews} previews, {len(runs) - len(_missed(runs))} caught"
    )


def _credited_by_mistake(
    together: Sequence[Sequence[str]], runs: Mapping[str, Run]
) -> list[tuple[str, str]]:
    """Pairs of a group where the first mutant alone breaks the rule that must stop the second."""
    return [
        (first, second)
        for group in together
        for first, second in permutations(group, 2)
        if MUTANTS[second].rule in _stopping(runs[first])
    ]


def test_an_old_key_stops_an_update_if_the_packs_config_says_so(
    deployed_stack: StandingStack, tmp_path: Path
) -> None:
    exported = deployed_stack.pulumi("stack", "export", "--stack", STACK, check=True).output
    state = json.loads(exported.replace(f"urn:pulumi:{STACK}::", "urn:pulumi:aged::"))
    for resource in state["deployment"]["resources"]:
        if resource["type"] == resource_types.ACCESS_KEY:
            resource["outputs"]["createDate"] = "2020-02-29T08:00:00Z"
    aged, config = tmp_path / "state.json", tmp_path / "config.json"
    aged.write_text(json.dumps(state), encoding="utf-8")
    config.write_text('{"access-key-age": "mandatory"}', encoding="utf-8")
    deployed_stack.init("aged")
    deployed_stack.pulumi("stack", "import", "--stack", "aged", "--file", str(aged), check=True)
    preview = deployed_stack.preview((), "--policy-pack-config", str(config), stack="aged")
    assert preview.code != 0
    assert preview.rules("mandatory") == {"access-key-age"}
