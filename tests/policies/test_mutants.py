"""The pack stops every mutant of the program, and passes the program itself."""

import asyncio

import pulumi
import pytest

from policies.config import Parameters
from policies.rule import Level
from policies.rules import RULES
from tests.policies.mutation.in_process import check
from tests.policies.mutation.mutants import MUTANTS
from tests.policies.pack_server import PackServer


@pytest.fixture(scope="module")
def server() -> PackServer:
    return PackServer(Parameters(stack="production"))


@pytest.fixture(autouse=True)
def no_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mocks of the SDK support no resource hooks, and the destroy guard registers one."""

    def registered(_: pulumi.ResourceHook) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        done.set_result(None)
        return done

    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", registered)


def test_the_program_itself_passes(server: PackServer) -> None:
    violations = check(None, server)
    assert [
        violation for violation in violations if violation.mandatory or violation.undecided
    ] == []


@pytest.mark.proof
def test_the_pack_stops_every_mutant_by_exactly_the_rules_meant_for_it(server: PackServer) -> None:
    stopping = {
        name: {violation.rule for violation in check(mutant, server) if violation.mandatory}
        for name, mutant in MUTANTS.items()
    }
    assert stopping == {name: {mutant.rule, *mutant.also} for name, mutant in MUTANTS.items()}


def test_there_are_enough_mutants_and_each_is_for_a_mandatory_rule() -> None:
    assert len(MUTANTS) >= 40
    mandatory = {rule.id for rule in RULES if rule.level is Level.MANDATORY}
    assert {mutant.rule for mutant in MUTANTS.values()} <= mandatory
