"""Shared by all tests of the guard rails."""

from collections.abc import Iterator

import pytest
from pulumi_policy import policy

from policies import secret_markers
from tests.policies.standing_stack import PolicyStack, standing_stack


@pytest.fixture(autouse=True)
def secrets_stay_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the marks of secrets, as in the served pack."""
    monkeypatch.setattr(policy, "deserialize_properties", secret_markers.deserialized)


@pytest.fixture(scope="session")
def empty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyStack]:
    """The stack "production" before its first update, in an emulated account."""
    with standing_stack(tmp_path_factory.mktemp("policies")) as stack:
        yield stack


@pytest.fixture(scope="session")
def deployed_stack(empty_stack: PolicyStack) -> PolicyStack:
    """The same stack after the update of the deployment workflow."""
    empty_stack.deploy()
    return empty_stack
