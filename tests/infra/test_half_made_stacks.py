"""The program in a destroy, where the engine gives None for outputs of missing resources."""

from typing import Any

import pytest

from tests.infra.conftest import Run

pytestmark = pytest.mark.proof
MOST: dict[str, Any] = {
    "monthly_budget_usd": 100,
    "budget_email": "costs@example.org",
    "cost_allocation_tags": "on",
    "s3_read_buckets": [f"research-bucket-{number:03}" for number in range(150)],
    "allowed_ssh_cidrs": [f"10.{number}.0.0/16" for number in range(70)],
}
ROLE: dict[str, Any] = {"manager_identity": "pod-identity", "service_account": "default/manager"}


@pytest.mark.parametrize(
    "config", [MOST, pytest.param(ROLE, marks=pytest.mark.thorough)], ids=["user", "role"]
)
def test_the_program_runs_for_every_prefix_of_the_creation_order(
    record: Run, config: dict[str, Any]
) -> None:
    urns = [resource.urn for resource in record(**config).resources if resource.custom]
    for count in range(len(urns) + 1):
        standing = urns[:count]
        run = record.in_destroy(standing, **config)
        assert {resource.urn for resource in run.resources if resource.custom} == set(standing)
