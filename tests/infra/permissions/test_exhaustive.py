"""All of AWS's actions against a reviewed list: nothing else is allowed."""

import pytest

from tests.infra.permissions.exhaustive import GOLDEN, allowed

pytestmark = pytest.mark.proof


def test_the_allowed_actions_of_all_actions_of_aws_are_the_reviewed_list() -> None:
    assert list(allowed()) == GOLDEN.read_text().splitlines()
