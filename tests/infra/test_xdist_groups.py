"""Tests of one file run in one worker: pytest-xdist reads the group from the end of a test's id."""

import pytest


def test_the_id_of_a_test_ends_with_its_group_under_xdist(
    request: pytest.FixtureRequest,
) -> None:
    if not hasattr(request.config, "workerinput"):
        pytest.skip("runs without workers")
    assert request.node.nodeid.endswith(f"@{request.path}")
