"""The contract holds for what the real engine puts into an emulated account."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import client_of, emulated
from tests.e2e.sandbox import Sandbox
from tests.infra.permissions import deployed
from tests.infra.permissions.stacks import scope
from tests.infra.permissions.worlds import SERVICE_ACCOUNT, provider

pytestmark = pytest.mark.engine

IDENTITIES: Mapping[str, Mapping[str, str]] = {
    "user": {},
    "irsa": {"service_account": SERVICE_ACCOUNT, "oidc_provider_arn": provider("aws")},
    "pod-identity": {"service_account": SERVICE_ACCOUNT},
}
"""What else a stack has to say for the manager's identity."""
STACKS: Mapping[str, Mapping[str, Any]] = {
    "the defaults": {},
    "results are shared, and the manager is a role for a service account": {
        "instances_read_outputs": True,
        "manager_identity": "irsa",
    },
    "the manager is a role for pods": {"manager_identity": "pod-identity"},
}
"""One after the other in the same account: the user becomes a role, and the role another."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path_factory.mktemp("emulator")) as made:
        yield made


def test_every_row_holds_in_the_account(environment: Mapping[str, str], tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, environment)
    iam = client_of(environment)("iam")
    for name, given in STACKS.items():
        more = IDENTITIES[given.get("manager_identity", "user")]
        sandbox.configure(**given, **more)
        sandbox.up()
        own = replace(scope(given), vpc_id=sandbox.outputs()["vpc_id"])
        assert deployed.wrong(iam, own, given) == [], name
        assert deployed.asked(iam, own, given) > (10 if given else 400)
