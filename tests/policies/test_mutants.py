"""At least forty single changes to the program: the pack stops each of them."""

import asyncio

import pulumi
import pytest

from policies.config import Parameters
from policies.rules import RULES
from tests.policies.mutation.in_process import verdict
from tests.policies.mutation.mutants import MUTANTS
from tests.policies.view import View

VIEW = View(Parameters(stack="production"))
MANDATORY = {rule.id for rule in RULES if rule.level == "mandatory"}


@pytest.fixture(autouse=True)
def no_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's mocks know no callbacks; the guard of a destroy is another test's."""

    def registered(_: pulumi.ResourceHook) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        done.set_result(None)
        return done

    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", registered)


def test_the_program_as_it_is_passes() -> None:
    assert [one for one in verdict(None, VIEW) if one.mandatory or one.undecided] == []


@pytest.mark.proof
def test_the_pack_stops_every_changed_program_by_exactly_the_rules_meant_for_it() -> None:
    stopping = {
        name: {one.rule for one in verdict(mutant, VIEW) if one.mandatory}
        for name, mutant in MUTANTS.items()
    }
    assert stopping == {name: {one.rule, *one.also} for name, one in MUTANTS.items()}


def test_there_are_enough_mutants_and_each_is_for_a_rule_that_stops() -> None:
    assert len(MUTANTS) >= 40
    assert {mutant.rule for mutant in MUTANTS.values()} <= MANDATORY
