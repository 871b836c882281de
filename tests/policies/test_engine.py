"""The whole pack in the real engine, over the real program, against the emulated AWS."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from typing import Final

import pytest

from infra import catalogue, names
from policies.rules import RULES
from tests.conftest import Say
from tests.docs import printed_commands
from tests.policies.mutation.groups import groups
from tests.policies.mutation.mutant import Mutant
from tests.policies.mutation.mutants import MUTANTS
from tests.policies.standing_stack import EngineRun, PolicyStack, standing_stack

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("policies-engine")]

IN_ENGINE: Final = {name: mutant for name, mutant in MUTANTS.items() if mutant.engine}
SLICE: Final = 1
"""How many previews `make test` runs: those with the most mutants. `make prove` runs all."""


def test_what_a_first_preview_cannot_decide_is_decided_before_the_resource_is_made(
    empty_stack: PolicyStack,
) -> None:
    update = empty_stack.update(["launch without user_id"])
    assert update.code != 0
    assert "undecided" in update.rules("advisory")  # the preview knows no VPC id
    assert update.output.count("grants-as-declared") == 2  # in that one line, and as a finding
    assert "grants-as-declared" in update.rules("mandatory")
    created = {resource["urn"].rpartition("::")[2] for resource in empty_stack.resources()}
    assert names.VPC in created
    assert names.MANAGER_POLICY not in created


def test_the_command_of_the_docs_makes_advisory_rules_mandatory(
    deployed_stack: PolicyStack,
) -> None:
    (command,) = printed_commands.scripts("docs/guard-rails.md", "The guard rails")
    original = deployed_stack.state
    aged = deepcopy(original)
    for resource in aged["checkpoint"]["latest"]["resources"]:
        if resource["type"] == catalogue.ACCESS_KEY.name:
            resource["outputs"]["createDate"] = "2020-02-29T08:00:00Z"
    deployed_stack.state = aged
    try:
        preview = deployed_stack.shell(command)
    finally:
        deployed_stack.state = original
    assert preview.code != 0
    assert preview.rules("mandatory") == {"ssh-not-world-open"}
    assert "access-key-age" in preview.rules("advisory")
    assert f"sandbox@v{version('sandbox')}" in preview.output
    assert "@v0.0.1" not in preview.output


def test_changes_of_the_running_program_are_stopped_in_their_preview(
    deployed_stack: PolicyStack, closing_line: Say
) -> None:
    together = [
        group for group in groups(IN_ENGINE) if not any(MUTANTS[name].fresh for name in group)
    ]
    largest = sorted(together, key=len, reverse=True)[:SLICE]
    runs = deployed_stack.previews(largest)
    closing_line(_summary(runs, previews=len(largest)))
    assert _missed(runs) == {}


@pytest.mark.thorough
def test_each_change_of_the_running_program_is_stopped_in_its_own_preview(
    deployed_stack: PolicyStack, tmp_path: Path, closing_line: Say
) -> None:
    fresh = [name for name in IN_ENGINE if MUTANTS[name].fresh]
    standing = [name for name in IN_ENGINE if name not in fresh]
    with standing_stack(tmp_path) as empty:
        empty.configure()
        runs = {
            **deployed_stack.previews([[name] for name in standing]),
            **empty.previews([[name] for name in fresh]),
        }
        for name in fresh:
            is_undecided = "undecided" in runs[name].rules("advisory")
            if is_undecided and not _is_stopped(MUTANTS[name], runs[name]):
                runs[name] = empty.update([name])  # decided before the resource is made
    closing_line(_summary(runs, previews=len(runs)))
    assert _missed(runs) == {}
    # So in a preview of a whole group, each finding is from the mutant that it is meant for.
    assert _credited_by_mistake(groups(IN_ENGINE), runs) == []


def _is_stopped(mutant: Mutant, run: EngineRun) -> bool:
    return run.code != 0 and any(
        rule == mutant.rule and mutant.says in message for rule, message in run.findings()
    )


def _missed(runs: Mapping[str, EngineRun]) -> dict[str, str]:
    return {name: run.output for name, run in runs.items() if not _is_stopped(MUTANTS[name], run)}


def _summary(runs: Mapping[str, EngineRun], *, previews: int) -> str:
    return (
        f"policies in the engine: {len(RULES)} rules, {len(runs)} of {len(MUTANTS)} mutants in"
        f" {previews} previews, {len(runs) - len(_missed(runs))} caught"
    )


def _credited_by_mistake(
    together: Sequence[Sequence[str]], runs: Mapping[str, EngineRun]
) -> list[tuple[str, str]]:
    """Pairs of a group where the finding that must stop the second comes from the first alone."""
    return [
        (first, second)
        for group in together
        for first, second in permutations(group, 2)
        if _is_stopped(MUTANTS[second], runs[first])
    ]
