"""The contract holds for the documents that the real engine puts into an emulated account."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import client_of, emulated
from tests.e2e.engine_stack import EngineStack
from tests.infra.permissions import deployed_documents
from tests.infra.permissions.row_verdicts import Identity
from tests.infra.permissions.simulated_rows import expected, judge
from tests.infra.permissions.stacks import (
    SERVICE_ACCOUNT,
    Given,
    identities,
    oidc_provider,
    policy_context,
)
from tests.slices import EVERYTHING

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
"""One after the other in the same account: the user becomes a role, then the role changes.

The last one only with PROVE_ALL; test_deployed.py stores its documents without the engine.
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path_factory.mktemp("emulator")) as variables:
        yield variables


def test_the_account_holds_the_documents_for_which_every_row_holds(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    sandbox = EngineStack(tmp_path, environment)
    iam = client_of(environment)("iam")
    for name, given in [*STACKS.items()][: None if EVERYTHING else -1]:
        sandbox.configure(**given, **TRUSTED[given.get("manager_identity", "user")])
        sandbox.up()
        vpc_id = sandbox.outputs()["vpc_id"]
        in_account = deployed_documents.identities(iam, given)
        written = identities(policy_context(given, vpc_id))
        for who, identity in in_account.items():
            assert documents_of(identity) == documents_of(written[who]), f"{name}: {who}"
        if EVERYTHING:  # test_contract.py judges the same documents
            outcomes = list(judge(deployed_documents.benches(iam, given, vpc_id)))
            broken = [
                str(row) for row, ours, theirs in outcomes if not ours == theirs == expected(row)
            ]
            assert broken == [], name
            assert len(outcomes) > (10 if given else 400)


def documents_of(identity: Identity) -> list[Any]:
    """The policies in any order and under any name, then the boundary and the trust."""
    policies = sorted(identity.policies.values(), key=json.dumps)
    return [*policies, identity.boundary, identity.trust]
