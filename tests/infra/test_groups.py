"""Tests that follow each other run in one worker: pytest-xdist takes a group from a test's id."""

import pytest


def test_a_test_carries_its_group_where_workers_share_the_tests(
    request: pytest.FixtureRequest,
) -> None:
    if not hasattr(request.config, "workerinput"):
        pytest.skip("there are no workers")
    assert request.node.nodeid.endswith(f"@{request.path}")
