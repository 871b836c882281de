"""The contract holds for the documents that the real engine puts into an emulated account."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.account import client_of, emulated
from tests.e2e.engine_stack import EngineStack
from tests.infra.permissions import deployed_documents
from tests.infra.permissions.simulated_rows import expected, judge
from tests.infra.permissions.stacks import SERVICE_ACCOUNT, Given, oidc_provider

pytestmark = pytest.mark.engine

TRUSTED: Mapping[str, Given] = {
    "user": {},
    "irsa": {"service_account": SERVICE_ACCOUNT, "oidc_provider_arn": oidc_provider()},
    "pod-identity": {"service_account": SERVICE_ACCOUNT},
}
"""The settings that each identity of the manager needs."""
STACKS: Mapping[str, Given] = {
    "the defaults": {},
    "shared results, and the manager is a role for a service account": {
        "instances_read_outputs": True,
        "manager_identity": "irsa",
    },
    "the manager is a role for pods": {"manager_identity": "pod-identity"},
}
"""One after the other in the same account: the user becomes a role, then the role changes."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path_factory.mktemp("emulator")) as variables:
        yield variables


def test_every_row_holds_in_the_account(environment: Mapping[str, str], tmp_path: Path) -> None:
    sandbox = EngineStack(tmp_path, environment)
    iam = client_of(environment)("iam")
    for name, given in STACKS.items():
        sandbox.configure(**given, **TRUSTED[given.get("manager_identity", "user")])
        sandbox.up()
        outcomes = list(judge(deployed_documents.benches(iam, given, sandbox.outputs()["vpc_id"])))
        broken = [str(row) for row, ours, theirs in outcomes if not ours == theirs == expected(row)]
        assert broken == [], name
        assert len(outcomes) > (10 if given else 400)
