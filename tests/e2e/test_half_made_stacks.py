"""A stack is destroyed from every prefix of its creation order, as a failed update leaves it."""

import json
from collections.abc import Mapping, Sequence

import pytest

from tests.e2e.account import Client, everything
from tests.e2e.sandbox import Sandbox

CONFIG: Mapping[str, object] = {
    "monthly_budget_usd": 5,
    "budget_email": "costs@example.org",
    "allowed_ssh_cidrs": [f"10.0.{number}.0/24" for number in range(61)],
    "zones": {"us-east-1a": 0},
}
IN_EVERY_RUN = 2
"""How many prefixes `make test` tries: one where a function of an output failed, and others."""


@pytest.fixture(scope="module")
def before(client: Client) -> Mapping[str, Sequence[str]]:
    return everything(client)


@pytest.fixture(scope="module")
def creation_order(sandbox: Sandbox, before: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The URNs of what the engine creates, in its order; the account is empty again."""
    assert before["users"] == []
    sandbox.configure(**CONFIG)
    sandbox.up()
    exported = json.loads(sandbox.pulumi("stack", "export").output)
    sandbox.destroy()
    return [resource["urn"] for resource in exported["deployment"]["resources"]]


def destroy_from_prefix(sandbox: Sandbox, urns: Sequence[str]) -> None:
    targets = [argument for urn in urns for argument in ("--target", urn)]
    sandbox.up(*targets)
    assert set(urns) <= sandbox.urns().keys()
    sandbox.destroy()
    assert sandbox.urns() == {}


def test_a_stack_is_destroyed_from_some_prefixes(
    sandbox: Sandbox,
    client: Client,
    before: Mapping[str, Sequence[str]],
    creation_order: Sequence[str],
) -> None:
    step = len(creation_order) // IN_EVERY_RUN
    for length in range(1, len(creation_order), step):
        destroy_from_prefix(sandbox, creation_order[:length])
    assert everything(client) == before


@pytest.mark.thorough
def test_a_stack_is_destroyed_from_every_prefix(
    sandbox: Sandbox,
    client: Client,
    before: Mapping[str, Sequence[str]],
    creation_order: Sequence[str],
) -> None:
    for length in range(len(creation_order) + 1):
        destroy_from_prefix(sandbox, creation_order[:length])
        assert everything(client) == before, creation_order[:length]
